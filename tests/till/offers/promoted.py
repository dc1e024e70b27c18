"""A shop with a clock that the test sets, and rules such as a shop has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.clock import Clock
from retail.sale import RetailTransaction
from retail.wire.rows import Item
from tests.shop import Shop

Json = dict[str, Any]


class SetClock(Clock):
    """The store's own time is what the test says."""

    def __init__(self, local: str, timezone: str = "Asia/Taipei") -> None:
        super().__init__(timezone)
        self.set(local)

    def set(self, local: str) -> None:
        self._now = datetime.fromisoformat(local).replace(tzinfo=self.zone).astimezone(UTC)

    def wall(self) -> datetime:
        return self._now


def item(item_id: str, price_minor: int | None, currency: str = "TWD", **more: Any) -> Item:
    return Item.model_validate(
        {
            "item_id": item_id,
            "description": f"Item {item_id}",
            "price_minor": price_minor,
            "currency": currency,
            "tax_code": "A",
            "tax_rate_basis_points": 500,
            **more,
        }
    )


def rule(rule_id: str, kind: str, **more: Any) -> Json:
    return {"id": rule_id, "name": {"en": f"Rule {rule_id}", "zh-TW": f"規則 {rule_id}"}, "kind": kind, **more}


SECOND_20_OFF = rule(
    "SECOND",
    "nth_unit",
    match={"items": ["A"]},
    nth=[{"n": 2, "percent": 20}],
    prompt={"near": 1, "text": {"en": "one more: {saving} off", "zh-TW": "再買一件省 {saving}"}},
)
RED_GREEN_59 = rule(
    "COMBO",
    "combo",
    match={"red": {"tags": ["red"]}, "green": {"tags": ["green"]}},
    reward={"type": "bundle_price", "value": 59},
    prompt={"near": 1, "text": {"en": "{set} too: {saving} off"}},
)
SPEND_5000 = rule(
    "SPEND",
    "basket_threshold",
    threshold={"amount": 5000},
    reward={"type": "amount_off", "value": 100},
    prompt={"near": 100, "text": {"en": "spend {missing} more: {saving} off"}},
)
ITEMS = [
    item("A", 100),
    item("B", 50),
    item("R1", 35, tags=["red"]),
    item("R2", 40, tags=["red"]),
    item("G1", 30, tags=["green"]),
    item("BIG", 4999),
    item("ONE", 1),
    item("APPLES", 120, unit="kg"),
]


async def a_promoting_shop(
    folder: Any, *rules: Json, items: list[Item] | None = None, clock: Clock | None = None, locale: str = "en"
) -> Shop:
    shop = Shop(folder, clock=clock or SetClock("2026-11-23T12:00"), currency="TWD", locale=locale)
    await shop.stock(items=ITEMS if items is None else items)
    if rules:
        await shop.promote(*rules)
    return shop


def booked(shop: Shop) -> list[RetailTransaction]:
    rows = shop.money.read("SELECT body FROM outbox ORDER BY seq")
    bodies = [str(row["body"]) if isinstance(row["body"], str) else row["body"].decode() for row in rows]
    return [RetailTransaction.model_validate_json(body) for body in bodies if '"RetailTransaction"' in body]
