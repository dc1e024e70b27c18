"""A price by hand: for a reason, within the role's limit, and never under the floor by a slip."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import NeedsAuthority, QueueError, SaleRefused
from gateway.till.authority import Approval
from retail.authority import Limits
from retail.sale import RetailTransaction, faults
from tests.people import STAFF
from tests.shop import Shop, a_shop, an_item

CHEESE, MILK = "4006381333931", "4006381333948"
ITEMS = [
    an_item("1", "Cheese", CHEESE, 1_000).model_copy(update={"floor_minor": 600}),
    an_item("2", "Milk", MILK, 119),
]
SUSE, MIA = Approval("suse", "5555"), Approval("mia", "9999")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path, *STAFF)
    await shop.stock(2, ITEMS)
    await shop.workstation.people.sign_on("anna", "1111")
    await shop.workstation.enter(CHEESE)
    yield shop
    shop.close()


async def test_ten_per_cent_is_the_cashiers_own_and_stands_on_the_line(shop: Shop) -> None:
    line = await shop.workstation.overrides.set(900, "dented")
    assert line.unit_price_minor == 900
    await shop.workstation.tender_cash()
    [body] = shop.log("RetailTransaction")
    sale = RetailTransaction.model_validate(body)
    assert faults(sale) == []
    override = sale.sales()[0].price_override
    assert override is not None
    assert (override.regular_price_minor, override.reason, override.authorised_by) == (1_000, "dented", None)
    assert sale.total_minor == 900
    assert shop.audits("authority_used") == []


@pytest.mark.parametrize(
    ("price", "approval", "role"), [(899, None, "supervisor"), (699, SUSE, "manager"), (1_101, None, "supervisor")]
)
async def test_beyond_the_limit_it_takes_the_next_role(
    shop: Shop, price: int, approval: Approval | None, role: str
) -> None:
    with pytest.raises(NeedsAuthority) as refused:
        await shop.workstation.overrides.set(price, "dented", approval=approval)
    assert refused.value.role == role
    assert shop.workstation.basket.lines[0].unit_price_minor == 1_000


async def test_a_managers_pin_allows_more_and_headquarters_gets_the_audit(shop: Shop) -> None:
    await shop.workstation.overrides.set(700, "dented", approval=SUSE)
    await shop.workstation.overrides.set(650, "badly dented", approval=MIA)
    await shop.workstation.tender_cash()
    line = RetailTransaction.model_validate(shop.log("RetailTransaction")[0]).sales()[0]
    assert line.price_override is not None
    assert line.price_override.authorised_by == "mia"
    assert [(one["authorised_by"], one["amount_minor"], one["of_minor"]) for one in shop.audits("authority_used")] == [
        ("suse", 300, 1_000),
        ("mia", 350, 1_000),
    ]


async def test_below_the_floor_not_even_a_manager_may(shop: Shop) -> None:
    with pytest.raises(NeedsAuthority, match=r"below its floor of .?6\.00") as refused:
        await shop.workstation.overrides.set(599, "dented", approval=MIA)
    assert refused.value.reason == "below_floor"
    await shop.workstation.overrides.set(600, "dented", approval=MIA)


async def test_below_the_floor_a_manager_may_where_the_shop_says_so(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path / "other", *STAFF, limits=Limits(below_floor="manager"))
    try:
        await shop.stock(2, ITEMS)
        await shop.workstation.people.sign_on("anna", "1111")
        await shop.workstation.enter(CHEESE)
        with pytest.raises(NeedsAuthority) as refused:
            await shop.workstation.overrides.set(599, "dented", approval=SUSE)
        assert refused.value.role == "manager"
        await shop.workstation.overrides.set(599, "dented", approval=MIA)
    finally:
        shop.close()


async def test_the_price_books_own_price_takes_the_override_back(shop: Shop) -> None:
    await shop.workstation.overrides.set(950, "dented")
    await shop.workstation.overrides.set(1_000, "it was not")
    assert shop.workstation.basket.lines[0].price_override is None
    with pytest.raises(NeedsAuthority):  # ten per cent of the price book's price, not of the last override
        await shop.workstation.overrides.set(899, "dented")


async def test_an_overridden_price_gets_no_deal_on_top(shop: Shop) -> None:
    half = {
        "id": "half",
        "rev": 1,
        "name": {"en": "Half price"},
        "kind": "item_price",
        "match": {"all": {"items": ["1", "2"]}},
        "slots": [{"set": "all", "qty": 1}],
        "reward": {"type": "percent_off", "value": 5000},
    }
    await shop.promote(half)
    await shop.workstation.enter(MILK)
    await shop.workstation.overrides.set(900, "dented", line_number=1)
    cheese, milk = shop.workstation.basket.lines
    assert (cheese.net("EUR").minor, milk.net("EUR").minor < 119) == (900, True)


async def test_a_line_that_is_not_there_or_a_sale_being_paid_is_refused(shop: Shop) -> None:
    till = shop.workstation
    with pytest.raises(SaleRefused) as refused:
        await till.overrides.set(950, "x", line_number=5)
    assert refused.value.reason == "no_such_line"
    await till.tender_cash(100)
    with pytest.raises(SaleRefused, match="take back what was given"):
        await till.overrides.set(950, "x")


async def test_a_disk_that_refuses_leaves_the_old_price(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_room(*_arguments: object) -> None:
        raise QueueError("money.sqlite: not written: disk full")

    monkeypatch.setattr(shop.ledger, "keep_basket", no_room)
    with pytest.raises(QueueError):
        await shop.workstation.overrides.set(950, "dented")
    assert shop.workstation.basket.lines[0].unit_price_minor == 1_000
