"""The drawer without a sale: opened for change, money put in or taken out. Each is on record before it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gateway.clock import Clock
from gateway.errors import SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.day import report
from gateway.till.day.controls import Controls
from gateway.till.paper import slips
from retail.control import ControlTransaction
from retail.units import Money

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

Move = Literal["PaidIn", "PaidOut", "PickUp"]
_ACTS: dict[Move, Act] = {"PaidIn": Act.PAID_IN, "PaidOut": Act.PAID_OUT, "PickUp": Act.PICK_UP}
_WORDS: dict[Move, str] = {"PaidIn": "paid in", "PaidOut": "paid out", "PickUp": "picked up"}


class Drawer:
    def __init__(self, till: Workstation, clock: Clock, controls: Controls) -> None:
        self._till, self._clock, self._controls = till, clock, controls

    async def no_sale(self, reason: str, approval: Approval | None = None) -> None:
        """Open the drawer, for change.

        Raises:
            SaleRefused: no drawer here, nobody is signed on, or this workstation trains.
        """
        till = self._till
        async with till.command():
            self._must_be_at_work()
            if till.lane.drawer is None:
                raise SaleRefused("this workstation has no drawer", reason="no_drawer")
            authorised_by = await till.people.allow(Asked(Act.NO_SALE, reason=reason), approval=approval)
            self._controls.record("NoSale", reason=reason, authorised_by=authorised_by)
            await till.write_change()
            till.ending.open_drawer()

    async def move(
        self, move: Move, amount_minor: int, reason: str, approval: Approval | None = None
    ) -> ControlTransaction:
        """Cash into the drawer or out of it, within a session.

        Raises:
            SaleRefused: no session is open, nobody is signed on, or this workstation trains.
            NeedsAuthority: more than the cashier may.
        """
        till = self._till
        async with till.command():
            self._must_be_at_work()
            till.day.sessions.needed()
            what = f"{_WORDS[move]} {Money(amount_minor, till.store.currency).plain()}"
            asked = Asked(_ACTS[move], amount_minor, reason=reason, what=what)
            authorised_by = await till.people.allow(asked, approval=approval)
            control = self._controls.record(move, amount_minor, reason or None, authorised_by)
            printer = till.lane.printer
            if printer is not None:
                lines = report.cash_slip(till.store, self._clock.zone, control)
                till.change.add(lambda connection: slips.put(connection, printer, lines))
            await till.write_change()
            till.ending.open_drawer()
            till.receipt_waiting()
            return control

    def _must_be_at_work(self) -> None:
        self._till.people.must_be_signed_on()
        if self._till.day.training.on:
            raise SaleRefused("training mode: the drawer stays shut and nothing is counted", reason="training")
