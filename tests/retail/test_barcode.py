"""What scans mean: every promise with the digits of a real label."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.barcode import Kind, Layouts, Meaning, interpret
from retail.units import Weight

GERMANY = Layouts.of_country("DE")
BELGIUM = Layouts.of_country("BE")
NONE = Layouts()
GS = "\x1d"
CENTS, WHOLE = 2, 0


def item(code: str, gtin: str | None = None) -> Meaning:
    return Meaning(Kind.ITEM, item_code=code, gtin=gtin)


def problem(data: str, symbology: str = "", layouts: Layouts = NONE, exponent: int = CENTS) -> str:
    meaning = interpret(data, symbology, layouts, exponent)
    assert meaning == Meaning(Kind.UNKNOWN, problem=meaning.problem)
    return meaning.problem


# --- EAN and UPC -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbology", ["]E0", ""])
@pytest.mark.parametrize(
    ("data", "code", "gtin"),
    [
        ("4006381333931", "4006381333931", "04006381333931"),  # EAN-13
        ("036000291452", "36000291452", "00036000291452"),  # UPC-A
        ("0036000291452", "36000291452", "00036000291452"),  # UPC-A as ISO/IEC 15424 has it sent
        ("04252614", "42100005264", "00042100005264"),  # UPC-E that the scanner did not expand
    ],
)
def test_a_retail_code_is_an_item_with_or_without_its_identifier(
    data: str, symbology: str, code: str, gtin: str
) -> None:
    assert interpret(data, symbology, NONE, CENTS) == item(code, gtin)


@pytest.mark.parametrize("symbology", ["]E4", ""])
def test_ean_8(symbology: str) -> None:
    assert interpret("96385074", symbology, NONE, CENTS) == item("96385074", "00000096385074")


def test_eight_digits_that_fit_both_are_upc_e_only_under_its_identifier() -> None:
    assert interpret("01234565", "]E0", NONE, CENTS).item_code == "12345000065"
    assert interpret("01234565", "", NONE, CENTS).item_code == "01234565"


def test_six_digits_under_the_identifier_are_a_upc_e_without_its_check_digit() -> None:
    assert interpret("425261", "]E0", NONE, CENTS).item_code == "42100005264"
    assert interpret("425261", "", NONE, CENTS).item_code == "425261"


def test_an_in_store_ean_8_never_becomes_a_short_plu() -> None:
    assert interpret("00040112", "]E4", NONE, CENTS).item_code == "00040112"


@pytest.mark.parametrize("symbology", ["]I1", "]I0", ""])
def test_a_case_code_of_14_digits(symbology: str) -> None:
    assert interpret("04006381333931", symbology, NONE, CENTS).item_code == "4006381333931"


@pytest.mark.parametrize(
    ("data", "symbology", "expected"),
    [("4006381333932", "]E0", "1"), ("4006381333932", "", "1"), ("96385075", "]E4", "4"), ("04252613", "]E0", "4")],
)
def test_a_wrong_check_digit_is_unknown_and_the_text_names_the_right_one(
    data: str, symbology: str, expected: str
) -> None:
    assert f"expected {expected}" in problem(data, symbology)


def test_the_item_of_a_magazine_stands_before_its_add_on() -> None:
    assert interpret("977123456700312", "]E3", NONE, CENTS).item_code == "9771234567003"
    assert "add-on" in problem("12", "]E1")


def test_an_identifier_typed_by_a_keyboard_wedge_is_read_as_one() -> None:
    assert interpret("]E04006381333931", "", NONE, CENTS) == item("4006381333931", "04006381333931")


# --- keyed codes and what is no product code -------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["1", "4011", "1234567", "APPLE-1", "B_2.x", "00042"])
def test_a_short_code_goes_to_the_catalogue_as_it_is(data: str) -> None:
    assert interpret(data, "", NONE, CENTS) == item(data)


def test_a_shops_own_code_39_or_code_128_goes_to_the_catalogue_as_it_is() -> None:
    assert interpret("APPLE-1", "]A0", NONE, CENTS) == item("APPLE-1")
    assert interpret("123456789", "]C0", NONE, CENTS) == item("123456789")


@pytest.mark.parametrize(
    ("data", "symbology", "word"),
    [
        ("", "", "empty"),
        ("   ", "]E0", "empty"),
        ("123456789", "", "9 digits"),
        ("134567890123456789", "", "18 digits"),  # a wallet's payment code
        ("/ABC1234", "", "not a product code"),  # a carrier of Taiwan's e-invoice
        ("(01)09501101530003", "", "not a product code"),
        ("０１２３４５６５", "", "characters"),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", "]E0", "characters"),
        ("ABC", "]E0", "digits only"),
        ("1234567", "]E0", "7"),
        ("00000000000000", "", "zeros"),
        ("hello", "]Q1", "QR"),
        ("WIFI:T:WPA;S:shop;P:secret;;", "]Q1", "QR"),
        ("https://example.com/about", "]Q1", "web address"),
        ("4006381333931", "E0", "'E0'"),
        ("4006381333931", "]?0", "']?0'"),
        ("4006381333931", "]X0", "']X0'"),
    ],
)
def test_anything_else_is_unknown_and_says_why(data: str, symbology: str, word: str) -> None:
    assert word in problem(data, symbology)


# --- variable-measure EAN-13 -----------------------------------------------------------------------------------------


def test_a_german_label_tells_the_weight() -> None:
    assert interpret("2812341004504", "]E0", GERMANY, CENTS) == Meaning(Kind.ITEM, item_code="1234", weight=Weight(450))


def test_a_german_label_tells_the_price_with_the_example_of_the_gs1_specification() -> None:
    meaning = interpret("2212346146856", "", GERMANY, CENTS)  # 7.9.4: the verifier of 14685 is 6
    assert meaning == Meaning(Kind.ITEM, item_code="1234", price_minor=14685)


def test_a_german_label_tells_the_pieces() -> None:
    assert interpret("2512342000061", "]E0", GERMANY, CENTS) == Meaning(Kind.ITEM, item_code="1234", pieces=6)


def test_a_british_label_has_a_verifier_of_four_digits() -> None:
    meaning = interpret("2012345928756", "]E0", Layouts.of_country("GB"), CENTS)  # 7.9.3: the verifier of 2875 is 9
    assert meaning == Meaning(Kind.ITEM, item_code="12345", price_minor=2875)


def test_a_verifier_that_does_not_fit_is_unknown_though_the_check_digit_is_right() -> None:
    assert "verifier is 9, expected 1" in problem("2812349004506", "]E0", GERMANY)


def test_a_misread_label_is_caught_by_its_check_digit_first() -> None:
    assert "check digit" in problem("2812341004505", "]E0", GERMANY)


def test_a_layout_of_the_shop_without_verifier() -> None:
    shop = Layouts.parse([{"prefix": "28", "pattern": "IIIIIWWWWW", "decimals": 3}])
    meaning = interpret("2800123012502", "]E0", shop, WHOLE)
    assert meaning == Meaning(Kind.ITEM, item_code="00123", weight=Weight(1250))


def test_an_american_upc_a_with_number_system_2_is_prefix_02() -> None:
    shop = Layouts.parse([{"prefix": "02", "pattern": "IIIIIVPPPP", "decimals": 2}])
    assert interpret("212345928752", "]E0", shop, CENTS) == Meaning(Kind.ITEM, item_code="12345", price_minor=2875)


def test_belgium_tells_two_layouts_of_prefix_29_apart_by_their_first_digit() -> None:
    assert interpret("2951234501994", "]E0", BELGIUM, CENTS).item_code == "12345"
    assert interpret("2961234001998", "]E0", BELGIUM, CENTS).item_code == "1234"
    assert interpret("2951234501994", "]E0", BELGIUM, CENTS).price_minor == 199
    assert interpret("2971234001997", "]E0", BELGIUM, CENTS) == item("2971234001997", "02971234001997")


def test_where_the_retailer_is_free_a_code_is_a_plain_number() -> None:
    assert interpret("2812341004504", "]E0", Layouts.of_country("TW"), WHOLE).item_code == "2812341004504"


@pytest.mark.parametrize(
    ("decimals", "exponent", "minor"), [(2, 2, 54), (0, 2, 5400), (1, 2, 540), (0, 0, 54), (2, 3, 540)]
)
def test_price_decimals_come_out_exactly_in_the_currency(decimals: int, exponent: int, minor: int) -> None:
    shop = Layouts.parse([{"prefix": "20", "pattern": "IIIIIPPPPP", "decimals": decimals}])
    assert interpret("2012345000544", "]E0", shop, exponent).price_minor == minor


def test_a_price_in_cents_does_not_round_in_silence_where_there_are_none() -> None:
    shop = Layouts.parse([{"prefix": "20", "pattern": "IIIIIPPPPP", "decimals": 2}])
    assert "more decimals" in problem("2012345000544", "]E0", shop, WHOLE)


def test_a_label_that_says_zero_is_unknown() -> None:
    shop = Layouts.parse([{"prefix": "28", "pattern": "IIIIIWWWWW", "decimals": 3}])
    assert "zero" in problem("2812345000007", "]E0", shop)


def test_decimals_that_nobody_stated_are_not_guessed_but_for_a_currency_without_any() -> None:
    poland, korea = Layouts.of_country("PL"), Layouts.of_country("KR")
    assert "decimals" in problem("2912341004501", "]E0", poland)
    assert interpret("2012345000544", "]E0", korea, WHOLE).price_minor == 54


def test_numbers_of_two_prefixes_are_kept_apart_where_the_shop_says_so() -> None:
    shop = Layouts.parse([{"prefix": "28", "pattern": "IIIIIWWWWW", "decimals": 3, "code_prefix": "28-"}])
    assert interpret("2800123012502", "]E0", shop, CENTS).item_code == "28-00123"


# --- GS1 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbology", ["]C1", "]e0", "]d2", "]Q3"])
def test_element_strings_tell_article_lot_expiry_and_serial(symbology: str) -> None:
    meaning = interpret(f"0109501101530003172611301526110010ABC123{GS}21S-1", symbology, NONE, CENTS)
    assert meaning == Meaning(
        Kind.ITEM,
        item_code="9501101530003",
        gtin="09501101530003",
        lot="ABC123",
        expiry=date(2026, 11, 30),
        best_before=date(2026, 11, 30),
        serial="S-1",
    )


def test_a_day_of_zeros_is_the_last_of_the_month_by_the_calendar_and_not_by_a_clock() -> None:
    assert interpret("010950110153000317280200", "]d2", NONE, CENTS).expiry == date(2028, 2, 29)
    assert interpret("010950110153000317991231", "]d2", NONE, CENTS).expiry == date(1999, 12, 31)
    assert "does not exist" in problem("010950110153000317260230", "]d2")


@pytest.mark.parametrize(
    ("element", "grams"), [("3103000450", 450), ("3102001234", 12_340), ("3100000002", 2_000), ("3105012000", 120)]
)
def test_databar_tells_the_net_weight_in_grams(element: str, grams: int) -> None:
    assert interpret(f"0198898765432106{element}", "]e0", NONE, CENTS).weight == Weight(grams)


def test_a_weight_finer_than_a_gram_does_not_round_in_silence() -> None:
    assert "finer" in problem("01988987654321063104012345", "]e0")


def test_databar_tells_the_price_and_its_currency() -> None:
    plain = interpret("019889876543210639221299", "]e0", NONE, CENTS)
    named = interpret("019889876543210639329781299", "]e0", NONE, CENTS)
    assert (plain.price_minor, plain.price_currency) == (1299, None)
    assert (named.price_minor, named.price_currency) == (1299, "978")
    assert interpret("01988987654321063920120", "]e0", NONE, WHOLE).price_minor == 120
    assert "more decimals" in problem("019889876543210639221299", "]e0", exponent=WHOLE)


def test_databar_tells_the_pieces() -> None:
    assert interpret("01988987654321063012", "]e0", NONE, CENTS).pieces == 12


def test_an_article_sold_by_measure_without_its_measure_is_unknown() -> None:
    assert "weigh it" in problem("0198898765432106", "]e0")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ("0109501101530004", "expected 3"),
        ("00106141412345678908", "no article"),  # a pallet
        ("4006381333931", "no article"),  # an EAN-13, which biip takes for AI 400 where no identifier is given
        ("0109501101530003ABC", "rules"),
        ("0109501101530003301234567817261130", "no end"),  # a full AI 30 without separator: is 17 a date, or not?
        (f"010950110153000310A{GS}10B", "twice"),
        ("01095011015300033103000000", "zero"),
        (f"010950110153000330{GS}10A", "empty"),
        ("01095011015300033932978", "rules"),
    ],
)
def test_an_element_string_that_is_not_certain_is_unknown(data: str, word: str) -> None:
    assert word in problem(data, "]C1")


def test_an_ean_13_without_identifier_is_no_element_string() -> None:
    assert interpret("4006381333931", "", NONE, CENTS).item_code == "4006381333931"
    assert "AIM" in problem(f"010950110153000310ABC123{GS}17261130")


@pytest.mark.parametrize("symbology", ["]Q1", "]d1", ""])
def test_a_digital_link_tells_the_same_as_element_strings(symbology: str) -> None:
    link = "https://id.gs1.org/01/09501101530003/10/A%2FB/21/S1?17=261130&3103=000450&utm=x"
    meaning = interpret(link, symbology, NONE, CENTS)
    assert (meaning.item_code, meaning.lot, meaning.serial) == ("9501101530003", "A/B", "S1")
    assert (meaning.expiry, meaning.weight) == (date(2026, 11, 30), Weight(450))


def test_a_digital_link_on_any_host_in_capitals_and_with_a_short_gtin() -> None:
    assert interpret("HTTPS://SHOP.EXAMPLE/P/01/4006381333931", "]Q1", NONE, CENTS).item_code == "4006381333931"


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/2024/01/17",
        "https://example.com/01/4006381333932",
        "https://example.com/01/0",
        "https://id.gs1.org/00/106141412345678908",
        "https://[not-an-address",
        "https://id.gs1.org/01/%D9%A4006381333931",
        "http://",
    ],
)
def test_another_web_address_is_never_an_article(link: str) -> None:
    assert problem(link, "]Q1")
    assert problem(link)


# --- no string makes it raise ----------------------------------------------------------------------------------------

SYMBOLOGIES = ["", "]E0", "]E3", "]E4", "]C0", "]C1", "]e0", "]d1", "]d2", "]Q1", "]Q3", "]I1", "]A0", "]", "]é0", "x"]
PIECES = ["01", "10", "17", "3103", "3922", "3932978", "30", "15", "21", GS, "09501101530003", "260230", "000450", "9"]
PARTS = [
    "https://",
    "id.gs1.org",
    "/01/",
    "/10/",
    "/21/",
    "?17=",
    "&3103=",
    "%",
    "%FF",
    "09501101530003",
    "261130",
    "[",
]


def check(data: str, symbology: str, layouts: Layouts, exponent: int) -> None:
    meaning = interpret(data, symbology, layouts, exponent)
    assert (meaning.kind is Kind.ITEM) == bool(meaning.item_code) == (not meaning.problem)
    if meaning.gtin is not None:
        assert len(meaning.gtin) == 14
        assert meaning.gtin.endswith(meaning.item_code.zfill(8))


@given(st.text(), st.sampled_from(SYMBOLOGIES) | st.text(max_size=4), st.sampled_from([0, 2, 3]))
def test_no_text_makes_it_raise(data: str, symbology: str, exponent: int) -> None:
    check(data, symbology, GERMANY, exponent)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["10", "15", "17", "21", "30", "3104", "3922", "3931"]), st.text("0179A", max_size=9)
        ),
        max_size=4,
    )
)
def test_no_field_of_an_article_makes_it_raise(fields: list[tuple[str, str]]) -> None:
    check("0109501101530003" + GS.join(ai + value for ai, value in fields), "]d2", NONE, CENTS)
    check("https://a.b/01/09501101530003?" + "&".join(f"{ai}={value}" for ai, value in fields), "", NONE, CENTS)


@given(
    st.lists(st.sampled_from(PIECES) | st.text("0123456789A", max_size=8), max_size=8).map("".join),
    st.sampled_from(SYMBOLOGIES),
)
def test_no_element_string_makes_it_raise(data: str, symbology: str) -> None:
    check(data, symbology, BELGIUM, CENTS)


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=10).map("".join), st.sampled_from(SYMBOLOGIES))
def test_no_web_address_makes_it_raise(data: str, symbology: str) -> None:
    check("https://" + data, symbology, NONE, WHOLE)


@given(st.text("0123456789", max_size=20), st.sampled_from(SYMBOLOGIES), st.sampled_from(["DE", "SE", "CH", "TW"]))
def test_no_number_makes_it_raise(data: str, symbology: str, country: str) -> None:
    check(data, symbology, Layouts.of_country(country), CENTS)


def test_biip_is_not_imported_before_the_first_scan() -> None:
    code = "import sys, retail.barcode; sys.exit('biip' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_box_forgets_whose_number_it_is_and_reads_on() -> None:
    code = """
from retail.barcode import Layouts, forget_companies, interpret
before = interpret("4006381333931", "]E0", Layouts(()), 2)
forget_companies()
from biip import gs1_prefixes
assert gs1_prefixes.GS1CompanyPrefix.extract("4006381333931") is None
assert interpret("4006381333931", "]E0", Layouts(()), 2) == before
assert interpret("\\x1d0109521234543213", "]d2", Layouts(()), 2).item_code == "9521234543213"
"""
    # In a process of its own: the other tests keep the table.
    subprocess.run([sys.executable, "-c", code], check=True)
