"""The pretend drawer against the notes of posiflex-hidcd, byte by byte."""

from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.peripherals.reports import Records, pack
from gateway.simulators.drawer.posiflex import PretendPosiflexDrawer


def asked(drawer: PretendPosiflexDrawer, *head: int) -> bytes:
    """The payload of its answer to a report with this head; empty if there is none."""
    data = b"".join(
        output.data
        for output in drawer.on_bytes(pack("O", bytes([0, *head]).ljust(121, b"\0")), 0.0)
        if isinstance(output, Send)
    )
    return b"".join(record.payload for record in Records().feed(data))


def test_it_says_closed_then_opens_and_says_open() -> None:
    drawer = PretendPosiflexDrawer()
    assert (asked(drawer, 7, 8)[0], len(asked(drawer, 7, 8))) == (0x71, 120)
    assert asked(drawer, 7, 7) == b""
    assert asked(drawer, 7, 8)[0] == 0x70
    drawer.set("drawer", "closed")
    assert asked(drawer, 7, 8)[0] == 0x71


def test_it_answers_to_its_own_number_only() -> None:
    drawer = PretendPosiflexDrawer()
    drawer.set("number", "2")
    assert asked(drawer, 7, 8) == b""
    assert asked(drawer, 2, 3)[0] == 0x21
    assert asked(drawer, 2, 9) == b""


def test_its_descriptor_has_120_bytes_each_way_and_no_ids() -> None:
    (said,) = PretendPosiflexDrawer().on_bytes(pack("D", b""), 0.0)
    assert isinstance(said, Send)
    (record,) = Records().feed(said.data)
    assert record.kind == "D"
    assert record.payload.startswith(b"\x06\xa0\xff\x09\x01\xa1\x01")
    assert record.payload.count(b"\x95\x78") == 2
    assert b"\x85" not in record.payload


@pytest.mark.parametrize(("knob", "value"), [("number", "8"), ("drawer", "ajar"), ("slow", "-1"), ("stuck", "2")])
def test_a_wrong_value_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        PretendPosiflexDrawer().set(knob, value)
