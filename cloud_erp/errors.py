"""Every exception of the core, in one tree.

CoreError                   anything headquarters knows how to say
├── ConfigError             core.toml says something that cannot be (names the file, the table and the key)
├── StartError              the port is taken, or the database does not open
├── ImportRefused           a file with faults: each with row, column and what to do; nothing was imported
├── UnknownGateway          nobody registered this gateway
├── AlreadyRegistered       this gateway id is taken
├── NotInQuarantine         no record is in quarantine under that id
├── Settled                 the record in quarantine was booked or discarded before
├── StillUnfit              a mended record that cannot be booked so: each fault with its field
└── UnreadableBatch         the envelope of a batch cannot be read: nothing in it can be acknowledged
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # an error is at hand before, and often without, what a sale is made of
    from retail.sale import Fault


class CoreError(Exception):
    pass


class ConfigError(CoreError):
    pass


class StartError(CoreError):
    pass


@dataclass(frozen=True, slots=True)
class RowFault:
    """One fault of an imported file. Row 1 is a CSV's header, as spreadsheets count; or the first of a JSON list.

    column: the field. rule: which rule was broken, as one word for programs.
    """

    row: int
    column: str
    message: str
    rule: str = "value"

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}: {self.message}"


class ImportRefused(CoreError):
    def __init__(self, file: str, faults: list[RowFault]) -> None:
        super().__init__(f"{file}: {len(faults)} fault(s); nothing was imported")
        self.file = file
        self.faults = faults


class UnknownGateway(CoreError):
    pass


class AlreadyRegistered(CoreError):
    pass


class UnreadableBatch(CoreError):
    pass


class NotInQuarantine(CoreError):
    pass


class Settled(CoreError):
    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class StillUnfit(CoreError):
    def __init__(self, reason: str, code: str, faults: list[Fault]) -> None:
        super().__init__(reason)
        self.code = code
        self.faults = faults
