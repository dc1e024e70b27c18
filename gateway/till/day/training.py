"""Training mode: everything looks like selling, and nothing counts.

No record in the log, no receipt number, no terminal, no drawer, no stock, no points, no session's figures. Each sale of
it carries the mark from its first line on, and so does its paper. The mode outlasts a restart and changes only between
sales.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.errors import SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.ledger import Ledger
from gateway.till.paper import slips
from gateway.till.tenders.rows import Tendered
from retail.sale import RetailTransaction

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

NOTE = "training"
#: what stands where a receipt's number would
NUMBER = "TRAINING"
#: what a pretend terminal says
SIMULATED = "SIMULATED - TRAINING"


class Training:
    def __init__(self, till: Workstation, ledger: Ledger, clock: Clock) -> None:
        self._till, self._ledger, self._clock = till, ledger, clock
        self.on = ledger.note(till.lane.workstation_id, NOTE) is not None

    async def switch(self, on: bool, approval: Approval | None = None) -> None:
        """Raises SaleRefused: a sale is open; NeedsAuthority: somebody else must allow it."""
        till = self._till
        async with till.command():
            if till.basket.state != "idle":
                text = "finish, suspend or void the open sale, then switch training mode"
                raise SaleRefused(text, reason="sale_open")
            if on == self.on:
                return
            what = f"training mode {'on' if on else 'off'} at workstation {till.lane.workstation_id}"
            await till.people.allow(Asked(Act.TRAINING, what=what), approval=approval)
            facts: dict[str, str | int | None] = {"workstation_id": till.lane.workstation_id, "on": int(on)}
            till.change.audit("info", "training_mode", what, facts)
            till.change.note(NOTE, "on" if on else None)
            self.on = on
            try:
                await till.begin_anew()
            except BaseException:
                self.on = not on
                raise

    def card(self, amount_minor: int) -> Tendered:
        """As if a terminal had approved it."""
        return Tendered(tender_type="Card", amount_minor=amount_minor, card_scheme=SIMULATED)

    async def finish(self, sale: RetailTransaction) -> None:
        """The end of a training sale: its paper, and an empty basket; nothing in the log."""
        till, fresh, printer = self._till, self._till.new_basket(), self._till.lane.printer
        also = till.change.take()

        def work(connection: sqlite3.Connection) -> None:
            self._ledger.basket_within(connection, till.lane.workstation_id, fresh)
            if printer is not None:
                slips.put_training(connection, printer, sale)
            if also is not None:
                also(connection)

        await self._ledger.write(work)
