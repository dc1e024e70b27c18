"""Words: every message is there in every language, with its facts; an unknown locale reads English."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.words import CATALOGUES, HERE, Words, catalogue_of
from retail.units import Money
from tools import words as catalogues


def test_every_message_of_the_code_has_a_translation_with_the_same_facts() -> None:
    assert len(catalogues.messages()) > 20
    assert catalogues.faults() == []


def test_the_catalogues_hold_no_message_that_the_code_does_not_have() -> None:
    wanted = catalogues.messages()
    for name in CATALOGUES:
        assert (HERE / f"{name}.po").read_bytes() == catalogues.catalogue(name, wanted), "run make words"


@pytest.mark.parametrize(
    ("locale", "total"),
    [
        ("en", "TOTAL"),
        ("en-GB", "TOTAL"),
        ("fr", "TOTAL"),
        ("xx", "TOTAL"),
        ("de", "SUMME"),
        ("de-AT", "SUMME"),
        ("zh-TW", "總計"),
        ("zh_HK", "總計"),
        ("zh-Hant", "總計"),
        ("zh-CN", "总计"),
        ("zh", "总计"),
    ],
)
def test_a_locale_reads_its_catalogue(locale: str, total: str) -> None:
    assert Words(locale).text("TOTAL") == total


def test_facts_stand_where_the_language_wants_them() -> None:
    assert Words("en").text("Receipt {number}", number="S1/1/2") == "Receipt S1/1/2"
    assert Words("zh-TW").text("Receipt {number}", number="S1/1/2") == "收據 S1/1/2"
    assert Words("de").text("not in any catalogue {x}", x=1) == "not in any catalogue 1"


@pytest.mark.parametrize(
    ("locale", "money", "written"),
    [
        ("en", Money(129_900, "EUR"), "1,299.00"),
        ("de", Money(129_950, "EUR"), "1.299,50"),
        ("zh-TW", Money(1_299, "TWD"), "1,299"),
        ("xx", Money(-50, "EUR"), "-0.50"),
    ],
)
def test_an_amount_is_written_as_the_locale_does(locale: str, money: Money, written: str) -> None:
    assert Words(locale).amount(money) == written


def test_a_day_is_written_as_the_locale_does() -> None:
    assert Words("zh-TW").day(date(2026, 11, 22)) == "2026年11月22日"
    assert Words("xx").day(date(2026, 11, 22)) == "Nov 22, 2026"


def test_catalogues_are_for_languages() -> None:
    assert [catalogue_of(locale) for locale in ("en", "de", "zh-SG", "zh-MO", "")] == [
        None,
        "de",
        "zh_CN",
        "zh_TW",
        None,
    ]
