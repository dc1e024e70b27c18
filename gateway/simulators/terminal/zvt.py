"""A pretend ZVT payment terminal with a ledger of what it booked, took back and reversed.

Wire:   TCP (port 20007 on real ones), bare messages; with framing=serial frames with check sum and ACK. Knows 06 00,
        06 01, 06 30, 06 31, 06 B0, 06 20, 06 50, 06 70, 06 02, 05 01; says 04 FF, 04 0F, 06 D1 or 06 D3, 06 0F, 06 1E.
Units:  minor units, 6 bytes of BCD.
Source: PA00P015 13.08 and PA00P016 04 of the Verband der Terminalhersteller. General knowledge [MEM], where those leave
        it open: what a terminal says after it took a payment back (here 04 FF 05, then 06 1E 6C), and that a wrong
        password is answered by 84 6B.

A pretend device cannot close its line. So `cut` makes it deaf and dumb from that point on, as a pulled cable does;
inside it goes on: what nobody acknowledged within 5 s is taken back. An order that comes while it waits for an answer
is taken for a new connection. Turning `cut` again, to another point or to nothing, mends the line.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.peripherals import DeviceClass, Simulator
from gateway.simulators.terminal import zvt_messages as say
from gateway.simulators.terminal.zvt_machine import KNOBS, Deed, Machine
from gateway.simulators.terminal.zvt_messages import Booking, message

YES, NOT_NOW = message("8000"), message("849C")
CARD_DATA = (0x22, 0x23, 0x24, 0x2D)
AGAIN_S = 2.0


class PretendZvt(Machine):
    def _state(self, code: int) -> list[Deed]:
        wanted = bool(self._config & 0x08)
        return [self._asks(message("04FF", bytes([code])), after="after_intermediate")] if wanted else []

    def _done(self, data: bytes = b"") -> Deed:
        return self._asks(message("060F", data), "before_completion", "after_completion")

    # --- what the till says ---------------------------------------------------------------------------------

    def _heard(self, data: bytes) -> None:
        control, body = data[0] << 8 | data[1], data[5:] if data[2] == 0xFF else data[3:]
        if data[0] in (0x80, 0x84):
            if self._answer_by is not None:
                self._answer_by = None
                self._on_answer(data[1] if data[0] == 0x84 else 0)
                self._go_on()
            return
        if control == 0x06B0:
            self._stop()
            return
        if self._answer_by is not None:  # a new connection: nobody answers what was said on the old one
            self._answer_by = None
            self._deeds.clear()
            self._take_back(tell=False)
        self._order(control, body)

    def _order(self, control: int, body: bytes) -> None:
        running = self._until is not None
        if control == 0x0501:
            self._say(YES)
            self._say(message("060F", b"\x9c" if running or self.busy else b"\x00"))
            return
        if running or self.busy:
            self._say(NOT_NOW)
            return
        orders: dict[int, Callable[[bytes], None]] = {
            0x0600: self._register,
            0x0601: self._pay,
            0x0630: self._reversal,
            0x0631: self._refund,
            0x0620: self._repeat,
            0x0650: self._end_of_day,
            0x0670: lambda body: self._simple(),
            0x0693: lambda body: self._simple(),
            0x0602: lambda body: self._say(YES),
        }
        if control in orders:
            orders[control](body)
            self._go_on()
        else:
            self._say(message("8483"))

    def _simple(self) -> None:
        self._say(YES)
        self._deeds += [0.3, self._done()]

    def _register(self, body: bytes) -> None:
        self._reach("before_registration")
        if self.is_cut:
            return
        if body[:3].hex() != self.password:
            self._say(message("846B"))
            return
        self._config, self._blocks = body[3], b"\x06\xd3" in body[6:]
        self._reach("before_registration_ack")
        self._say(YES)
        self._reach("after_registration_ack")
        completion = bytes.fromhex("1900 29 28004869 490978")
        self._deeds += [self._asks(message("060F", completion), after="after_registration_completion")]

    def _pay(self, body: bytes) -> None:
        self._reach("before_order")
        if self.is_cut:
            return
        if self.p2pe and any(tag in body[:1] + body[7:8] + body[10:11] for tag in CARD_DATA):
            self._say(message("84A5"))
            return
        if body[:1] != b"\x04":
            self._say(message("849A"))
            return
        self._accept()
        self._with_card(Booking("sale", int(body[1:7].hex()), 0, 0))

    def _refund(self, body: bytes) -> None:
        self._reach("before_order")
        if self.is_cut:
            return
        self._accept()
        self._with_card(Booking("refund", int(body[4:10].hex()), 0, 0))

    def _reversal(self, body: bytes) -> None:
        receipt = int(body[4:6].hex()) if body[3:4] == b"\x87" else -1
        found = [one for one in self.ledger if one.receipt == receipt and one.kind != "reversal"]
        self._accept()
        if not found or found[-1].state not in ("booked", "reversed"):
            self._fail(0xB5, "")
        elif found[-1].state == "reversed":
            self._fail(0xB4, "")
        else:
            self._reverses = found[-1]
            self._deeds += [*self._state(0x04), self.host_delay, self._does(self._host_said)]
            self._pending = Booking("reversal", found[-1].amount, 0, 0)

    def _accept(self) -> None:
        self._reach("before_ack")
        self._say(YES)
        self._reach("after_ack")
        self._reverses = None

    def _with_card(self, booking: Booking) -> None:
        self._pending = booking
        self._deeds += [*self._state(0x0A), self.card_delay]
        for _ in range(min(self.pin_wrong, 3)):
            self._deeds += [*self._state(0x01), 0.2, *self._state(0x15)]
        if self.pin_wrong >= 3:
            self._deeds += [*self._state(0x18), self._does(lambda: self._fail(0xEC, "PIN zu oft falsch"))]
        elif self.decline:
            self._deeds += [*self._state(0x04), self.host_delay, *self._state(0x1D)]
            self._deeds += [self._does(lambda: self._fail(self.decline, "Abgelehnt"))]
        else:
            self._deeds += [*self._state(0x01), 0.2, *self._state(0x04), self.host_delay, self._does(self._host_said)]

    def _fail(self, code: int, text: str) -> None:
        self._pending = None
        self._deeds += [self._asks(say.declined(code, text), "before_status", "after_status")]
        self._deeds += [self._asks(message("061E", bytes([code])), "before_completion", "after_completion")]

    def _stop(self) -> None:
        """06 B0: possible until the host has answered."""
        if self._pending is None or self._pending in self.ledger:
            self._say(NOT_NOW)
            return
        self._say(YES)
        self._deeds.clear()
        self._until = self._answer_by = None
        self._fail(0x6C, "Abbruch durch Kasse")
        self._go_on()

    # --- booking --------------------------------------------------------------------------------------------

    def _host_said(self) -> None:
        """Approved: a trace and a receipt number are used up, whatever becomes of it."""
        booking = self._pending
        if booking is None:
            return
        self._trace, self._receipt = self._trace % 999_999 + 1, self._receipt % 9999 + 1
        booking.trace, booking.receipt = self._trace, self._receipt
        self.ledger.append(booking)
        self._waited = 0
        self._deeds.append(self._asks_to_keep(booking))

    def _asks_to_keep(self, booking: Booking) -> Deed:
        def deed() -> bool:
            self._reach("before_status")
            self._say(say.approved(booking, say.card_number(self.pan, self.clear_pan), self._now))
            self._reach("after_status")
            self._on_answer = self._kept_or_not
            return True

        return deed

    def _kept_or_not(self, code: int) -> None:
        booking = self._pending
        if booking is None:
            return
        if code == 0x9C and self._waited < self.waits:
            self._waited += 1
            self._deeds += [AGAIN_S, self._asks_to_keep(booking)]
        elif code:
            self._take_back()
        else:
            booking.state, self._pending = "booked", None
            if self._reverses is not None:
                self._reverses.state = "reversed"
            self._reach("after_keep")
            self._deeds += [*self._receipts(booking), self._done()]

    def _take_back(self, tell: bool = True) -> None:
        """Nobody kept it. What was booked before stays booked."""
        booking, self._pending = self._pending, None
        if booking is not None and booking.state == "pending":
            booking.state = "taken_back"
            if tell:
                self._deeds += [*self._state(0x05), self._asks(message("061E", b"\x6c"))]
                self._go_on()

    # --- receipts and reports -------------------------------------------------------------------------------

    def _receipts(self, booking: Booking) -> list[Deed]:
        if not self._config & 0x02:
            return []
        pan = self.pan if self.full_pan_on_receipt else "*" * (len(self.pan) - 4) + self.pan[-4:]
        parts: list[bytes] = []
        for copy, kind in (("merchant", 1), ("customer", 2)):
            text = say.receipt_of(booking, copy, pan)
            parts += say.as_block(text, kind) if self._blocks else say.as_lines(text)
        return [self._asks(part, "before_receipt", "after_receipt") for part in parts]

    def _repeat(self, body: bytes) -> None:
        """06 20: service byte bit 0 wants 04 0F, bit 1 wants no print."""
        service = body[4] if body[3:4] == b"\x03" else 0
        last = [one for one in self.ledger if one.state in ("booked", "reversed")]
        self._say(YES)
        if not last:
            self._deeds += [self._asks(message("061E", b"\x83"))]
            return
        if service & 0x01:
            self._deeds += [self._asks(say.approved(last[-1], say.card_number(self.pan, self.clear_pan), self._now))]
        if not service & 0x02:
            self._deeds += self._receipts(last[-1])
        self._deeds += [self._asks(message("060F"))]

    def _end_of_day(self, body: bytes) -> None:
        day = [one for one in self.ledger if one.state == "booked" and one.kind == "sale"]
        self._say(YES)
        self._deeds += [*self._state(0x0F), self.host_delay, self._asks(say.day_totals(day, self._trace))]
        if self._config & 0x04:
            total = sum(one.amount for one in day)
            text = ["     KASSENSCHNITT", f"Anzahl {len(day)}", f"Summe EUR {total // 100},{total % 100:02d}"]
            parts = say.as_block(text, 3) if self._blocks else say.as_lines(text)
            self._deeds += [self._asks(part, "before_receipt", "after_receipt") for part in parts]
        self._deeds += [self._done()]


SIMULATOR = Simulator(name="terminal-zvt", device_class=DeviceClass.PAYMENT_TERMINAL, device=PretendZvt, knobs=KNOBS)
