from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scanner.ssi import SsiScanner
from gateway.drivers.scanner.ssi_packets import packet
from gateway.peripherals import (
    Answer,
    Beep,
    CheckHealth,
    Command,
    ErrorCode,
    Event,
    Oddity,
    Power,
    PowerChanged,
    Refusal,
    Scan,
    SetScanning,
)
from tests.drivers.bench import Bench, events, sent
from tests.drivers.scanner.frames import is_data

#: written out by hand from the manuals' tables: length, opcode, source, status, data, checksum
ACK_OF_HOST = bytes.fromhex("04 D0 04 00 FF 28")
NAK_RESEND_OF_HOST = bytes.fromhex("05 D1 04 00 01 FF 25")
SCAN_DISABLE_OF_HOST = bytes.fromhex("04 EA 04 00 FF 0E")
SCAN_ENABLE_OF_HOST = bytes.fromhex("04 E9 04 00 FF 0F")
BEEP_OF_HOST = bytes.fromhex("05 E6 04 00 00 FF 11")
REVISION_OF_HOST = bytes.fromhex("04 A3 04 00 FF 55")
ACK_OF_DECODER = bytes.fromhex("04 D0 00 00 FF 2C")
#: EAN-13 4711234567899, type 0B
LABEL = bytes.fromhex("12 F3 00 00 0B") + b"4711234567899"
LABEL += (-sum(LABEL) & 0xFFFF).to_bytes(2, "big")


def decoder(opcode: int, data: bytes = b"", status: int = 0) -> bytes:
    whole = bytes([4 + len(data), opcode, 0, status]) + data
    return whole + (-sum(whole) & 0xFFFF).to_bytes(2, "big")


REVISION = decoder(0xA4, b"PAABBC00-003-R00")


def online() -> SsiScanner:
    scanner = SsiScanner()
    assert sent(scanner.on_time(0.0)) == REVISION_OF_HOST
    assert events(scanner.on_bytes(REVISION, 0.1)) == [PowerChanged(Power.ONLINE)]
    return scanner


def scans(got: list[Event]) -> list[Event]:
    return [event for event in got if isinstance(event, Scan)]


def test_a_label_is_sold_and_acknowledged() -> None:
    scanner = online()
    outputs = scanner.on_bytes(LABEL, 1.0)
    assert events(outputs) == [Scan("4711234567899", "]E0")]
    assert sent(outputs) == ACK_OF_HOST


@pytest.mark.parametrize(
    ("kind", "symbology"),
    [
        (0x01, "]A0"),
        (0x03, "]C0"),
        (0x08, "]E0"),
        (0x0A, "]E4"),
        (0x0F, "]C1"),
        (0x1B, "]d0"),
        (0x30, "]e0"),
        (0xEE, ""),
    ],
)
def test_the_type_becomes_an_aim_identifier(kind: int, symbology: str) -> None:
    assert scans(events(online().on_bytes(decoder(0xF3, bytes([kind]) + b"4711"), 1.0))) == [Scan("4711", symbology)]


def test_an_identifier_in_the_data_wins_over_the_type() -> None:
    got = events(online().on_bytes(decoder(0xF3, b"\x1b]d20104711234567899\r"), 1.0))
    assert scans(got) == [Scan("0104711234567899", "]d2")]


def test_a_packet_sent_again_because_our_ack_was_lost_is_sold_once() -> None:
    scanner = online()
    scanner.on_bytes(LABEL, 1.0)
    again = scanner.on_bytes(decoder(0xF3, b"\x0b4711234567899", status=1), 3.0)
    assert (events(again), sent(again)) == ([], ACK_OF_HOST)
    # The same article read a second time is a second article.
    assert scans(events(scanner.on_bytes(LABEL, 4.0)))
    # And a repeated packet whose first try never arrived is a label.
    assert scans(events(scanner.on_bytes(decoder(0xF3, b"\x0b4006381333931", status=1), 5.0)))


def test_a_label_in_several_packets() -> None:
    scanner = online()
    assert sent(scanner.on_bytes(decoder(0xF3, b"\x1c" + b"a" * 200, status=2), 1.0)) == ACK_OF_HOST
    assert scans(events(scanner.on_bytes(decoder(0xF3, b"\x1cbcd"), 1.1))) == [Scan("a" * 200 + "bcd", "]Q0")]
    plain = SsiScanner(continued_type=False)
    plain.on_bytes(decoder(0xF3, b"\x1cab", status=2), 1.0)
    assert scans(events(plain.on_bytes(decoder(0xF3, b"cd"), 1.1))) == [Scan("abcd", "]Q0")]


def test_a_label_whose_rest_never_came_does_not_begin_the_next_one() -> None:
    scanner = online()
    scanner.on_bytes(decoder(0xF3, b"\x1c" + b"a" * 200, status=2), 1.0)
    got = events(scanner.on_bytes(LABEL, 6.5))
    assert [type(event) for event in got] == [Oddity, Scan]
    assert got[1] == Scan("4711234567899", "]E0")


def test_a_wrong_checksum_is_not_sold_and_asked_for_again() -> None:
    scanner = online()
    broken = LABEL[:-1] + bytes([LABEL[-1] ^ 1])
    assert events(scanner.on_bytes(broken, 1.0)) == []
    outputs = scanner.on_time(1.5)
    assert [type(event) for event in events(outputs)] == [Oddity]
    assert sent(outputs) == NAK_RESEND_OF_HOST
    assert scans(events(scanner.on_bytes(decoder(0xF3, b"\x0b4711234567899", status=1), 1.6)))


def test_a_packet_behind_noise_and_behind_a_torn_one_is_found() -> None:
    scanner = online()
    got = events(scanner.on_bytes(b"\xff\x55\xaa" + LABEL, 1.0))
    assert [type(event) for event in got] == [Oddity, Scan]
    # A torn packet seems to want more; after a while its rest is looked at afresh.
    assert events(scanner.on_bytes(LABEL[:9] + LABEL, 2.0)) == []
    assert [type(event) for event in events(scanner.on_time(2.5))] == [Oddity, Scan]


@pytest.mark.parametrize(
    ("request_", "wire"),
    [(SetScanning(False), SCAN_DISABLE_OF_HOST), (SetScanning(True), SCAN_ENABLE_OF_HOST), (Beep(), BEEP_OF_HOST)],
)
def test_commands_byte_for_byte_end_with_the_scanners_ack(request_: SetScanning | Beep, wire: bytes) -> None:
    scanner = online()
    outputs = scanner.on_command(Command(1, request_), 1.0)
    assert (sent(outputs), events(outputs)) == (wire, [])
    assert events(scanner.on_bytes(ACK_OF_DECODER, 1.1)) == [Answer(1)]


def test_an_unanswered_command_is_sent_again_with_the_bit_and_refused_in_time() -> None:
    scanner = online()
    scanner.on_command(Command(1, Beep(), timeout_s=3.0), 1.0)
    assert sent(scanner.on_time(1.8)) == packet(0xE6, b"\0", status=1)
    assert sent(scanner.on_time(2.6)) == packet(0xE6, b"\0", status=1)
    assert not sent(scanner.on_time(3.4))
    got = events(scanner.on_time(4.0))
    assert isinstance(got[0], Refusal)
    assert (got[0].code, got[0].reason) == (ErrorCode.TIMEOUT, "silent")
    assert got[1] == PowerChanged(Power.OFF)


def test_a_late_ack_does_not_end_the_next_command() -> None:
    scanner = online()
    scanner.on_command(Command(1, SetScanning(False), timeout_s=1.0), 1.0)
    assert isinstance(events(scanner.on_time(2.0))[0], Refusal)
    assert not sent(scanner.on_command(Command(2, SetScanning(True)), 2.1))
    assert events(scanner.on_bytes(ACK_OF_DECODER, 2.2)) == [PowerChanged(Power.ONLINE)]
    assert sent(scanner.on_time(2.46)) == REVISION_OF_HOST
    assert events(scanner.on_bytes(ACK_OF_DECODER, 2.5)) == []
    assert sent(scanner.on_bytes(REVISION, 2.6)) == SCAN_ENABLE_OF_HOST
    assert events(scanner.on_bytes(ACK_OF_DECODER, 2.7)) == [Answer(2)]


@pytest.mark.parametrize(
    ("cause", "reason", "code"), [(2, "unsupported", ErrorCode.ILLEGAL), (6, "denied", ErrorCode.ILLEGAL)]
)
def test_a_nak_says_why(cause: int, reason: str, code: ErrorCode) -> None:
    bench = Bench("scanner-ssi")
    bench.set(refuses=cause)
    bench.run(0.1)
    end = bench.ask(Beep())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == (reason, code)


def test_a_nak_for_its_checksum_is_answered_by_sending_again_and_not_for_ever() -> None:
    bench = Bench("scanner-ssi")
    bench.set(refuses=1)
    bench.run(0.1)
    end = bench.ask(Beep())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("garbled", ErrorCode.FAILURE)
    assert bench.wire.count(b"\xe6") == 3


def test_a_scanner_that_is_not_there_is_off_and_comes_back() -> None:
    bench = Bench("scanner-ssi")
    bench.set(silent="yes")
    bench.run(20.0)
    assert bench.of(PowerChanged) == [PowerChanged(Power.OFF)]
    bench.set(silent="no")
    bench.run(10.0)
    assert bench.of(PowerChanged)[-1] == PowerChanged(Power.ONLINE)
    assert isinstance(bench.ask(CheckHealth()), Answer)


def test_events_and_parameters_are_acknowledged_and_unknown_messages_told() -> None:
    scanner = online()
    assert sent(scanner.on_bytes(decoder(0xF6, b"\x0a"), 1.0)) == ACK_OF_HOST
    got = scanner.on_bytes(decoder(0xB1, b"\xff\xd8"), 1.0)
    assert ([type(event) for event in events(got)], sent(got)) == ([Oddity], b"")


def test_the_prefix_and_the_bound() -> None:
    scanner = SsiScanner(prefix="#", max_length=5)
    assert scans(events(scanner.on_bytes(decoder(0xF3, b"\x0b#47"), 1.0))) == [Scan("47", "]E0")]
    assert not scans(events(scanner.on_bytes(decoder(0xF3, b"\x0b47"), 1.0)))
    assert not scans(events(scanner.on_bytes(decoder(0xF3, b"\x0b#471123"), 1.0)))


def test_a_beep_code_must_be_a_byte() -> None:
    with pytest.raises(ValueError, match="bad_beep"):
        SsiScanner(bad_beep=256)


labels = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=300).filter(
    is_data
)


@given(label=labels, size=st.integers(1, 250))
@settings(deadline=None, max_examples=100)
def test_driver_and_simulator_agree_over_the_whole_range(label: str, size: int) -> None:
    bench = Bench("scanner-ssi", aim=False)
    bench.set(packet=size, type="1C")
    bench.run(0.1)
    bench.set(scan=label.replace("\\", "\\\\"))
    assert bench.of(Scan) == [Scan(label, "]Q0")]


def test_a_deaf_scanner_sends_three_times_and_sells_once() -> None:
    bench = Bench("scanner-ssi")
    bench.run(0.1)
    bench.set(deaf="yes", scan="4711")
    bench.run(10.0)
    assert bench.of(Scan) == [Scan("4711", "]E0")]
    assert bench.wire.count(ACK_OF_HOST) == 3


def test_a_packet_garbled_on_the_way_is_sold_after_its_second_try() -> None:
    bench = Bench("scanner-ssi")
    bench.run(0.1)
    bench.set(wrong_checksum="yes", scan="4711")
    bench.run(1.0)
    assert bench.of(Scan) == [Scan("4711", "]E0")]


def test_a_disabled_scanner_reads_nothing_and_beeps_are_heard() -> None:
    bench = Bench("scanner-ssi", bad_beep=15)
    bench.run(0.1)
    assert isinstance(bench.ask(SetScanning(False)), Answer)
    bench.set(scan="4711")
    assert not bench.of(Scan)
    assert isinstance(bench.ask(SetScanning(True)), Answer)
    bench.set(scan="4711")
    assert bench.of(Scan)
    assert isinstance(bench.ask(Beep("good")), Answer)
    assert isinstance(bench.ask(Beep("bad")), Answer)
    assert bench.device.beeps == [0, 15]  # type: ignore[attr-defined]
