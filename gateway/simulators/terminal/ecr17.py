"""A pretend ECR17 terminal with a ledger of what it booked and reversed.

Wire:   STX message ETX LRC, answered by ACK or NAK, ETX, LRC; SOH, 20 characters, EOT for progress. Knows E, P, X, S,
        s, G, C, T and R. What was not acknowledged within 2 s or was refused is sent again, three times at most.
Units:  euro cents in eight digits.
Source: developer.nexigroup.com/traditionalpos. General knowledge [MEM]: that a busy terminal answers NAK, the words of
        the progress messages, and STAN 000000 in a refusal before the host was asked.

A pretend device cannot close its line. So `cut` makes it deaf and dumb from that point on, as a pulled cable does;
inside it goes on. Turning `cut` again, to another point or to nothing, mends the line.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from functools import partial

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.terminal import ecr17_messages as say
from gateway.simulators.terminal.ecr17_messages import Booking, check_byte

POINTS = (
    "before_enable", "after_enable", "before_order", "before_ack", "after_ack", "after_progress", "before_result",
    "after_result", "before_receipt", "after_receipt",
)  # fmt: skip
KNOBS = {
    "decline": "why payments are refused by the host, such as CARTA SCADUTA (default nothing)",
    "cancel": "yes: the customer gives up before the host is asked (default no)",
    "cut": f"where the line is cut, one of {', '.join(POINTS)} (default nowhere)",
    "pin_wrong": "how many wrong PINs are entered first (default 0)",
    "card_delay": "seconds until the card is there (default 0.5)",
    "host_delay": "seconds that the host takes (default 1)",
    "busy": "yes: refuses all but s with NAK (default no)",
    "state": "digit of the terminal's state; 2 is operative (default 2)",
    "terminal_id": "eight digits (default 12345678)",
    "pan": "number of the card (default 4111111111111111)",
    "clear_pan": "yes: sends the number unmasked in the result (default no)",
    "full_pan_on_receipt": "yes: prints the number unmasked (default no)",
    "no_amount": "yes: its results end before the amount, as those of P (default no)",
    "exchange": "yes: answers V, with currency exchange (default no)",
    "host_total": "cents by which the host's total differs at the close (default 0)",
    "lrc": "std, stx, noext or stx_noext (default std)",
    "wrong_lrc": "how many messages are sent with a wrong LRC (default 0)",
    "naks": "how many messages are refused though sound (default 0)",
    "lost_ack": "how many messages are not acknowledged though taken (default 0)",
    "silent": "yes: answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
}
ACK, NAK = b"\x06", b"\x15"
AGAIN_S, TRIES = 2.0, 4
Deed = float | Callable[[], None]


class PretendEcr17:
    def __init__(self) -> None:
        self.ledger: list[Booking] = []
        self.decline, self.cut, self.state, self.lrc = "", "", "2", "std"
        self.terminal_id, self.pan = "12345678", "4111111111111111"
        self.pin_wrong = self.host_total = self.wrong_lrc = self.naks = self.lost_ack = 0
        self.card_delay, self.host_delay, self.late = 0.5, 1.0, 0.0
        self.cancel = self.busy = self.clear_pan = self.full_pan_on_receipt = False
        self.no_amount = self.exchange = self.silent = self.garbage = False
        self.is_cut = False
        self._stan = 0
        self._to_till = False
        self._last_result = ""
        self._in = bytearray()
        self._out = b""
        self._deeds: deque[Deed] = deque()
        self._until: float | None = None
        self._unacknowledged: bytes = b""
        self._tries = 0
        self._again_at: float | None = None
        self._later: list[tuple[float, bytes]] = []
        self._now = 0.0
        self._noise = random.Random(17)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "cut":
                if value and value not in POINTS:
                    raise ValueError(f"cut {value!r} is none of {', '.join(POINTS)}")
                self.cut, self.is_cut = value, False
                self._later.clear()
                self._in.clear()
            case "pin_wrong" | "host_total" | "wrong_lrc" | "naks" | "lost_ack":
                setattr(self, knob, knobs.whole(value))
            case "card_delay" | "host_delay" | "late":
                setattr(self, knob, knobs.seconds(value))
            case "pan" | "terminal_id" | "state":
                if not value.isascii() or not value.isdigit():
                    raise ValueError(f"{knob} {value!r} is not a number")
                setattr(self, knob, value)
            case "lrc":
                if value not in ("std", "stx", "noext", "stx_noext"):
                    raise ValueError(f"lrc {value!r} is none of std, stx, noext, stx_noext")
                self.lrc = value
            case "decline":
                self.decline = value
            case _ if knob in KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []

    # --- the line -------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self._now, self._out = now, b""
        if not self.is_cut:
            self._in += data
            while not self.is_cut and (whole := self._frame()):
                self._heard(whole)
        return self._flush()

    def on_time(self, now: float) -> list[Send | WakeAt]:
        self._now, self._out = now, b""
        if self._until is not None and now >= self._until:
            self._until = None
        if self._again_at is not None and now >= self._again_at:
            self._transmit()
        self._go_on()
        return self._flush()

    def _flush(self) -> list[Send | WakeAt]:
        said, self._out = self._out, b""
        outputs: list[Send | WakeAt] = []
        if said and not self.silent:
            self._later.append((self._now + self.late, self._noise.randbytes(9) if self.garbage else said))
        while self._later and self._later[0][0] <= self._now:
            outputs.append(Send(self._later.pop(0)[1]))
        timers = [self._until, self._again_at, *(at for at, _ in self._later[:1])]
        at = min((timer for timer in timers if timer is not None), default=None)
        return outputs if at is None else [*outputs, WakeAt(at)]

    def _frame(self) -> bytes:
        """The next whole frame; empty if there is none yet."""
        while self._in and self._in[:1] not in (b"\x02", ACK, NAK):
            del self._in[0]
        end = self._in.find(b"\x03") + 2
        if end < 2 or len(self._in) < end:
            return b""
        whole = bytes(self._in[:end])
        del self._in[:end]
        return whole

    def _put(self, data: bytes) -> None:
        if not self.is_cut:
            self._out += data

    def _control(self, byte: bytes) -> None:
        self._put(byte + b"\x03" + check_byte(byte, self.lrc))

    def _reach(self, point: str) -> None:
        if point and self.cut == point:
            self.is_cut = True

    def _say(self, text: str) -> None:
        """A message that the till must acknowledge."""
        self._unacknowledged, self._tries = text.encode("ascii"), 0
        self._transmit()

    def _transmit(self) -> None:
        self._tries += 1
        if self._tries > TRIES or not self._unacknowledged:
            self._unacknowledged, self._again_at = b"", None
            return
        check = check_byte(self._unacknowledged, self.lrc)
        if self.wrong_lrc:
            self.wrong_lrc -= 1
            check = bytes([check[0] ^ 0x55])
        self._put(b"\x02" + self._unacknowledged + b"\x03" + check)
        self._again_at = self._now + AGAIN_S

    def _go_on(self) -> None:
        while self._deeds and self._until is None and not self._unacknowledged:
            deed = self._deeds.popleft()
            if isinstance(deed, float):
                self._until = self._now + deed
            else:
                deed()

    # --- what the till says ---------------------------------------------------------------------------------

    def _heard(self, whole: bytes) -> None:
        if whole[:1] in (ACK, NAK):
            if self._unacknowledged and whole[:1] == ACK:
                self._unacknowledged, self._again_at = b"", None
                self._go_on()
            elif self._unacknowledged:
                self._transmit()
            return
        text = whole[1:-2].decode("ascii", "replace")
        orders = {"E": self._enable, "P": self._pay, "X": self._pay, "S": self._reverse, "s": self._status,
                  "G": self._repeat, "C": self._close, "T": self._totals, "R": self._reprint}  # fmt: skip
        code = text[9:10]
        working = self._until is not None or bool(self._deeds)
        sound = whole[-1:] == check_byte(whole[1:-2], self.lrc) and text[:8] in (self.terminal_id, "00000000")
        if not sound or code not in orders or working or (self.busy and code != "s") or self.naks:
            self.naks = max(0, self.naks - 1)
            self._control(NAK)
            return
        self._unacknowledged, self._again_at = b"", None
        orders[code](text)
        self._go_on()

    def _acknowledge(self) -> None:
        if self.lost_ack:
            self.lost_ack -= 1
        else:
            self._control(ACK)

    def _enable(self, text: str) -> None:
        self._reach("before_enable")
        if not self.is_cut:
            self._to_till = text[10:11] == "1"
            self._acknowledge()
            self._reach("after_enable")

    def _status(self, text: str) -> None:
        self._acknowledge()
        self._say(f"{self.terminal_id}0s{'0' * 10}2907261520{self.state}{'NX170100':<8}")

    def _totals(self, text: str) -> None:
        self._acknowledge()
        self._say(f"{self.terminal_id}0T00{self._day():016d}{'0' * 6}")

    def _day(self) -> int:
        return sum(one.amount for one in self.ledger if one.kind == "sale" and one.state == "booked")

    def _close(self, text: str) -> None:
        self._acknowledge()
        total = self._day()
        self._deeds += [
            self.host_delay,
            lambda: self._say(f"{self.terminal_id}0C00{total:016d}{total + self.host_total:016d}"),
        ]

    def _repeat(self, text: str) -> None:
        """G: the last stored result, whatever came since."""
        if not self._last_result:
            self._control(NAK)
            return
        self._acknowledge()
        self._say(self._last_result)

    def _reprint(self, text: str) -> None:
        self._acknowledge()
        if self.ledger and text[10:11] == "1":
            self._deeds += self._tickets(self.ledger[-1])

    # --- money ----------------------------------------------------------------------------------------------

    def _begin(self) -> bool:
        """Take the order, unless the line is cut before it arrived."""
        self._reach("before_order")
        if self.is_cut:
            return False
        self._reach("before_ack")
        self._acknowledge()
        self._reach("after_ack")
        return True

    def _pay(self, text: str) -> None:
        if not self._begin():
            return
        amount = int(text[23:31])
        self._deeds += [lambda: self._show("INSERIRE CARTA"), self.card_delay]
        if self.cancel:
            self._deeds.append(lambda: self._refuse("TRANSAZIONE ANNULLATA", 0, amount))
            return
        for _ in range(self.pin_wrong):
            self._deeds += [lambda: self._show("PIN ERRATO"), 0.2]
        self._deeds += [lambda: self._show("DIGITARE PIN"), 0.2, lambda: self._show("COLLEGAMENTO HOST")]
        self._deeds += [self.host_delay, lambda: self._host(Booking("sale", amount, 0))]

    def _reverse(self, text: str) -> None:
        if not self._begin():
            return
        wanted = int(text[18:24])
        last = next((one for one in reversed(self.ledger) if one.kind == "sale"), None)
        self._deeds += [lambda: self._show("STORNO"), self.host_delay]
        if last is None or last.state != "booked" or wanted not in (0, last.stan):
            self._deeds.append(lambda: self._refuse("STORNO NON POSSIBILE", 0, None))
            return

        def done() -> None:
            last.state = "reversed"
            self._host(Booking("reversal", last.amount, 0))

        self._deeds.append(done)

    def _show(self, text: str) -> None:
        self._put(b"\x01" + text.ljust(20)[:20].encode("ascii") + b"\x04")
        self._reach("after_progress")

    def _host(self, booking: Booking) -> None:
        self._stan = self._stan % 999_999 + 1
        booking.stan = self._stan
        if self.decline and booking.kind == "sale":
            self._refuse(self.decline, self._stan, booking.amount)
            return
        self.ledger.append(booking)
        approval = "A1B2C3" if booking.kind == "sale" else "000000"
        first = say.approved(self.pan if self.clear_pan else self._short_pan(), approval, self._now)
        amount = None if self.no_amount else booking.amount if booking.kind == "sale" else 0
        code = "V" if self.exchange and booking.kind == "sale" else "E"
        text = say.result(self.terminal_id, code, "00", first, booking.stan, amount, exchange=code == "V")
        self._tell(text)
        if self._to_till:
            self._deeds += self._tickets(booking)
        self._to_till = False

    def _short_pan(self) -> str:
        return self.pan[:6] + "*" * (len(self.pan) - 10) + self.pan[-4:]

    def _refuse(self, why: str, stan: int, amount: int | None) -> None:
        self._to_till = False
        shown = None if self.no_amount else amount
        self._tell(say.result(self.terminal_id, "E", "01", say.refused(why), stan, shown))

    def _tell(self, text: str) -> None:
        """The result is stored before it is said: G finds it even if nobody heard it."""
        self._last_result = text
        self._reach("before_result")
        self._say(text)
        self._reach("after_result")

    def _tickets(self, booking: Booking) -> list[Deed]:
        pan = self.pan if self.full_pan_on_receipt else self._short_pan()
        deeds: list[Deed] = [lambda: self._reach("before_receipt")]
        for copy in ("ESERCENTE", "CLIENTE"):
            for text in say.tickets(self.terminal_id, say.receipt(booking, pan, copy)):
                deeds += [partial(self._say, text), lambda: self._reach("after_receipt")]
        return deeds


SIMULATOR = Simulator(
    name="terminal-ecr17", device_class=DeviceClass.PAYMENT_TERMINAL, device=PretendEcr17, knobs=KNOBS
)
