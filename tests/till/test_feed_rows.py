"""A row of a feed that cannot be used is named and refused; the others go on selling."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from tests.people import MIA
from tests.shop import ITEMS, Shop, a_shop

MILK = "4006381333931"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    yield shop
    shop.close()


async def test_an_item_is_refused_by_name_and_logged_once(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    good = {item.item_id: item.model_dump(mode="json") for item in ITEMS}
    bad = good["1"] | {"item_id": "A/B", "description": "Milkshake", "barcodes": ["99"]}
    await shop.feed("items", good | {"A/B": bad})
    for code in ("A/B", "99"):
        with pytest.raises(SaleRefused, match="row 'A/B' of feed items cannot be used: item_id: ") as refused:
            await shop.workstation.enter(code)
        assert refused.value.reason == "unreadable_row"
    assert [item.description for item in shop.catalogue.search("milk")] == ["Milk"]
    with pytest.raises(SaleRefused, match="row 'A/B' of feed items"):
        shop.catalogue.looked_up("A/B")
    assert caplog.text.count("'A/B' of feed items") == 1
    await shop.workstation.enter(MILK)
    assert shop.workstation.basket.total().minor == 119


async def test_a_coupon_is_refused_by_name(shop: Shop) -> None:
    rows: dict[str, Any] = {"C/1": {"coupon_id": "C/1", "name": "x"}, "C2": {"coupon_id": "C2", "name": "y"}}
    await shop.feed("coupons", rows)
    await shop.workstation.enter(MILK)
    with pytest.raises(SaleRefused, match="row 'C/1' of feed coupons cannot be used: coupon_id"):
        await shop.workstation.offers.use_coupon("C/1")
    assert (await shop.workstation.offers.use_coupon("C2")).name == "y"


async def test_one_operator_that_cannot_be_keeps_no_other_from_signing_on(shop: Shop) -> None:
    rows = {"..": MIA.model_dump(mode="json") | {"operator_id": ".."}, "mia": MIA.model_dump(mode="json")}
    await shop.feed("operators", rows)
    people = shop.workstation.people
    assert [one.operator_id for one in people.known()] == ["mia"]
    with pytest.raises(SaleRefused):
        await people.sign_on("..", "9999")
    await people.sign_on("mia", "9999")
