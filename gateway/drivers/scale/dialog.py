"""Checkout-Dialog 02, 04 and 06: European checkout scales that show the price themselves (Mettler, Bizerba, Dibal).

Wire:   7O1; Dialog 06 at 9600 baud, 04 at 4800, 02 at 2400. The till sends a record with the price (EOT STX 01 ESC
        price ESC ETX; 03 with a tare, 04 with a text, 05 with both); the scale says ACK, and EOT ENQ asks for the
        result: STX 02 ESC unit ESC weight ESC price ESC total ETX. After NAK, record 08 asks why and 09 tells. EOT
        closes every answer. Dialog 06 may ask for checksums: 11, answered with 10.
Units:  grams in five digits, prices in the currency's minor unit; pounds only if the option lb_decimals says how.
Source: Mettler-Toledo DIVA Service Manual 72191202, 05/2012, pages 52-56; Ohaus Aviator 7000 Service Manual, pages
        38-46; Cely PI100 manual, page 14. The direction of the two rotations: a public Odoo driver of Coop IT Easy.
        How many decimals a weight in pounds has is not said there [MEM]: so pounds are refused until the option tells.

- The checksum (cs) and its check word (kw) are secrets that the maker of the scale gives to the maker of the till,
  under contract. None are in here. Without them a scale that asks is refused, and the text says what to configure.
- A result belongs to the price that was sent: one with another price is an old one and sells nothing. Answers have no
  numbers: those owed from before a command are thrown away, as with other scales.
- A known tare goes with every price from then on, until it is cleared; it is forgotten when the line breaks, and then
  the weight does not say `net`.
"""

from __future__ import annotations

from gateway.drivers.scale import dialog_records as records
from gateway.drivers.scale.dialog_records import ACK, EOT, ETX, NAK, STX, Secrets
from gateway.peripherals import (
    Answer,
    CheckHealth,
    ClearTare,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Line,
    Oddity,
    Output,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    ScaleStatus,
    Send,
    TareScale,
    WakeAt,
    Weight,
)

LONGEST_RECORD = 64
AGAIN_S = 0.2
QUIET_S = 0.25
FORGOTTEN_S = 10.0  # after so long nothing that was asked before can still be on its way
MOST_OWED = 5
MOST_REFUSED = 2  # so often the checksums may be called invalid: the manual has the weighing repeated once
LOOK_AGAIN_S = (1.0, 2.0, 5.0)
KG = b"3"
POUNDS = (b"1", b"2")

#: what record 09 says -> the machine word; 20 and 22 are polled again, the others begin again with the price
STATUSES = {
    "00": "no_result", "01": "broken", "02": "garbled", "10": "not_understood", "11": "bad_price", "12": "bad_tare",
    "13": "bad_text", "20": "unstable", "21": "same_weight", "22": "unstable", "30": "too_light", "31": "under_zero",
    "32": "overweight",
}  # fmt: skip
POLL_AGAIN = ("20", "22")
AT_ONCE = ("not_understood", "bad_price", "bad_tare", "bad_text", "too_light", "under_zero", "overweight")
LIVE = {
    "unstable": ScaleStatus.WEIGHT_UNSTABLE,
    "under_zero": ScaleStatus.WEIGHT_UNDER_ZERO,
    "overweight": ScaleStatus.WEIGHT_OVERWEIGHT,
}
REFUSALS: dict[str, tuple[ErrorCode, str]] = {
    "no_result": (ErrorCode.TIMEOUT, "it has no result yet; weigh again"),
    "unstable": (ErrorCode.TIMEOUT, "the weight does not settle; leave the goods alone, keep off the pan, weigh again"),
    "same_weight": (ErrorCode.EXTENDED, "this weight was already sold; lift the goods and put them down again"),
    "too_light": (ErrorCode.EXTENDED, "less than the smallest weight it may sell; put the goods on, or more of them"),
    "under_zero": (ErrorCode.EXTENDED, "below zero; put the pan on, empty it, press zero"),
    "overweight": (ErrorCode.EXTENDED, "more than the scale's capacity; take goods off and weigh in two parts"),
    "bad_price": (ErrorCode.ILLEGAL, "the scale refuses this unit price; check the price and the option price_digits"),
    "bad_tare": (ErrorCode.ILLEGAL, "the scale refuses this tare; clear it, or use a lighter container"),
    "bad_text": (ErrorCode.ILLEGAL, "the scale refuses the article's text"),
    "not_understood": (
        ErrorCode.FAILURE,
        "the scale does not know this record; check its set-up and the option dialog",
    ),
    "unit": (ErrorCode.FAILURE, "it weighs in pounds; set the option lb_decimals, or the scale to kilograms"),
    "no_secret": (
        ErrorCode.FAILURE,
        "the scale asks for checksums; set the options cs and kw as the maker of the scale gave them to you, "
        "or have its checksums switched off",
    ),
    "wrong_secret": (ErrorCode.FAILURE, "the scale does not accept the checksums; check the options cs and kw"),
    "broken": (ErrorCode.FAILURE, "the scale reports an error of its own; switch it off and on, then call service"),
    "garbled": (ErrorCode.FAILURE, "answers that make no sense; check baud, parity and the option dialog"),
    "silent": (ErrorCode.TIMEOUT, "no answer; check the scale's power and cable, and its baud rate"),
}


class DialogScale:
    def __init__(
        self,
        *,
        dialog: str = "06",
        price_digits: int = 6,
        send_text: bool = True,
        cs: str = "",
        kw: str = "",
        lb_decimals: int = 0,
        reply_s: float = 0.5,
    ) -> None:
        if dialog not in ("02", "04", "06"):
            raise ValueError(f"dialog {dialog!r} is none of 02, 04, 06")
        if price_digits not in (5, 6):
            raise ValueError(f"price_digits {price_digits!r} is neither 5 nor 6")
        if lb_decimals not in (0, 2, 3):
            raise ValueError(f"lb_decimals {lb_decimals!r} is none of 0, 2, 3")
        self.dialog, self.price_digits, self.send_text = dialog, price_digits, send_text
        self.lb_decimals, self.reply_s = lb_decimals, reply_s
        self._secrets = Secrets.parse(cs, kw)
        self._tare = 0
        self._frame = bytearray()
        self._junk = False
        self._command: Command | None = None
        self._deadline = 0.0
        self._worst = "silent"
        self._price = b""
        self._text = ""
        self._refused_sums = 0
        self._waiting = ""  # for the answer to: price, poll, status, sums, verdict
        self._message = b""
        self._ask_at: float | None = 0.0  # the first on_time asks whether a scale is there
        self._reply_by: float | None = None
        self._sent_at = 0.0
        self._owed = self._stale = 0
        self._power = Power.UNKNOWN
        self._silences = 0
        self._told: float | None = None

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case TareScale(grams=int(grams)) if 0 <= grams <= 9999:
                self._tare = grams
                return [Answer(command.number)]
            case ClearTare():
                self._tare = 0
                return [Answer(command.number)]
            case ReadWeight(unit_price_minor=price, text=text):
                if not 0 <= (price or 0) < 10**self.price_digits:
                    return [self._refusal(command, "bad_price")]
                self._price = b"%0*d" % (self.price_digits, price or 0)
                self._text = records.shown_text(text) if self.send_text else ""
            case TareScale():
                return [self._refusal(command, "bad_tare")]
            case CheckHealth():
                pass
            case _:
                text = "a scale of Checkout-Dialog cannot do this from here; use its own keys"
                return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", text)]
        self._command, self._deadline, self._worst = command, now + command.timeout_s, "silent"
        self._reply_by, self._waiting, self._refused_sums = None, "", 0
        if now - self._sent_at > FORGOTTEN_S:
            self._owed = 0
        self._forget()
        if self._stale:
            self._ask_at = now + QUIET_S
            return self._wake()
        return [*self._begin(now), *self._wake()]

    def _refusal(self, command: Command, reason: str) -> Refusal:
        code, text = REFUSALS[reason]
        return Refusal(command.number, code, reason, text)

    def _forget(self) -> None:
        """Whatever is still owed answers a question that no longer stands."""
        self._stale = self._owed = min(self._owed, MOST_OWED)

    def _begin(self, now: float) -> list[Output]:
        """The first message of a command, or the question of an idle line."""
        if not self._command or isinstance(self._command.request, CheckHealth):
            return self._say("status", records.ASK_STATUS, now)
        tare = b"%04d" % self._tare if self._tare else b""
        return self._say("price", records.price_record(self._price, tare, self._text), now)

    def _say(self, waiting: str, message: bytes, now: float) -> list[Output]:
        self._waiting, self._message = waiting, message
        self._ask_at, self._reply_by, self._sent_at = None, now + self.reply_s, now
        self._owed += 1
        return [Send(message)]

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        self._told = None  # that alarm has rung; the same second may be wanted once more
        outputs: list[Output] = []
        if self._command and now >= self._deadline:
            outputs += self._refuse(self._command, self._worst, now)
        elif self._reply_by is not None and now >= self._reply_by:
            outputs += self._unanswered(now)
        elif self._ask_at is not None and now >= self._ask_at:
            outputs += self._poll(now) if self._waiting == "poll" else self._begin(now)
        return outputs + self._wake()

    def _poll(self, now: float) -> list[Output]:
        return self._say("poll", records.ASK_RESULT, now)

    def _unanswered(self, now: float) -> list[Output]:
        self._reply_by = None
        if self._command:
            # The same once more: a record that arrived twice only shows the same price again.
            return self._say(self._waiting, self._message, now)
        self._forget()
        return self._silence(now)

    def _silence(self, now: float) -> list[Output]:
        self._waiting = ""
        self._ask_at = now + LOOK_AGAIN_S[min(self._silences, len(LOOK_AGAIN_S) - 1)]
        self._silences += 1
        return self._power_is(Power.OFF)

    def _refuse(self, command: Command, reason: str, now: float) -> list[Output]:
        self._rest()
        self._forget()
        return [self._refusal(command, reason), *(self._silence(now) if reason == "silent" else [])]

    def _rest(self) -> None:
        self._command, self._ask_at, self._reply_by, self._waiting = None, None, None, ""

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        timers = (self._ask_at, self._reply_by, self._deadline if self._command else None)
        at = min((timer for timer in timers if timer is not None), default=None)
        if at is None or at == self._told:
            return []
        self._told = at
        return [WakeAt(at)]

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            outputs += self._byte(bytes([byte & 0x7F]), now)
        if self._stale and self._ask_at is not None and self._command:
            self._ask_at = now + QUIET_S
        return outputs + self._wake()

    def _byte(self, byte: bytes, now: float) -> list[Output]:
        frame = self._frame
        if byte == STX or (not frame and byte in (ACK, NAK)):
            torn, self._frame = bytes(frame), bytearray(byte if byte == STX else b"")
            self._junk = False
            return (self._odd(torn) if torn else []) + (self._answered(byte, now) if byte != STX else [])
        if not frame:
            first, self._junk = not self._junk, True
            return self._odd(byte) if first else []
        frame += byte
        if byte == ETX:
            body, self._frame = bytes(frame[1:-1]), bytearray()
            return self._answered(body, now)
        if len(frame) > LONGEST_RECORD:
            torn, self._frame = bytes(frame), bytearray()
            return self._odd(torn)
        return []

    def _odd(self, data: bytes) -> list[Output]:
        if self._worst == "silent":
            self._worst = "garbled"
        return [Oddity("not an answer of Checkout-Dialog", data)]

    def _answered(self, body: bytes, now: float) -> list[Output]:
        """One whole answer: close it with EOT, count it, and use it only if it answers the present question."""
        closed: list[Output] = [Send(EOT)]
        if self._owed == 0:
            return [*closed, Oddity("an answer that nobody asked for", body)]
        self._owed -= 1
        if self._stale:
            self._stale -= 1
            if self._reply_by is not None:
                # Perhaps the old answer was lost and this was the new one: begin again rather than guess.
                self._reply_by, self._waiting, self._ask_at = None, "", now + AGAIN_S
            return closed
        self._silences = 0
        return [*closed, *self._power_is(Power.ONLINE), *self._use(body, now)]

    # --- the dialog -----------------------------------------------------------------------------------------

    def _use(self, body: bytes, now: float) -> list[Output]:
        waiting, command = self._waiting, self._command
        if waiting == "status" and (status := records.STATUS.fullmatch(body)):
            return self._status(status[1].decode("ascii"), now)
        if command is None:
            self._reply_by = None  # whatever it says, it is there
            return [] if body in (ACK, NAK) else self._odd(body)
        if body == ACK and waiting in ("price", "sums"):
            return self._say("poll" if waiting == "price" else "verdict", records.ASK_RESULT, now)
        if body == NAK and waiting != "status":
            return self._say("status", records.ASK_STATUS, now)
        if waiting == "poll" and (result := records.RESULT.fullmatch(body)):
            return self._result(command, body, (result[1], result[2], result[3], result[4]), now)
        return self._checksums(command, body, now)

    def _checksums(self, command: Command, body: bytes, now: float) -> list[Output]:
        """Record 11: the scale wants to know the checksums, or says what it thinks of them."""
        challenge = self.dialog == "06" and self._waiting in ("price", "poll") and records.CHALLENGE.fullmatch(body)
        if challenge and not self._secrets.pairs:
            return self._refuse(command, "no_secret", now)
        if challenge:
            return self._say("sums", self._secrets.record(challenge[1]), now)
        verdict = self._waiting == "verdict" and records.VERDICT.fullmatch(body)
        if not verdict:
            return self._odd(body)
        self._refused_sums += verdict[1] == b"0"
        if self._refused_sums >= MOST_REFUSED:
            return self._refuse(command, "wrong_secret", now)
        return self._begin(now)

    def _status(self, status: str, now: float) -> list[Output]:
        """Record 09: the answer to CheckHealth, or why there is no result."""
        self._reply_by, self._waiting = None, ""
        reason = STATUSES.get(status, "broken")
        command = self._command
        if command is None:
            return []
        if isinstance(command.request, CheckHealth):
            self._rest()
            live = LIVE.get(reason, ScaleStatus.NOT_READY)
            seen = Weight(None, stable=False, net=bool(self._tare), status=live, at=now)
            return [Answer(command.number, seen if reason in LIVE else None)]
        if reason == "bad_text" and self._text:
            self._text = ""  # a scale without a display for it
            return self._begin(now)
        self._worst = reason
        if reason in AT_ONCE:
            return self._refuse(command, reason, now)
        self._waiting, self._ask_at = "poll" if status in POLL_AGAIN else "", now + AGAIN_S
        return []

    def _result(
        self, command: Command, body: bytes, fields: tuple[bytes, bytes, bytes, bytes], now: float
    ) -> list[Output]:
        """Record 02: the weight, if it belongs to the price that was sent."""
        unit, digits, price, total = fields
        if int(price) != int(self._price):
            return self._odd(body)
        if unit != KG and not (unit in POUNDS and self.lb_decimals):
            return self._refuse(command, "unit", now)
        grams = int(digits)
        if unit != KG:
            scale = 10**self.lb_decimals * 100_000  # a pound is 45359237 of 100000 parts of a gram
            grams = (2 * grams * 45_359_237 + scale) // (2 * scale)
        status = ScaleStatus.STABLE_WEIGHT if grams else ScaleStatus.WEIGHT_ZERO
        counted = int(total) if int(price) else None
        weight = Weight(grams, stable=True, net=bool(self._tare), status=status, at=now, price_minor=counted)
        self._rest()
        return [weight, Answer(command.number, weight)]


DRIVER = Driver(
    name="scale-dialog",
    device_class=DeviceClass.SCALE,
    codec=DialogScale,
    line=Line(9600, 7, "O"),
    options={
        "dialog": "02 (baud=2400 in the url), 04 (baud=4800) or 06, as the scale is set (default 06)",
        "price_digits": "digits of a unit price: 5 or 6, as the scale is set (default 6)",
        "send_text": "show the article's text on the scale, 13 characters of it (default true)",
        "cs": "the till's checksums from the scale's maker: 4 hexadecimal digits, up to 5 with commas (default none)",
        "kw": "the check words that go with cs, in the same form and number (default none)",
        "lb_decimals": "decimals of a weight in pounds: 2 or 3; 0 refuses pounds (default 0)",
        "reply_s": "seconds after which an unanswered message is sent again (default 0.5)",
    },
)
