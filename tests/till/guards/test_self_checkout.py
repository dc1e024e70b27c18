"""Self-checkout: the bag weighs what was scanned, somebody comes when called, customers clear nothing themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import DeviceError, DeviceGone, NeedsAuthority, SaleRefused
from gateway.peripherals import Request, ScaleStatus, Weight
from gateway.till.authority import Approval
from gateway.till.workstation import Workstation
from tests.people import STAFF
from tests.shop import Shop, a_shop, an_item

RICE, BOOK, APPLES = "4006381333931", "4006381333948", "12345"
ITEMS = [
    an_item("1", "Rice 1 kg", RICE, 249).model_copy(update={"net_content": 1_000, "net_content_unit": "g"}),
    an_item("2", "Book", BOOK, 1_200),
    an_item("3", "Apples", APPLES, 249, unit="kg"),
]
ANNA = Approval("anna", "1111")


class Bag:
    """The bagging scale and what lies on it."""

    def __init__(self) -> None:
        self.grams = 0
        self.trouble: DeviceError | None = None
        self.still = True

    async def __call__(self, _request: Request, _timeout_s: float) -> Any:
        if self.trouble is not None:
            raise self.trouble
        status = ScaleStatus.STABLE_WEIGHT if self.grams else ScaleStatus.WEIGHT_ZERO
        return Weight(self.grams or None, self.still, False, status, 0.0)


class Kiosk:
    def __init__(self, shop: Shop, bag: Bag, till: Workstation) -> None:
        self.shop, self.bag, self.till = shop, bag, till

    async def reason(self, code: str) -> str:
        with pytest.raises(SaleRefused) as refused:
            await self.till.enter(code)
        return refused.value.reason


def a_kiosk(shop: Shop) -> Kiosk:
    bag = Bag()
    return Kiosk(shop, bag, shop.another_lane("9", self_checkout=True, bagging_scale=bag, drawer=None))


@pytest.fixture
async def kiosk(tmp_path: Path) -> AsyncIterator[Kiosk]:
    shop = await a_shop(tmp_path, *STAFF)
    await shop.stock(2, ITEMS)
    yield a_kiosk(shop)
    shop.close()


async def test_a_customer_sells_to_himself_without_anybody(kiosk: Kiosk) -> None:
    till, bag = kiosk.till, kiosk.bag
    await till.enter(RICE)
    bag.grams = 1_012
    await till.enter(APPLES)  # 450 g on the produce scale
    bag.grams = 1_462
    await till.enter(BOOK)  # nobody knows what it weighs
    bag.grams = 1_999
    with pytest.raises(SaleRefused, match="no cash is taken here"):
        await till.tender_cash()
    assert till.attention.call is None


async def test_what_was_not_put_into_the_bag_is_asked_for_and_then_somebody_comes(kiosk: Kiosk) -> None:
    await kiosk.till.enter(RICE)
    assert [await kiosk.reason(RICE) for _ in range(3)] == ["put_in_bag", "put_in_bag", "weight_mismatch"]
    assert await kiosk.reason(RICE) == "needs_attendant"
    [facts] = kiosk.shop.audits("help_called")
    assert (facts["call"], facts["workstation_id"]) == ("weight_mismatch", "9")


async def test_what_was_not_scanned_calls_somebody_at_once_and_blocks_paying_too(kiosk: Kiosk) -> None:
    await kiosk.till.enter(RICE)
    kiosk.bag.grams = 1_500
    with pytest.raises(SaleRefused, match="500 g too heavy") as refused:
        await kiosk.till.tender_card()
    assert refused.value.reason == "weight_mismatch"
    with pytest.raises(SaleRefused) as refused:
        await kiosk.till.tender_card()
    assert refused.value.reason == "needs_attendant"


async def test_an_attendant_clears_it_with_a_pin_and_the_bag_as_it_is_counts_as_right(kiosk: Kiosk) -> None:
    till, bag = kiosk.till, kiosk.bag
    await till.enter(RICE)
    bag.grams = 1_500
    assert await kiosk.reason(RICE) == "weight_mismatch"
    with pytest.raises(NeedsAuthority):
        await till.attention.answer()
    await till.attention.answer(ANNA)
    await till.enter(RICE)
    bag.grams = 2_500
    await till.enter(RICE)
    bag.grams = 4_500
    assert await kiosk.reason(RICE) == "weight_mismatch", "the next surprise is one again"
    [facts] = kiosk.shop.audits("call_answered")
    assert facts["answered_by"] == "anna"


async def test_an_article_of_unknown_weight_hides_no_missing_one(kiosk: Kiosk) -> None:
    await kiosk.till.enter(BOOK)
    kiosk.bag.grams = 400
    await kiosk.till.enter(RICE)
    assert await kiosk.reason(RICE) == "put_in_bag"


async def test_a_moving_bag_is_waited_for_and_calls_nobody(kiosk: Kiosk) -> None:
    kiosk.bag.still = False
    assert [await kiosk.reason(RICE) for _ in range(5)] == ["bag_moves"] * 5
    assert kiosk.till.attention.call is None


async def test_a_dead_bagging_scale_calls_an_attendant_who_then_watches(kiosk: Kiosk) -> None:
    kiosk.bag.trouble = DeviceGone("scale-2: unplugged", reason="gone", code=108)
    await_reason = await kiosk.reason(RICE)
    assert await_reason == "bag_not_weighed"
    await kiosk.till.attention.answer(ANNA)
    kiosk.bag.trouble = None
    kiosk.bag.grams = 77_000
    assert await kiosk.reason(RICE) == "weight_mismatch", "nothing was open yet: the next sale is checked"


async def test_in_the_middle_of_a_sale_the_attendant_watches_to_its_end(kiosk: Kiosk) -> None:
    await kiosk.till.enter(RICE)
    kiosk.bag.trouble = DeviceGone("scale-2: unplugged", reason="gone", code=108)
    assert await kiosk.reason(RICE) == "bag_not_weighed"
    await kiosk.till.attention.answer(ANNA)
    await kiosk.till.enter(RICE)
    await kiosk.till.enter(BOOK)


async def test_the_help_button_tells_headquarters_once_and_blocks_nothing(kiosk: Kiosk) -> None:
    till = kiosk.till
    await till.attention.ask_for_help("the bag tore")
    await till.attention.ask_for_help()
    await till.enter(RICE)
    assert [one["call"] for one in kiosk.shop.audits("help_called")] == ["help"]
    assert till.attention.call is not None
    assert till.attention.call.text == "the bag tore"
    await till.attention.answer(ANNA)
    with pytest.raises(SaleRefused) as refused:
        await till.attention.answer(ANNA)
    assert refused.value.reason == "no_call"


async def test_a_call_outlasts_a_restart(kiosk: Kiosk) -> None:
    await kiosk.till.enter(RICE)
    kiosk.bag.grams = 9_000
    assert await kiosk.reason(RICE) == "weight_mismatch"
    kiosk.shop.close()
    shop = Shop(kiosk.shop.folder, STAFF)
    try:
        again = a_kiosk(shop)
        again.bag.grams = 9_000
        assert await again.reason(RICE) == "needs_attendant"
        await again.till.attention.answer(ANNA)
        await again.till.enter(RICE)
    finally:
        shop.close()


async def test_an_attended_lane_may_call_and_answer_itself(kiosk: Kiosk) -> None:
    till = kiosk.shop.workstation
    await till.people.sign_on("anna", "1111")
    await till.attention.ask_for_help()
    await till.attention.answer()
    assert till.attention.call is None
