from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.simulators.scale.magellan import PretendMagellan


def turned(**knobs: str) -> PretendMagellan:
    device = PretendMagellan()
    for knob, value in knobs.items():
        device.set(knob, value)
    return device


def answer(device: PretendMagellan, said: bytes, at: float = 0.0) -> bytes:
    return b"".join(output.data for output in device.on_bytes(said, at) if isinstance(output, Send))


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, b"S143\r"),
        ({"grams": "260"}, b"S14400260\r"),
        ({"grams": "454", "unit": "lb"}, b"S1440100\r"),
        ({"not_ready": "yes"}, b"S140\r"),
        ({"moving": "yes"}, b"S141\r"),
        ({"over": "yes"}, b"S142\r"),
        ({"grams": "15001"}, b"S142\r"),
        ({"under_zero": "yes"}, b"S145\r"),
        ({"silent": "yes"}, b""),
    ],
)
def test_s14_is_answered_as_the_knowledge_base_says(knobs: dict[str, str], expected: bytes) -> None:
    assert answer(turned(**knobs), b"S14\r") == expected


def test_s11_is_answered_when_the_weight_is_stable() -> None:
    device = turned(grams="260", moving="yes")
    assert answer(device, b"S11\r") == b""
    assert device.set("moving", "no") == [Send(b"S1100260\r")]


def test_a_label_is_sent_with_its_id() -> None:
    assert turned().set("scan", "F4006381333931") == [Send(b"S08F4006381333931\r")]


@pytest.mark.parametrize("stop", [b"D", b"F"])
def test_a_disabled_scanner_reads_nothing(stop: bytes) -> None:
    device = turned()
    answer(device, stop)
    assert device.set("scan", "F4006381333931") == []
    answer(device, b"E")
    assert device.set("scan", "FF96385074") == [Send(b"S08FF96385074\r")]


def test_health_is_framed_in_soh_and_eot() -> None:
    assert answer(turned(failed="s"), b"h") == b"\x01\x02mOK\x03\x02hOK\x03\x02vOK\x03\x02sFAIL\x03\x04"


def test_beeps_within_150_ms_are_one() -> None:
    device = turned()
    for at in (1.0, 1.1, 1.3):
        answer(device, b"S334\r", at)
    assert device.beeps == 2


@pytest.mark.parametrize("reset", [b"R", b"S10\r"])
def test_it_is_deaf_while_it_starts_again(reset: bytes) -> None:
    device = turned(reset="30")
    answer(device, reset)
    assert answer(device, b"S14\r", 29.0) == b""
    assert answer(device, b"S14\r", 30.0) == b"S143\r"


def test_odd_parity_is_seen_through_eight_bits() -> None:
    said = answer(turned(parity="yes"), b"S14\r")
    assert all(byte.bit_count() % 2 for byte in said)
    assert bytes(byte & 0x7F for byte in said) == b"S143\r"
