from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.terminal.zvt_apdu import Apdu
from gateway.drivers.terminal.zvt_line import BareFraming, Item, Junk, SerialFraming, crc
from gateway.peripherals import PaymentOutcome, Refusal
from gateway.simulators.terminal.zvt import PretendZvt
from tests.drivers.terminal.till import Till

ENQUIRY = Apdu(0x0501, bytes.fromhex("101000"))
#: 05 01 03 10 10 00 with its two DLE doubled; the check sum is KERMIT over the message and 03
FRAME = bytes.fromhex("10 02 05 01 03 10 10 10 10 00 10 03") + crc(bytes.fromhex("05 01 03 10 10 00 03")).to_bytes(
    2, "little"
)
ACK, NAK = b"\x06", b"\x15"


def taken(line: SerialFraming | BareFraming, data: bytes, now: float = 0.0) -> list[Item]:
    return [item for item in line.receive(data, now) if item != b""]


def test_the_check_sum_is_kermit() -> None:
    assert crc(b"123456789") == 0x2189  # the published check value of CRC-16/KERMIT


def test_a_frame_doubles_dle_and_ends_with_the_check_sum() -> None:
    assert SerialFraming().send(ENQUIRY, 0.0) == FRAME


def test_a_whole_frame_is_acknowledged() -> None:
    frame = SerialFraming().send(Apdu(0x040F, b"\x10\x27"), 0.0)
    assert taken(SerialFraming(), frame) == [ACK, Apdu(0x040F, b"\x10\x27")]


def test_a_spoilt_frame_is_refused() -> None:
    frame = SerialFraming().send(Apdu(0x8000), 0.0)
    assert taken(SerialFraming(), frame[:-1] + bytes([frame[-1] ^ 1])) == [NAK]


def test_a_frame_that_stops_is_refused_after_200_ms() -> None:
    line = SerialFraming()
    assert taken(line, b"\x10\x02\x80\x00", 1.0) == []
    assert line.wake_at() == 1.2
    assert line.on_time(1.2) == NAK
    assert taken(line, SerialFraming().send(Apdu(0x8000), 0.0), 2.0) == [ACK, Apdu(0x8000)]


def test_a_frame_is_sent_three_times_at_most() -> None:
    line = SerialFraming()
    line.send(ENQUIRY, 0.0)
    assert [line.on_time(at) for at in (4.9, 5.0, 10.0, 15.0)] == [b"", FRAME, FRAME, b""]
    assert line.broken == "silent"


def test_a_terminal_that_refuses_each_time_surely_has_nothing() -> None:
    line = SerialFraming()
    line.send(ENQUIRY, 0.0)
    assert taken(line, NAK * 3) == [FRAME, FRAME]
    assert line.broken == "garbled"


def test_an_ack_stops_the_repeats_and_lets_the_next_frame_go() -> None:
    line = SerialFraming()
    line.send(ENQUIRY, 0.0)
    assert line.send(Apdu(0x8000), 0.1) == b""
    (following,) = taken(line, ACK, 0.2)
    assert following == SerialFraming().send(Apdu(0x8000), 0.0)


def test_a_repeated_frame_is_acknowledged_and_heard_once() -> None:
    line = SerialFraming()
    frame = SerialFraming().send(Apdu(0x06D1, b"\x00a"), 0.0)
    assert taken(line, frame) == [ACK, Apdu(0x06D1, b"\x00a")]
    line.send(Apdu(0x8000), 0.0)
    assert taken(line, frame) == [ACK]
    taken(line, ACK)
    assert taken(line, frame) == [ACK, Apdu(0x06D1, b"\x00a")]  # our answer had arrived: this one is new


def test_bare_messages_may_come_in_pieces_and_together() -> None:
    line = BareFraming()
    assert taken(line, b"\x80\x00\x00\x04\xff\x01") == [Apdu(0x8000)]
    assert taken(line, b"\x0a\x06\x0f\x00") == [Apdu(0x04FF, b"\x0a"), Apdu(0x060F)]


def test_rubbish_on_a_bare_line_is_told_once() -> None:
    assert taken(BareFraming(), b"HTTP/1.1 400\r\n\x80\x00\x00") == [Junk(), Apdu(0x8000)]


@given(st.lists(st.binary(max_size=80).map(lambda data: Apdu(0x040F, data)), max_size=5), st.integers(1, 9))
@settings(deadline=None)
def test_serial_frames_survive_any_split(messages: list[Apdu], size: int) -> None:
    wire = b""
    for message in messages:
        wire += SerialFraming().send(message, 0.0)
    line, heard = SerialFraming(), []
    for start in range(0, len(wire), size):
        heard += [item for item in line.receive(wire[start : start + size], 0.0) if isinstance(item, Apdu)]
    assert heard == messages


# --- whole payments over the serial line ----------------------------------------------------------------------


def serial_till() -> Till:
    till = Till("terminal-zvt", framing="serial")
    till.set(framing="serial")
    return till


def booked(till: Till) -> list[str]:
    assert isinstance(till.device, PretendZvt)
    return [booking.state for booking in till.device.ledger]


def test_a_sale_over_the_serial_line() -> None:
    till = serial_till()
    assert till.sold().outcome is PaymentOutcome.APPROVED
    assert booked(till) == ["booked"]


def test_spoilt_frames_and_lost_acknowledgements_do_not_charge_twice() -> None:
    for knob in ("wrong_checksum", "lost_ack"):
        for count in (1, 2):
            till = serial_till()
            till.set(**{knob: count})
            assert till.sold().outcome is PaymentOutcome.APPROVED
            assert booked(till) == ["booked"]
            result = till.sold(500, "S2")
            assert result.outcome is PaymentOutcome.APPROVED
            assert len(result.receipts) == 2
            assert len(result.receipts[0].lines) == 9


def test_a_dead_serial_line_ends_silent_and_surely_not_begun() -> None:
    till = serial_till()
    till.set(silent="yes")
    end = till.sale()
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("silent", False)
