"""Operators sign on at a workstation; what their role does not allow takes somebody else's PIN, and is audited."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import NeedsAuthority, SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.workstation import Workstation
from retail.authority import Limits
from tests.people import ANNA, MIA, STAFF, an_operator
from tests.shop import Shop, a_shop

MILK = "4006381333931"
STRICT = Limits(void_line="supervisor", void_sale="manager")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path, *STAFF, limits=STRICT)
    yield shop
    shop.close()


async def reason_of(till: Workstation, code: str = MILK) -> str:
    with pytest.raises(SaleRefused) as refused:
        await till.enter(code)
    return refused.value.reason


async def test_a_shop_without_operators_sells_without_signing_on(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path)
    await shop.workstation.enter(MILK)
    await shop.workstation.tender_cash()
    assert [sale["operator_id"] for sale in shop.log("RetailTransaction")] == ["cashier"]
    with pytest.raises(SaleRefused, match=r"\[operator") as refused:
        await shop.workstation.people.sign_on("anna", "1111")
    assert refused.value.reason == "no_operators"
    shop.close()


async def test_where_operators_are_known_nothing_is_sold_before_one_signs_on(shop: Shop) -> None:
    till = shop.workstation
    assert await reason_of(till) == "not_signed_on"
    await till.people.sign_on("anna", "1111")
    await till.enter(MILK)
    await till.tender_cash()
    await till.people.sign_off()
    assert await reason_of(till) == "not_signed_on"
    assert [sale["operator_id"] for sale in shop.log("RetailTransaction")] == ["anna"]


async def test_a_sign_on_is_of_one_workstation_and_outlasts_a_restart(shop: Shop) -> None:
    await shop.workstation.people.sign_on("anna", "1111")
    other = shop.make_workstation(replace(shop.lane, workstation_id="2"))
    assert await reason_of(other) == "not_signed_on"
    await shop.workstation.enter(MILK)
    shop.close()
    again = Shop(shop.folder, STAFF)
    try:
        await again.workstation.enter(MILK)
        await again.workstation.tender_cash()
        assert again.log("RetailTransaction")[0]["operator_id"] == "anna"
    finally:
        again.close()


async def test_nobody_changes_in_the_middle_of_a_sale(shop: Shop) -> None:
    till = shop.workstation
    await till.people.sign_on("anna", "1111")
    await till.enter(MILK)
    for change in (till.people.sign_off, lambda: till.people.sign_on("ben", "2222")):
        with pytest.raises(SaleRefused) as refused:
            await change()
        assert refused.value.reason == "sale_open"
    await till.tender_cash()
    await till.people.sign_on("ben", "2222")
    await till.enter(MILK)
    await till.tender_cash()
    assert [sale["operator_id"] for sale in shop.log("RetailTransaction")] == ["anna", "ben"]


async def test_headquarters_list_goes_before_the_shops_own_and_who_left_it_sells_no_more(shop: Shop) -> None:
    till = shop.workstation
    await till.people.sign_on("anna", "1111")
    await shop.feed("operators", {"mia": MIA.model_dump(mode="json")})
    assert await reason_of(till) == "not_signed_on"
    assert till.notice is not None
    assert "anna may no longer work here" in till.notice.text
    with pytest.raises(SaleRefused):
        await till.people.sign_on("anna", "1111")
    await till.people.sign_on("mia", "9999")
    await till.enter(MILK)
    await shop.feed(
        "operators", {"mia": an_operator("mia", "manager", "9999", active=False).model_dump(mode="json")}, 2
    )
    await till.enter(MILK)
    await till.tender_cash()  # what she began she may finish
    assert await reason_of(till) == "not_signed_on"


async def test_what_a_role_may_not_is_refused_and_says_whose_word_it_takes(shop: Shop) -> None:
    till = shop.workstation
    await till.people.sign_on("anna", "1111")
    await till.enter(MILK)
    for command, role in ((till.void_line, "supervisor"), (till.void_all, "manager")):
        with pytest.raises(NeedsAuthority) as refused:
            await command()
        assert (refused.value.reason, refused.value.role) == ("needs_authority", role)
    assert not till.basket.lines[0].void
    assert shop.audits("authority_used") == []


async def test_anothers_pin_allows_it_in_the_cashiers_name_and_headquarters_hears(shop: Shop) -> None:
    till = shop.workstation
    await till.people.sign_on("anna", "1111")
    await till.enter(MILK)
    with pytest.raises(NeedsAuthority, match="Ben may not allow it"):
        await till.void_line(approval=Approval("ben", "2222"))
    with pytest.raises(SaleRefused, match="wrong"):
        await till.void_line(approval=Approval("suse", "0000"))
    await till.void_line(approval=Approval("suse", "5555"))
    assert till.basket.lines[0].void
    [facts] = shop.audits("authority_used")
    assert (facts["act"], facts["operator_id"], facts["authorised_by"]) == ("void_line", "anna", "suse")
    assert facts["sale"] == till.basket.idempotency_key
    # Not within an id, whose digits are drawn.
    assert not re.search(r"(?<![\w-])5555(?![\w-])", str(shop.log("AuditRecord")))


async def test_ones_own_high_role_needs_no_second_pin_and_is_on_record(shop: Shop) -> None:
    till = shop.workstation
    await till.people.sign_on("mia", "9999")
    await till.enter(MILK)
    await till.void_all()
    assert till.basket.state == "idle"
    assert [facts["authorised_by"] for facts in shop.audits("authority_used")] == ["mia"]


async def test_an_authority_that_came_to_nothing_is_not_on_record(shop: Shop) -> None:
    till = shop.workstation
    await till.people.sign_on("mia", "9999")
    await till.enter(MILK)
    with pytest.raises(SaleRefused, match="line 7"):
        await till.void_line(7)
    await till.enter(MILK)
    assert shop.audits("authority_used") == []


async def test_a_self_checkout_has_no_operator_and_its_customers_may_little(shop: Shop) -> None:
    till = shop.make_workstation(replace(shop.lane, workstation_id="9", self_checkout=True))
    await till.enter(MILK)
    with pytest.raises(SaleRefused) as refused:
        await till.people.sign_on("anna", "1111")
    assert refused.value.reason == "self_checkout"
    with pytest.raises(NeedsAuthority):
        await till.people.allow(Asked(Act.DISCOUNT_LINE, amount_minor=1, of_minor=100))
    assert ANNA.operator_id == await till.people.allow(
        Asked(Act.DISCOUNT_LINE, amount_minor=1, of_minor=100), approval=Approval("anna", "1111")
    )
    await till.tender_cash()
    assert shop.log("RetailTransaction")[0]["operator_id"] == "self-checkout"
