from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.simulators.scale.toledo_8217 import PretendToledo


def answer(scale: PretendToledo, letters: bytes) -> bytes:
    return b"".join(output.data for output in scale.on_bytes(letters, 0.0) if isinstance(output, Send))


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, b"\x0200.000\r"),
        ({"grams": "1234"}, b"\x0201.234\r"),
        ({"grams": "1234", "tare": "234"}, b"\x0201.000N\r"),
        ({"grams": "454", "unit": "lb"}, b"\x0201.00\r"),
        ({"moving": "yes"}, b"\x02?\x01\r"),
        ({"over": "yes"}, b"\x02?\x02\r"),
        ({"under_zero": "yes"}, b"\x02?\x04\r"),
        ({"silent": "yes"}, b""),
    ],
)
def test_w_is_answered_as_the_manual_says(knobs: dict[str, str], expected: bytes) -> None:
    scale = PretendToledo()
    for knob, value in knobs.items():
        scale.set(knob, value)
    assert answer(scale, b"W") == expected


def test_the_probe_of_the_field_is_echoed() -> None:
    assert answer(PretendToledo(), b"EhelloF") == b"\x02E\rhello"


def test_an_unknown_letter_is_a_bad_command() -> None:
    assert answer(PretendToledo(), b"x") == b"\x02?\x40\r"


def test_a_weight_is_said_once_if_the_knob_says_so() -> None:
    scale = PretendToledo()
    scale.set("once", "yes")
    assert [answer(scale, b"W") for _ in range(2)] == [b"\x0200.000\r", b"\x02?\x00\r"]


@pytest.mark.parametrize(("knob", "value"), [("grams", "-1"), ("grams", "1.5"), ("moving", "perhaps"), ("weight", "1")])
def test_a_wrong_knob_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value if knob in ("grams", "moving") else "grams"):
        PretendToledo().set(knob, value)
