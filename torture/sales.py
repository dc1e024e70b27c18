"""Sales as a shop's own POS would post them: made from the sample catalogue, each adding up to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from gateway.demo.world import SampleItem, sample_items
from retail.pricing import included_tax
from retail.sale import RetailTransaction
from retail.units import Money
from retail.wire.canonical import canonical, sha256_hex
from torture.house import CURRENCY, STORE_ID

RATE = 700


@dataclass(frozen=True, slots=True)
class Sale:
    """What the driver remembers of a sale: enough to find it again, whole, at headquarters."""

    key: str
    body: dict[str, Any]
    sha256: str
    total_minor: int
    business_date: str
    moved: dict[str, int]

    @property
    def kept_as(self) -> dict[str, Any]:
        """The body in the form in which a gateway keeps it, with every default filled in."""
        return RetailTransaction.model_validate(self.body).model_dump(mode="json")


class Shelf:
    """new(): the next sale of a workstation, by the dice."""

    def __init__(self, random: Random, days: tuple[date, ...] = ()) -> None:
        self._random = random
        self._days = days or (datetime.now(UTC).date(),)
        self._items = [item for item in sample_items() if item.price and item.unit == "each"]
        self._count = 0
        self.total_minor = 0

    def new(self, workstation: str, store_id: str = STORE_ID) -> Sale:
        self._count += 1
        key = f"{workstation}-{self._count}-{self._random.getrandbits(48):012x}"
        chosen = self._random.sample(self._items, self._random.randint(1, 4))
        lines = [_line(number, item, self._random.randint(1, 5)) for number, item in enumerate(chosen, 1)]
        total = sum(line["extended_amount_minor"] for line in lines)
        day = self._random.choice(self._days).isoformat()
        moment = f"{day}T09:30:{self._random.randint(0, 59):02d}.000Z"
        body = {
            "transaction_type": "RetailTransaction",
            "store_id": store_id,
            "workstation_id": workstation,
            "sequence_number": self._count,
            "business_day_date": day,
            "operator_id": "torture",
            "begin_date_time": moment,
            "end_date_time": moment,
            "currency": CURRENCY,
            "line_items": [*lines, *_ends(len(lines) + 1, total)],
            "total_minor": total,
        }
        moved: dict[str, int] = {}
        for line in lines:
            moved[line["item_id"]] = moved.get(line["item_id"], 0) + line["quantity"]
        self.total_minor += total
        kept_as = canonical(RetailTransaction.model_validate(body).model_dump(mode="json"))
        return Sale(key, body, sha256_hex(kept_as), total, day, moved)


def _line(number: int, item: SampleItem, quantity: int) -> dict[str, Any]:
    price = round(float(item.price) * 100)
    return {
        "type": "Sale",
        "line_number": number,
        "item_id": item.item_id,
        "description": item.description,
        "quantity": quantity,
        "unit_price_minor": price,
        "extended_amount_minor": price * quantity,
        "tax_code": "B",
    }


def _ends(number: int, total: int) -> list[dict[str, Any]]:
    tax = included_tax(Money(total, CURRENCY), RATE).minor
    return [
        {
            "type": "Tax",
            "line_number": number,
            "tax_code": "B",
            "rate_basis_points": RATE,
            "taxable_amount_minor": total,
            "tax_amount_minor": tax,
        },
        {"type": "Tender", "line_number": number + 1, "tender_type": "Cash", "amount_minor": total},
    ]
