"""From an open sale to the transaction that headquarters books: its lines, the tax per tax code, tenders, rewards."""

from __future__ import annotations

from datetime import date, datetime

from gateway.till.basket import Basket
from gateway.till.line import Line
from retail.pricing import tax_per_code
from retail.sale import CouponLine, LineItem, LoyaltyLine, RetailTransaction, SaleLine, TaxLine


def to_transaction(
    basket: Basket, store_id: str, workstation_id: str, sequence_number: int, business_date: date, end: datetime
) -> RetailTransaction:
    """The finished sale. business_date: the day it is booked on; end: now, in UTC."""
    sold = [_sale_line(line, basket.currency) for line in basket.lines]
    taxes = _taxes(basket, len(sold) + 1)
    tenders = basket.settlement().rows(len(sold) + len(taxes) + 1)
    rewards = _rewards(basket, len(sold) + len(taxes) + len(tenders) + 1)
    return RetailTransaction(
        store_id=store_id,
        workstation_id=workstation_id,
        sequence_number=sequence_number,
        business_day_date=business_date,
        operator_id=basket.operator_id,
        begin_date_time=basket.begin or end,
        end_date_time=max(end, basket.begin or end),
        currency=basket.currency,
        line_items=[*sold, *taxes, *tenders, *rewards],
        total_minor=basket.total().minor,
        member_id=basket.member.member_id if basket.member else None,
    )


def _taxes(basket: Basket, first_number: int) -> list[TaxLine]:
    """What tax the nets contain, once per tax code."""
    rates = {line.tax_code: line.tax_rate_basis_points for line in basket.lines}
    taxed = [(line.tax_code, line.net(basket.currency)) for line in basket.lines if not line.void]
    return [
        TaxLine(
            line_number=number,
            tax_code=code,
            rate_basis_points=rate,
            taxable_amount_minor=net.minor,
            tax_amount_minor=tax.minor,
        )
        for number, (code, rate, net, tax) in enumerate(tax_per_code(taxed, rates), first_number)
    ]


def _rewards(basket: Basket, first_number: int) -> list[LineItem]:
    """The coupons that did something, and the points that the member gets."""
    rewards: list[LineItem] = [
        CouponLine(line_number=number, coupon_id=one.coupon_id, scanned_code=one.scanned_code)
        for number, one in enumerate(basket.coupons_used(), first_number)
    ]
    if basket.member is not None and basket.offers is not None:
        rewards += [
            LoyaltyLine(
                line_number=number, member_id=basket.member.member_id, points=earned.points, rule_id=earned.rule_id
            )
            for number, earned in enumerate(basket.offers.points, first_number + len(rewards))
        ]
    return rewards


def _sale_line(line: Line, currency: str) -> SaleLine:
    return SaleLine(
        line_number=line.line_number,
        item_id=line.item_id,
        description=line.description,
        scanned_code=line.scanned_code,
        entry_method=line.entry_method,
        quantity=line.quantity,
        weight_grams=line.weight_grams,
        unit_price_minor=line.unit_price_minor,
        extended_amount_minor=line.amount(currency).minor,
        tax_code=line.tax_code,
        void_flag=line.void,
        lot=line.lot,
        expiry=line.expiry,
        price_override=line.price_override,
        age_confirmed=line.age_confirmed,
        tare_grams=line.tare_grams or None,
        price_modifiers=[] if line.void else line.price_modifiers,
        net_units=[] if line.void else line.net_units,
    )
