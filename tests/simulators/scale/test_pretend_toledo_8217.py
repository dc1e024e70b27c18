from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.simulators.scale.toledo_8217 import PretendToledo


def answer(scale: PretendToledo, letters: bytes) -> bytes:
    return b"".join(output.data for output in scale.on_bytes(letters, 0.0) if isinstance(output, Send))


def turned(**knobs: str) -> PretendToledo:
    scale = PretendToledo()
    for knob, value in knobs.items():
        scale.set(knob, value)
    return scale


def later(scale: PretendToledo, at: float) -> bytes:
    return b"".join(output.data for output in scale.on_time(at) if isinstance(output, Send))


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, b"\x0200.000\r"),
        ({"grams": "1234"}, b"\x0201.234\r"),
        ({"grams": "1234", "tare": "234"}, b"\x0201.000N\r"),
        ({"grams": "454", "unit": "lb"}, b"\x0201.00\r"),
        ({"moving": "yes", "grams": "9"}, b"\x02?\x01\r"),
        ({"over": "yes"}, b"\x02?\x02\r"),
        ({"under_zero": "yes"}, b"\x02?\x04\r"),
        ({"outside_zero": "yes"}, b"\x02?\x18\r"),
        ({"grams": "20000"}, b"\x02?\x02\r"),
        ({"grams": "454", "unit": "lb", "dialect": "8213"}, b"\x02001.00\r"),
        ({"grams": "454", "dialect": "8213"}, b"\x0200.454\r"),
        ({"moving": "yes", "dialect": "8213"}, b"\x02?A\r"),
        ({"moving": "yes", "dialect": "ohaus"}, b"\x02?a\r"),
        ({"grams": "1234", "dialect": "baxtran"}, b"\x0201234\r"),
        ({"moving": "yes", "dialect": "baxtran"}, b"\x02?a\r"),
        ({"under_zero": "yes", "dialect": "baxtran"}, b"\x02?d\r"),
        ({"silent": "yes"}, b""),
    ],
)
def test_w_is_answered_as_the_manual_says(knobs: dict[str, str], expected: bytes) -> None:
    assert answer(turned(**knobs), b"W") == expected


def test_the_probe_of_the_field_is_echoed() -> None:
    assert answer(PretendToledo(), b"EhelloF") == b"\x02E\rhello"


def test_an_unknown_letter_is_a_bad_command() -> None:
    # Bad command and centre of zero: the manual's STX ? P CR.
    assert answer(PretendToledo(), b"x") == b"\x02?P\r"
    scale = turned(grams="10")
    assert answer(scale, b"x") == b"\x02?@\r"


def test_a_weight_is_said_once_if_the_knob_says_so() -> None:
    scale = PretendToledo()
    scale.set("once", "yes")
    assert [answer(scale, b"W") for _ in range(2)] == [b"\x0200.000\r", b"\x02?\x00\r"]


@pytest.mark.parametrize(("knob", "value"), [("grams", "-1"), ("grams", "1.5"), ("moving", "perhaps"), ("weight", "1")])
def test_a_wrong_knob_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value if knob in ("grams", "moving") else "grams"):
        PretendToledo().set(knob, value)


def test_a_tare_is_weighed_and_answered_150_ms_later() -> None:
    scale = turned(grams="250")
    assert answer(scale, b"T") == b""
    assert later(scale, 0.1) == b""
    assert later(scale, 0.25) == b"\x02?\x20\r"
    assert answer(scale, b"W") == b"\x0200.000N\r"


@pytest.mark.parametrize("typed", [b"T00120", b"T00120\r"])
def test_a_known_tare_is_five_digits(typed: bytes) -> None:
    scale = turned(grams="500")
    answer(scale, typed)
    later(scale, 0.3)
    assert answer(scale, b"W") == b"\x0200.380N\r"


def test_a_known_tare_in_pounds_has_two_decimals() -> None:
    scale = turned(grams="907", unit="lb")
    answer(scale, b"T00100")
    later(scale, 0.3)
    assert answer(scale, b"W") == b"\x0201.00N\r"


def test_clearing_the_tare_shows_gross_again() -> None:
    scale = turned(grams="500", tare="120")
    assert answer(scale, b"C") == b""
    assert later(scale, 0.15) == b"\x02?\x00\r"
    assert answer(scale, b"W") == b"\x0200.500\r"


@pytest.mark.parametrize("knob", [{"moving": "yes"}, {"tare_enabled": "no"}])
def test_a_tare_is_not_taken_while_it_moves_nor_without_the_function(knob: dict[str, str]) -> None:
    scale = turned(grams="250", **knob)
    answer(scale, b"T")
    later(scale, 0.3)
    assert scale.tare == 0


@pytest.mark.parametrize(
    ("knobs", "results"),
    [
        ({}, [b"@", b"\x00"]),
        ({"failed": "ram,rom"}, [b"\x54", b"\x00"]),
        ({"dialect": "datalogic"}, [b"\x1f", b"\x1f"]),
        ({"dialect": "datalogic", "failed": "cpu"}, [b"\x17", b"\x17"]),
        ({"dialect": "ohaus"}, [b"\x00", b"\x00"]),
        ({"dialect": "ohaus", "failed": "ram"}, [b"\x08", b"\x08"]),
    ],
)
def test_the_confidence_test_of_each_maker(knobs: dict[str, str], results: list[bytes]) -> None:
    scale = turned(**knobs)
    assert answer(scale, b"A") == b"\x02\r"
    assert [answer(scale, b"B") for _ in results] == [b"\x02?" + result + b"\r" for result in results]


def test_zero_is_taken_within_the_capture_range_and_without_a_tare_only() -> None:
    assert answer(turned(grams="300"), b"ZW") == b"\x02?\x10\r\x0200.000\r"
    assert answer(turned(grams="301"), b"ZW") == b"\x02?\x00\r\x0200.301\r"
    assert answer(turned(grams="300", tare="100"), b"ZW") == b"\x02?\x20\r\x0200.200N\r"
