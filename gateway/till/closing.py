"""From an open sale to the transaction that headquarters books: its lines, the tax per tax code, tenders, rewards."""

from __future__ import annotations

from datetime import date, datetime

from gateway.till.basket import Basket
from gateway.till.lane import Finished, Paid
from gateway.till.line import Line
from gateway.till.paper.receipt import receipt_number
from retail.pricing import included_tax_minor
from retail.sale import CouponLine, LineItem, LoyaltyLine, RetailTransaction, ReturnLine, SaleLine, TaxLine
from retail.units import Money


def to_transaction(
    basket: Basket, store_id: str, workstation_id: str, sequence_number: int, business_date: date, end: datetime
) -> RetailTransaction:
    """The finished sale. business_date: the day it is booked on; end: now, in UTC."""
    goods: list[SaleLine | ReturnLine] = [_sale_line(line, basket.currency) for line in basket.lines]
    goods += [back.line.model_copy(update={"void_flag": back.void}) for back in basket.returns]
    goods.sort(key=lambda line: line.line_number)
    number = max((line.line_number for line in goods), default=0) + 1
    taxes = _taxes(basket, number)
    tenders = basket.settlement().rows(number + len(taxes))
    rewards = _rewards(basket, number + len(taxes) + len(tenders))
    return RetailTransaction(
        store_id=store_id,
        workstation_id=workstation_id,
        sequence_number=sequence_number,
        business_day_date=business_date,
        operator_id=basket.operator_id,
        begin_date_time=basket.begin or end,
        end_date_time=max(end, basket.begin or end),
        currency=basket.currency,
        line_items=[*goods, *taxes, *tenders, *rewards],
        total_minor=basket.total().minor,
        member_id=basket.member.member_id if basket.member else None,
    )


def _taxes(basket: Basket, first_number: int) -> list[TaxLine]:
    """What tax the nets contain, once per tax code: what was sold less what came back, with the tax that it had."""
    rates = {line.tax_code: line.tax_rate_basis_points for line in basket.lines if not line.void}
    sold, back, back_tax = dict.fromkeys(rates, 0), dict.fromkeys(rates, 0), dict.fromkeys(rates, 0)
    for line in basket.lines:
        if not line.void:
            sold[line.tax_code] += line.net(basket.currency).minor
    for one in basket.returns:
        code = one.line.tax_code
        if not one.void:
            rates.setdefault(code, one.tax_rate_basis_points)
            back[code] = back.get(code, 0) + one.line.extended_amount_minor
            back_tax[code] = back_tax.get(code, 0) + one.line.tax_amount_minor
    return [
        TaxLine(
            line_number=number,
            tax_code=code,
            rate_basis_points=rate,
            taxable_amount_minor=sold.get(code, 0) - back[code],
            tax_amount_minor=included_tax_minor(sold.get(code, 0), rate) - back_tax[code],
        )
        for number, (code, rate) in enumerate(rates.items(), first_number)
    ]


def _rewards(basket: Basket, first_number: int) -> list[LineItem]:
    """The coupons that did something, the points that the member gets, and those that go back with goods."""
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
    taken: dict[str, int] = {}
    for back in basket.returns:
        if back.member_id is not None and back.points and not back.void:
            taken[back.member_id] = taken.get(back.member_id, 0) + back.points
    rewards += [
        LoyaltyLine(line_number=number, member_id=member_id, points=-points)
        for number, (member_id, points) in enumerate(taken.items(), first_number + len(rewards))
    ]
    return rewards


def finished(sale: RetailTransaction, seq: int) -> Finished:
    """The sale as the screen shows it behind its end."""

    def money(minor: int) -> Money:
        return Money(minor, sale.currency)

    tenders = sale.tenders()
    return Finished(
        number=receipt_number(sale),
        seq=seq,
        total=money(sale.total_minor),
        tendered=money(sum(tender.amount_minor for tender in tenders)),
        change=money(sum(tender.change_minor for tender in tenders)),
        paid=tuple(
            Paid(
                one.tender_type,
                money(one.amount_minor),
                one.card or "",
                one.wallet or "",
                one.voucher_id or "",
                one.points or 0,
            )
            for one in tenders
        ),
        rounding=money(sale.rounding_minor()),
    )


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
