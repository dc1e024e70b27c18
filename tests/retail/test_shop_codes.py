"""Codes that are no articles: carriers, coupons, member cards, payment codes, and the order in which they are tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.barcode import Kind, Layouts, Meaning, interpret
from retail.shop_codes import ORDER, SETS, CodeRuleError, Codes

TAIWAN = Codes.of(["gs1", "taiwan", "wallets"])
EVERYTHING = Codes.of(SETS)
NONE = Layouts()


def read(codes: Codes, data: str, symbology: str = "") -> Meaning:
    return codes.read(data, symbology, NONE, 0)


@pytest.mark.parametrize(
    ("data", "symbology", "kind", "name", "code"),
    [
        ("/ABC+1.-", "]A0", Kind.CARRIER, "3J0002", "/ABC+1.-"),
        ("/ABC+1.-", "", Kind.CARRIER, "3J0002", "/ABC+1.-"),
        ("]A0/ABC+1.-", "", Kind.CARRIER, "3J0002", "/ABC+1.-"),  # a wedge types the identifier in front
        ("AB12345678901234", "]C0", Kind.CARRIER, "CQ0001", "AB12345678901234"),
        ("134567890123456789", "]Q1", Kind.WALLET, "wechat", "134567890123456789"),
        ("134567890123456789", "", Kind.WALLET, "wechat", "134567890123456789"),
        ("2812345678901234", "]Q1", Kind.WALLET, "alipay", "2812345678901234"),
        ("301234567890123456789012", "]Q1", Kind.WALLET, "alipay", "301234567890123456789012"),
        ("9912345678904", "]E0", Kind.COUPON, "gs1-prefix", "9912345678904"),
        ("9812345678906", "]E0", Kind.COUPON, "gs1-prefix", "9812345678906"),
        ("2554006381000007123", "]C1", Kind.COUPON, "gcn", "4006381000007123"),
        ("8018400638133393100001", "]C1", Kind.MEMBER, "gsrn", "400638133393100001"),
    ],
)
def test_a_code_is_read_for_what_it_is(data: str, symbology: str, kind: Kind, name: str, code: str) -> None:
    assert read(TAIWAN, data, symbology) == Meaning(kind, code=code, code_name=name)


@pytest.mark.parametrize(
    ("data", "symbology"),
    [
        ("/ABC+1.", "]A0"),  # one character short
        ("/abc+1.-", "]A0"),  # no small letters
        ("/ABC+1,-", "]A0"),  # ',' lies between '+' and '.' of a range written without its escape
        ("164567890123456789", "]Q1"),
        ("2412345678901234", "]Q1"),
        ("3112345678901234", "]Q1"),
        ("4006381333931", "]E0"),
        ("9772434561006", "]E0"),  # 977 is a magazine
    ],
)
def test_what_only_looks_alike_is_none_of_them(data: str, symbology: str) -> None:
    assert read(TAIWAN, data, symbology) == interpret(data, symbology, NONE, 0)


def test_a_set_that_the_store_did_not_choose_reads_nothing() -> None:
    assert read(Codes(), "/ABC+1.-", "]A0").kind is Kind.UNKNOWN
    assert read(Codes(), "134567890123456789", "]C0").otherwise is None


def test_a_short_code_may_be_an_article_and_the_catalogue_decides() -> None:
    meaning = read(TAIWAN, "25885", "")
    assert (meaning.kind, meaning.item_code, meaning.otherwise) == (Kind.ITEM, "25885", Kind.DONATION)
    assert read(TAIWAN, "96385074", "]E4").otherwise is None


def test_a_store_reads_its_own_cards_before_articles_or_after_them() -> None:
    row = {"kind": "member", "pattern": "29(?P<code>[0-9]{10})[0-9]", "symbologies": ["]E0"], "name": "club"}
    card = "2912345678906"
    first = Codes.of([], [row])
    assert read(first, card, "]E0") == Meaning(Kind.MEMBER, code="1234567890", code_name="club")
    assert read(first, card, "]C0").kind is Kind.ITEM  # the same digits in a Code 128 are not the card
    last = Codes.of([], [row], ["item", "member"])
    assert read(last, card, "]E0") == interpret(card, "]E0", NONE, 0)
    assert read(last, "2912345678901", "]E0").kind is Kind.MEMBER  # a wrong check digit is no article


def test_of_two_rules_of_a_kind_the_first_wins_and_the_stores_own_come_first() -> None:
    rows = [{"kind": "wallet", "pattern": "13[0-9]{16}", "name": "ours"}]
    assert read(Codes.of(["wallets"], rows), "134567890123456789").code_name == "ours"
    assert read(Codes.of(["linepay-tw", "wallets"]), "134567890123456789").code_name == "linepay"
    assert read(Codes.of(["wallets", "linepay-tw"]), "134567890123456789").code_name == "wechat"


def test_kinds_that_the_order_leaves_out_are_not_read() -> None:
    assert read(Codes.of(["taiwan"], (), ["item"]), "/ABC+1.-", "]A0").kind is Kind.UNKNOWN


def test_a_scanner_that_spoils_carriers_is_named() -> None:
    # /A in Full ASCII is '!': the carrier /ABC1234 arrives as !BC1234
    meaning = read(TAIWAN, "!BC1234", "]A4")
    assert meaning.kind is Kind.UNKNOWN
    assert "Full ASCII" in meaning.problem
    assert "Full ASCII" not in read(Codes(), "!BC1234", "]A4").problem


@pytest.mark.parametrize(
    ("sets", "row", "order", "says"),
    [
        (["taiwann"], None, [], "there is no set 'taiwann'"),
        ([], {"kind": "cupon", "pattern": "1"}, [], "kind 'cupon': there are carrier, coupon"),
        ([], {"kind": "item", "pattern": "1"}, [], "kind 'item'"),
        ([], {"kind": "member"}, [], "needs a pattern"),
        ([], {"kind": "member", "pattern": "2[0-9"}, [], "pattern '2[0-9'"),
        ([], {"kind": "member", "pattern": "[0-9]*"}, [], "fits an empty code"),
        ([], {"kind": "member", "pattern": "1", "prefix": "2"}, [], "unknown key 'prefix'"),
        ([], {"kind": "member", "pattern": "1", "symbologies": ["E0"]}, [], "write AIM identifiers"),
        ([], {"kind": "member", "pattern": "1", "symbologies": "]E0"}, [], "write AIM identifiers"),
        ([], None, ["member"], "must name item"),
        ([], None, ["item", "item"], "twice"),
        ([], None, ["item", "unknown"], "'unknown' is no kind"),
    ],
)
def test_an_impossible_rule_is_refused_by_name(
    sets: list[str], row: dict[str, object] | None, order: list[str], says: str
) -> None:
    with pytest.raises(CodeRuleError) as refused:
        Codes.of(sets, [row] if row else [], order)
    assert says in str(refused.value)


@given(
    data=st.text(max_size=60) | st.from_regex(r"[0-9/A-Z]{1,30}"),
    symbology=st.sampled_from(["", "]E0", "]A0", "]C1", "]Q1", "]"]),
)
def test_no_string_makes_it_raise_and_none_is_two_things(data: str, symbology: str) -> None:
    meaning = read(EVERYTHING, data, symbology)
    assert meaning.kind in {*ORDER, Kind.UNKNOWN}
    assert bool(meaning.problem) == (meaning.kind is Kind.UNKNOWN)
    if meaning.kind not in {Kind.ITEM, Kind.UNKNOWN}:
        assert meaning.code
        assert not meaning.item_code
