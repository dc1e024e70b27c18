"""The pretend Taiwanese terminal as another till would use it, with records written by hand."""

from __future__ import annotations

import pytest

from gateway.peripherals import Send, WakeAt
from gateway.simulators.terminal.taiwan_edc import KNOBS, WIDTHS, PretendEdc, cells

ACK, NAK = b"\x06", b"\x15"


def nccc(kind: str = "01", amount: int = 1200, rest: str = "", slip: str = " " * 6) -> bytes:
    data = f"I{' ' * 7}{kind}N  {slip}{' ' * 23}{amount:012d}261122173000{rest}".ljust(400).encode() + b"\x03"
    lrc = 0
    for byte in data:
        lrc ^= byte
    return b"\x02" + data + bytes([lrc])


def said(device: PretendEdc, data: bytes, now: float = 0.0) -> bytes:
    return b"".join(output.data for output in device.on_bytes(data, now) if isinstance(output, Send))


def fields(answer: bytes) -> dict[str, str]:
    assert answer[:2] == ACK + b"\x02"
    return cells("nccc-400", answer[2:-2])


@pytest.mark.parametrize("layout", sorted(WIDTHS))
def test_every_record_is_as_long_as_its_name_says(layout: str) -> None:
    assert sum(width for _, width in WIDTHS[layout]) == int(layout.rsplit("-", 1)[1])


def test_a_sale_is_acknowledged_booked_and_told() -> None:
    device = PretendEdc()
    told = fields(said(device, nccc()))
    assert (told["type"], told["answer"], told["amount"], told["auth"]) == ("01", "0000", "000000001200", "A00001")
    assert told["pan"] == "474609******9784"
    assert device.charged() == 1200
    device.on_bytes(ACK + ACK, 1.0)
    assert device.acknowledged == 1


def test_a_bad_check_byte_and_a_busy_terminal_are_nak() -> None:
    device = PretendEdc()
    assert said(device, nccc()[:-1] + b"\x00") == NAK
    device.set("takes", "5")
    assert said(device, nccc()) == ACK
    assert said(device, nccc(), 1.0) == NAK
    assert len(device.ledger) == 0
    assert [type(output) for output in device.on_time(5.0)] == [Send]
    assert device.charged() == 1200


def test_two_nak_have_the_record_repeated_and_nothing_booked_again() -> None:
    device = PretendEdc()
    device.set("wrong_lrc", "1")
    bad = said(device, nccc())
    good = said(device, NAK + NAK)
    assert bad[1:-1] == good[:-1]
    assert bad[-1] != good[-1]
    assert len(device.ledger) == 1
    for _ in range(5):
        device.on_bytes(NAK + NAK, 1.0)
    assert said(device, NAK + NAK) == b""


def test_refund_void_inquiry_and_settlement() -> None:
    device = PretendEdc()
    said(device, nccc(amount=1200))
    said(device, nccc("02", 200))
    assert device.charged() == 1000
    assert fields(said(device, nccc("62", 1200)))["slip"] == "000001"
    assert fields(said(device, nccc("62", 7700)))["answer"] == "0001"
    device.set("inquiry", "last")
    assert fields(said(device, nccc("62", 7700)))["slip"] == "000002"
    books = fields(said(device, nccc("50", 0)))
    assert (books["count"], books["amount"]) == ("0002", "000000001000")
    assert fields(said(device, nccc("30", 1200, slip="000001")))["answer"] == "0000"
    assert device.charged() == -200
    assert fields(said(device, nccc("99", 0)))["answer"] == "0010"


@pytest.mark.parametrize(
    ("cut", "heard", "booked"), [("before_ack", b"", 0), ("booking", ACK, 0), ("after", ACK, 1200), ("ack", None, 1200)]
)
def test_cuts_happen_once_and_where_they_say(cut: str, heard: bytes | None, booked: int) -> None:
    device = PretendEdc()
    device.set("cut", cut)
    answer = said(device, nccc())
    assert answer == heard if heard is not None else answer[:1] == b"\x02"
    assert device.charged() == booked
    said(device, nccc())
    assert device.charged() == booked + 1200


def test_a_late_record_is_booked_before_it_comes() -> None:
    device = PretendEdc()
    device.set("late", "3")
    assert device.on_bytes(nccc(), 0.0) == [Send(ACK), WakeAt(3.0)]
    assert device.charged() == 1200
    assert len(device.on_time(3.0)) == 1


def test_declined_silent_and_half_a_request() -> None:
    device = PretendEdc()
    device.set("answer", "0006")
    assert fields(said(device, nccc()))["answer"] == "0006"
    assert device.charged() == 0
    device.set("answer", "0000")
    device.on_bytes(nccc()[:200], 0.0)
    assert fields(said(device, nccc()))["answer"] == "0000"
    device.set("silent", "yes")
    assert said(device, nccc()) == b""


def test_knobs() -> None:
    device = PretendEdc()
    for knob in KNOBS:
        with pytest.raises(ValueError, match=r"."):
            device.set(knob, "no such value")
