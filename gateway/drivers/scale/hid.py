"""USB scales of the HID point-of-sale class (usage page 8D): Dymo, Pitney Bowes, Mettler-Toledo, Fairbanks, Stamps.com.

Wire:   the records of gateway/peripherals/reports.py. The codec asks for the report descriptor (D) and reads from it
        where status, unit, power of ten and weight stand; the scale then sends input reports (I) by itself. Zero is a
        bit of the control report, an output (O) or a feature (S) as the descriptor says.
Units:  what the report says: mg, g, kg, carat, grain, pennyweight, tonne, ton, troy ounce, ounce, pound, times a power
        of ten; whole grams everywhere else, exact to the half gram, half up. A tael is not one weight: it is refused.
Source: USB-IF HID Point of Sale Usage Tables 1.02, chapter 5 (usages 8D:20 to 8D:81); a Pitney Bowes descriptor as a
        public emulator carries it, in which the zero command is the report 02 02; Dymo reports as published
        (03 02 0B FF ...). That the first report after opening may be an old one is known of Dymo scales [MEM].

Two traps, and what this driver does about them:

- The first report may be what lay on the pan before the line was opened: one that comes at once is thrown away.
- Some scales report only when the weight changes, and nobody can ask them: without a report since the command there is
  no weight, and the text says to lift the goods.
"""

from __future__ import annotations

from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Oddity,
    Output,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    Request,
    ScaleStatus,
    Send,
    WakeAt,
    Weight,
    ZeroScale,
)
from gateway.peripherals.hid_descriptor import BadDescriptor, Field, Layout, Report, parse
from gateway.peripherals.reports import Record, Records, pack

PAGE = 0x8D0000
WEIGHT, SCALING, ZERO = PAGE | 0x40, PAGE | 0x41, PAGE | 0x80
UNIT_USAGES, STATUS_USAGES = range(PAGE | 0x51, PAGE | 0x5D), range(PAGE | 0x71, PAGE | 0x79)
#: usage -> one of it in grams, as a fraction; the pound is 453.59237 g, the grain a 7000th of it
UNITS = {
    0x51: (1, 1000),  # milligram
    0x52: (1, 1),
    0x53: (1000, 1),  # kilogram
    0x54: (1, 5),  # carat
    0x56: (6_479_891, 100_000_000),  # grain
    0x57: (155_517_384, 100_000_000),  # pennyweight, 24 grains
    0x58: (1_000_000, 1),  # metric tonne
    0x59: (90_718_474, 100),  # short ton, 2000 lb
    0x5A: (311_034_768, 10_000_000),  # troy ounce, 480 grains
    0x5B: (28_349_523_125, 1_000_000_000),  # ounce
    0x5C: (45_359_237, 100_000),  # pound
}
STATUSES = {
    0x71: (ScaleStatus.NOT_READY, "broken"),
    0x72: (ScaleStatus.WEIGHT_ZERO, ""),
    0x73: (ScaleStatus.WEIGHT_UNSTABLE, "unstable"),
    0x74: (ScaleStatus.STABLE_WEIGHT, ""),
    0x75: (ScaleStatus.WEIGHT_UNDER_ZERO, "under_zero"),
    0x76: (ScaleStatus.WEIGHT_OVERWEIGHT, "overweight"),
    0x77: (ScaleStatus.NOT_READY, "not_calibrated"),
    0x78: (ScaleStatus.NOT_READY, "outside_zero"),
}
#: 10^12 of the smallest unit is beyond every shop's scale: a bigger exponent is noise
MOST_TENS = 12

STALE_S = 0.5  # a report that was waiting in the scale comes at once
LOOK_AGAIN_S = (1.0, 2.0, 5.0)

REFUSALS: dict[str, tuple[ErrorCode, str]] = {
    "unstable": (ErrorCode.TIMEOUT, "the weight does not settle; leave the goods alone, keep off the pan, weigh again"),
    "overweight": (ErrorCode.EXTENDED, "more than the scale's capacity; take goods off and weigh in two parts"),
    "under_zero": (ErrorCode.EXTENDED, "below zero; put the pan on, empty it, press zero"),
    "outside_zero": (ErrorCode.EXTENDED, "it wants to be zeroed; empty the pan, press zero"),
    "not_calibrated": (ErrorCode.EXTENDED, "it says that it must be calibrated; take it out of use and call service"),
    "broken": (ErrorCode.FAILURE, "the scale reports a fault of its own; unplug it and plug it in, then call service"),
    "not_zeroed": (ErrorCode.EXTENDED, "it does not go to zero; empty the pan, wait, press zero again"),
    "no_zero": (ErrorCode.ILLEGAL, "this scale cannot be zeroed from here; press the key on the scale itself"),
    "no_report": (ErrorCode.TIMEOUT, "it said nothing since it was asked; lift the goods and put them down again"),
    "no_scale": (ErrorCode.FAILURE, "this USB device does not describe a scale; check the device's url"),
    "garbled": (ErrorCode.FAILURE, "reports that make no sense; update the scale, or give it another driver"),
    "silent": (ErrorCode.TIMEOUT, "no answer; check the scale's USB cable, and that it has not switched itself off"),
}
AT_ONCE = ("overweight", "under_zero", "outside_zero", "not_calibrated", "broken")  # no waiting mends these


def grams_of(count: int, tens: int, unit: int) -> int | None:
    """count * 10^tens of the unit with this usage (0x51 to 0x5C), half up; None for a unit or a power unknown here."""
    fraction = UNITS.get(unit & 0xFF)
    if fraction is None or abs(tens) > MOST_TENS or count < 0:
        return None
    power: int = 10 ** abs(tens)
    numerator = count * fraction[0] * (power if tens > 0 else 1)
    denominator = fraction[1] * (power if tens < 0 else 1)
    return (2 * numerator + denominator) // (2 * denominator)


class HidScale:
    def __init__(self, *, reply_s: float = 1.0) -> None:
        self.reply_s = reply_s
        self._records = Records()
        self._junk = False
        self._layout: Layout | None = None
        self._layout_at = 0.0
        self._zero: Field | None = None
        self._first = True  # no report yet since the line was opened
        self._last: tuple[int | None, ScaleStatus] | None = None
        self._command: Command | None = None
        self._deadline = 0.0
        self._worst = "silent"
        self._ask_at: float | None = 0.0
        self._power = Power.UNKNOWN
        self._silences = 0
        self._told: float | None = None

    # --- commands and time ----------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        if not isinstance(command.request, ReadWeight | ZeroScale | CheckHealth):
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a USB scale cannot do this")]
        if isinstance(command.request, ZeroScale) and self._layout and not self._zero:
            return [Refusal(command.number, REFUSALS["no_zero"][0], "no_zero", REFUSALS["no_zero"][1])]
        self._command, self._deadline = command, now + command.timeout_s
        self._worst = "no_report" if self._layout else "silent"
        outputs: list[Output] = []
        if isinstance(command.request, ZeroScale):
            outputs += self._press_zero()
        if isinstance(command.request, CheckHealth) or not self._layout:
            outputs.append(Send(pack("D", b"")))
        return outputs + self._wake()

    def _press_zero(self) -> list[Output]:
        layout, zero = self._layout, self._zero
        if layout is None or zero is None:
            return []
        self._worst = "not_zeroed"
        try:
            report = layout.build(zero.kind, zero.report_id, {ZERO: 1})
        except ValueError as contradiction:
            return [Oddity(f"the descriptor contradicts itself: {contradiction}")]
        return [Send(pack("O" if zero.kind == "output" else "S", report))]

    def on_time(self, now: float) -> list[Output]:
        self._told = None  # that alarm has rung; the same second may be wanted once more
        outputs: list[Output] = []
        if self._command and now >= self._deadline:
            outputs += self._refuse(self._command, self._worst)
        elif self._ask_at is not None and now >= self._ask_at:
            outputs += self._look(now)
        return outputs + self._wake()

    def _look(self, now: float) -> list[Output]:
        """Ask for the descriptor; from the second time on, the device is taken for gone."""
        outputs: list[Output] = [Send(pack("D", b""))]
        if self._silences:
            outputs += self._power_is(Power.OFF)
        wait_s = LOOK_AGAIN_S[min(self._silences, len(LOOK_AGAIN_S)) - 1] if self._silences else self.reply_s
        self._silences += 1
        self._ask_at = now + wait_s
        return outputs

    def _refuse(self, command: Command, reason: str) -> list[Output]:
        self._command = None
        code, text = REFUSALS[reason]
        return [Refusal(command.number, code, reason, text)]

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        timers = (self._ask_at, self._deadline if self._command else None)
        at = min((timer for timer in timers if timer is not None), default=None)
        if at is None or at == self._told:
            return []
        self._told = at
        return [WakeAt(at)]

    # --- records --------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            skipped = self._records.skipped
            for record in self._records.feed(bytes([byte])):
                self._junk = False
                outputs += self._record(record, now)
            if self._records.skipped > skipped and not self._junk:
                self._junk = True
                outputs += self._odd("bytes that are no HID record", bytes([byte]))
        return outputs + self._wake()

    def _odd(self, text: str, data: bytes) -> list[Output]:
        if self._worst in ("silent", "no_report"):
            self._worst = "garbled"
        return [Oddity(text, data[:64])]

    def _record(self, record: Record, now: float) -> list[Output]:
        if record.kind == "D":
            return self._described(record.payload, now)
        if record.kind != "I":
            return []
        report = self._layout.read(record.payload) if self._layout else None
        if report is None:
            return self._odd("a report that the descriptor does not know", record.payload)
        if not report.values(WEIGHT) and not self._chosen(report, STATUS_USAGES):
            return []  # a report about something else, such as statistics
        stale = self._first and now - self._layout_at < STALE_S
        self._first = False
        return [] if stale else self._weighed(report, record.payload, now)

    def _described(self, descriptor: bytes, now: float) -> list[Output]:
        try:
            layout = parse(descriptor)
        except BadDescriptor as problem:
            return self._no_scale(f"a report descriptor that cannot be read: {problem}", descriptor)
        if layout.find(WEIGHT, "input") is None:
            return self._no_scale("a report descriptor without a weight", descriptor)
        known, self._layout = self._layout, layout
        self._zero = layout.find(ZERO, "output") or layout.find(ZERO, "feature")
        self._ask_at, self._silences = None, 0
        outputs = self._power_is(Power.ONLINE)
        if known is None:
            self._layout_at = now
        command = self._command
        if command is None:
            return outputs
        if isinstance(command.request, CheckHealth):
            self._command = None
            return [*outputs, Answer(command.number)]
        if known is None:
            self._worst = "no_report"
            if isinstance(command.request, ZeroScale):
                outputs += self._press_zero() if self._zero else self._refuse(command, "no_zero")
        return outputs

    def _no_scale(self, text: str, descriptor: bytes) -> list[Output]:
        outputs: list[Output] = [Oddity(text, descriptor[:64])]
        return outputs + (self._refuse(self._command, "no_scale") if self._command else [])

    # --- weights --------------------------------------------------------------------------------------------

    def _chosen(self, report: Report, usages: range) -> int | None:
        return next((usage for usage in report.chosen() if usage in usages), None)

    def _weighed(self, report: Report, payload: bytes, now: float) -> list[Output]:
        weight, reason = self._weight(report, now)
        if weight is None:
            return self._odd(reason, payload)
        outputs: list[Output] = []
        if (weight.grams, weight.status) != self._last:  # scales repeat themselves ten times a second
            self._last = (weight.grams, weight.status)
            outputs.append(weight)
        return outputs + (self._use(self._command, weight, reason) if self._command else [])

    def _weight(self, report: Report, now: float) -> tuple[Weight, str] | tuple[None, str]:
        """The weight and the reason to refuse it ("" for a legal one); or no weight, and what is odd."""
        stands_at = self._chosen(report, STATUS_USAGES)
        if stands_at is None:
            return None, "a report without a status"
        status, reason = STATUSES[stands_at & 0xFF]
        grams = None
        if not reason:
            tens, unit = report.value(SCALING) or 0, self._chosen(report, UNIT_USAGES)
            # Signed, whatever bounds the descriptor gives.
            tens = tens - 256 if tens > 127 else tens
            count = report.value(WEIGHT)
            grams = grams_of(count, tens, unit) if count is not None and unit else None
            if grams is None:
                return None, "a weight in a unit that is not known here"
            if status is ScaleStatus.WEIGHT_ZERO and grams:
                return None, "a zero that is not zero"
            status = status if grams else ScaleStatus.WEIGHT_ZERO
        return Weight(grams, stable=not reason, net=False, status=status, at=now), reason

    def _use(self, command: Command, weight: Weight, reason: str) -> list[Output]:
        """End the command with this report, or wait for the next one."""
        if _done(command.request, weight):
            self._command = None
            return [Answer(command.number, weight)]
        if isinstance(command.request, ZeroScale):
            reason = reason or "not_zeroed"
        self._worst = reason
        if reason in AT_ONCE and isinstance(command.request, ReadWeight):
            return self._refuse(command, reason)
        return []


def _done(request: Request, weight: Weight) -> bool:
    match request:
        case CheckHealth():
            return True
        case ZeroScale():
            return weight.grams == 0
    return weight.grams is not None


DRIVER = Driver(
    name="scale-hid",
    device_class=DeviceClass.SCALE,
    codec=HidScale,
    identities=(
        "usb:0922:8003", "usb:0922:8004", "usb:0922:8009",  # Dymo
        "usb:0d8f:0200",  # Pitney Bowes
        "usb:0eb8:2200", "usb:0eb8:f000",  # Mettler-Toledo
        "usb:0b67:555e",  # Fairbanks
        "usb:1446:6a73",  # Stamps.com
        "usb:2474:0550", "usb:2474:3550", "usb:6096:0158", "usb:7b7c:0100",
    ),
    options={"reply_s": "seconds after which an unanswered question for the descriptor is asked again (default 1.0)"},
)  # fmt: skip
