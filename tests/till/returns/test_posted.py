"""Returns of a shop's own POS: checked against the sale that this box keeps; a unit comes back once, wherever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from gateway.till.returns.returning import Wanted
from retail.sale import RetailTransaction, faults
from tests.shop import Shop, a_shop, until

PEN = "4006381333948"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    yield shop
    shop.close()


def a_return(shop: Shop, sequence: int, count: int = 1, net: int = 250, **changes: Any) -> RetailTransaction:
    """Pens of the till's first receipt come back at the own POS, for cash."""
    paid = count * net
    tax = (paid * 1900 + 5950) // 11900
    now = shop.clock.wall()
    line: dict[str, Any] = {
        "type": "Return", "line_number": 1, "item_id": "2", "description": "Pen", "quantity": count,
        "unit_price_minor": 250, "extended_amount_minor": paid, "tax_code": "A", "tax_amount_minor": tax,
        "net_units": [{"count": count, "net_minor": net}], "reason_code": "damaged",
        "original": {"store_id": "S0421", "workstation_id": "1", "sequence_number": 1,
                     "business_day_date": shop.clock.local_date().isoformat(), "line_number": 1} | changes,
    }  # fmt: skip
    sale = RetailTransaction.model_validate(
        {
            "store_id": "S0421", "workstation_id": "own", "sequence_number": sequence, "operator_id": "anna",
            "business_day_date": shop.clock.local_date().isoformat(),
            "begin_date_time": now.isoformat(), "end_date_time": now.isoformat(), "currency": "EUR",
            "line_items": [
                line,
                {"type": "Tax", "line_number": 2, "tax_code": "A", "rate_basis_points": 1900,
                 "taxable_amount_minor": -paid, "tax_amount_minor": -tax},
                {"type": "Tender", "line_number": 3, "tender_type": "Cash", "amount_minor": -paid},
            ],
            "total_minor": -paid,
        }
    )  # fmt: skip
    assert faults(sale) == []
    return sale


async def two_pens_sold(shop: Shop) -> str:
    await shop.workstation.set_quantity(2)
    await shop.workstation.enter(PEN)
    finished = await shop.workstation.tenders.cash()
    assert finished is not None
    return finished.number


async def test_a_posted_return_is_kept_printed_and_its_unit_is_gone_for_the_till_too(shop: Shop) -> None:
    printing = asyncio.create_task(shop.printer.run())
    number = await two_pens_sold(shop)
    sale = a_return(shop, 1).model_copy(update={"workstation_id": "1"})
    posted = await shop.posting.post("r-1", sale, True)
    assert posted.kept is not None
    again = await shop.posting.post("r-1", sale, True)
    assert again.kept is not None
    assert again.kept.repeated
    await until(lambda: len(shop.printed) == 2)
    printing.cancel()
    with pytest.raises(SaleRefused, match="2 sold, 1 came back already"):
        await shop.workstation.returns.add(Wanted("damaged", receipt=number, line_number=1, quantity=2))
    await shop.workstation.returns.add(Wanted("damaged", receipt=number, line_number=1))
    refused = await shop.posting.post("r-2", a_return(shop, 2), False)
    assert [fault.field for fault in refused.faults] == ["line_items[0].net_units"]
    assert "0 are still with the customer" in refused.faults[0].message


async def test_what_the_sale_never_had_does_not_come_back_at_the_pos(shop: Shop) -> None:
    await two_pens_sold(shop)
    for sale, field in [
        (a_return(shop, 1, count=3), "line_items[0].net_units"),
        (a_return(shop, 1, net=200), "line_items[0].net_units"),
        (a_return(shop, 1, line_number=7), "line_items[0].original.line_number"),
    ]:
        posted = await shop.posting.post("r-1", sale, False)
        assert [fault.field for fault in posted.faults] == [field]
    unknown = await shop.posting.post("r-1", a_return(shop, 1, sequence_number=99), False)
    assert unknown.kept is not None, "a receipt that is not kept here is the POS's own word"


async def test_two_posts_of_the_last_unit_at_once(shop: Shop) -> None:
    await two_pens_sold(shop)
    tries = await asyncio.gather(
        *(shop.posting.post(f"r-{at}", a_return(shop, at, count=2), False) for at in range(1, 4)),
        return_exceptions=True,
    )
    kept = [one for one in tries if not isinstance(one, BaseException) and one.kept is not None]
    assert len(kept) == 1
