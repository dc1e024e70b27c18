"""Layouts of variable-measure EAN-13: where in a shop's own label the item, the weight, the price or the count stands.

Each country's GS1 office has its own, and in many countries each retailer: so they are configuration of the store, and
the table by country is only the default.
Source: GS1 General Specifications 23, 2.1.12 (restricted circulation numbers); retail/rcn_layouts.json names its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

GRAMS_DECIMALS = 3
ITEM_DIGITS = "RMI"
MEASURE_DIGITS = "PWN"
LAYOUT_PREFIXES = frozenset({"02", *(str(number) for number in range(20, 30))})


class LayoutError(ValueError):
    """A layout that cannot be: the text names the row, what is wrong, and what is allowed."""


class UnknownLayout(LayoutError):
    """No layouts are known for this country."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout, such as Layout("28", "IIIIIWWWWW", decimals=3).

    pattern: the 10 characters between prefix and check digit: R, M, I item number (retailer's, maker's, the GS1
        office's), V verifier of the measure, P price, W weight in kilograms, N pieces; a digit stands for itself.
    decimals: of P or W. None stands only in the country table, where its source prints none: such a scan is unknown
        until the store's configuration says it, but for prices in a currency without decimals.
    code_prefix: put before the item number where two prefixes count their items separately.
    """

    prefix: str
    pattern: str
    decimals: int | None = None
    code_prefix: str = ""

    def __post_init__(self) -> None:
        fault = _layout_fault(self)
        if fault:
            raise LayoutError(f"layout {self.prefix} {self.pattern}: {fault}")

    @property
    def measure(self) -> str:
        """P, W or N."""
        return next(sign for sign in MEASURE_DIGITS if sign in self.pattern)

    def digits(self, body: str, signs: str) -> str:
        """The digits of body that stand where the pattern has one of signs."""
        return "".join(digit for digit, sign in zip(body, self.pattern, strict=True) if sign in signs)

    def covers(self, ean13: str) -> bool:
        return ean13.startswith(self.prefix) and all(
            digit == sign for digit, sign in zip(ean13[2:12], self.pattern, strict=True) if sign.isdigit()
        )

    def overlaps(self, other: Layout) -> bool:
        """Whether one code could be read by both."""
        return self.prefix == other.prefix and not any(
            one != two for one, two in zip(self.pattern, other.pattern, strict=True) if (one + two).isdigit()
        )


def _layout_fault(layout: Layout) -> str:
    pattern = layout.pattern
    measures = [sign for sign in MEASURE_DIGITS if sign in pattern]
    if layout.prefix not in LAYOUT_PREFIXES:
        return (
            f"prefix {layout.prefix!r} holds goods of the whole world; variable-measure codes begin with 02 or 20 to 29"
        )
    if not re.fullmatch(r"[RMIVPWN0-9]{10}", pattern):
        return f"the pattern needs 10 of R, M, I, V, P, W, N and digits; this one is {pattern!r}"
    if len(measures) != 1:
        return "the pattern needs one kind of measure: P (price), W (weight) or N (pieces)"
    if not any(sign in pattern for sign in ITEM_DIGITS):
        return "the pattern has no item number (R, M or I)"
    if pattern.count("V") > 1 or ("V" in pattern and pattern.count(measures[0]) not in (4, 5)):
        return "a verifier is one V, and there is one for measures of 4 or 5 digits only"
    most = {"P": 4, "W": GRAMS_DECIMALS, "N": 0}[measures[0]]
    if layout.decimals is not None and not 0 <= layout.decimals <= most:
        return f"decimals is {layout.decimals}; {measures[0]} has 0 to {most}"
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,16}", layout.code_prefix):
        return f"code_prefix {layout.code_prefix!r}: use letters, digits, '.', '_' and '-'"
    return ""


@dataclass(frozen=True, slots=True)
class Layouts:
    """A store's layouts; no two of them can read the same code."""

    rows: tuple[Layout, ...] = ()

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            for earlier in self.rows[:number]:
                if row.overlaps(earlier):
                    raise LayoutError(
                        f"layouts {earlier.prefix} {earlier.pattern} and {row.prefix} {row.pattern} read the same "
                        "codes; keep one, or tell them apart by a literal digit"
                    )

    @classmethod
    def parse(cls, rows: Iterable[Mapping[str, Any]]) -> Layouts:
        """From configuration: [{"prefix": "28", "pattern": "IIIIIWWWWW", "decimals": 3}, ...].

        Raises:
            LayoutError: names the row by its place and what is wrong with it.
        """
        return cls(tuple(_layout_of(number, row) for number, row in enumerate(rows, start=1)))

    @classmethod
    def of_country(cls, code: str) -> Layouts:
        """The layouts that GS1 lists for a country ("DE"); none where its retailers choose freely ("TW").

        Raises:
            UnknownLayout: the table does not have this country.
        """
        table = json.loads(resources.files("retail").joinpath("rcn_layouts.json").read_text("utf-8"))["countries"]
        if code.upper() not in table:
            raise UnknownLayout(
                f"no variable-measure layouts are known for country {code!r}; list the store's own, or take one of "
                + ", ".join(table)
            )
        return cls(tuple(Layout(prefix, pattern, decimals) for prefix, pattern, decimals in table[code.upper()]))

    def covering(self, ean13: str) -> Layout | None:
        return next((row for row in self.rows if row.covers(ean13)), None)


def _layout_of(number: int, row: Mapping[str, Any]) -> Layout:
    unknown = sorted(set(row) - {"prefix", "pattern", "decimals", "code_prefix"})
    if unknown:
        raise LayoutError(f"layout {number}: unknown key {unknown[0]!r}; keys: prefix, pattern, decimals, code_prefix")
    prefix, pattern, decimals = row.get("prefix"), row.get("pattern"), row.get("decimals")
    if not isinstance(prefix, str) or not isinstance(pattern, str):
        raise LayoutError(
            f'layout {number}: prefix and pattern are texts, such as prefix = "28", pattern = "IIIIIWWWWW"'
        )
    if decimals is not None and (not isinstance(decimals, int) or isinstance(decimals, bool)):
        raise LayoutError(f"layout {number} ({prefix} {pattern}): decimals is a whole number")
    if decimals is None and "N" not in pattern:
        raise LayoutError(f"layout {number} ({prefix} {pattern}): say decimals, as in 'decimals = 3' for whole grams")
    try:
        return Layout(prefix, pattern, decimals, str(row.get("code_prefix", "")))
    except LayoutError as error:
        raise LayoutError(f"layout {number}: {error}") from error
