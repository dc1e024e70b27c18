"""Sales and control transactions as a till writes them: deals, returns, points, coupons, vouchers, sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from retail.control import ControlTransaction, SessionTotals, TenderTotal
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
from retail.pricing import included_tax_minor
from retail.sale import RetailTransaction
from tests.cloud_erp.batches import BEGAN, STORE, sale

Line = SaleLine | ReturnLine | TaxLine | TenderLine | RoundingLine | LoyaltyLine | CouponLine
MEMBER = "M-1"
RATES = {"A": 1900, "B": 700}


def sold(item: str, price: int, pieces: int = 1, off: int = 0, code: str = "B", **facts: Any) -> SaleLine:
    """`pieces` at `price` each, `off` taken off all of them; the last piece bears what does not share evenly."""
    amount = price * pieces
    if off:
        each, rest = divmod(amount - off, pieces)
        parts = [NetUnits(count=1, net_minor=each + rest)]
        if pieces > 1:
            parts.append(NetUnits(count=pieces - 1, net_minor=each))
        facts["net_units"] = parts
        facts["price_modifiers"] = [PriceModifier(rule_id="P-1", rule_rev=2, name="Deal", deal=1, amount_minor=off)]
    return SaleLine(
        line_number=1, item_id=item, description=f"Item {item}", quantity=pieces, unit_price_minor=price,
        extended_amount_minor=amount, tax_code=code, **facts,
    )  # fmt: skip


def returned(item: str, *nets: int, code: str = "B", **facts: Any) -> ReturnLine:
    """Pieces that come back, each for its net; of receipt 1 of this store where nothing else is said."""
    amount = sum(nets)
    original = OriginalLine(
        store_id=STORE, workstation_id="1", sequence_number=1, business_day_date=BEGAN.date(), line_number=1
    )
    return ReturnLine(
        line_number=1, item_id=item, description=f"Item {item}", quantity=len(nets), unit_price_minor=max(nets),
        extended_amount_minor=amount, tax_code=code, tax_amount_minor=included_tax_minor(amount, RATES[code]),
        net_units=[NetUnits(count=1, net_minor=net) for net in nets],
        **({"reason_code": "damaged", "original": original} | facts),
    )  # fmt: skip


def tender(kind: str, minor: int, **facts: Any) -> TenderLine:
    return TenderLine.model_validate({"line_number": 1, "tender_type": kind, "amount_minor": minor, **facts})


def points(earned: int, member: str = MEMBER) -> LoyaltyLine:
    return LoyaltyLine(line_number=1, member_id=member, points=earned, rule_id="POINTS")


def coupon(code: str) -> CouponLine:
    return CouponLine(line_number=1, coupon_id=code, scanned_code=code)


def rounding(minor: int) -> RoundingLine:
    return RoundingLine(line_number=1, amount_minor=minor)


def override(regular: int) -> PriceOverride:
    return PriceOverride(regular_price_minor=regular, reason="price on the shelf", authorised_by="mia")


def taxes(lines: Sequence[Line]) -> list[TaxLine]:
    found: list[TaxLine] = []
    for code, rate in RATES.items():
        net = sum(line.net_minor for line in lines if isinstance(line, SaleLine) and line.tax_code == code)
        back = [line for line in lines if isinstance(line, ReturnLine) and line.tax_code == code]
        if net or back:
            found.append(
                TaxLine(
                    line_number=1, tax_code=code, rate_basis_points=rate,
                    taxable_amount_minor=net - sum(line.extended_amount_minor for line in back),
                    tax_amount_minor=included_tax_minor(net, rate) - sum(line.tax_amount_minor for line in back),
                )
            )  # fmt: skip
    return found


def till_sale(number: int, *lines: Line, store: str = STORE, **facts: Any) -> RetailTransaction:
    """The lines in a transaction that adds up: with their tax, and paid in cash where no tender stands among them."""
    due = sum(line.net_minor for line in lines if isinstance(line, SaleLine))
    due -= sum(line.extended_amount_minor for line in lines if isinstance(line, ReturnLine))
    rounded = sum(line.amount_minor for line in lines if isinstance(line, RoundingLine))
    whole: list[Line] = [*lines, *taxes(lines)]
    if not any(isinstance(line, TenderLine) for line in lines):
        whole.append(tender("Cash", due + rounded))
    numbered = [line.model_copy(update={"line_number": place}) for place, line in enumerate(whole, 1)]
    return sale(number, store=store, **{"line_items": numbered, "total_minor": due, **facts})


def control(kind: str, minute: int = 0, **facts: Any) -> ControlTransaction:
    return ControlTransaction.model_validate(
        {
            "control": kind, "store_id": STORE, "workstation_id": "1", "business_day_date": BEGAN.date(),
            "operator_id": "anna", "session_id": "SE-1", "at": BEGAN + timedelta(minutes=minute), "currency": "EUR",
            **facts,
        }
    )  # fmt: skip


def closed(minute: int = 60, counted: int | None = None, **figures: Any) -> ControlTransaction:
    """The close of a session; `figures` as SessionTotals has them, the rest 0. counted: as expected, if not given."""
    plain = dict.fromkeys(
        (
            "sales_count", "sales_minor", "returned_minor", "discounts_minor", "rounding_minor", "voids_count",
            "float_minor", "paid_in_minor", "paid_out_minor", "picked_up_minor",
        ),
        0,
    )  # fmt: skip
    tenders: list[TenderTotal] = figures.pop("tenders", [])
    whole: dict[str, Any] = plain | {"z_number": 1, "opened_at": BEGAN, "tenders": tenders} | figures
    cash = sum(one.amount_minor for one in tenders if one.tender_type == "Cash")
    expected = cash + sum(whole[name] * sign for name, sign in (
        ("float_minor", 1), ("paid_in_minor", 1), ("paid_out_minor", -1), ("picked_up_minor", -1)
    ))  # fmt: skip
    counted = expected if counted is None else counted
    said = {"expected_cash_minor": expected, "counted_cash_minor": counted, "over_short_minor": counted - expected}
    numbers = {"first_sequence_number": None, "last_sequence_number": None}
    totals = SessionTotals.model_validate(numbers | said | whole)
    return control("SessionClose", minute, totals=totals)
