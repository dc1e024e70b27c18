"""What is written together with the next change of a workstation, in its one SQL transaction, or not at all."""

from __future__ import annotations

import sqlite3

from gateway.till.lane_notes import write_note
from gateway.till.ledger import Beside, Ledger
from retail.wire.audit import Severity


class Change:
    """Filled during a command, taken by whatever puts the command's outcome on disk, forgotten where nothing did."""

    def __init__(self, ledger: Ledger, workstation_id: str) -> None:
        self._ledger, self._workstation_id = ledger, workstation_id
        self._more: list[Beside] = []

    def add(self, more: Beside) -> None:
        self._more.append(more)

    def note(self, name: str, value: str | None) -> None:
        """A fact of this workstation that survives a restart; None takes it away."""
        self.add(lambda connection: write_note(connection, self._workstation_id, name, value))

    def audit(self, severity: Severity, code: str, text: str, facts: dict[str, str | int | None]) -> None:
        """A word for headquarters, in order with the sales."""
        self.add(self._ledger.audit(severity, code, text, facts))

    def take(self) -> Beside | None:
        """All of it as one; None where there is nothing."""
        more, self._more = self._more, []
        if not more:
            return None

        def work(connection: sqlite3.Connection) -> None:
            for one in more:
                one(connection)

        return work
