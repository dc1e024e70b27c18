"""What people read, in their language: receipts and screens look their words up here.

A message is its English text with its facts in braces. Catalogues are gettext .po files beside this file, read as they
are; a message that a catalogue does not have stays English. `make words` brings them up to date with the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from retail.units import Money, exponent

HERE = Path(__file__).parent
#: catalogue -> the languages and scripts that read it
CATALOGUES = ("de", "zh_CN", "zh_TW")
#: where Chinese is written in traditional characters
TRADITIONAL = ("hant", "tw", "hk", "mo")


def message(text: str) -> str:
    """Marks a text that is looked up elsewhere, such as a row of a table, so that it gets into the catalogues."""
    return text


class Words:
    """locale: as the store's configuration or a browser writes it: `zh-TW`, `de_AT`, `en`."""

    def __init__(self, locale: str = "en") -> None:
        self.locale = locale.replace("-", "_")
        self._known = _messages(catalogue) if (catalogue := catalogue_of(locale)) else {}

    def text(self, message: str, **facts: object) -> str:
        """The message in this language, its facts filled in."""
        known = self._known.get(message) or message
        return known.format(**facts) if facts else known

    def known(self) -> Mapping[str, str]:
        """Every message of this language's catalogue, with its translation; {} in English."""
        return self._known

    def amount(self, money: Money) -> str:
        """12.99, 12,99, 35: a number as the locale writes it, without its currency."""
        from babel.numbers import format_decimal  # noqa: PLC0415  babel is loaded by the first receipt or page

        places = exponent(money.currency)
        pattern = "#,##0" + ("." + "0" * places if places else "")
        written: str = format_decimal(Decimal(money.minor).scaleb(-places), format=pattern, locale=self._formats())
        return written

    def day(self, day: date) -> str:
        from babel.dates import format_date  # noqa: PLC0415

        written: str = format_date(day, format="medium", locale=self._formats())
        return written

    def short_day(self, day: date) -> str:
        """24 Nov, 24. Nov., 11月24日: a day near today, without its year."""
        from babel.dates import format_date, format_skeleton  # noqa: PLC0415

        if self.locale == "en":  # of which babel thinks as of American English
            return str(format_date(day, "d MMM", locale="en"))
        return str(format_skeleton("MMMd", day, locale=self._formats()))

    def _formats(self) -> str:
        from babel.core import Locale, UnknownLocaleError  # noqa: PLC0415

        try:
            Locale.parse(self.locale)
        except (UnknownLocaleError, ValueError):
            return "en"
        return self.locale


def catalogue_of(locale: str) -> str | None:
    """Which catalogue a locale reads; None: the English that stands in the code."""
    language, *rest = locale.replace("_", "-").lower().split("-")
    if language == "zh":
        return "zh_TW" if any(part in TRADITIONAL for part in rest) else "zh_CN"
    return language if language in CATALOGUES else None


@cache
def _messages(catalogue: str) -> Mapping[str, str]:
    from babel.messages.pofile import read_po  # noqa: PLC0415  0.2 MiB, only where a language wants it

    with (HERE / f"{catalogue}.po").open("rb") as file:
        read = read_po(file, locale=catalogue)
    return {str(one.id): str(one.string) for one in read if one.id and one.string and not one.fuzzy}
