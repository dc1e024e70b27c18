"""Shelf labels: an article and a template become a printer-neutral label.

Unit prices are for a kilogram or a litre (EU directive 98/6/EC, article 2b), or for 100 g or 100 ml where a country or
a shop wants that for small packs; rounded half up to the minor unit. Money and dates are written as people of the
shop's locale write them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from gateway.peripherals import (
    Label,
    LabelBarCode,
    LabelBox,
    LabelElement,
    LabelQr,
    LabelText,
    Symbology,
)
from gateway.till.paper.shelf_label_template import Template, names_in
from retail.units import Money

LARGE = {"g": "kg", "ml": "l"}


@dataclass(frozen=True, slots=True)
class NetContent:
    """What is in the pack, in grams or millilitres."""

    amount: int
    unit: Literal["g", "ml"]

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError(f"a net content of {self.amount} {self.unit} has no unit price")


@dataclass(frozen=True, slots=True)
class ShelfArticle:
    """What a label may say. price: of one piece, or of a kilogram where sold_by is kg. barcode: a GTIN or any code."""

    description: str
    price: Money
    sold_by: Literal["each", "kg"] = "each"
    barcode: str = ""
    net_content: NetContent | None = None
    tax_note: str = ""
    date: date | None = None


def shelf_label(article: ShelfArticle, template: Template, locale: str = "en", per: int = 1000) -> Label:
    """The label of one article. per: the grams or millilitres that a unit price is for, 1000 or 100."""
    words = _words(article, locale, per)
    elements = []
    for element in template.elements:
        text = element.get("text") or element.get("data") or ""
        if all(words[name] for name in names_in(text)):
            elements.append(_element(element, text.format_map(words)))
    return Label(template.width, template.height, tuple(elements), template.gap)


def unit_price(price: Money, content: NetContent, per: int = 1000) -> Money:
    """The price of `per` grams or millilitres, half up."""
    return price.share(per, content.amount)


def _words(article: ShelfArticle, locale: str, per: int) -> dict[str, str]:
    content, weighed = article.net_content, article.sold_by == "kg"
    words = {
        "description": article.description.strip(),
        "net_content": _amount(content, locale) if content and not weighed else "",
        "price": article.price.shown(locale),
        "per_unit": "1 kg" if weighed else "",
        "unit_price": "",
        "barcode": article.barcode,
        "tax_note": article.tax_note,
        "date": _date(article.date, locale) if article.date else "",
    }
    if content and not weighed:
        base = f"1 {LARGE[content.unit]}" if per == 1000 else f"{per} {content.unit}"
        words["unit_price"] = f"{base} = {unit_price(article.price, content, per).shown(locale)}"
    return words


def _amount(content: NetContent, locale: str) -> str:
    """750 g, 1.5 l: as it stands on the pack."""
    from babel.numbers import format_decimal  # noqa: PLC0415

    if content.amount < 1000:
        return f"{content.amount} {content.unit}"
    number = format_decimal(Decimal(content.amount).scaleb(-3), locale=locale.replace("-", "_"))
    return f"{number} {LARGE[content.unit]}"


def _date(day: date, locale: str) -> str:
    from babel.dates import format_date  # noqa: PLC0415

    return format_date(day, format="short", locale=locale.replace("-", "_"))


def _element(element: dict[str, Any], text: str) -> LabelElement:
    options = {key: value for key, value in element.items() if key not in ("kind", "text", "data")}
    match element["kind"]:
        case "bar_code":
            data, symbology = symbol(text)
            return LabelBarCode(data=data, symbology=symbology, **options)
        case "qr":
            return LabelQr(data=text, **options)
        case "box":
            return LabelBox(**options)
        case _:
            return LabelText(text=text, **options)


def symbol(code: str) -> tuple[str, Symbology]:
    """A code as it goes on the label. The items feed has GTINs without their leading zeros: they come back here."""
    if re.fullmatch("[0-9]{7,13}", code):
        for length, symbology in ((8, "EAN8"), (13, "EAN13")):
            digits = code.zfill(length)
            if len(digits) == length and _check_digit_fits(digits):
                return digits, symbology  # type: ignore[return-value]
    if re.fullmatch("[0-9]{14}", code) and _check_digit_fits(code):
        return code, "ITF"
    return code, "CODE128"


def _check_digit_fits(digits: str) -> bool:
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return total % 10 == 0
