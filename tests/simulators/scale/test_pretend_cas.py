from __future__ import annotations

import pytest

from gateway.peripherals import Send, WakeAt
from gateway.simulators.scale.cas import PretendCas


def sends(outputs: list[Send | WakeAt]) -> bytes:
    return b"".join(output.data for output in outputs if isinstance(output, Send))


def pretend(**knobs: str) -> PretendCas:
    scale = PretendCas()
    for knob, value in knobs.items():
        scale.set(knob, value)
    return scale


@pytest.mark.parametrize(
    ("knobs", "block"),
    [
        ({"grams": "1234"}, b"\x01\x02S 01.234KG\x65\x03\x04"),  # upper-case KG: the same BCC, two bits twice
        ({"grams": "1234", "moving": "yes"}, b"\x01\x02U 01.234KG\x63\x03\x04"),
        ({"over": "yes"}, b"\x01\x02SFFFFFFFKG\x19\x03\x04"),
        ({"grams": "1234", "wrong_checksum": "yes"}, b"\x01\x02S 01.234KG\x64\x03\x04"),
        ({"refuse": "yes"}, b"\x15"),
    ],
)
def test_the_dialogue_of_the_manual(knobs: dict[str, str], block: bytes) -> None:
    scale = pretend(**knobs)
    assert sends(scale.on_bytes(b"\x05", 0.0)) == (b"\x15" if "refuse" in knobs else b"\x06")
    assert sends(scale.on_bytes(b"\x11", 0.5)) == block


def test_dc1_without_its_enq_or_after_three_seconds_is_refused() -> None:
    scale = pretend()
    assert sends(scale.on_bytes(b"\x11", 0.0)) == b"\x15"
    scale.on_bytes(b"\x05", 1.0)
    assert sends(scale.on_bytes(b"\x11", 4.5)) == b"\x15"


@pytest.mark.parametrize(
    ("knobs", "line"),
    [
        ({"grams": "13500"}, b"ST,GS,1\xc4,0013.500 kg\r\n"),
        ({}, b"ST,GS,1\xc5,0000.000 kg\r\n"),
        ({"grams": "5", "moving": "yes"}, b"US,GS,1\x84,0000.005 kg\r\n"),
        ({"grams": "600", "tare": "100", "device": "2"}, b"ST,NT,2\xc2,0000.500 kg\r\n"),
        ({"grams": "600", "tare": "700"}, b"ST,NT,1\xc2,-000.100 kg\r\n"),
        ({"over": "yes"}, b"OL,GS,1\xc4,0000.000 kg\r\n"),
    ],
)
def test_a_line_of_the_stream(knobs: dict[str, str], line: bytes) -> None:
    scale = pretend(**knobs)
    assert scale.set("mode", "stream") == [WakeAt(0.0)]
    assert len(line) == 22
    assert scale.on_time(7.0) == [Send(line), WakeAt(7.2)]
    assert scale.on_bytes(b"\x05", 7.1) == []


@pytest.mark.parametrize(("knob", "value"), [("mode", "chat"), ("device", "12"), ("every", "-1")])
def test_a_wrong_knob_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        PretendCas().set(knob, value)
