"""What a scan means: an item of the catalogue with what its label says (weight, price, lot, expiry), or unknown.

Reads:  EAN/UPC; variable-measure EAN-13 by the store's own layouts (retail/barcode_layouts.py); GS1 element strings;
        GS1 Digital Link; short codes as they are.
        Never a guess: what is not certain is `unknown` with a text for the cashier. No string makes it raise.
Units:  whole grams, minor units of the store's currency, whole pieces, plain dates.
Source: GS1 General Specifications 23 (3: application identifiers, 7.9: check digits); GS1 Digital Link URI Syntax 1.3;
        ISO/IEC 15424 for the AIM identifiers; biip 5.2 for the parsing.

biip is imported where it is first needed: measured on x86-64, its import costs 17 to 20 MiB and about 100 ms, which
a box that never sees a scan does not pay. Nearly all is the table of company prefixes, which forget_companies drops.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from retail.barcode_layouts import GRAMS_DECIMALS, ITEM_DIGITS, Layout, LayoutError, Layouts, UnknownLayout
from retail.units import Weight

if TYPE_CHECKING:
    from biip.gs1_element_strings import GS1ElementStrings

__all__ = ["Kind", "Layout", "LayoutError", "Layouts", "Meaning", "UnknownLayout", "forget_companies", "interpret"]

GROUP_SEPARATOR = "\x1d"
#: ISO/IEC 15424 identifiers whose data is GS1 element strings: GS1-128, DataBar and composites, DataMatrix, QR, DotCode
GS1_SYMBOLOGIES = frozenset({"]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1"})
#: two-dimensional codes carry any text at all: PDF417, QR, DataMatrix, Aztec
MATRIX_LETTERS = frozenset("LQdz")
#: linear codes that a shop prints itself: Code 39, Code 128, Codabar, Code 93
LINEAR_LETTERS = frozenset("ACFG")
SHOP_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")
GTIN_LENGTHS = (8, 12, 13, 14)


class Kind(StrEnum):
    """What a code can be. This file reads articles; the others are told apart in retail/shop_codes.py."""

    ITEM = "item"
    MEMBER = "member"
    COUPON = "coupon"
    CARRIER = "carrier"
    DONATION = "donation"
    WALLET = "wallet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a scan says. Of an unknown one only `problem` is set: a sentence for the person at the till.

    item_code: what the catalogue is asked for: a GTIN without leading zeros (but never shorter than 8 digits), the item
        digits of a variable-measure code with their leading zeros, or a short code as it was keyed.
    gtin: the same number with 14 digits; None where the code holds no GTIN.
    price_minor: the total price on the label, not a unit price.
    price_currency: ISO 4217 number of price_minor where the label gives one (AI 393n: "978" is EUR); else the store's.
    expiry: AI 17, not to be sold after it. best_before: AI 15.
    code, code_name: of a kind that is no article: the code itself and which of its kind it is (`3J0002`, `alipay`).
    otherwise: what a short code is where the catalogue knows no article of that number.
    """

    kind: Kind
    item_code: str = ""
    gtin: str | None = None
    weight: Weight | None = None
    price_minor: int | None = None
    price_currency: str | None = None
    pieces: int | None = None
    lot: str | None = None
    expiry: date | None = None
    best_before: date | None = None
    serial: str | None = None
    code: str = ""
    code_name: str = ""
    otherwise: Kind | None = None
    problem: str = ""


class _Unreadable(Exception):
    """Carries the problem of a scan up to interpret."""


# --- the scan --------------------------------------------------------------------------------------------------------


def interpret(data: str, symbology: str, layouts: Layouts, currency_exponent: int) -> Meaning:
    """What this scan means.

    data: as the scanner sent it, less prefix and suffix; FNC1 as the group separator 0x1D.
    symbology: the AIM identifier (`]E0`), or "" for a keyed code and for scanners that send none. It decides what is
        tried: biip left to itself takes some EAN-13 for a GS1 element string with AI 400.
    currency_exponent: decimals of the store's currency: 2 for EUR, 0 for TWD.
    """
    data = data.strip()
    if not symbology and re.match(r"\][A-Za-z][0-9A-Za-z]", data):
        # a keyboard wedge types the identifier in front of the code; no code of a shop begins with a bracket
        symbology, data = data[:3], data[3:]
    try:
        if not data:
            raise _Unreadable("an empty code was read; scan again")
        if not data.isascii():
            raise _Unreadable("the code holds characters that no product code has")
        return _by_symbology(data, symbology, layouts, currency_exponent)
    except _Unreadable as unreadable:
        return Meaning(Kind.UNKNOWN, problem=str(unreadable))


def _by_symbology(data: str, symbology: str, layouts: Layouts, currency_exponent: int) -> Meaning:
    letter = symbology[1:2] if symbology.startswith("]") and len(symbology) == 3 else "?"
    if not symbology:
        return _unidentified(data, layouts, currency_exponent)
    if re.match(r"https?:", data, re.IGNORECASE) and letter in MATRIX_LETTERS:
        return _digital_link(data, currency_exponent)
    if symbology in GS1_SYMBOLOGIES:
        return _element_strings(data, currency_exponent)
    if letter == "E":
        return _ean(_without_add_on(data, symbology), symbology, layouts, currency_exponent)
    if letter == "I":
        return _ean(data, symbology, layouts, currency_exponent) if len(data) == 14 else _shop_code(data)
    if letter in LINEAR_LETTERS:
        return _shop_code(data)
    if letter in MATRIX_LETTERS:
        raise _Unreadable("a QR or matrix code without a GS1 product number; scan the bar code of the article")
    raise _Unreadable(f"codes of the kind {symbology[:8]!r} are not read here; scan the article's EAN")


def _unidentified(data: str, layouts: Layouts, currency_exponent: int) -> Meaning:
    if re.match(r"https?:", data, re.IGNORECASE):
        return _digital_link(data, currency_exponent)
    if GROUP_SEPARATOR in data:
        raise _Unreadable("looks like a GS1 code; set the scanner to send AIM identifiers, then it can be read")
    if not data.isdigit() or len(data) < 8:
        return _shop_code(data)
    if len(data) not in GTIN_LENGTHS:
        raise _Unreadable(f"{len(data)} digits are no product code: those have 8, 12, 13 or 14, a short code 7 at most")
    return _ean(data, "", layouts, currency_exponent)


def _shop_code(data: str) -> Meaning:
    if not SHOP_CODE.fullmatch(data):
        raise _Unreadable("not a product code: those have up to 48 letters, digits, '.', '_' and '-'")
    return Meaning(Kind.ITEM, item_code=data)


# --- EAN and UPC -----------------------------------------------------------------------------------------------------


def _without_add_on(data: str, symbology: str) -> str:
    """A magazine's add-on names its issue, a book's a price somewhere else; the item is in the 13 digits before it."""
    if symbology in ("]E1", "]E2"):
        raise _Unreadable("only the small add-on beside the bar code was read; scan the large one")
    return data[:13] if symbology == "]E3" and len(data) in (15, 18) else data


def _ean(data: str, symbology: str, layouts: Layouts, currency_exponent: int) -> Meaning:
    if not data.isdigit():
        raise _Unreadable("an EAN or UPC has digits only; scan again")
    data = _upc_e_expanded(data, symbology)
    if len(data) not in GTIN_LENGTHS:
        raise _Unreadable(f"an EAN or UPC has 8, 12, 13 or 14 digits; this code has {len(data)}; scan again")
    if _check_digit(data) != data[-1]:
        raise _misread(data[-1], _check_digit(data))
    layout = layouts.covering(data.zfill(13)) if len(data) in (12, 13) else None
    if layout:
        return _variable_measure(data.zfill(13)[2:12], layout, currency_exponent)
    return Meaning(Kind.ITEM, item_code=_item_code(data), gtin=data.zfill(14))


def _upc_e_expanded(data: str, symbology: str) -> str:
    """UPC-A for a UPC-E that the scanner did not expand; anything else as it is.

    ISO/IEC 15424 gives ]E4 to EAN-8, so 8 digits under ]E0 that begin with 0 or 1 are UPC-E, and 6 digits are one less
    its number system 0 and its check digit. Without an identifier EAN-8 comes first.
    """
    from biip.upc import Upc  # noqa: PLC0415  see the module's docstring; so with the others below

    identified = symbology in ("]E0", "]E3")
    if identified and len(data) == 6:
        return Upc.parse(data).as_upc_a()
    if len(data) != 8 or data[0] not in "01" or not (identified or (not symbology and _check_digit(data) != data[-1])):
        return data
    upc = Upc.parse(data[:7])
    if str(upc.check_digit) == data[-1]:
        return upc.as_upc_a()
    if identified:
        raise _misread(data[-1], str(upc.check_digit))
    return data


def _check_digit(gtin: str) -> str:
    """The check digit that these digits, less their last, should have."""
    from biip.checksums import gs1_standard_check_digit  # noqa: PLC0415

    return str(gs1_standard_check_digit(gtin[:-1]))


def _misread(found: str, expected: str) -> _Unreadable:
    return _Unreadable(f"misread: the check digit is {found}, expected {expected}; scan again")


def _item_code(gtin: str) -> str:
    """As the catalogue keeps it: no leading zeros, but 8 digits at least, so that no in-store EAN-8 becomes a PLU."""
    if not gtin.strip("0"):
        raise _Unreadable("a code of zeros only is no article")
    return gtin.lstrip("0").zfill(8)


def _variable_measure(body: str, layout: Layout, currency_exponent: int) -> Meaning:
    from biip.checksums import gs1_price_weight_check_digit  # noqa: PLC0415

    value = layout.digits(body, layout.measure)
    verifier = layout.digits(body, "V")
    if verifier and gs1_price_weight_check_digit(value) != int(verifier):
        expected = gs1_price_weight_check_digit(value)
        raise _Unreadable(
            f"misread: the label's verifier is {verifier}, expected {expected}; scan again or weigh again"
        )
    code = layout.code_prefix + layout.digits(body, ITEM_DIGITS)
    number, decimals = int(value), layout.decimals
    if not number:
        raise _Unreadable("the label says zero; weigh or price the article again")
    if layout.measure == "N":
        return Meaning(Kind.ITEM, item_code=code, pieces=number)
    if decimals is None and layout.measure == "P" and currency_exponent == 0:
        decimals = 0
    if decimals is None:
        raise _Unreadable(
            f"the store's settings do not say how many decimals labels {layout.prefix} {layout.pattern} have; "
            "add that layout there"
        )
    if layout.measure == "W":
        return Meaning(Kind.ITEM, item_code=code, weight=_weight(number, decimals))
    return Meaning(Kind.ITEM, item_code=code, price_minor=_price(number, decimals, currency_exponent))


def _weight(number: int, decimals: int) -> Weight:
    return Weight(
        _scaled(number, decimals, GRAMS_DECIMALS, "the label's weight is finer than a gram; weigh here instead")
    )


def _price(number: int, decimals: int, currency_exponent: int) -> int:
    return _scaled(number, decimals, currency_exponent, "the label's price has more decimals than this currency")


def _scaled(number: int, decimals: int, wanted: int, problem: str) -> int:
    """number x 10^-decimals in units of 10^-wanted; only if it comes out even."""
    finer: int = 10**wanted
    coarser: int = 10**decimals
    scaled, rest = divmod(number * finer, coarser)
    if rest:
        raise _Unreadable(problem)
    return scaled


# --- GS1 -------------------------------------------------------------------------------------------------------------


class _Element(NamedTuple):
    value: str
    groups: tuple[str, ...]


def _element_strings(data: str, currency_exponent: int) -> Meaning:
    from biip import ParseConfig, ParseError  # noqa: PLC0415
    from biip.gs1_messages import GS1Message  # noqa: PLC0415

    try:
        # Dates are checked here: biip takes the century from the clock, which a box may not have.
        message = GS1Message.parse(data, config=ParseConfig(gs1_element_strings_verify_date=False))
    except (ParseError, ValueError) as error:
        raise _Unreadable("the GS1 code does not follow its own rules; scan the article's EAN instead") from error
    _refuse_missing_separator(message.value, message.element_strings)
    return _article(message.element_strings, currency_exponent)


def _refuse_missing_separator(data: str, elements: GS1ElementStrings) -> None:
    """biip cuts a value at its greatest length and reads on; what follows it then is anybody's guess."""
    at = 0
    for element in elements:
        at += len(element)
        if element.ai.separator_required and at < len(data) and data[at] != GROUP_SEPARATOR:
            raise _Unreadable(
                f"the GS1 code has no end after its field {element.ai}; set the scanner to send FNC1 as GS"
            )
        while at < len(data) and data[at] == GROUP_SEPARATOR:
            at += 1


def _digital_link(data: str, currency_exponent: int) -> Meaning:
    from biip import ParseConfig, ParseError  # noqa: PLC0415
    from biip.gs1_digital_link_uris import GS1DigitalLinkURI  # noqa: PLC0415

    try:
        link = GS1DigitalLinkURI.parse(data, config=ParseConfig(gs1_element_strings_verify_date=False))
    except (ParseError, ValueError) as error:
        raise _Unreadable("a web address without a GS1 product number; scan the bar code of the article") from error
    # biip fills a short number with zeros: /01/17 of a web page's date would become a GTIN with a right check digit
    if not re.search(r"/01/(\d{8}|\d{12,14})(?=[/?#]|$)", data):
        raise _Unreadable("a web address without a GS1 product number; scan the bar code of the article")
    return _article(link.element_strings, currency_exponent)


def _article(elements: GS1ElementStrings, currency_exponent: int) -> Meaning:
    """The article that the elements name by AI 01, with the other identifiers that a till understands."""
    found: dict[str, _Element] = {}
    for element in elements:
        if not element.value or not element.value.isascii():  # biip lets a field of variable length be empty
            raise _Unreadable(f"the GS1 code's field {element.ai} is empty or holds characters that it cannot have")
        if (
            found.setdefault(element.ai.ai, _Element(element.value, tuple(element.pattern_groups))).value
            != element.value
        ):
            raise _Unreadable(f"the GS1 code says {element.ai} twice, and differently")
    gtin = elements.get(ai="01")
    if gtin is None:
        raise _Unreadable("the GS1 code names no article (AI 01): it may be of a pallet, a coupon or a place")
    if gtin.gtin is None:
        raise _misread(gtin.value[-1], _check_digit(gtin.value))
    values = {ai: element.value for ai, element in found.items()}
    weight, (price, currency) = _net_weight(values), _amount_payable(found, currency_exponent)
    pieces = _positive(values["30"]) if "30" in values else None
    if gtin.value.startswith("9") and weight is None and price is None and pieces is None:
        raise _Unreadable("the article is sold by measure, but its code gives neither weight nor price; weigh it")
    return Meaning(
        Kind.ITEM,
        item_code=_item_code(gtin.value),
        gtin=gtin.value,
        weight=weight,
        price_minor=price,
        price_currency=currency,
        pieces=pieces,
        lot=values.get("10"),
        expiry=_date("17", values),
        best_before=_date("15", values),
        serial=values.get("21"),
    )


def _net_weight(values: Mapping[str, str]) -> Weight | None:
    for ai in ("3100", "3101", "3102", "3103", "3104", "3105"):
        if ai in values:
            return _weight(_positive(values[ai]), int(ai[3]))
    return None


def _amount_payable(found: Mapping[str, _Element], currency_exponent: int) -> tuple[int | None, str | None]:
    """AI 392n: in the store's currency; AI 393n: a currency number of three digits comes first."""
    for ai, element in found.items():
        if ai.startswith(("392", "393")):
            currency = element.groups[0] if ai.startswith("393") else None
            return _price(_positive(element.groups[-1]), int(ai[3]), currency_exponent), currency
    return None, None


def _positive(digits: str) -> int:
    if not digits.strip("0"):
        raise _Unreadable("the label says zero; weigh or price the article again")
    return int(digits)


def _date(ai: str, values: Mapping[str, str]) -> date | None:
    """YYMMDD, day 00 meaning the month's last. Years 76 to 99 are of the last century: goods outlive no such window."""
    if ai not in values:
        return None
    year, month, day = (int(values[ai][at : at + 2]) for at in (0, 2, 4))
    year += 1900 if year > 75 else 2000
    try:
        return date(year, month, day or calendar.monthrange(year, month)[1])
    except ValueError as error:
        raise _Unreadable(f"the GS1 code gives a date that does not exist ({ai}: {values[ai]})") from error


def forget_companies() -> None:
    """Drop biip's table of company prefixes, about 10 MiB that say whose number a GTIN is: nothing here asks.

    For a process that has little memory. It imports biip: called first thing, what is loaded next fills the room of the
    table. That has no public name; where a newer biip keeps it elsewhere, this does nothing.
    """
    from biip import gs1_prefixes  # noqa: PLC0415

    if hasattr(gs1_prefixes, "_GS1_COMPANY_PREFIX_TRIE"):
        gs1_prefixes._GS1_COMPANY_PREFIX_TRIE = {}
