"""Tenders, returns and receipts over HTTP: what a screen and a shop's own program see and may ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.till.paper.jobs import ReceiptJob
from retail.sale import RetailTransaction, faults
from tests.api.store import MILK, Shop, client_of, open_shop
from tests.people import ANNA, SUSE

LANE = "/v1/baskets/1"
Json = dict[str, Any]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop, shop.served():
        await shop.feed("members", {"M1": {"member_id": "M1", "name": "Lin", "points": 100}})
        await shop.feed("vouchers", {"V1": {"voucher_id": "V1", "balance_minor": 500, "currency": "EUR"}})
        await shop.feed("coupons", {"C1": {"coupon_id": "C1", "name": "0.50 off", "amount_minor": 50}})
        yield shop


@pytest.fixture
async def http(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shop) as client:
        yield client


async def post(http: httpx.AsyncClient, path: str, status: int = 200, **body: Any) -> Json:
    answer = await http.post(f"{LANE}/{path}", json=body)
    assert answer.status_code == status, answer.text
    told: Json = answer.json()
    return told


async def sold(http: httpx.AsyncClient, times: int = 1, **tender: Any) -> str:
    for _ in range(times):
        await post(http, "scan", code=MILK)
    basket = await post(http, "tender", **tender)
    number: str = basket["finished"]["number"]
    return number


def last_sale(shop: Shop) -> RetailTransaction:
    rows = shop._money.read("SELECT body FROM outbox WHERE type = 'RetailTransaction' ORDER BY seq DESC LIMIT 1")
    sale = RetailTransaction.model_validate_json(rows[0]["body"])
    assert faults(sale) == []
    return sale


async def test_a_sale_split_over_every_kind_of_tender(shop: Shop, http: httpx.AsyncClient) -> None:
    await http.post(f"{LANE}/member", json={"member_id": "M1"})
    for _ in range(4):
        basket = await post(http, "scan", code=MILK)
    dues = {one["tender_type"]: one["due_minor"] for one in basket["due_per_tender"]}
    assert dues == {"Cash": 476, "Wallet": 476, "Points": 100, "Voucher": 476, "Coupon": 476}
    assert basket["wallets"] == ["linepay", "alipay"]
    await post(http, "tender", type="points", points=100)
    await post(http, "tender", tender_type="Voucher", voucher_id="V1", amount_minor=120)
    basket = await post(http, "tender", tender_type="Coupon", code="C1")
    assert (basket["due_minor"], [one["tender_type"] for one in basket["tenders"]]) == (
        206,
        ["Points", "Voucher", "Coupon"],
    )
    basket = await post(http, "take-back-tender", tender_number=2)
    assert (basket["due_minor"], [one["number"] for one in basket["tenders"]]) == (326, [1, 2])
    await post(http, "take-back-tender", 422, tender_number=9)
    basket = await post(http, "tender", tender_type="Voucher", voucher_id="V1", amount_minor=126)
    basket = await post(http, "tender", amount_minor=500)
    assert basket["finished"]["change_minor"] == 300
    rows = [(one.tender_type, one.amount_minor - one.change_minor) for one in last_sale(shop).tenders()]
    assert rows == [("Points", 100), ("Coupon", 50), ("Voucher", 126), ("Cash", 200)]


@pytest.mark.parametrize(
    ("body", "status", "reason", "field"),
    [
        ({"tender_type": "Cheque"}, 422, "invalid", "tender_type"),
        ({"amount_minor": -5}, 422, "invalid", "amount_minor"),
        ({"tender_type": "Points"}, 422, "no_member", "tender_type"),
        ({"tender_type": "Voucher", "voucher_id": "V9"}, 422, "unknown_voucher", "voucher_id"),
        ({"tender_type": "Voucher"}, 422, "no_voucher", "voucher_id"),
        ({"tender_type": "Coupon", "code": "C9"}, 422, "unknown_coupon", "code"),
        ({"tender_type": "Wallet", "wallet": "paypal"}, 422, "unknown_wallet", "wallet"),
        ({"tender_type": "Card"}, 409, "no_terminal", None),
    ],
)
async def test_a_tender_that_cannot_be_says_which_field_and_why(
    http: httpx.AsyncClient, body: Json, status: int, reason: str, field: str | None
) -> None:
    await post(http, "scan", code=MILK)
    problem = await post(http, "tender", status, **body)
    assert problem["reason"] == reason
    assert [one["field"] for one in problem["errors"]] == ([field] if field else [])


async def test_a_wallet_with_a_device_of_its_own_is_asked_through_the_cashier(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    await post(http, "scan", code=MILK)
    basket = await post(http, "tender", tender_type="Wallet", wallet="linepay")
    while not (basket["payment"] or {}).get("ask_a_person"):
        basket = (await http.get(LANE)).json()
    assert (basket["state"], basket["payment"]["by_hand"]) == ("unknown", True)
    problem = await post(http, "decide-payment", 422, paid=True, who="Anna", why="it shows so")
    assert (problem["reason"], problem["errors"][0]["field"]) == ("no_reference", "reference")
    basket = await post(http, "decide-payment", paid=True, reference="LP-77")
    assert basket["finished"]["tenders"][0]["wallet"] == "linepay"
    [tender] = last_sale(shop).tenders()
    assert (tender.tender_type, tender.wallet, tender.reference) == ("Wallet", "linepay", "LP-77")
    assert shop.told == []
    await post(http, "scan", code=MILK)
    await post(http, "tender", tender_type="Wallet", wallet="linepay", reference="LP-78")
    while (basket := (await http.get(LANE)).json())["state"] != "idle":
        pass
    assert last_sale(shop).tenders()[0].reference == "LP-78"


async def test_goods_come_back_by_the_receipt_that_was_scanned(shop: Shop, http: httpx.AsyncClient) -> None:
    number = await sold(http, 2)
    assert (await http.get("/v1/return-reasons")).json()["reason_codes"][0] == "damaged"
    basket = await post(http, "scan", code=number)
    assert basket["notice"]["reason"] == "receipt"
    assert [(one["line_number"], one["left"]) for one in basket["return_from"]["lines"]] == [(1, 1), (2, 1)]
    problem = await post(http, "returns", 422, receipt=number, line_number=1, reason_code="because")
    assert (problem["reason"], problem["errors"][0]["field"]) == ("no_reason", "reason_code")
    basket = await post(http, "returns", receipt=number, line_number=1, reason_code="damaged", reason="torn")
    assert (basket["due_minor"], basket["refund_due_minor"], basket["returned_minor"]) == (-119, 119, 119)
    [back] = basket["returns"]
    assert (back["receipt"], back["amount_minor"], back["restock"]) == (number, 119, False)
    assert basket["refund_to"] == [{"tender_type": "Cash", "amount_minor": 119, "amount": "€1.19", "wallet": ""}]
    assert "Coupon" not in [one["tender_type"] for one in basket["due_per_tender"]]
    problem = await post(http, "returns", 422, receipt=number, line_number=1, reason_code="damaged")
    assert problem["reason"] == "already_returned"
    basket = await post(http, "void-line", line_number=1)
    assert basket["returns"][0]["void"]
    basket = await post(http, "returns", receipt=number, code=MILK, reason_code="other", quantity=1)
    basket = await post(http, "tender", tender_type="Voucher")
    voucher = basket["finished"]["tenders"][0]["voucher_id"]
    assert len(voucher) == 16
    await post(http, "scan", code=MILK)
    basket = await post(http, "tender", tender_type="Voucher", voucher_id=voucher)
    assert basket["finished"]["total_minor"] == 119
    found = (await http.get("/v1/receipts", params={"code": MILK})).json()["receipts"]
    assert [one["receipt"] for one in found] == ["S0421/1/3", "S0421/1/1"]


async def test_a_receipt_is_lines_and_a_page_and_prints_again_as_a_copy(shop: Shop, http: httpx.AsyncClient) -> None:
    number = await sold(http)
    shown = (await http.get(f"/v1/receipts/{number}")).json()
    assert (shown["receipt"], shown["total_minor"]) == (number, 119)
    assert {"kind": "qr", "text": number, "right": "", "align": "center", "bold": False, "double": False} in shown[
        "lines"
    ]
    assert "*** COPY ***" in [line["text"] for line in shown["lines"]]
    page = await http.get(f"/v1/receipts/{number}", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "Whole milk 1 l" in page.text
    assert "<svg" in page.text
    gift = (await http.get(f"/v1/receipts/{number}", params={"gift": "true"})).json()
    assert not [line for line in gift["lines"] if "1.19" in line["right"]]
    for path in ("S0421/1/99", "S0007/1/1", "S0421/1/x"):
        assert (await http.get(f"/v1/receipts/{path}")).status_code == 404
    waits = await http.post(f"/v1/receipts/{number}/reprint", json={})
    assert (waits.status_code, waits.json()["reason"]) == (409, "waits")
    job = shop.jobs.next("printer-1")
    assert job is not None
    await shop.jobs.mark(job, "printed")
    again = await http.post(f"/v1/receipts/{number}/reprint", json={"workstation": "1"})
    assert again.json() == {"receipt": number, "printer": "printer-1"}
    copy = shop.jobs.next("printer-1")
    assert isinstance(copy, ReceiptJob)
    assert (copy.is_copy, copy.gift) == (True, False)
    wrong = await http.post(f"/v1/receipts/{number}/reprint", json={"workstation": "7"})
    assert (wrong.status_code, wrong.json()["reason"]) == (422, "no_workstation")
    present = await http.post(f"/v1/receipts/{number}/reprint", json={"gift": True})
    assert present.status_code == 200
    await shop.jobs.mark(copy, "printed")
    gift_job = shop.jobs.next("printer-1")
    assert isinstance(gift_job, ReceiptJob)
    assert (gift_job.gift, gift_job.is_copy) == (True, False)


async def test_strange_names_do_not_get_into_the_page_as_markup(shop: Shop, http: httpx.AsyncClient) -> None:
    await post(http, "scan", code="31")
    basket = await post(http, "tender")
    page = await http.get(f"/v1/receipts/{basket['finished']['number']}", headers={"Accept": "text/html"})
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_a_return_without_a_receipt_wants_authority(tmp_path: Path) -> None:
    async with open_shop(tmp_path, operators=[ANNA, SUSE]) as shop, shop.served(), client_of(shop) as http:
        await shop.lane.people.sign_on("anna", "1111")
        body: Json = {"code": MILK, "reason_code": "not_wanted", "receipt": "S0009/1/4"}
        refused = await http.post(f"{LANE}/returns", json=body)
        assert (refused.status_code, refused.json()["reason"]) == (403, "needs_authority")
        basket = await post(http, "returns", **body, authorisation={"operator_id": "suse", "pin": "5555"})
        assert (basket["returns"][0]["unverified"], basket["refund_due_minor"]) == (True, 119)
        await post(http, "tender")
        assert last_sale(shop).returns()[0].authorised_by == "suse"
