from __future__ import annotations

import pytest

from gateway.peripherals import Send, WakeAt
from gateway.simulators.label.roll import Element, PrintedLabel
from gateway.simulators.label.tspl import PretendTspl


def sends(outputs: list[Send | WakeAt]) -> bytes:
    return b"".join(output.data for output in outputs if isinstance(output, Send))


@pytest.mark.parametrize(
    ("knobs", "byte", "frame"),
    [
        ({}, b"\x00", b"\x02@@@@\x03\r\n"),
        ({"head_open": "yes"}, b"\x01", b"\x02E@@`\x03\r\n"),
        ({"jam": "yes"}, b"\x02", b"\x02E@@B\x03\r\n"),
        ({"media_out": "yes"}, b"\x04", b"\x02E@@A\x03\r\n"),
        ({"media_out": "yes", "head_open": "yes"}, b"\x05", b"\x02E@@a\x03\r\n"),
        ({"ribbon_out": "yes"}, b"\x08", b"\x02E@@D\x03\r\n"),
        ({"paused": "yes"}, b"\x10", b"\x02`@@@\x03\r\n"),
        ({"hot": "yes"}, b"\x80", b"\x02E@A@\x03\r\n"),
        ({"silent": "yes"}, b"", b""),
    ],
)
def test_its_state_as_the_manuals_say(knobs: dict[str, str], byte: bytes, frame: bytes) -> None:
    printer = PretendTspl()
    for knob, value in knobs.items():
        printer.set(knob, value)
    assert sends(printer.on_bytes(b"\x1b!?", 0.0)) == byte
    assert sends(printer.on_bytes(b"\x1b!S", 0.0)) == frame


def test_the_label_of_the_manual_is_read() -> None:
    printer = PretendTspl()
    printer.on_bytes(
        b'SIZE 30 mm,20 mm\r\nGAP 0,0\r\nCLS\r\nTEXT 100,100,"5",0,1,1,"\\["]DEMO, FOR TEXT\\["]"\r\n'
        b'BARCODE 10,20,"128",80,1,0,2,4,"ABC-12345"\r\nQRCODE 5,6,H,4,A,0,"a,b"\r\n'
        b"BAR 1,2,3,4\r\nMAGIC 1\r\nPRINT 1,2\r\n",
        0.0,
    )
    assert list(printer.labels) == 2 * [
        PrintedLabel(
            240,
            160,
            (
                Element("text", 100, 100, '"DEMO, FOR TEXT"', "5", (1, 1)),
                Element("bar code", 10, 20, "ABC-12345", "128", (2, 80)),
                Element("qr", 5, 6, "a,b", "HA"),
                Element("box", 1, 2, size=(3, 4)),
            ),
        )
    ]
    assert list(printer.unknown) == ["MAGIC"]


def test_the_state_is_told_in_the_middle_of_a_line_and_while_printing() -> None:
    printer = PretendTspl()
    printer.set("print_s", "1")
    assert printer.on_bytes(b"CLS\r\nPRI", 0.0) == []
    assert sends(printer.on_bytes(b"\x1b!?", 0.0)) == b"\x00"
    printer.on_bytes(b"NT 2,1\r\n", 0.0)
    assert sends(printer.on_bytes(b"\x1b!?", 0.5)) == b"\x20"
    printer.on_time(1.0)
    printer.on_time(2.0)
    assert sends(printer.on_bytes(b"\x1b!?", 2.1)) == b"\x00"
    assert len(printer.labels) == 2
