from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.terminal.masking import cleaned, luhn, masked

VISA, MASTERCARD, MAESTRO = "4111111111111111", "5555555555554444", "6799998900000060018"


def with_check_digit(digits: str) -> str:
    return next(digits + check for check in "0123456789" if luhn(digits + check))


pans = st.from_regex(r"[1-9][0-9]{11,17}", fullmatch=True).map(with_check_digit)
#: how people and terminals write one: in one piece, in fours, with dashes
forms = st.sampled_from(
    [
        lambda pan: pan,
        lambda pan: " ".join(re.findall(".{1,4}", pan)),
        lambda pan: "-".join(re.findall(".{1,4}", pan)),
        lambda pan: pan[:6] + " " + pan[6:],
    ]
)
#: anything that a receipt may say around it
around = st.text(st.characters(exclude_categories=["Cs", "Nd"], exclude_characters=" .-\u00a0"), max_size=20)


def digits_seen(text: str) -> str:
    return re.sub(r"[^0-9*]", "", text)


@pytest.mark.parametrize(
    ("pan", "shown"),
    [
        (VISA, "411111******1111"),
        ("4111 1111-1111 1111", "411111******1111"),
        ("************4771", "************4771"),
        ("EEEEEEEEEEEE4771", "************4771"),
        ("474609******9784", "474609******9784"),
        ("474609888877*784", "474609*******784"),
        (MAESTRO, "679999*********0018"),
        ("12345678", "****5678"),
        ("1234", "****"),
        ("", ""),
    ],
)
def test_six_and_four_digits_are_shown_at_most(pan: str, shown: str) -> None:
    assert masked(pan) == shown


@given(st.text("0123456789*xE -", max_size=40))
def test_no_more_than_six_and_four_digits_are_ever_shown(pan: str) -> None:
    shown = masked(pan)
    assert not re.search(r"[0-9]", shown[6:-4])
    assert masked(shown) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Karte {VISA}", "Karte 411111******1111"),
        ("Nr 4111 1111 1111 1111 OK", "Nr 4111 11** **** 1111 OK"),
        ("4111-1111-1111-1111", "4111-11**-****-1111"),
        ("PAN: 4111111111111112", "PAN: 411111******1112"),  # Luhn is wrong, the word decides
        ("Card No. 4111111111111112", "Card No. 411111******1112"),
        ("Kartennummer 4111111111111112", "Kartennummer 411111******1112"),
        ("卡號:4111111111111112", "卡號:411111******1112"),
        ("0000004111111111111111", "000000************1111"),  # a field filled with zeros
        ("9999999941111111111111112512", "999999******************2512"),  # one may be inside
        (f";{VISA}=25122010000012345678?", ";411111******1111=***"),
        (f"%B{VISA}^DOE/JANE^2512201123456789?", "%B411111******1111=***"),
        (f"{VISA} {MASTERCARD}", "411111******1111 555555******4444"),
        ("Trace# 1000400127, Beleg 0470, 19.10.2021 13:30", "Trace# 1000400127, Beleg 0470, 19.10.2021 13:30"),
        ("TID 28004869 VU 100461763", "TID 28004869 VU 100461763"),
        ("L:************0000", "L:************0000"),
        ("Ref 4111111111111112", "Ref 4111111111111112"),
    ],
)
def test_card_numbers_are_cleaned_and_the_rest_stays(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@given(pans, forms, around, around)
def test_no_card_number_survives_in_any_form(pan: str, form: object, before: str, after: str) -> None:
    assert callable(form)
    text = cleaned(before + form(pan) + after)
    assert pan not in digits_seen(text)
    assert len(re.findall("[0-9]", text)) == 10


@given(pans, st.from_regex(r"[0-9]{1,6}", fullmatch=True), st.from_regex(r"[0-9]{1,6}", fullmatch=True))
def test_neighbouring_numbers_do_not_hide_a_card_number(pan: str, before: str, after: str) -> None:
    in_fours = " ".join(re.findall(".{1,4}", pan))
    text = cleaned(f"{before} {in_fours} {after}")
    seen = digits_seen(text)
    assert set(seen[len(before) + 6 : len(before) + len(pan) - 4]) == {"*"}


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert cleaned(cleaned(text)) == cleaned(text)


@given(st.text(st.characters(exclude_categories=["Cs", "Nd"]), max_size=200))
def test_a_text_without_digits_stays(text: str) -> None:
    assert cleaned(text) == text
