from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scanner.line import LineScanner
from gateway.peripherals import Event, Oddity, Scan
from tests.drivers.bench import Bench, events


def read(data: bytes, scanner: LineScanner | None = None) -> list[Event]:
    return events((scanner or LineScanner()).on_bytes(data, 0.0))


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_label_ends_with_cr_lf_or_both(end: bytes) -> None:
    assert read(b"4711234567899" + end) == [Scan("4711234567899")]


def test_the_aim_identifier_is_split_off() -> None:
    assert read(b"]E04711234567899\r") == [Scan("4711234567899", "]E0")]


def test_a_gs_stays_in_the_data() -> None:
    assert read(b"]C10104711234567899\x1d10A7\r") == [Scan("0104711234567899\x1d10A7", "]C1")]


@pytest.mark.parametrize("control", [0x00, 0x07, 0x1B, 0x1E, 0x7F])
def test_any_other_control_character_sells_nothing(control: int) -> None:
    assert [type(event) for event in read(b"4711" + bytes([control]) + b"234\r")] == [Oddity]


def test_a_label_in_a_wrong_parity_sells_nothing() -> None:
    assert [type(event) for event in read(b"\xb4\xb71\xb12\r")] == [Oddity]


def test_a_chinese_qr_code_is_read_as_utf_8() -> None:
    assert read("]Q1珍珠奶茶\r".encode()) == [Scan("珍珠奶茶", "]Q1")]


def test_a_torn_label_does_not_begin_the_next_one() -> None:
    scanner = LineScanner()
    assert not events(scanner.on_bytes(b"47112", 0.0))
    torn, whole = events(scanner.on_bytes(b"4006381333931\r", 5.0))
    assert isinstance(torn, Oddity)
    assert whole == Scan("4006381333931")


def test_too_long_a_label_is_one_oddity_and_the_next_label_is_read() -> None:
    assert [type(event) for event in read(b"9" * 100_000 + b"\r" + b"123\r")] == [Oddity, Scan]


def test_a_prefix_is_taken_off_and_must_be_there() -> None:
    assert read(b"#123\r", LineScanner(prefix="#")) == [Scan("123")]
    assert [type(event) for event in read(b"123\r", LineScanner(prefix="#"))] == [Oddity]


def test_without_a_suffix_a_pause_ends_the_label() -> None:
    bench = Bench("scanner-line", suffix="none", idle_ms=80)
    bench.run(1.0)
    bench.set(suffix="none", scan="4711234567899")
    bench.run(0.07)
    assert not bench.of(Scan)
    bench.run(0.02)
    assert bench.of(Scan) == [Scan("4711234567899")]


def test_a_scanner_that_never_ends_a_label_is_a_configuration_error() -> None:
    with pytest.raises(ValueError, match="idle_ms"):
        LineScanner(suffix="none")


printable = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60)


@given(data=printable, aim=st.sampled_from(["]E0", "]C1", "]d2", "]Q3"]), suffix=st.sampled_from(["cr", "lf", "crlf"]))
@settings(deadline=None)
def test_driver_and_simulator_agree_over_the_whole_range(data: str, aim: str, suffix: str) -> None:
    bench = Bench("scanner-line")
    bench.set(aim=aim, suffix=suffix)
    bench.set(scan=data.replace("\\", "/"))
    if data not in ("cr", "lf", "crlf", "tab", "etx", "none"):
        assert bench.of(Scan) == [Scan(data.replace("\\", "/"), aim)]
