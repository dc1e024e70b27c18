"""One record of a batch as intake handles it, however it was read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cloud_erp.intake.effects import NOTHING, Effects, effects
from cloud_erp.journal import service as journal_service
from cloud_erp.stock import service as stock
from retail.control import ControlTransaction
from retail.lines import Measured
from retail.sale import Fault, RetailTransaction
from retail.wire.audit import AuditRecord

RETAIL_TRANSACTION = "RetailTransaction"
#: what the box said of a record, kept beside its body; in order of name, as canonical JSON has it
SAID = ("boot_id", "boottime_ns", "business_date", "chain", "clock_state", "wall_utc")


@dataclass(frozen=True, slots=True)
class Poison:
    """Why a record cannot be booked: one machine word, a reason a person can act on, and the fields it lies in."""

    code: str
    reason: str
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Booking:
    """What a sale does to the tables: its columns of the journal in order of journal_service.ENTRY, and stock."""

    store_id: str
    currency: str
    entry: tuple[Any, ...]
    taken: dict[str, int]
    #: (item id, the unit its line counts by), of lines that are not void
    units: set[tuple[str, str]]
    effects: Effects = NOTHING


@dataclass(slots=True)
class Item:
    """One record as it came. One that cannot be read has no `said`; the others have one of booking, control, audit."""

    seq: int
    source: Any
    body: str
    body_sha256: str
    key: str
    stated_sha256: str | None = None
    chain: str | None = None
    said: str | None = None
    booking: Booking | None = None
    control: ControlTransaction | None = None
    audit: AuditRecord | None = None
    poison: Poison | None = None

    @property
    def content(self) -> tuple[str, str]:
        """What must be equal for a record to be a mere repetition."""
        return self.body_sha256, self.key

    def raw(self) -> str:
        """The record as it came, as JSON text of plain ASCII."""
        return json.dumps(self.source, sort_keys=True)


def booking_of(sale: RetailTransaction) -> Booking:
    lines = [] if sale.training_flag else [line.model_dump() for line in sale.line_items]
    return Booking(
        store_id=sale.store_id,
        currency=sale.currency,
        entry=tuple(journal_service.entry(sale).values()),
        taken=stock.taken_by(sale),
        units={(line.item_id, unit_of(line)) for line in (*sale.sales(), *sale.returns())},
        effects=effects(lines, sale.member_id),
    )


def unit_of(line: Measured) -> str:
    return "kg" if line.weight_grams is not None else "each"
