from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.simulators.scale.sma import PretendSma


def answers(scale: PretendSma, command: bytes) -> bytes:
    return b"".join(output.data for output in scale.on_bytes(command, 0.0) if isinstance(output, Send))


@pytest.mark.parametrize(
    ("knobs", "command", "expected"),
    [
        ({"unit": "lb", "grams": "2268"}, b"\nW\r", b"\n 1G        5.00lb \r"),
        ({"grams": "7025"}, b"\nW\r", b"\n 1G       7.025kg \r"),
        ({"grams": "7650", "moving": "yes"}, b"\nW\r", b"\n 1GM      7.650kg \r"),
        ({"grams": "1234"}, b"\nH\r", b"\n 1g      1.2340kg \r"),
        ({"grams": "600", "tare": "100"}, b"\nW\r", b"\n 1N       0.500kg \r"),
        ({"grams": "600", "tare": "100"}, b"\nM\r", b"\n 1T       0.100kg \r"),
        ({"pad": "_"}, b"\nW\r", b"\nZ1G       0.000kg_\r"),
        ({"over": "yes"}, b"\nW\r", b"\nO1G       0.000kg \r"),
        ({"under_zero": "yes"}, b"\nW\r", b"\nU1G      -0.001kg \r"),
        ({"zero_error": "yes"}, b"\nZ\r", b"\nE1G  ----------kg \r"),
        ({"initial_zero_error": "yes"}, b"\nW\r", b"\nI1G  ----------kg \r"),
        ({}, b"\nT\r", b"\nT1G  ----------kg \r"),
        ({"grams": "50"}, b"\nZ\r", b"\nZ1G       0.000kg \r"),
        ({}, b"\nD\r", b"\n    \r"),
        ({"broken": "E"}, b"\nD\r", b"\n E  \r"),
        ({}, b"\nA\r", b"\nSMA:1/1.0\r"),
        ({}, b"\nK\r", b"\n?\r"),
        ({"line_error": "1"}, b"\nW\r", b"\n!\r"),
        ({}, b"W\r", b""),
    ],
)
def test_it_answers_as_the_manuals_say(knobs: dict[str, str], command: bytes, expected: bytes) -> None:
    scale = PretendSma()
    for knob, value in knobs.items():
        scale.set(knob, value)
    assert answers(scale, command) == expected


def test_a_tare_error_is_said_once() -> None:
    scale = PretendSma()
    scale.set("tare_error", "yes")
    assert answers(scale, b"\nW\r\nW\r") == b"\nT1G  ----------kg \r\nZ1G       0.000kg \r"


def test_about_goes_on_to_its_end() -> None:
    scale = PretendSma()
    assert answers(scale, b"\nA\r\nB\r\nB\r\nB\r\nB\r").endswith(b"\nREV:1\r\n?\r")


@pytest.mark.parametrize(("knob", "value"), [("broken", "X"), ("pad", "."), ("line_error", "-1"), ("moving", "maybe")])
def test_a_wrong_knob_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value.replace(".", r"\.")):
        PretendSma().set(knob, value)
