"""Till sessions: opened with a float, closed with a blind count. Both are barriers in the log.

The figures come from the rows of the session's own sales (rows.py). What cash is expected is told only after the count
was given. An open session is the workstation's, whoever signs on; its business day is the one it was opened on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from uuid6 import uuid7

from gateway.clock import Clock, rfc3339
from gateway.errors import SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.day import report, rows
from gateway.till.day.controls import Controls
from gateway.till.day.rows import Session
from gateway.till.ledger import Ledger
from gateway.till.paper import slips
from retail.control import ControlTransaction, SessionTotals

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

#: who closes a session where no person does
BY_ITSELF = "close_at"
_PAYMENT_OPEN = "the card terminal is at it: wait for its end, then close"
_PAYMENT_UNKNOWN = "nobody knows yet whether a card was charged: let the terminal say, or decide it, then close"


class Sessions:
    def __init__(self, till: Workstation, ledger: Ledger, clock: Clock, controls: Controls) -> None:
        self._till, self._ledger, self._clock, self._controls = till, ledger, clock, controls
        self.open_now: Session | None = ledger.open_session(till.lane.workstation_id)

    def needed(self) -> Session:
        if self.open_now is None:
            raise SaleRefused("no session is open at this workstation: open one first", reason="no_session")
        return self.open_now

    # --- commands ---------------------------------------------------------------------------------------------------

    async def open(self, float_minor: int, approval: Approval | None = None, by_itself: bool = False) -> Session:
        """Raises SaleRefused: one is open, a sale is, or nobody is signed on."""
        till = self._till
        async with till.command():
            till.people.must_be_signed_on()
            if self.open_now is not None:
                text = f"a session is open since {self.open_now.opened_utc}: close it first"
                raise SaleRefused(text, reason="session_open")
            _between_sales(till, "open a session")
            authorised_by: str | None = BY_ITSELF
            if not by_itself:
                authorised_by = await till.people.allow(Asked(Act.OPEN_SESSION, float_minor), approval=approval)
            session = Session(
                session_id=_new_id(),
                workstation_id=till.lane.workstation_id,
                business_date=till.day.business_date(),
                opened_utc=rfc3339(self._clock.wall()),
                operator_id=till.people.operator_id(),
                float_minor=float_minor,
                state="open",
                z_number=None,
                closed_key=None,
            )
            control = self._controls.make(
                "SessionOpen", float_minor, authorised_by=authorised_by, session_id=session.session_id
            )
            till.change.add(self._controls.writing(control))
            till.change.add(lambda connection: rows.open_session(connection, session))
            await till.write_change()
            self.open_now = session
            return session

    async def close(
        self,
        counted_minor: int | None,
        carry_over: bool = False,
        approval: Approval | None = None,
        by_itself: bool = False,
    ) -> ControlTransaction:
        """Close the session with the cash that was counted; its Z report.

        counted_minor: None only where it closes by itself. carry_over: sales that were suspended in it stay for the
        next one; else they stop the close.

        Raises:
            SaleRefused: no session, a sale or a payment is open, or suspended sales stop it.
            QueueError: it could not be put on disk; the session stays open.
        """
        till = self._till
        async with till.command():
            session = self.needed()
            _between_sales(till, "close the session", by_itself)
            self._no_sale_may_wait(session, carry_over)
            authorised_by = None
            if not by_itself:
                authorised_by = await till.people.allow(Asked(Act.CLOSE_SESSION), approval=approval)
            return await self._close(session, counted_minor, BY_ITSELF if by_itself else authorised_by)

    def _no_sale_may_wait(self, session: Session, carry_over: bool) -> None:
        waiting = self._till.suspending.of_session(session.session_id)
        if waiting and not carry_over:
            numbers = ", ".join(str(one.number) for one in waiting)
            text = f"suspended in this session: {numbers}; resume and finish them, or close with carry_over"
            raise SaleRefused(text, reason="suspended_sales", field="carry_over")

    async def _close(self, session: Session, counted_minor: int | None, by: str | None) -> ControlTransaction:
        till, key = self._till, str(uuid7())
        totals = self._ledger.session_totals(session, counted_minor)
        reason = "closed by itself, not counted" if counted_minor is None else None
        control = self._controls.record(
            "SessionClose", None, reason, by, totals, key=key, session_id=session.session_id
        )
        till.change.add(lambda connection: rows.close_session(connection, session.session_id, totals.z_number, key))
        self._print(control, "Z")
        await till.write_change()
        self.open_now = None
        till.receipt_waiting()
        return control

    async def print_x(self, approval: Approval | None = None) -> SessionTotals:
        """The figures so far on paper: who may not see what is expected gets them with somebody's word.

        Raises:
            SaleRefused: no session is open.
            NeedsAuthority: what the till expects is not for this cashier to see before he counted.
        """
        till = self._till
        async with till.command():
            session = self.needed()
            await till.people.allow(Asked(Act.SEE_EXPECTED, what="X report"), approval=approval)
            totals = self._ledger.session_totals(session)
            self._print(self._controls.make("SessionClose", totals=totals), "X")
            await till.write_change()
            till.receipt_waiting()
            return totals

    def _print(self, control: ControlTransaction, kind: str) -> None:
        till = self._till
        printer = till.lane.printer
        if printer is not None:
            lines = report.session_report(till.store, self._clock.zone, control, kind)
            till.change.add(lambda connection: slips.put(connection, printer, lines))

    # --- asked ------------------------------------------------------------------------------------------------------

    def totals(self) -> SessionTotals:
        """So far; raises SaleRefused where no session is open."""
        return self._ledger.session_totals(self.needed())

    def closed(self, z_number: int | None = None) -> ControlTransaction | None:
        """The Z report of this number, or the last."""
        session = self._ledger.closed_session(self._till.lane.workstation_id, z_number)
        return self._ledger.control(session.closed_key) if session is not None and session.closed_key else None


def _new_id() -> str:
    """Of the time and of chance, and short enough for a receipt."""
    digits = uuid7().hex
    return digits[:12] + digits[13:16]


def counted(counted_minor: int | None, denominations: Mapping[int, int] | None) -> int:
    """The cash that was counted: as one sum, or as so many pieces of each note and coin (minor units -> pieces).

    Raises:
        SaleRefused: neither, or they differ.
    """
    by_pieces = sum(value * pieces for value, pieces in denominations.items()) if denominations is not None else None
    if by_pieces is None and counted_minor is None:
        text = "count the cash and give counted_minor or denominations; what is expected is shown then"
        raise SaleRefused(text, reason="not_counted", field="counted_minor")
    if by_pieces is not None and counted_minor is not None and by_pieces != counted_minor:
        text = f"the denominations come to {by_pieces}, counted_minor says {counted_minor}: count again"
        raise SaleRefused(text, reason="count_differs", field="denominations")
    return by_pieces if counted_minor is None and by_pieces is not None else counted_minor or 0


def _between_sales(till: Workstation, what: str, in_training_too: bool = False) -> None:
    basket = till.basket
    if basket.state == "unknown":
        raise SaleRefused(_PAYMENT_UNKNOWN, reason="payment_unknown")
    if basket.state == "paying":
        raise SaleRefused(_PAYMENT_OPEN, reason="payment_open")
    if basket.state != "idle":
        raise SaleRefused(f"finish, suspend or void the open sale, then {what}", reason="sale_open")
    if till.day.training.on and not in_training_too:
        raise SaleRefused(f"end training mode, then {what}", reason="training")
