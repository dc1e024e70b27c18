from __future__ import annotations

import pytest

from gateway.peripherals import Send, WakeAt
from gateway.simulators.scale.mt_sics import PretendMtSics


def answer(knobs: dict[str, str], command: bytes) -> bytes:
    scale = PretendMtSics()
    for knob, value in knobs.items():
        scale.set(knob, value)
    return sends(scale.on_bytes(command, 0.0))


def sends(outputs: list[Send | WakeAt]) -> bytes:
    return b"".join(output.data for output in outputs if isinstance(output, Send))


@pytest.mark.parametrize(
    ("knobs", "command", "expected"),
    [
        ({"grams": "100", "unit": "g"}, b"S\r\n", b"S S        100 g\r\n"),
        ({"grams": "1234"}, b"SI\r\n", b"S S      1.234 kg\r\n"),
        ({"grams": "1234", "moving": "yes"}, b"SI\r\n", b"S D      1.234 kg\r\n"),
        ({"moving": "yes"}, b"S\r\n", b"S I\r\n"),
        ({"over": "yes"}, b"S\r\n", b"S +\r\n"),
        ({"under_zero": "yes"}, b"SI\r\n", b"S -\r\n"),
        ({"grams": "50"}, b"Z\r\n", b"Z A\r\n"),
        ({"moving": "yes"}, b"Z\r\n", b"Z I\r\n"),
        ({"grams": "52"}, b"T\r\n", b"T S      0.052 kg\r\n"),
        ({}, b"TA 0.125 kg\r\n", b"TA A      0.125 kg\r\n"),
        ({}, b"TA 125 g\r\n", b"TA A      0.125 kg\r\n"),
        ({}, b"TA heavy\r\n", b"TA L\r\n"),
        ({"tare": "52"}, b"TA\r\n", b"TA A      0.052 kg\r\n"),
        ({"tare": "52", "grams": "52"}, b"TAC\r\nSI\r\n", b"TAC A\r\nS S      0.052 kg\r\n"),
        ({"error": "EL"}, b"S\r\n", b"EL\r\n"),
        ({"error": "EL", "serial": "7"}, b"@\r\n", b'I4 A "7"\r\n'),
        ({}, b"s\r\n", b"ES\r\n"),
        ({"silent": "yes"}, b"S\r\n", b""),
    ],
)
def test_it_answers_as_the_manuals_say(knobs: dict[str, str], command: bytes, expected: bytes) -> None:
    assert answer(knobs, command) == expected


def test_its_list_of_commands_ends_with_an_a() -> None:
    lines = answer({}, b"I0\r\n").splitlines()
    assert lines[0] == b'I0 B 0 "@"'
    assert lines[-1] == b'I0 A 0 "ZI"'
    assert len(lines) == 12


def test_switching_on_forgets_the_tare_and_says_who_it_is() -> None:
    scale = PretendMtSics()
    scale.set("tare", "52")
    assert sends(scale.set("switch_on", "yes")) == b'I4 A "B012345678"\r\n'
    assert scale.tare == 0


@pytest.mark.parametrize(("knob", "value"), [("unit", "lb"), ("error", "E1"), ("switch_on", "perhaps")])
def test_a_wrong_knob_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        PretendMtSics().set(knob, value)
