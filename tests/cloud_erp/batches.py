"""Batches as a store's outbox makes them: chained, hashed, canonical."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cloud_erp import catalog
from retail.pricing import extended_amount
from retail.sale import RetailTransaction, SaleLine, TenderLine
from retail.units import Money, Quantity, Weight
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.log import GENESIS, Batch, Record, chain_link
from retail.wire.payload import pack

GATEWAY = "S0421-1"
STORE = "S0421"
SAMPLE = Path(catalog.__file__).parent / "sample_items.csv"
EPOCH = "01JD0000000000000000000001"
NEXT_EPOCH = "01JD0000000000000000000002"
BOOT = "3c1f8f0e-0000-4000-8000-000000000001"
BEGAN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def sale(
    number: int, *items: tuple[str, Quantity | Weight, int], store: str = "S0421", currency: str = "EUR", **more: Any
) -> RetailTransaction:
    """A cash sale of (item, amount, unit price in minor units)."""
    bought = items or (("1001", Quantity(1), 119),)
    lines: list[SaleLine | TenderLine] = []
    for place, (item_id, amount, price) in enumerate(bought, start=1):
        lines.append(
            SaleLine(
                line_number=place,
                item_id=item_id,
                description=f"Item {item_id}",
                quantity=amount.pieces if isinstance(amount, Quantity) else None,
                weight_grams=amount.grams if isinstance(amount, Weight) else None,
                unit_price_minor=price,
                extended_amount_minor=extended_amount(Money(price, currency), amount).minor,
                tax_code="B",
            )
        )
    total = sum(line.extended_amount_minor for line in lines if isinstance(line, SaleLine))
    lines.append(TenderLine(line_number=len(lines) + 1, amount_minor=total))
    facts: dict[str, Any] = {
        "store_id": store,
        "workstation_id": "1",
        "sequence_number": number,
        "business_day_date": BEGAN.date(),
        "operator_id": "anna",
        "begin_date_time": BEGAN + timedelta(minutes=number),
        "end_date_time": BEGAN + timedelta(minutes=number, seconds=40),
        "currency": currency,
        "line_items": lines,
        "total_minor": total,
    }
    return RetailTransaction(**(facts | more))


class Outbox:
    """Makes the records of one epoch in order, and batches of any run of them."""

    def __init__(self, epoch: str = EPOCH) -> None:
        self.epoch = epoch
        self.records: list[dict[str, Any]] = []
        self._chain = GENESIS

    def add(
        self, what: RetailTransaction | dict[str, Any], key: str | None = None, kind: str = "RetailTransaction"
    ) -> int:
        """Append a record; returns its seq."""
        body = what if isinstance(what, dict) else what.model_dump(mode="json")
        seq = len(self.records) + 1
        digest = sha256_hex(canonical(body))
        self._chain = chain_link(self._chain, self.epoch, seq, bytes.fromhex(digest))
        record = Record(
            seq=seq,
            type=kind,
            idempotency_key=key or f"key-{self.epoch[-4:]}-{seq}",
            body_sha256=digest,
            chain=self._chain.hex(),
            boot_id=BOOT,
            boottime_ns=seq * 1_000_000,
            wall_utc=BEGAN + timedelta(minutes=seq),
            clock_state="synced",
            business_date=BEGAN.date().isoformat(),
            body=body,
        )
        self.records.append(record.model_dump(mode="json"))
        return seq

    def batch(self, first: int = 1, last: int | None = None) -> dict[str, Any]:
        items = self.records[first - 1 : last or len(self.records)]
        before = GENESIS.hex() if first == 1 else self.records[first - 2]["chain"]
        return {
            "schema": "backroom.log/1",
            "epoch": self.epoch,
            "first_seq": first,
            "count": len(items),
            "prev_chain": before,
            "items": list(items),
        }

    def payload(self, first: int = 1, last: int | None = None) -> bytes:
        """The bytes of a batch that the wire's own model holds for sound."""
        return pack(Batch.model_validate(self.batch(first, last)))


def outbox(sales: Sequence[RetailTransaction], epoch: str = EPOCH) -> Outbox:
    made = Outbox(epoch)
    for one in sales:
        made.add(one)
    return made
