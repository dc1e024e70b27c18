"""A receipt as a printer-neutral list of lines; each printer renders it its own way, and so does the screen.

It is made of the transaction as it was kept, so that a copy years later reads the same, and of a few facts that only
the box knew when it was finished (Beside). Words and figures are the store's locale's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from gateway.peripherals import BarCode, Columns, Cut, Logo, PrintLine, Qr, Rule, Text
from gateway.till.paper import receipt_lines
from gateway.words import Words
from retail.lines import TenderLine
from retail.sale import RetailTransaction
from retail.units import Money


@dataclass(frozen=True)
class Look:
    """What all receipts of a store share. logo: whether the shop has a picture; footer: its last words."""

    store_name: str
    zone: ZoneInfo
    locale: str = "en"
    logo: bool = False
    footer: tuple[str, ...] = ()

    @cached_property
    def words(self) -> Words:
        return Words(self.locale)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a receipt says that the transaction does not: slips of the terminal, and what is left where.

    points_now: of the member, with this sale. left: voucher id -> what is left on it.
    """

    slips: Sequence[Sequence[str]] = ()
    points_now: int | None = None
    left: Mapping[str, int] = field(default_factory=dict)


NOTHING = Beside()


def receipt_number(sale: RetailTransaction) -> str:
    """S0421/1/17: store, workstation, number; unique in the company."""
    return f"{sale.store_id}/{sale.workstation_id}/{sale.sequence_number}"


def receipt(
    sale: RetailTransaction, look: Look, seq: int, copy: bool = False, beside: Beside = NOTHING, gift: bool = False
) -> tuple[PrintLine, ...]:
    """The lines of one receipt, its time in the store's own zone.

    seq: its place in the box's log. copy: some of it may be on paper already. gift: for the one who gets the goods,
    without a price; it brings goods back as the receipt does.
    """
    words = look.words
    if gift:
        body = receipt_lines.goods_alone(sale, words)
    else:
        body = [*receipt_lines.goods(sale, words), *_totals(sale, words), *_tenders(sale, words), *_taxes(sale, words)]
        body += [*_loyalty(sale, words, beside), *_issued(sale, words)]
        for slip in beside.slips:
            body += [Rule(), *(Text(line) for line in slip)]
    return (*_head(sale, look, copy, gift), *body, *_foot(sale, look, seq), Cut())


def _head(sale: RetailTransaction, look: Look, copy: bool, gift: bool) -> list[PrintLine]:
    words = look.words
    lines: list[PrintLine] = [Logo()] if look.logo else []
    lines.append(Text(look.store_name, align="center", bold=True, double=True))
    lines += _training(sale, words)
    if copy:
        lines.append(Text(f"*** {words.text('COPY')} ***", align="center", bold=True))
    if title := _title(sale, words, gift):
        lines.append(Text(title, align="center", bold=True))
    lines += [
        *_number(sale, words),
        Text(f"{sale.end_date_time.astimezone(look.zone):%Y-%m-%d %H:%M:%S}", align="center"),
        Rule(),
    ]
    return lines


def _number(sale: RetailTransaction, words: Words) -> list[PrintLine]:
    """Training uses no number, so its paper shows none."""
    if sale.training_flag:
        return []
    return [Text(words.text("Receipt {number}", number=receipt_number(sale)), align="center")]


def _title(sale: RetailTransaction, words: Words, gift: bool) -> str:
    if gift:
        return words.text("GIFT RECEIPT")
    if not sale.returns():
        return ""
    return words.text("EXCHANGE") if sale.sales() else words.text("RETURN")


def _training(sale: RetailTransaction, words: Words) -> list[PrintLine]:
    """What nobody can take for a receipt."""
    if not sale.training_flag:
        return []
    return [
        Text(f"*** {words.text('TRAINING')} ***", align="center", bold=True, double=True),
        Text(words.text("Nothing was sold. This is no receipt."), align="center", bold=True),
    ]


def _totals(sale: RetailTransaction, words: Words) -> list[PrintLine]:
    lines: list[PrintLine] = [Rule()]
    saved = sum(modifier.amount_minor for line in sale.sales() for modifier in line.price_modifiers)
    if saved:
        lines.append(Columns(words.text("You saved"), _amount(saved, sale, words)))
    total = f"{words.text('TOTAL')} {sale.currency}"
    return [*lines, Columns(total, _amount(sale.total_minor, sale, words), bold=True, double=True)]


def _tenders(sale: RetailTransaction, words: Words) -> list[PrintLine]:
    lines: list[PrintLine] = []
    if rounding := sale.rounding_minor():
        lines.append(Columns(words.text("Cash rounding"), _amount(rounding, sale, words)))
    for tender in sale.tenders():
        lines += receipt_lines.tender(tender, sale.currency, words)
    return lines


def _taxes(sale: RetailTransaction, words: Words) -> list[PrintLine]:
    lines: list[PrintLine] = [Rule()]
    for tax in sale.taxes():
        of = _amount(tax.taxable_amount_minor, sale, words)
        percent = f"{tax.rate_basis_points / 100:g}"
        text = words.text("Tax {code} {percent} % of {amount}", code=tax.tax_code, percent=percent, amount=of)
        lines.append(Columns(text, _amount(tax.tax_amount_minor, sale, words)))
    return lines


def _loyalty(sale: RetailTransaction, words: Words, beside: Beside) -> list[PrintLine]:
    earned = sum(line.points for line in sale.loyalty() if line.points > 0)
    taken_back = -sum(line.points for line in sale.loyalty() if line.points < 0)
    facts = [
        (words.text("Points earned"), earned),
        (words.text("Points taken back"), taken_back),
        (words.text("Points spent"), sum(max(one.points or 0, 0) for one in sale.tenders())),
        (words.text("Points given back"), -sum(min(one.points or 0, 0) for one in sale.tenders())),
    ]
    lines: list[PrintLine] = [Columns(text, str(points)) for text, points in facts if points]
    if beside.points_now is not None:
        lines.append(Columns(words.text("Your points now"), str(beside.points_now), bold=True))
    lines += [Text(words.text("Coupon used: {coupon}", coupon=one.coupon_id)) for one in sale.coupons()]
    for voucher, left in beside.left.items():
        text = words.text("Left on voucher {voucher}", voucher=voucher)
        lines.append(Columns(text, _amount(left, sale, words)))
    return [Rule(), *lines] if lines else []


def _issued(sale: RetailTransaction, words: Words) -> list[PrintLine]:
    """Each voucher that this transaction gave out: whoever holds it can spend it."""
    lines: list[PrintLine] = []
    for one in sale.tenders():
        if one.tender_type == "Voucher" and one.amount_minor < 0 and one.voucher_id:
            lines += _voucher(one, one.voucher_id, sale, words)
    return lines


def _voucher(one: TenderLine, voucher: str, sale: RetailTransaction, words: Words) -> list[PrintLine]:
    over = f"{sale.currency} {_amount(-one.amount_minor, sale, words)}"
    lines: list[PrintLine] = [
        Rule(),
        Text(words.text("VOUCHER over {amount}", amount=over), align="center", bold=True, double=True),
        BarCode(voucher, "CODE128"),
    ]
    if one.valid_until is not None:
        lines.append(Text(words.text("Valid until {day}", day=words.day(one.valid_until)), align="center"))
    return lines


def _foot(sale: RetailTransaction, look: Look, seq: int) -> list[PrintLine]:
    words = look.words
    who = words.text("Cashier {operator}", operator=sale.operator_id)
    if sale.session_id:
        who += " · " + words.text("Session {session}", session=sale.session_id)
    lines: list[PrintLine] = [Rule()]
    if not sale.training_flag:
        lines += [Qr(receipt_number(sale)), Text(f"No. {seq}", align="center")]
    lines.append(Text(who, align="center"))
    lines += [Text(line, align="center") for line in look.footer]
    return [*lines, *_training(sale, words)]


def _amount(minor: int, sale: RetailTransaction, words: Words) -> str:
    return words.amount(Money(minor, sale.currency))
