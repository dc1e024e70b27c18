from __future__ import annotations

import pytest

from gateway.peripherals import Send, WakeAt
from gateway.simulators.label.roll import Element, PrintedLabel
from gateway.simulators.label.zpl import PretendZpl

READY = b"\x02030,0,0,0240,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"


def sends(outputs: list[Send | WakeAt]) -> bytes:
    return b"".join(output.data for output in outputs if isinstance(output, Send))


def test_three_lines_as_the_manual_has_them() -> None:
    printer = PretendZpl()
    printer.on_bytes(b"^XA^PW400^LL240^XZ\n", 0.0)
    assert sends(printer.on_bytes(b"~HS", 0.1)) == READY


def test_a_label_of_somebody_else_is_read() -> None:
    printer = PretendZpl()
    printer.on_bytes(
        b"^XA^PW400^LL240^FO50,50^A0N,30,30^FDHello, world^FS^FO50,90^BY2^BCN,100,Y,N,N^FD12345^FS"
        b"^FO10,10^BQN,2,4^FDQA,https://x^FS^FO0,0^GB400,240,3^FS^ZZ1^PQ3^XZ",
        0.0,
    )
    assert list(printer.labels) == 3 * [
        PrintedLabel(
            400,
            240,
            (
                Element("text", 50, 50, "Hello, world", "0", (30, 30)),
                Element("bar code", 50, 90, "12345", "CODE128"),
                Element("qr", 10, 10, "https://x", "QA"),
                Element("box", 0, 0, size=(400, 240)),
            ),
        )
    ]
    assert list(printer.unknown) == ["ZZ"]


@pytest.mark.parametrize("knob", ["head_open", "media_out", "ribbon_out", "hot"])
def test_it_says_nothing_where_the_manual_lets_it(knob: str) -> None:
    printer = PretendZpl()
    printer.set(knob, "yes")
    assert sends(printer.on_bytes(b"~HS", 0.0)) == b""
    assert b"ERRORS:         1 00000000 000000" in sends(printer.on_bytes(b"~HQES", 0.0))
    printer.set("talkative", "yes")
    assert sends(printer.on_bytes(b"~HS", 0.0)).count(b"\x02") == 3
    printer.on_bytes(b"^XA^XZ", 0.0)
    assert not printer.labels
    assert printer.set(knob, "no") == [WakeAt(0.0)]
    printer.on_time(1.0)
    assert len(printer.labels) == 1


def test_labels_take_their_time_and_are_counted() -> None:
    printer = PretendZpl()
    printer.set("print_s", "2")
    assert printer.on_bytes(b"^XA^PQ3^XZ", 0.0) == [WakeAt(2.0)]
    assert b",00000003,1,000" in sends(printer.on_bytes(b"~HS", 0.5))
    assert printer.on_time(2.0) == [WakeAt(4.0)]
    assert b",00000002,1,000" in sends(printer.on_bytes(b"~HS", 2.5))


@pytest.mark.parametrize(("knob", "value"), [("labels_on_roll", "-2"), ("print_s", "x"), ("paused", "perhaps")])
def test_a_wrong_knob_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        PretendZpl().set(knob, value)
