from __future__ import annotations

import pytest

from gateway.peripherals import Send, WakeAt
from gateway.peripherals.hid_descriptor import parse
from gateway.peripherals.reports import Record, Records, pack
from gateway.simulators.scale.hid import PretendHidScale, descriptor


def turned(**knobs: str) -> PretendHidScale:
    scale = PretendHidScale()
    for knob, value in knobs.items():
        scale.set(knob, value)
    return scale


def records(outputs: list[Send | WakeAt]) -> list[Record]:
    return Records().feed(b"".join(output.data for output in outputs if isinstance(output, Send)))


def report(scale: PretendHidScale) -> bytes:
    scale.on_bytes(pack("D", b""), 0.0)
    (record,) = records(scale.on_time(10.0))
    assert record.kind == "I"
    return record.payload


def test_the_descriptor_describes_a_scale() -> None:
    layout = parse(descriptor(3, "output"))
    assert layout.applications == (0x8D0020,)
    assert layout.size("input", 3) == 5
    zero = layout.find(0x8D0080, "output")
    assert zero is not None
    assert layout.build("output", zero.report_id, {0x8D0080: 1}) == b"\x02\x02"


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"grams": "20"}, "03 04 02 00 14 00"),
        ({"grams": "18291", "unit": "oz", "capacity": "20000"}, "03 04 0b ff 34 19"),  # 645.2 oz, as Dymo's example
        ({"grams": "450", "unit": "kg"}, "03 04 03 fd c2 01"),
        ({"grams": "454", "unit": "lb", "report_id": "4"}, "04 04 0c fe 64 00"),
        ({}, "03 02 02 00 00 00"),
        ({"moving": "yes"}, "03 03 02 00 00 00"),
        ({"under_zero": "yes"}, "03 05 02 00 00 00"),
        ({"over": "yes"}, "03 06 02 00 00 00"),
        ({"status": "7"}, "03 07 02 00 00 00"),
        ({"grams": "20", "cut": "3"}, "03 04 02"),
    ],
)
def test_a_report_is_status_unit_power_weight(knobs: dict[str, str], expected: str) -> None:
    assert report(turned(**knobs)) == bytes.fromhex(expected)


def test_nothing_is_said_before_the_descriptor_was_asked_for() -> None:
    scale = turned(grams="20")
    assert scale.on_time(10.0) == []
    first = records(scale.on_bytes(pack("D", b""), 0.0))
    assert [record.kind for record in first] == ["D"]


def test_a_stale_report_comes_at_once_after_opening() -> None:
    scale = turned(stale="20")
    assert [record.kind for record in records(scale.on_bytes(pack("D", b""), 0.0))] == ["D", "I"]
    assert [record.kind for record in records(scale.on_bytes(pack("D", b""), 1.0))] == ["D"]


@pytest.mark.parametrize(("where", "kind"), [("output", "O"), ("feature", "S")])
def test_the_control_report_zeroes(where: str, kind: str) -> None:
    scale = turned(zero=where, grams="20")
    scale.on_bytes(pack(kind, b"\x02\x01"), 0.0)
    assert scale.grams == 20
    scale.on_bytes(pack(kind, b"\x02\x02"), 0.0)
    assert scale.grams == 0


def test_a_scale_may_speak_only_when_the_weight_changes() -> None:
    scale = turned(on_change="yes")
    scale.on_bytes(pack("D", b""), 0.0)
    assert [record.payload for record in records(scale.set("grams", "20"))] == [bytes.fromhex("03 04 02 00 14 00")]
    assert scale.set("grams", "20") == []
    assert scale.on_time(10.0) == []


def test_the_weight_limit_can_be_asked_for() -> None:
    (record,) = records(turned(capacity="5000").on_bytes(pack("G", b"\x05"), 0.0))
    assert record == Record("F", bytes.fromhex("05 02 00 88 13"))
