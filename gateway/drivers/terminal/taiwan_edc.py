"""Taiwan's card terminals with a fixed-length record: NCCC, Taishin, and the 144 bytes of most other banks.

Wire:   STX data ETX LRC, LRC the XOR of data and ETX. The terminal answers a request with ACK or NAK, later with a
        record of the same length; the till answers that with two ACK or two NAK. Line by layout, in the URL:
        majority-144 9600 7E1 (Sagem 19200), as320-144 and nccc-400 9600 8N1, taishin-400 115200 8N1.
Units:  twelve digits with two decimals implied; minor units everywhere else.
Source: the implementations in taiwan_layouts.py for frame, fields, link and response codes; ECPay's developer pages
        (p=32622, 32645) for the times and the kind of record. How an inquiry (type 62) says that there is no such
        payment is told by no public text: none_codes [MEM]; so is that a void is type 30, told by one source.

How a payment is kept single: the request is repeated after NAK only, when the terminal has said that it did not take
it, and when a second of silence bears that out: one byte of noise may look like NAK, and then ACK follows. No ACK
proves nothing: the terminal may have it, so silence ends as `unknown`. A record has no number of its own; it must bear
the type and the amount that were asked, and after a payment whose answer was lost no other is taken on this line until
the inquiry, or the late record itself, told what became of it, or until no terminal could still be at it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from operator import xor

from gateway.drivers.terminal.masking import cleaned, masked
from gateway.drivers.terminal.taiwan_layouts import CARD_TYPES, ENDS, LAYOUTS
from gateway.peripherals import (
    Answer,
    Command,
    DeviceClass,
    Driver,
    EndOfDay,
    ErrorCode,
    KeepResult,
    Line,
    Oddity,
    Output,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentPhase,
    PaymentProgress,
    PaymentResult,
    Power,
    PowerChanged,
    Refusal,
    ResolvePayment,
    Send,
    TerminalReport,
    WakeAt,
)
from retail.units import exponent

STX, ETX, ACK, NAK = 0x02, 0x03, 0x06, 0x15
SENDS = 3  # of one request, and of one answer
GAP_S = 1.0  # a record that stops for so long has lost a byte
QUIET_S = 1.0  # behind a NAK, before the request is repeated
LONGEST_S = 300.0  # no terminal is at one payment for so long; Taishin's asks for 250
TYPES = {PaymentKind.SALE: "01", PaymentKind.REFUND: "02"}
INQUIRY, SETTLEMENT = "62", "50"
AMOUNT = re.compile(r"[0-9]{12}", re.ASCII)
TIMER = re.compile(r"[0-9]{4}", re.ASCII)
WHEN = re.compile(r"[0-9]{12}", re.ASCII)
ASKED_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
REFERENCE = re.compile(r"([0-9A-Za-z]{1,6})-([0-9A-Za-z]{0,9})", re.ASCII)

UNKNOWN = "no answer to the payment; the terminal is asked what became of it: do not take it again"


class TaiwanEdc:
    def __init__(
        self,
        *,
        layout: str = "nccc-400",
        host: str = "",
        store: str = "",
        utc_offset_h: int = 8,
        answer_s: float = 75.0,
        none_codes: str = "",
    ) -> None:
        if layout not in LAYOUTS:
            raise ValueError(f"layout {layout!r} is none of {', '.join(LAYOUTS)}")
        self.layout, self.answer_s = LAYOUTS[layout], answer_s
        self._always = {name: value for name, value in (("host", host), ("store", store)) if value}
        self.layout.request(**self._always)  # a value that does not fit is told now
        self._zone = timezone(timedelta(hours=utc_offset_h))
        self._none_codes = tuple(code for code in re.split(r"[ ,]+", none_codes) if code)
        self._command: Command | None = None
        self._frame = b""
        self._type = ""
        self._sends = self._bad = 0
        self._accepted = self._heard = False
        self._deadline = self._last = 0.0
        self._buffer = bytearray()
        self._gap_at: float | None = None
        self._again_at: float | None = None
        self._doubt: Pay | None = None  # its answer was lost
        self._doubt_until = 0.0
        self._late: PaymentResult | None = None  # and came after all
        self._power = Power.UNKNOWN

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        number, request = command.number, command.request
        if isinstance(request, KeepResult):
            return [Answer(number)]  # nothing here is held
        if not isinstance(request, Pay | ResolvePayment | EndOfDay):
            text = "this kind of terminal cannot be asked that; use its own keys"
            return [Refusal(number, ErrorCode.ILLEGAL, "unsupported", text)]
        if self._doubt is not None and now < self._doubt_until and not isinstance(request, ResolvePayment):
            text = "what became of the payment before is not known; ask the terminal for it first"
            return [Refusal(number, ErrorCode.BUSY, "unresolved", text)]
        if isinstance(request, ResolvePayment) and self._late and self._late.payment_id == request.payment_id:
            late, self._late, self._doubt = self._late, None, None
            return [Answer(number, late)]
        try:
            data = self._data(request)
        except ValueError as problem:
            return [Refusal(number, ErrorCode.ILLEGAL, "impossible", str(problem))]
        self._frame = framed(data)
        # What lies half read is about something else. Its rest may still come and may hold a byte like NAK: then the
        # request was taken, and sending it again would be a second charge.
        self._heard = bool(self._buffer)
        self._buffer.clear()
        self._gap_at = self._again_at = None
        self._command, self._sends, self._bad, self._accepted = command, 1, 0, False
        self._last = now + command.timeout_s
        self._deadline = min(self._last, now + self.answer_s)
        return [Send(self._frame), *self._wake()]

    def _data(self, request: Pay | ResolvePayment | EndOfDay) -> bytes:
        match request:
            case EndOfDay():
                self._type = SETTLEMENT
                return self.layout.request(type=SETTLEMENT, **self._always)
            case ResolvePayment():
                self._type, kind = INQUIRY, self._type_of(request.kind)
                values = {"start_type": kind} if "start_type" in self.layout.fields else {}
            case Pay():
                self._type = self._type_of(request.kind)
                values = self._of_original(request)
        amount = {"amount": self._amount(request), **self._when(request.asked_at)}
        return self.layout.request(type=self._type, **self._always, **amount, **values)

    def _type_of(self, kind: PaymentKind) -> str:
        if kind is PaymentKind.REVERSAL and not self.layout.void:
            raise ValueError("a payment is undone at this terminal itself; or give the money back as a refund")
        return self.layout.void if kind is PaymentKind.REVERSAL else TYPES[kind]

    def _of_original(self, pay: Pay) -> dict[str, str]:
        """A refund bears the approval code of what it gives back, a void its receipt number."""
        original = REFERENCE.fullmatch(pay.original)
        if pay.kind is PaymentKind.REVERSAL and original is None:
            raise ValueError("a reversal wants the reference of the payment that it undoes")
        if original is None:
            return {}
        return {"receipt": original[1]} if pay.kind is PaymentKind.REVERSAL else {"approval": original[2]}

    def _amount(self, request: Pay | ResolvePayment) -> str:
        decimals = exponent(request.currency)
        if decimals > 2 or not 0 < request.amount_minor < 10 ** (10 + decimals):
            raise ValueError(f"{request.amount_minor} {request.currency} does not fit ten digits and two decimals")
        return f"{request.amount_minor * 10 ** (2 - decimals):012d}"

    def _when(self, asked_at: str) -> dict[str, str]:
        """The till's time, by the clock on the shop's wall; blank if nobody told it."""
        if not ASKED_AT.fullmatch(asked_at):
            return {}
        local = datetime.fromisoformat(asked_at[:-1]).replace(tzinfo=UTC).astimezone(self._zone)
        return {"date": local.strftime("%y%m%d"), "time": local.strftime("%H%M%S")}

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self._power is Power.UNKNOWN:
            # An open line is all that can be known: asked anything, the terminal would begin a transaction.
            outputs += self._power_is(Power.ONLINE)
        if self._gap_at is not None and now >= self._gap_at:
            outputs += self._bad_record("a record that stopped in the middle", now)
        if self._again_at is not None and now >= self._again_at:
            outputs += self._again()
        if self._command is not None and now >= self._deadline:
            outputs += self._lost(self._command, ErrorCode.TIMEOUT, "silent", now)
            outputs += [] if self._accepted else self._power_is(Power.OFF)
        return outputs + self._wake()

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        deadline = self._deadline if self._command else None
        times = [at for at in (self._gap_at, self._again_at, deadline) if at is not None]
        return [WakeAt(min(times))] if times else []

    def _lost(self, command: Command, code: ErrorCode, reason: str, now: float) -> list[Output]:
        """Nothing to rely on came. A payment may have been made: even its ACK may have been lost on the way."""
        self._command = self._again_at = None
        if isinstance(command.request, Pay):
            self._doubt, self._late, self._doubt_until = command.request, None, now + LONGEST_S
            return [Refusal(command.number, code, "unknown", UNKNOWN, begun=True)]
        text = "no answer; check the terminal's power and cable, and that it shows its first screen"
        begun = isinstance(command.request, EndOfDay)
        return [Refusal(command.number, code, reason, text, begun=begun)]

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            outputs += self._byte(byte & 0x7F if self.layout.seven_bits else byte, now)
        self._gap_at = now + GAP_S if self._buffer else None
        return outputs + self._wake()

    def _byte(self, byte: int, now: float) -> list[Output]:
        if self._buffer or byte == STX:
            # By length and not by ETX: any byte of a record, and its LRC too, may look like one.
            self._buffer.append(byte)
            self._heard, self._again_at = True, None
            return self._record(now) if len(self._buffer) == self.layout.length + 3 else []
        if byte == ACK and self._command is not None and not self._accepted:
            self._accepted, self._again_at = True, None
            outputs, request = self._power_is(Power.ONLINE), self._command.request
            if isinstance(request, Pay):
                outputs.append(PaymentProgress(request.payment_id, PaymentPhase.ACCEPTED))
            return outputs
        if byte == NAK and self._command is not None and not self._accepted and not self._heard:
            return self._not_taken(self._command, now)
        # A byte that is none of these is noise, and a NAK in noise must not charge a card a second time.
        if byte not in (ACK, NAK):
            self._heard, self._again_at = True, None
        return []

    def _not_taken(self, command: Command, now: float) -> list[Output]:
        """NAK: it did not take the request, so the very same one may be sent again once the line stayed quiet."""
        if self._sends < SENDS:
            self._again_at = self._again_at or now + QUIET_S
            return []
        self._command = self._again_at = None
        text = "the terminal does not take the request; check baud, parity and the option layout"
        return [Refusal(command.number, ErrorCode.FAILURE, "not_taken", text)]

    def _again(self) -> list[Output]:
        self._again_at = None
        if self._command is None:
            return []
        self._sends += 1
        return [Send(self._frame)]

    def _record(self, now: float) -> list[Output]:
        frame = bytes(self._buffer)
        if frame[-2] != ETX or framed(frame[1:-2]) != frame:
            return self._bad_record("a record with a wrong check byte", now)
        self._buffer.clear()
        return [Send(bytes([ACK, ACK])), *self._power_is(Power.ONLINE), *self._read(frame[1:-2], now)]

    def _bad_record(self, what: str, now: float) -> list[Output]:
        self._buffer.clear()
        self._gap_at = None
        self._bad += 1
        outputs: list[Output] = [Oddity(what)]
        if self._bad < SENDS:
            return [*outputs, Send(bytes([NAK, NAK]))]
        if self._command is not None:
            outputs += self._lost(self._command, ErrorCode.FAILURE, "garbled", now)
        return outputs

    # --- records --------------------------------------------------------------------------------------------

    def _read(self, data: bytes, now: float) -> list[Output]:
        """A whole record: for the command under way, or the late word about the payment that is in doubt."""
        self._accepted = True
        request = self._command.request if self._command else None
        if isinstance(request, EndOfDay) and self.layout.read(data, "type") == SETTLEMENT:
            return self._settled(data)
        asked = request if isinstance(request, Pay | ResolvePayment) else self._doubt
        if asked is None or not self._is_about(data, asked):
            return [Oddity("a record about something else")]
        if self.layout.read(data, "finished") == "N":
            return self._not_finished(data, asked, now)
        result = self._inquired(data, asked) if self._is_inquiry(data) else self._result(data, asked)
        if self._command is None:
            self._late = result
            return [result]
        number, self._command = self._command.number, None
        if result.outcome is not PaymentOutcome.UNKNOWN:
            self._doubt = self._late = None
        return [Answer(number, result)]

    def _is_inquiry(self, data: bytes) -> bool:
        return self.layout.read(data, "type") == INQUIRY

    def _is_about(self, data: bytes, asked: Pay | ResolvePayment) -> bool:
        """The type and the amount that were asked; a refusal may leave the amount out."""
        types = [self._type_of(asked.kind)]
        if isinstance(asked, ResolvePayment):
            types.append(INQUIRY)
        if self.layout.read(data, "type") not in types:
            return False
        if self._is_inquiry(data):
            return True
        amount = self.layout.read(data, "amount")
        no = self.layout.read(data, "response") not in self.layout.good
        return amount == self._amount(asked) or (no and amount.strip("0") == "")

    def _not_finished(self, data: bytes, asked: Pay | ResolvePayment, now: float) -> list[Output]:
        """Taishin's record in between: the customer is still at it; perhaps with a new time to wait."""
        timer = self.layout.read(data, "timer")
        if TIMER.fullmatch(timer) and int(timer):
            self._deadline = min(self._last, now + int(timer))
        return [PaymentProgress(asked.payment_id, PaymentPhase.PLEASE_WAIT)]

    def _result(self, data: bytes, asked: Pay | ResolvePayment) -> PaymentResult:
        code = self.layout.read(data, "response")
        if code not in self.layout.good:
            outcome, text = ENDS.get(code, (PaymentOutcome.DECLINED, "declined by the terminal; try another card"))
            return ended(asked, outcome, f"{text} ({cleaned(code) or 'no code'})")
        undone = asked.kind is PaymentKind.REVERSAL
        return PaymentResult(
            asked.payment_id,
            PaymentOutcome.REVERSED if undone else PaymentOutcome.APPROVED,
            asked.amount_minor,
            asked.currency,
            reference=self._reference(data),
            approval_code=cleaned(self.layout.read(data, "approval")),
            card=masked(self.layout.read(data, "card")),
            card_scheme=CARD_TYPES.get(self.layout.read(data, "card_type"), ""),
            terminal_id=cleaned(self.layout.read(data, "terminal")),
            at=self._at(data),
        )

    def _reference(self, data: bytes) -> str:
        return f"{self.layout.read(data, 'receipt')}-{cleaned(self.layout.read(data, 'approval'))}"

    def _at(self, data: bytes) -> str:
        told = self.layout.read(data, "date") + self.layout.read(data, "time")
        if not WHEN.fullmatch(told):
            return ""
        date, time = told[:6], told[6:]
        return f"20{date[:2]}-{date[2:4]}-{date[4:]}T{time[:2]}:{time[2:4]}:{time[4:]}"

    def _inquired(self, data: bytes, asked: Pay | ResolvePayment) -> PaymentResult:
        """What the inquiry found. It is believed only if it is about this payment, or surely about the one before."""
        code, amount = self.layout.read(data, "response"), self.layout.read(data, "amount")
        last = asked.last_reference if isinstance(asked, ResolvePayment) else ""
        never = "the terminal never made this payment; take it again"
        if code in self._none_codes:
            return ended(asked, PaymentOutcome.NOT_DONE, never)
        if code not in self.layout.good:
            text = f"the terminal does not find it ({cleaned(code) or 'no code'}); look at its last receipts"
            return ended(asked, PaymentOutcome.UNKNOWN, text)
        if last and self._reference(data) == last:
            return ended(asked, PaymentOutcome.NOT_DONE, never)
        if amount != self._amount(asked) or not self.layout.read(data, "approval"):
            return ended(asked, PaymentOutcome.UNKNOWN, "the terminal tells of another payment; look at its receipts")
        return self._result(data, asked)

    def _settled(self, data: bytes) -> list[Output]:
        assert self._command is not None  # noqa: S101 -- for mypy: seen by the caller
        number, self._command = self._command.number, None
        code = self.layout.read(data, "response")
        if code not in self.layout.good:
            text = f"the terminal did not close its books ({cleaned(code) or 'no code'}); do it at the terminal"
            return [Refusal(number, ErrorCode.EXTENDED, "not_settled", text, begun=True)]
        amount, count = self.layout.read(data, "amount"), self.layout.read(data, "count")
        total = f"{int(amount[:10])}.{amount[10:]}" if AMOUNT.fullmatch(amount) else ""
        facts = [f"{label} {value}" for label, value in (("count", count.lstrip("0")), ("total", total)) if value]
        return [Answer(number, TerminalReport(text=cleaned(", ".join(facts) or "settled")))]


def framed(data: bytes) -> bytes:
    return bytes([STX]) + data + bytes([ETX, reduce(xor, data, ETX)])


def ended(asked: Pay | ResolvePayment, outcome: PaymentOutcome, reason: str) -> PaymentResult:
    return PaymentResult(asked.payment_id, outcome, asked.amount_minor, asked.currency, reason=reason)


DRIVER = Driver(
    name="terminal-taiwan-edc",
    device_class=DeviceClass.PAYMENT_TERMINAL,
    codec=TaiwanEdc,
    line=Line(9600),
    options={
        "layout": "majority-144, as320-144, nccc-400 or taishin-400, as the bank says (default nccc-400)",
        "host": "two characters for the bank or kind of card, if the bank asks for them (default by layout)",
        "store": "the number of the counter, printed on the terminal's receipts (default none)",
        "utc_offset_h": "hours that the shop's clock is ahead of UTC (default 8)",
        "answer_s": "seconds to wait for the customer; the banks ask for 60 at least (default 75)",
        "none_codes": "response codes by which this terminal's inquiry says: no such payment (default none)",
    },
    private=True,
)
