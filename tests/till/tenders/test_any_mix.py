"""Random days at several lanes: whatever is rung, returned, paid and given up in between, every transaction adds up.

And over all of them: no unit came back that was not sold, no voucher and no member spent more than there was.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from gateway.till.returns.returning import Wanted
from gateway.till.workstation import Workstation
from retail.sale import RetailTransaction, faults
from retail.wire.rows import Item
from tests.shop import Shop

LANES = ("1", "2", "3")
VOUCHERS = {"V-1": 900, "V-2": 333}
POINTS = 700
STEPS = 360


def articles(currency: str) -> list[Item]:
    prices = {"1": 119, "2": 250, "3": 1, "4": 0, "5": 777}
    rates = {"1": 700, "2": 1900, "3": 700, "4": 0, "5": 1900}
    return [
        Item.model_validate(
            {
                "item_id": number,
                "description": f"Article {number}",
                "price_minor": price,
                "currency": currency,
                "tax_code": f"T{rates[number]}",
                "tax_rate_basis_points": rates[number],
            }
        )
        for number, price in prices.items()
    ]


PROMOTIONS: list[dict[str, Any]] = [
    {"id": "THREE", "name": {"en": "3 for 2.00"}, "kind": "bundle_price", "match": {"a": {"items": ["1"]}},
     "slots": [{"set": "a", "qty": 3}], "reward": {"type": "bundle_price", "value": 200}},
    {"id": "HALF", "name": {"en": "2nd half"}, "kind": "nth_unit", "match": {"items": ["5"]},
     "nth": [{"n": 2, "percent": 50}]},
    {"id": "PTS", "kind": "points_earn", "reward": {"type": "points", "value": 1, "per": 100}},
]  # fmt: skip


async def open_shop(folder: Path, currency: str, step: int, first: bool) -> Shop:
    shop = Shop(folder, currency=currency)
    shop.store = replace(shop.store, cash_step_minor=step)
    if first:
        await shop.stock(1, articles(currency))
        await shop.feed("members", {"M": {"member_id": "M", "name": "Lin", "points": POINTS}})
        rows = {key: {"voucher_id": key, "balance_minor": left, "currency": currency} for key, left in VOUCHERS.items()}
        await shop.feed("vouchers", rows)
        await shop.promote(*PROMOTIONS)
    else:
        await shop.rules_ready()
    return shop


class Day:
    """Somebody who presses any key at any lane; a refusal is an answer like any other."""

    def __init__(self, shop: Shop, dice: random.Random) -> None:
        self.shop, self.dice = shop, dice
        self.lanes = {name: shop.make_workstation(replace(shop.lane, workstation_id=name)) for name in LANES}

    async def step(self) -> None:
        till = self.lanes[self.dice.choice(LANES)]
        keys = [self.ring, self.ring, self.ring, self.returned, self.void_line, self.member, self.pay, self.pay,
                self.pay, self.take_back, self.give_up]  # fmt: skip
        with contextlib.suppress(SaleRefused):
            await self.dice.choice(keys)(till)

    async def ring(self, till: Workstation) -> None:
        await till.enter(self.dice.choice("12345"))

    async def void_line(self, till: Workstation) -> None:
        await till.void_line(self.dice.choice([None, 1, 2, 3]))

    async def member(self, till: Workstation) -> None:
        await till.offers.identify(member_id="M")

    async def give_up(self, till: Workstation) -> None:
        if self.dice.random() < 0.2:
            await till.void_all()

    async def take_back(self, till: Workstation) -> None:
        await till.tenders.take_back(self.dice.choice([None, 1, 2]))

    async def returned(self, till: Workstation) -> None:
        known = sales(self.shop)
        if known:
            sale = self.dice.choice(known)
            number = f"S0421/{sale.workstation_id}/{sale.sequence_number}"
            line = self.dice.randint(1, 4)
            await till.returns.add(Wanted("other", receipt=number, line_number=line, quantity=self.dice.randint(1, 2)))

    async def pay(self, till: Workstation) -> None:
        due = abs(till.basket.settlement().due)
        part = self.dice.choice([None, due, max(1, due // 2), due // 3 + 1])
        tenders = till.tenders
        match self.dice.randint(0, 4):
            case 0 | 1:
                step = till.store.cash_step_minor
                await tenders.cash(None if part is None else -(-part // step) * step)
            case 2:
                await tenders.stored.points(part)
            case 3 if till.basket.settlement().due >= 0:
                await tenders.stored.voucher(self.dice.choice(list(VOUCHERS)), part)
            case 3:
                await tenders.stored.voucher("", part)
            case _:
                await tenders.cash(self.dice.randint(0, 30) * till.store.cash_step_minor * 10)


def sales(shop: Shop) -> list[RetailTransaction]:
    return [RetailTransaction.model_validate(body) for body in shop.log("RetailTransaction")]


def all_is_well(shop: Shop, step: int) -> None:
    found = sales(shop)
    sold: dict[tuple[str, int, int], int] = {}
    back: dict[tuple[str, int, int], int] = {}
    points, spent = 0, dict.fromkeys(VOUCHERS, 0)
    issued: dict[str, int] = {}
    for sale in found:
        assert faults(sale) == []
        assert 2 * abs(sale.rounding_minor()) <= step
        for line in sale.sales():
            for units in line.net_units or ():
                key = (sale.workstation_id, sale.sequence_number, line.line_number)
                sold[(*key[:2], line.line_number)] = sold.get(key, 0) + units.count
            if not line.net_units:
                sold[sale.workstation_id, sale.sequence_number, line.line_number] = line.units
        for one in sale.returns():
            assert one.original is not None
            at = (one.original.workstation_id, one.original.sequence_number, one.original.line_number)
            back[at] = back.get(at, 0) + one.units
        for tender in sale.tenders():
            points += tender.points or 0
            if tender.voucher_id and tender.amount_minor < 0:
                issued[tender.voucher_id] = -tender.amount_minor
            elif tender.voucher_id in spent:
                spent[tender.voucher_id] += tender.amount_minor
    assert all(count <= sold[at] for at, count in back.items())
    assert all(spent[key] <= VOUCHERS[key] for key in VOUCHERS)
    assert points <= POINTS
    assert len(issued) == len({*issued})


@pytest.mark.parametrize(("currency", "step"), [("EUR", 1), ("CHF", 5), ("TWD", 1), ("SEK", 100)])
@pytest.mark.parametrize("seed", range(3))
async def test_a_random_day_adds_up(tmp_path: Path, currency: str, step: int, seed: int) -> None:
    dice = random.Random(f"{currency}-{seed}")
    for first in (True, False, False):
        shop = await open_shop(tmp_path, currency, step, first)
        day = Day(shop, dice)
        for _ in range(STEPS // 3):
            await day.step()
        all_is_well(shop, step)
        count = len(sales(shop))
        shop.close()
        await asyncio.sleep(0)
    assert count > 5, "a day on which nobody bought anything proves nothing"
