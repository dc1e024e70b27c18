"""What stands in a cell of a CSV, as the values that rows have. Nothing rounds."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from cloud_erp.text import printable
from retail.units import exponent

DECIMAL = re.compile(r"\d+(\.\d+)?")
MOST_MINOR = 10**12
YES, NO = ("yes", "true", "1", "x"), ("no", "false", "0", "")


class CellFault(ValueError):
    """What is wrong with a cell, in words, and the rule that it breaks."""

    def __init__(self, message: str, rule: str = "value") -> None:
        super().__init__(printable(message))
        self.rule = rule


def several(text: str) -> list[str]:
    """Parts separated by |."""
    return [part.strip() for part in text.split("|") if part.strip()]


def scaled(text: str, places: int) -> int:
    """A decimal as an integer of its smallest unit.

    Raises:
        CellFault: it is no plain number, or has more decimals, or is too large.
    """
    if not DECIMAL.fullmatch(text) or not text.isascii():
        raise CellFault(f"{text!r} is no plain number; write it as 1.19, without sign, spaces or commas", "number")
    try:
        value = Decimal(text).scaleb(places)
    except InvalidOperation:
        value = Decimal(MOST_MINOR + 1)
    if value > MOST_MINOR:
        raise CellFault(f"{text} is too large; check the decimal point", "too_large")
    if value != value.to_integral_value():
        raise CellFault(f"{text} has more than {places} decimals; round it", "decimals")
    return int(value)


def whole(text: str) -> int:
    return scaled(text, 0)


def percent(text: str) -> int:
    """19 or 19.0 as basis points."""
    rate = scaled(text, 2)
    if rate > 10_000:
        raise CellFault(f"{text} is over 100 percent; write 19 for 19 %", "too_large")
    return rate


def flag(text: str) -> bool:
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise CellFault(f"{text!r} is neither yes nor no", "flag")


def places_of(currency: str) -> int:
    """How many decimals the currency has.

    Raises:
        CellFault: nobody knows it.
    """
    try:
        return exponent(currency)
    except ValueError as error:
        raise CellFault(str(error), "currency") from error
