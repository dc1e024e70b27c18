"""Pretend scanners against their manuals, byte for byte, without our drivers."""

from __future__ import annotations

import pytest

from gateway import simulators
from gateway.peripherals import Send, WakeAt
from gateway.simulators.scanner.strokes import STROKES

NAMES = ["scanner-evdev", "scanner-hid-pos", "scanner-honeywell", "scanner-line", "scanner-ssi"]


def said(outputs: list[Send | WakeAt]) -> bytes:
    return b"".join(output.data for output in outputs if isinstance(output, Send))


def scanned(name: str, label: str, **settings: str) -> bytes:
    device = simulators.load(name).device()
    for knob, value in settings.items():
        device.set(knob, value)
    return said(device.set("scan", label))


def key(code: int, value: int) -> bytes:
    return bytes([1, 0, code, 0, value, 0, 0, 0])


def test_a_keyboard_presses_and_releases() -> None:
    assert scanned("scanner-evdev", "A1", suffix="tab") == b"".join(
        key(*stroke) for stroke in [(42, 1), (30, 1), (30, 0), (42, 0), (2, 1), (2, 0), (15, 1), (15, 0)]
    )


def test_a_gs_is_typed_as_the_makers_do() -> None:
    ctrl = [(29, 1), (27, 1), (27, 0), (29, 0)]
    alt = [(56, 1), (82, 1), (82, 0), (82, 1), (82, 0), (80, 1), (80, 0), (73, 1), (73, 0), (56, 0)]
    for how, strokes in (("ctrl", ctrl), ("alt", alt), ("drop", [])):
        assert scanned("scanner-evdev", "\\x1d", gs=how, suffix="none") == b"".join(key(*s) for s in strokes)


def test_every_country_has_a_stroke_for_all_of_ascii() -> None:
    assert {name: len(strokes.split()) for name, strokes in STROKES.items()} == dict.fromkeys(STROKES, 95)


def test_hid_pos_reports_of_the_access_is_manual() -> None:
    label = b"M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  s 100"
    assert len(label) == 60
    first = b"\x02\x38]Q0" + label[:56] + b"\0\0\x01"
    second = b"\x02\x04]Q0" + label[56:] + bytes(52) + b"\0\0\x00"
    expected = b"I\x40\0" + first + b"I\x40\0" + second
    assert scanned("scanner-hid-pos", label.decode(), aim="]Q0") == expected


def test_hid_pos_answers_with_its_descriptor_and_reads_the_trigger_report() -> None:
    device = simulators.load("scanner-hid-pos").device()
    answer = said(device.on_bytes(b"D\0\0", 0.0))
    assert (answer[:1], answer[3:9]) == (b"D", bytes.fromhex("05 8c 09 02 a1 01"))
    assert int.from_bytes(answer[1:3], "little") == len(answer) - 3
    device.on_bytes(b"O\x02\0\x04\x62", 0.0)
    assert (device.prevented, device.beeps) == (True, ["error", "good"])


def test_a_honeywell_on_hid_sends_nothing_before_its_feature_is_set() -> None:
    device = simulators.load("scanner-hid-pos").device()
    device.set("shape", "honeywell")
    assert not device.set("scan", "4711")
    device.on_bytes(b"S\x02\0\xfe\x01", 0.0)
    assert said(device.set("scan", "4711"))


def test_ssi_sends_a_label_and_again_with_the_bit_until_it_is_acknowledged() -> None:
    device = simulators.load("scanner-ssi").device()
    first = said(device.set("scan", "4711"))
    assert first == bytes.fromhex("09 F3 00 00 0B 34 37 31 31 FE 2C")
    assert said(device.on_time(10.0)) == b""
    assert said(device.on_time(12.0)) == bytes.fromhex("09 F3 00 01 0B 34 37 31 31 FE 2B")
    device.on_time(12.0)
    assert said(device.on_time(14.0))[3] == 1
    device.on_time(14.0)
    assert said(device.on_time(16.0)) == b""


def test_ssi_answers_commands() -> None:
    device = simulators.load("scanner-ssi").device()
    assert said(device.on_bytes(bytes.fromhex("04 EA 04 00 FF 0E"), 0.0)) == bytes.fromhex("04 D0 00 00 FF 2C")
    assert not device.enabled
    assert said(device.on_bytes(bytes.fromhex("04 EA 04 00 FF 0F"), 0.0)) == bytes.fromhex("05 D1 00 00 01 FF 29")
    assert said(device.on_bytes(bytes.fromhex("04 77 04 00 FF 81"), 0.0)) == bytes.fromhex("05 D1 00 00 02 FF 28")
    assert said(device.on_bytes(bytes.fromhex("04 A3 04 00 FF 55"), 0.0))[1] == 0xA4
    assert not device.set("scan", "1")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (b"cbrena*.", b"CBRENA0-1\x06."),
        (b"cbrena^.", b"CBRENA1\x06."),
        (b"cbrena?.", b"CBRENA1\x06."),
        (b"cbrena0!", b"CBRENA0\x06!"),
        (b"cbrena7!", b"CBRENA7\x15!"),
        (b"xyzabc1!", b"XYZABC1\x05!"),
        (b"cbrena0;trgmod3.", b"CBRENA0\x06;TRGMOD3\x06."),
    ],
)
def test_honeywell_answers_as_the_guides_examples(question: bytes, answer: bytes) -> None:
    device = simulators.load("scanner-honeywell").device()
    assert said(device.on_bytes(b"\x16M\r" + question, 0.0)) == answer


def test_honeywell_reads_while_its_trigger_is_pulled() -> None:
    device = simulators.load("scanner-honeywell").device()
    device.set("manual", "yes")
    assert not device.set("scan", "1")
    device.on_bytes(b"\x16T\r\x16\x07\r", 0.0)
    assert said(device.set("scan", "1")) == b"1\r"
    assert device.beeps == 1


def test_a_line_scanner_sends_prefix_identifier_data_and_suffix() -> None:
    label = scanned("scanner-line", "4711\\x1d10A", prefix="#", aim="]C1", suffix="crlf")
    assert label == b"#]C14711\x1d10A\r\n"


@pytest.mark.parametrize("name", NAMES)
def test_silence_and_garbage(name: str) -> None:
    device = simulators.load(name).device()
    assert len(said(device.set("garbage", "40"))) == 40
    device.set("silent", "yes")
    assert not said(device.set("scan", "4711"))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "scanner-line"])
def test_late_is_late(name: str) -> None:
    device = simulators.load(name).device()
    device.set("late", "1.5")
    question = {
        "scanner-hid-pos": b"D\0\0", "scanner-honeywell": b"\x16M\rcbrena?.",
        "scanner-ssi": bytes.fromhex("04 A3 04 00 FF 55"),
    }.get(name)  # fmt: skip
    outputs = device.on_bytes(question, 5.0) if question else device.set("scan", "4711")
    assert not said(outputs)
    assert not said(device.on_time(5.0))
    assert not said(device.on_time(6.4))
    assert said(device.on_time(6.5))


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_knob_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="silent"):
        simulators.load(name).device().set("slient", "yes")
