"""A sale with everything that a receipt can show: it adds up, in dollars of Taiwan and with Chinese names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from gateway.peripherals import Columns, PrintLine, Text
from retail.lines import (
    CouponLine,
    LoyaltyLine,
    NetUnits,
    OriginalLine,
    PriceModifier,
    PriceOverride,
    ReturnLine,
    RoundingLine,
    SaleLine,
    TaxLine,
    TenderLine,
)
from retail.sale import RetailTransaction, faults

NOON = datetime(2026, 11, 22, 4, 0, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def _combo(amount: int) -> PriceModifier:
    return PriceModifier(rule_id="P-2026-117", rule_rev=4, name="紅配綠 59", deal=1, amount_minor=amount)


def everything(**changes: Any) -> RetailTransaction:
    """Goods of 254 less 6 and 20, a tea of 25 back: 203; half with points, the rest by card, wallet, voucher, cash."""
    values: dict[str, Any] = {
        "store_id": "S0421",
        "workstation_id": "1",
        "sequence_number": 18,
        "business_day_date": TODAY,
        "operator_id": "anna",
        "begin_date_time": NOON,
        "end_date_time": NOON,
        "currency": "TWD",
        "session_id": "S0421-1-12",
        "member_id": "M-77",
        "line_items": [
            ReturnLine(
                line_number=1,
                item_id="tea",
                description="珍珠奶茶",
                quantity=1,
                unit_price_minor=30,
                extended_amount_minor=25,
                tax_code="A",
                net_units=[NetUnits(count=1, net_minor=25)],
                tax_amount_minor=1,
                reason_code="damaged",
                original=OriginalLine(
                    store_id="S0421",
                    workstation_id="1",
                    sequence_number=17,
                    business_day_date=TODAY,
                    line_number=2,
                ),
            ),
            SaleLine(
                line_number=2,
                item_id="red",
                description="蘋果汁 300 ml",
                quantity=1,
                unit_price_minor=35,
                extended_amount_minor=35,
                tax_code="A",
                price_modifiers=[_combo(3)],
                net_units=[NetUnits(count=1, net_minor=32)],
            ),
            SaleLine(
                line_number=3,
                item_id="green",
                description="綠茶",
                quantity=1,
                unit_price_minor=30,
                extended_amount_minor=30,
                tax_code="A",
                price_modifiers=[_combo(3)],
                net_units=[NetUnits(count=1, net_minor=27)],
            ),
            SaleLine(
                line_number=4,
                item_id="grapes",
                description="葡萄",
                weight_grams=450,
                unit_price_minor=120,
                extended_amount_minor=54,
                tax_code="A",
            ),
            SaleLine(
                line_number=5,
                item_id="umbrella",
                description="摺疊傘",
                quantity=1,
                unit_price_minor=135,
                extended_amount_minor=135,
                tax_code="A",
                price_override=PriceOverride(regular_price_minor=150, reason="scratched"),
                price_modifiers=[PriceModifier(name="會員 -20", deal=2, amount_minor=20)],
                net_units=[NetUnits(count=1, net_minor=115)],
            ),
            TaxLine(line_number=6, tax_code="A", rate_basis_points=500, taxable_amount_minor=203, tax_amount_minor=10),
            TenderLine(line_number=7, tender_type="Points", amount_minor=50, points=50),
            TenderLine(
                line_number=8,
                tender_type="Card",
                amount_minor=60,
                payment_id="p-1",
                card="************1111",
                card_scheme="Visa",
            ),
            TenderLine(line_number=9, tender_type="Wallet", amount_minor=20, wallet="linepay", reference="LP-9"),
            TenderLine(line_number=10, tender_type="Voucher", amount_minor=40, voucher_id="V0001"),
            TenderLine(line_number=11, tender_type="Cash", amount_minor=100, change_minor=65),
            RoundingLine(line_number=12, amount_minor=2),
            LoyaltyLine(line_number=13, member_id="M-77", points=2),
            LoyaltyLine(line_number=14, member_id="M-77", points=-1),
            CouponLine(line_number=15, coupon_id="C-10"),
        ],
        "total_minor": 203,
    }
    sale = RetailTransaction(**{**values, **changes})
    assert faults(sale) == []
    return sale


def refund_by_voucher() -> RetailTransaction:
    """A tea of 25 comes back, and a voucher goes out."""
    [tea, *_] = everything().line_items
    return everything(
        line_items=[
            tea,
            TaxLine(line_number=2, tax_code="A", rate_basis_points=500, taxable_amount_minor=-25, tax_amount_minor=-1),
            TenderLine(
                line_number=3,
                tender_type="Voucher",
                amount_minor=-25,
                voucher_id="V7Q2M4XK8DPR3T6B",
                valid_until=date(2029, 12, 31),
            ),
        ],
        total_minor=-25,
    )


def read(lines: tuple[PrintLine, ...]) -> list[str]:
    """What stands on it, line by line; columns with a bar between."""
    text = []
    for line in lines:
        if isinstance(line, Text):
            text.append(line.text)
        elif isinstance(line, Columns):
            text.append(f"{line.left} | {line.right}")
    return text
