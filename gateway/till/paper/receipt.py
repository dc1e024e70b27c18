"""A receipt as a printer-neutral list of lines; each printer renders it its own way, and so does the screen."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from gateway.peripherals import Columns, Cut, PrintLine, Rule, Text
from retail.sale import RetailTransaction, SaleLine, TenderLine
from retail.units import Money, Weight


def receipt_number(sale: RetailTransaction) -> str:
    """S0421/1/17: store, workstation, number; unique in the company."""
    return f"{sale.store_id}/{sale.workstation_id}/{sale.sequence_number}"


def receipt(
    sale: RetailTransaction,
    store_name: str,
    zone: ZoneInfo,
    seq: int,
    copy: bool = False,
    slips: Sequence[Sequence[str]] = (),
) -> tuple[PrintLine, ...]:
    """The lines of one receipt, its time in the store's own zone.

    copy: some of it may be on paper already. slips: what the card terminal wants the customer to have.
    """
    lines: list[PrintLine] = [Text(store_name, align="center", bold=True, double=True)]
    if copy:
        lines.append(Text("*** COPY ***", align="center", bold=True))
    lines += [
        Text(f"Receipt {receipt_number(sale)}", align="center"),
        Text(f"{sale.end_date_time.astimezone(zone):%Y-%m-%d %H:%M:%S}", align="center"),
        Rule(),
    ]
    for line in sale.line_items:
        if isinstance(line, SaleLine) and not line.void_flag:
            lines += _sold(line, sale.currency)
    lines += [Rule(), Columns(f"TOTAL {sale.currency}", _plain(sale.total_minor, sale), bold=True, double=True)]
    for tender in sale.tenders():
        lines += _tendered(tender, sale)
    lines.append(Rule())
    for tax in sale.taxes():
        percent = f"{tax.rate_basis_points / 100:g}"
        lines.append(
            Columns(
                f"Tax {tax.tax_code} {percent} % of {_plain(tax.taxable_amount_minor, sale)}",
                _plain(tax.tax_amount_minor, sale),
            )
        )
    for slip in slips:
        lines += [Rule(), *(Text(line) for line in slip)]
    lines += [Text(f"No. {seq} · {sale.operator_id}", align="center"), Cut()]
    return tuple(lines)


def _tendered(tender: TenderLine, sale: RetailTransaction) -> list[PrintLine]:
    lines: list[PrintLine] = [
        Columns(tender.card_scheme or tender.tender_type, _plain(tender.amount_minor, sale)),
    ]
    if tender.card:
        lines.append(Text(f"  {tender.card}"))
    if tender.change_minor:
        lines.append(Columns("Change", _plain(tender.change_minor, sale)))
    return lines


def _plain(minor: int, sale: RetailTransaction) -> str:
    return Money(minor, sale.currency).plain()


def _sold(line: SaleLine, currency: str) -> list[PrintLine]:
    """One line for a single piece; a second one shows how a quantity or a weight came to its amount."""
    amount = Columns(line.description, f"{Money(line.extended_amount_minor, currency).plain()} {line.tax_code}")
    unit_price = Money(line.unit_price_minor, currency).plain()
    if line.weight_grams is not None:
        return [amount, Text(f"  {Weight(line.weight_grams).plain()} kg x {unit_price}/kg")]
    if line.quantity != 1:
        return [amount, Text(f"  {line.quantity} x {unit_price}")]
    return [amount]
