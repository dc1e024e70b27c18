from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scanner.hid_pos import HidPosScanner
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
    Send,
    SetScanning,
)
from gateway.peripherals.reports import Records, pack
from gateway.simulators.scanner.hid_pos import SHAPES
from tests.drivers.bench import Bench, events, sent
from tests.drivers.scanner.frames import is_data

#: appendix B of Access-IS' LSR118 manual: 60 bytes of a boarding pass in two reports, with what stands in each byte
BOARDING_PASS = b"M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  s \x20100"
FIRST = bytes([0x02, 0x38]) + b"]Q0" + BOARDING_PASS[:56] + b"s\x00\x01"
SECOND = bytes([0x02, 0x04]) + b"]Q0" + BOARDING_PASS[56:60].ljust(56, b"\0") + b"s\x00\x00"


def scanner(shape: str = "access", **options: object) -> HidPosScanner:
    codec = HidPosScanner(**options)  # type: ignore[arg-type]
    assert sent(codec.on_time(0.0)) == pack("D", b"")
    codec.on_bytes(pack("D", SHAPES[shape]), 0.0)
    return codec


def read(*reports: bytes, now: float = 1.0, codec: HidPosScanner | None = None) -> list[Event]:
    return events((codec or scanner()).on_bytes(b"".join(pack("I", report) for report in reports), now))


def one(label: bytes, aim: bytes = b"]E0", more: int = 0) -> bytes:
    return bytes([2, len(label)]) + aim + label.ljust(56, b"\0") + bytes([0, 0, more])


def test_the_two_reports_of_the_manual_are_one_label() -> None:
    assert read(FIRST, SECOND) == [Scan(BOARDING_PASS[:60].decode(), "]Q0")]


def test_the_descriptor_makes_it_online() -> None:
    codec = HidPosScanner()
    codec.on_time(0.0)
    assert events(codec.on_bytes(pack("D", SHAPES["access"]), 0.1)) == [PowerChanged(Power.ONLINE)]


def test_a_label_before_the_descriptor_waits_for_it_and_only_a_few_do() -> None:
    codec = HidPosScanner()
    codec.on_time(0.0)
    assert events(codec.on_bytes(pack("I", one(b"4711")) * 16, 0.1)) == []
    assert [type(event) for event in events(codec.on_bytes(pack("I", one(b"4711")), 0.1))] == [Oddity]
    got = events(codec.on_bytes(pack("D", SHAPES["access"]), 0.2))
    assert got[1:] == [Scan("4711", "]E0")] * 16


def test_a_silent_device_is_off_and_asked_again() -> None:
    codec = HidPosScanner()
    codec.on_time(0.0)
    outputs = codec.on_time(1.0)
    assert PowerChanged(Power.OFF) in outputs
    assert sent(outputs) == pack("D", b"")
    assert PowerChanged(Power.ONLINE) in codec.on_bytes(pack("D", SHAPES["plain"]), 1.1)


def test_a_keyboards_descriptor_says_what_to_do() -> None:
    codec = HidPosScanner()
    codec.on_time(0.0)
    codec.on_command(Command(1, Beep()), 0.0)
    got = events(codec.on_bytes(pack("D", SHAPES["keyboard"]), 0.1))
    assert got[0] == PowerChanged(Power.OFFLINE)
    assert isinstance(got[2], Refusal)
    assert (got[2].reason, got[2].code) == ("wrong_mode", ErrorCode.NOHARDWARE)
    assert "HID POS" in got[2].text


def test_a_descriptor_without_a_number_of_bytes_ends_at_the_zeros() -> None:
    report = b"]d2" + b"010471\x1d10A".ljust(56, b"\0")
    assert read(report, codec=scanner("plain")) == [Scan("010471\x1d10A", "]d2")]


def test_a_honeywell_is_told_to_send_and_only_where_it_has_the_feature() -> None:
    codec = HidPosScanner()
    codec.on_time(0.0)
    assert Send(pack("S", b"\xfe\x01")) in codec.on_bytes(pack("D", SHAPES["honeywell"]), 0.1)
    assert not sent(HidPosScanner().on_bytes(pack("D", SHAPES["access"]), 0.1))


def test_without_an_identifier_there_is_none() -> None:
    assert read(one(b"4711", aim=b"\0\0\0")) == [Scan("4711")]
    assert read(one(b"4711", aim=b"d00")) == [Scan("4711")]


def test_a_cr_that_the_scanner_adds_is_taken_off() -> None:
    assert read(one(b"4711\r\n")) == [Scan("4711", "]E0")]


def test_the_prefix_is_taken_off_and_its_lack_is_told() -> None:
    assert read(one(b"#4711"), codec=scanner(prefix="#")) == [Scan("4711", "]E0")]
    assert [type(event) for event in read(one(b"4711"), codec=scanner(prefix="#"))] == [Oddity]


def test_a_label_whose_rest_never_comes_sells_nothing() -> None:
    codec = scanner()
    assert read(FIRST, codec=codec) == []
    got = events(codec.on_time(2.0))
    assert [type(event) for event in got] == [Oddity]
    assert read(one(b"4711"), codec=codec, now=2.1) == [Scan("4711", "]E0")]


def test_a_rest_that_comes_after_its_time_is_not_joined_even_if_the_clock_came_late() -> None:
    codec = scanner()
    read(FIRST, codec=codec)
    got = read(one(b"4711"), codec=codec, now=5.0)
    assert [type(event) for event in got] == [Oddity, Scan]


@pytest.mark.parametrize(
    "report", [bytes([2, 57]) + one(b"4711")[2:], one(b"4711")[:-1], b"", b"\x07abc", one(b"\xff\xfe"), one(b"")]
)
def test_reports_that_make_no_sense_sell_nothing(report: bytes) -> None:
    assert [type(event) for event in read(report)] == [Oddity]


def test_prevent_read_and_beeps_as_the_trigger_report_has_them() -> None:
    codec = scanner()
    assert codec.on_command(Command(1, SetScanning(False)), 1.0) == [Send(pack("O", b"\x04\x02")), Answer(1)]
    # Beeping must not let it read again.
    assert codec.on_command(Command(2, Beep("good")), 1.0) == [Send(pack("O", b"\x04\x42")), Answer(2)]
    assert codec.on_command(Command(3, SetScanning(True)), 1.0) == [Send(pack("O", b"\x04\x00")), Answer(3)]
    # No "not on file" beep in this descriptor: the error beep stands in.
    assert codec.on_command(Command(4, Beep("bad")), 1.0) == [Send(pack("O", b"\x04\x20")), Answer(4)]


@pytest.mark.parametrize("request_", [SetScanning(False), Beep("good"), Beep("bad")])
def test_a_scanner_without_controls_refuses(request_: SetScanning | Beep) -> None:
    (end,) = events(scanner("plain").on_command(Command(1, request_), 1.0))
    assert isinstance(end, Refusal)
    assert (end.code, end.reason) == (ErrorCode.ILLEGAL, "unsupported")


def test_its_health_is_whether_it_answers_and_silence_is_told_in_time() -> None:
    bench = Bench("scanner-hid-pos")
    bench.run(0.1)
    assert isinstance(bench.ask(CheckHealth()), Answer)
    bench.set(silent="yes")
    end = bench.ask(CheckHealth())
    assert isinstance(end, Refusal)
    assert (end.code, end.reason) == (ErrorCode.TIMEOUT, "silent")
    assert bench.of(PowerChanged)[-1] == PowerChanged(Power.OFF)
    bench.set(silent="no")
    bench.run(10.0)
    assert bench.of(PowerChanged)[-1] == PowerChanged(Power.ONLINE)


def test_a_command_before_the_descriptor_waits_for_it() -> None:
    bench = Bench("scanner-hid-pos")
    bench.set(late="0.4")
    end = bench.ask(SetScanning(False))
    assert isinstance(end, Answer)
    assert bench.device.prevented  # type: ignore[attr-defined]


labels = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=300).filter(
    is_data
)


@pytest.mark.parametrize("shape", ["access", "honeywell", "plain"])
@given(label=labels)
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree_over_the_whole_range(shape: str, label: str) -> None:
    bench = Bench("scanner-hid-pos", aim=False)
    bench.set(shape=shape, aim="]Q1")
    bench.run(0.1)
    label = label.encode()[:56].decode(errors="ignore") if shape == "plain" else label
    bench.set(scan=label.replace("\\", "\\\\"))
    scans = bench.of(Scan)
    assert scans == [Scan(label, "]Q1")] or not label


def test_the_simulator_obeys_and_can_break() -> None:
    bench = Bench("scanner-hid-pos")
    bench.run(0.1)
    bench.ask(SetScanning(False))
    bench.set(scan="4711")
    assert not bench.of(Scan)
    bench.ask(SetScanning(True))
    bench.ask(Beep("good"))
    bench.ask(Beep("bad"))
    assert bench.device.beeps == ["good", "error"]  # type: ignore[attr-defined]
    bench.set(cut="yes", scan="x" * 100)
    bench.run(2.0)
    assert [type(event) for event in bench.seen if not isinstance(event, Answer | PowerChanged)] == [Oddity]
    bench.set(cut="no", wrong_count="yes", scan="4711")
    assert not bench.of(Scan)
    bench.set(wrong_count="no", late="0.5", scan="4711")
    bench.run(1.0)
    assert bench.of(Scan) == [Scan("4711", "]E0")]


def test_the_records_on_the_wire_are_ours() -> None:
    bench = Bench("scanner-hid-pos")
    bench.set(shape="honeywell")
    bench.run(0.1)
    assert [record.kind for record in Records().feed(bench.wire)] == ["D", "S"]


def test_a_descriptor_that_contradicts_itself_is_refused_in_words() -> None:
    # Found by fuzzing: the controls are an array (91 40 for 91 02) whose elements have one bit for seven usages.
    mangled = bytes.fromhex(
        "058c0902a1010912a1028502150026ff007508950105010 93b81029503058c09fb09fc09fd810295380 9fe820201"
        "0666ff9502090409008102058c2501750195080 9ff8102c00914a102850415002501750195080900095f0960"
        "09000900098509869140c0c0".replace(" ", "")
    )
    ends = []
    for request in (Beep("good"), Beep("bad"), SetScanning(False), SetScanning(True)):
        codec = HidPosScanner()
        codec.on_time(0.0)
        codec.on_bytes(pack("D", mangled), 0.1)
        ends += [one for one in codec.on_command(Command(1, request), 0.2) if isinstance(one, Answer | Refusal)]
    assert len(ends) == 4
    assert any(isinstance(end, Refusal) and end.reason == "descriptor" for end in ends)
