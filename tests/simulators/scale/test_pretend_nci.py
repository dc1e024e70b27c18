from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.simulators.scale.nci import PretendNci


def answer(knobs: dict[str, str], command: bytes) -> bytes:
    scale = PretendNci()
    for knob, value in knobs.items():
        scale.set(knob, value)
    return b"".join(output.data for output in scale.on_bytes(command, 0.0) if isinstance(output, Send))


@pytest.mark.parametrize(
    ("knobs", "command", "expected"),
    [
        ({"grams": "1234"}, b"W\r", b"\n 1.234kg\r\n00\r\x03"),
        ({"grams": "1234"}, b"H\r", b"\n 1.2340kg\r\n00\r\x03"),
        ({"grams": "454", "unit": "lb"}, b"W\r", b"\n  1.00lb\r\n00\r\x03"),
        ({}, b"S\r", b"\n20\r\x03"),
        ({"moving": "yes", "grams": "5"}, b"W\r", b"\n 0.005kg\r\n10\r\x03"),
        ({"over": "yes"}, b"W\r", b"\n^^^^^^kg\r\n02\r\x03"),
        ({"under_zero": "yes"}, b"W\r", b"\n______kg\r\n01\r\x03"),
        ({"no_zero": "yes", "status_bytes": "3"}, b"W\r", b"\n------kg\r\n2p8\r\x03"),
        ({"variant": "ecr", "grams": "1234"}, b"W\r", b"\n 1.234KG\r\nS00\r\x03"),
        ({"variant": "ecr", "moving": "yes", "grams": "5"}, b"W\r", b"\nS10\r\x03"),
        ({"grams": "7"}, b"Z\r", b"\n20\r\x03"),
        ({"grams": "7", "moving": "yes"}, b"Z\r", b"\n10\r\x03"),
        ({"status_bytes": "4", "tare": "5", "grams": "6"}, b"S\r", b"\n0pt4\r\x03"),
        ({}, b"X\r", b"\n?\r\x03"),
        ({"silent": "yes"}, b"W\r", b""),
        ({"cut": "4"}, b"S\r", b"\n20\r"),
    ],
)
def test_it_answers_as_the_manuals_say(knobs: dict[str, str], command: bytes, expected: bytes) -> None:
    assert answer(knobs, command) == expected


def test_parity_is_even() -> None:
    assert all(byte.bit_count() % 2 == 0 for byte in answer({"parity": "yes", "grams": "1234"}, b"W\r"))


@pytest.mark.parametrize(("knob", "value"), [("variant", "epos"), ("status_bytes", "5"), ("unit", "st"), ("cut", "-2")])
def test_a_wrong_knob_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        PretendNci().set(knob, value)
