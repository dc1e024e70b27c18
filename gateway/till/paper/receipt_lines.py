"""The lines of a receipt that goods and tenders make: what it was, how it came to its amount, what was taken off."""

from __future__ import annotations

from gateway.peripherals import Columns, PrintLine, Text
from gateway.words import Words, message
from retail.lines import Measured, ReturnLine, SaleLine, TenderLine
from retail.sale import RetailTransaction
from retail.units import Money, Weight

TENDERS = {
    "Cash": message("Cash"),
    "Card": message("Card"),
    "Wallet": message("Mobile payment"),
    "Points": message("Points"),
    "Voucher": message("Voucher"),
    "Coupon": message("Coupon"),
}
#: reason codes as they come with the program; a shop's own are printed as they stand in its configuration
REASONS = {
    "damaged": message("damaged"),
    "wrong_item": message("wrong article"),
    "not_wanted": message("not wanted"),
    "expired": message("expired"),
    "recall": message("recalled"),
    "other": message("other reason"),
}


def goods(sale: RetailTransaction, words: Words) -> list[PrintLine]:
    lines: list[PrintLine] = []
    for back in sale.returns():
        lines += _returned(back, sale.currency, words)
    for sold in sale.sales():
        lines += _sold(sold, sale.currency, words)
    return lines


def goods_alone(sale: RetailTransaction, words: Words) -> list[PrintLine]:
    """What was sold, without a price."""
    lines: list[PrintLine] = []
    for sold in sale.sales():
        weighed = sold.weight_grams is not None
        much = f"{Weight(sold.weight_grams or 0).plain()} kg" if weighed else f"{sold.quantity} x"
        lines.append(Columns(sold.description, much))
    return lines


def _sold(line: SaleLine, currency: str, words: Words) -> list[PrintLine]:
    """Below the line what it was by: a quantity or a weight, a price that was set by hand, each discount."""
    amount = _money(line.extended_amount_minor, currency, words)
    lines: list[PrintLine] = [Columns(line.description, f"{amount} {line.tax_code}"), *_measure(line, currency, words)]
    if line.price_override is not None:
        regular = _money(line.price_override.regular_price_minor, currency, words)
        lines.append(Text("  " + words.text("Price changed, regular {amount}", amount=regular)))
    for modifier in line.price_modifiers:
        lines.append(Columns(f"  {modifier.name}", f"-{_money(modifier.amount_minor, currency, words)}  "))
    return lines


def _returned(line: ReturnLine, currency: str, words: Words) -> list[PrintLine]:
    amount = _money(line.extended_amount_minor, currency, words)
    name = words.text("Returned: {article}", article=line.description)
    lines: list[PrintLine] = [Columns(name, f"-{amount} {line.tax_code}"), *_measure(line, currency, words)]
    if line.original is not None:
        at = line.original
        number = f"{at.store_id}/{at.workstation_id}/{at.sequence_number}"
        lines.append(Text("  " + words.text("of receipt {number}", number=number)))
    reason = words.text(REASONS[line.reason_code]) if line.reason_code in REASONS else line.reason_code
    lines.append(Text("  " + words.text("Reason: {reason}", reason=reason)))
    return lines


def _measure(line: Measured, currency: str, words: Words) -> list[PrintLine]:
    """Nothing for a single piece."""
    unit_price = _money(line.unit_price_minor, currency, words)
    if line.weight_grams is not None:
        return [Text(f"  {Weight(line.weight_grams).plain()} kg x {unit_price}/kg")]
    if line.quantity != 1:
        return [Text(f"  {line.quantity} x {unit_price}")]
    return []


def tender(line: TenderLine, currency: str, words: Words) -> list[PrintLine]:
    """What was given, with its masked card or its number; or what was paid back."""
    name = line.card_scheme or line.wallet or words.text(TENDERS[line.tender_type])
    if line.amount_minor < 0:
        name = words.text("Paid back: {tender}", tender=name)
    lines: list[PrintLine] = [Columns(name, _money(abs(line.amount_minor), currency, words))]
    for number in (line.card, line.voucher_id, line.reference if line.wallet else None):
        if number:
            lines.append(Text(f"  {number}"))
    if line.change_minor:
        lines.append(Columns(words.text("Change"), _money(line.change_minor, currency, words)))
    return lines


def _money(minor: int, currency: str, words: Words) -> str:
    return words.amount(Money(minor, currency))
