"""ControlTransactions: what happens at a till beside its sales, put on record with the change that it reports."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from uuid6 import uuid7

from gateway.clock import Clock
from gateway.till.ledger import Beside, Ledger
from retail.control import Control, ControlTransaction, SessionTotals

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation


class Controls:
    def __init__(self, till: Workstation, ledger: Ledger, clock: Clock) -> None:
        self._till, self._ledger, self._clock = till, ledger, clock

    def record(
        self,
        control: Control,
        amount_minor: int | None = None,
        reason: str | None = None,
        authorised_by: str | None = None,
        totals: SessionTotals | None = None,
        key: str | None = None,
        session_id: str | None = None,
    ) -> ControlTransaction:
        """It is written with this command's change, in its place in the log."""
        made = self.make(control, amount_minor, reason, authorised_by, totals, session_id)
        self._till.change.add(self.writing(made, key))
        return made

    def make(
        self,
        control: Control,
        amount_minor: int | None = None,
        reason: str | None = None,
        authorised_by: str | None = None,
        totals: SessionTotals | None = None,
        session_id: str | None = None,
    ) -> ControlTransaction:
        till = self._till
        return ControlTransaction(
            control=control,
            store_id=till.store.store_id,
            workstation_id=till.lane.workstation_id,
            business_day_date=till.day.business_date(),
            operator_id=till.people.operator_id(),
            authorised_by=authorised_by,
            session_id=session_id or till.day.session_id(),
            at=self._clock.wall(),
            currency=till.store.currency,
            amount_minor=amount_minor,
            reason=reason,
            totals=totals,
        )

    def writing(self, control: ControlTransaction, key: str | None = None) -> Beside:
        """key: its idempotency key, made here where none is given."""
        key = key or str(uuid7())

        def write(connection: sqlite3.Connection) -> None:
            self._ledger.control_within(connection, key, control)

        return write
