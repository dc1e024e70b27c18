from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scale.magellan import MagellanScale, grams_of
from gateway.peripherals import (
    Answer,
    Beep,
    CheckHealth,
    Command,
    ErrorCode,
    Oddity,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    ScaleStatus,
    Scan,
    SelfTest,
    SetScanning,
    Weight,
    ZeroScale,
)
from tests.drivers.bench import Bench, events, sent


def asked_to_weigh(**options: str) -> MagellanScale:
    scale = MagellanScale(**options)  # type: ignore[arg-type]
    expected = b"%s\r" % options.get("ask", "S14").encode()
    assert sent(scale.on_command(Command(1, ReadWeight()), now=0.0)) == expected
    return scale


def weight_in(outputs: list[object]) -> Weight:
    (answer,) = [output for output in outputs if isinstance(output, Answer)]
    assert isinstance(answer.result, Weight)
    return answer.result


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "grams"),
    [
        (b"S14400260\r", 260),
        (b"S14410215\r", 10_215),
        (b"S1440100\r", 454),
        (b"S143\r", 0),
        (b"\xd31\xb44\xb00260\x8d", 260),
    ],
)
def test_a_stable_weight_is_read_in_whole_grams(frame: bytes, grams: int) -> None:
    weight = weight_in([*asked_to_weigh().on_bytes(frame, now=0.1)])
    status = ScaleStatus.STABLE_WEIGHT if grams else ScaleStatus.WEIGHT_ZERO
    assert weight == Weight(grams, stable=True, net=False, status=status, at=0.1)


@pytest.mark.parametrize(
    ("status", "reason"), [(b"S140", "outside_zero"), (b"S142", "overweight"), (b"S145", "under_zero")]
)
def test_what_a_person_must_mend_is_refused_at_once(status: bytes, reason: str) -> None:
    outputs = asked_to_weigh().on_bytes(status + b"\r", now=0.1)
    assert [(end.reason, end.code) for end in outputs if isinstance(end, Refusal)] == [(reason, ErrorCode.EXTENDED)]


def test_a_moving_weight_is_asked_for_again_until_it_settles() -> None:
    bench = Bench("scale-magellan")
    bench.set(grams=700, moving="yes")
    number = bench.begin(ReadWeight())
    bench.run(1.0)
    assert bench.ended(number) is None
    bench.set(moving="no")
    bench.run(0.5)
    assert isinstance(bench.ended(number), Answer)


def test_goods_that_never_settle_are_refused() -> None:
    bench = Bench("scale-magellan")
    bench.set(moving="yes")
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("unstable", ErrorCode.TIMEOUT)


@given(st.integers(0, 15_000), st.booleans())
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree_over_the_whole_range(grams: int, parity: bool) -> None:
    bench = Bench("scale-magellan")
    bench.set(grams=grams, parity="yes" if parity else "no")
    end = bench.ask(ReadWeight())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == grams


@given(st.integers(0, 9999))
def test_pounds_become_grams_exactly_half_up(hundredths: int) -> None:
    error = grams_of(b"%04d" % hundredths) * 10_000_000 - hundredths * 45_359_237
    assert -5_000_000 < error <= 5_000_000


@pytest.mark.parametrize(
    "frame", [b"S144 0260\r", b"S144-0260\r", b"S144260\r", b"S144002600\r", b"S146\r", b"X14400260\r"]
)
def test_what_is_no_answer_sells_nothing(frame: bytes) -> None:
    scale = asked_to_weigh()
    assert [type(event) for event in events(scale.on_bytes(frame, now=0.1))] == [Oddity]
    (end,) = [output for output in scale.on_time(now=3.0) if isinstance(output, Refusal)]
    assert end.reason == "garbled"


def test_a_late_answer_after_the_next_question_sells_nothing() -> None:
    scale = asked_to_weigh()
    scale.on_time(now=3.0)
    scale.on_command(Command(2, ReadWeight()), now=3.1)
    assert sent(scale.on_time(now=3.4)) == b"S14\r"
    assert not events(scale.on_bytes(b"S14401234\r", now=3.5))
    scale.on_time(now=3.8)
    assert weight_in([*scale.on_bytes(b"S14402000\r", now=3.9)]).grams == 2000


def test_a_message_without_its_end_is_refused() -> None:
    bench = Bench("scale-magellan")
    bench.set(torn="yes", grams=500)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)


def test_s11_is_answered_when_the_goods_rest_and_asked_once() -> None:
    bench = Bench("scale-magellan", ask="S11")
    bench.run(1.0)
    before = len(bench.wire)
    bench.set(grams=700, moving="yes")
    number = bench.begin(ReadWeight())
    bench.run(2.0)
    bench.set(moving="no")
    bench.run(0.1)
    assert isinstance(bench.ended(number), Answer)
    assert bench.wire[before:] == b"S11\r"


def test_an_s11_left_over_from_an_older_command_sells_nothing() -> None:
    bench = Bench("scale-magellan", ask="S11")
    bench.run(1.0)
    bench.set(grams=700, moving="yes")
    assert isinstance(bench.ask(ReadWeight()), Refusal)
    bench.set(moving="no")  # the answer to the S11 of before comes now, while nobody asks
    bench.set(grams=900)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == 900


@pytest.mark.parametrize("request_", [ZeroScale()])
def test_zero_is_a_button_of_the_device(request_: ZeroScale) -> None:
    (end,) = MagellanScale().on_command(Command(1, request_), now=0.0)
    assert isinstance(end, Refusal)
    assert end.code is ErrorCode.ILLEGAL


# --- scans -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "scan"),
    [
        (b"A060992011187", Scan("060992011187", "]E0")),
        (b"A06099201118712", Scan("006099201118712", "]E3")),
        (b"E09988750", Scan("09988750", "]E0")),
        (b"F4006381333931", Scan("4006381333931", "]E0")),
        (b"F400638133393112345", Scan("400638133393112345", "]E3")),
        (b"FF96385074", Scan("96385074", "]E4")),
        (b"R40101044123456789", Scan("0101044123456789", "]e0")),
        (b"RX01900123456789083103001750", Scan("01900123456789083103001750", "]e0")),
        (b"B1CODE39", Scan("CODE39", "]A0")),
        (b"B212345670", Scan("12345670", "]I0")),
        (b"B39289510002308107", Scan("9289510002308107", "]C0")),
        (b"B3]C10104006381333931\x1d10AB", Scan("0104006381333931\x1d10AB", "]C1")),
        (b"QRhttps://example.com/01/04006381333931", Scan("https://example.com/01/04006381333931", "]Q1")),
        (b"DMabc", Scan("abc", "]d1")),
        (b"%a99.95a", Scan("a99.95a", "]F0")),
        (b"&Code93-test", Scan("Code93-test", "]G0")),
        (b"#Code_128.Test", Scan("Code_128.Test", "]C0")),
        (b"@144769254", Scan("144769254", "]M0")),
        (b"]E04006381333931", Scan("4006381333931", "]E0")),
    ],
)
def test_each_kind_of_label_gets_its_aim_identifier(label: bytes, scan: Scan) -> None:
    assert events(MagellanScale().on_bytes(b"S08" + label + b"\r", now=0.0)) == [scan]


@pytest.mark.parametrize(
    "label", [b"F400638133393", b"FF9638507", b"A06099201118", b"F40063813339x1", b"?123", b"B3", b"B3a\x02b", b""]
)
def test_a_label_that_is_not_surely_one_sells_nothing(label: bytes) -> None:
    assert [type(event) for event in events(MagellanScale().on_bytes(b"S08" + label + b"\r", now=0.0))] == [Oddity]


def test_a_scan_between_question_and_weight_disturbs_neither() -> None:
    scale = asked_to_weigh()
    outputs = scale.on_bytes(b"S08F4006381333931\rS14400450\r", now=0.1)
    assert events(outputs)[0] == Scan("4006381333931", "]E0")
    assert weight_in([*outputs]).grams == 450


def test_a_label_longer_than_any_code_sells_nothing() -> None:
    outputs = MagellanScale().on_bytes(b"S08B3" + b"1" * 5000 + b"\r", now=0.0)
    assert [type(event) for event in events(outputs)] == [Oddity]


def test_a_pretend_label_is_scanned() -> None:
    bench = Bench("scale-magellan")
    bench.set(scan="F4006381333931")
    assert bench.of(Scan) == [Scan("4006381333931", "]E0")]


# --- scanning, beeps, health -----------------------------------------------------------------------------------------


def test_a_stopped_scanner_reads_nothing_until_it_is_let() -> None:
    bench = Bench("scale-magellan")
    assert isinstance(bench.ask(SetScanning(False)), Answer)
    bench.set(scan="F4006381333931")
    assert isinstance(bench.ask(SetScanning(True)), Answer)
    bench.set(scan="FF96385074")
    assert bench.of(Scan) == [Scan("96385074", "]E4")]
    assert b"D" in bench.wire
    assert b"E" in bench.wire


@pytest.mark.parametrize(
    ("beep", "sound", "wire"), [("letters", "good", b"B"), ("letters", "bad", b"FE"), ("s334", "good", b"S334\r")]
)
def test_beeps_go_out(beep: str, sound: str, wire: bytes) -> None:
    bench = Bench("scale-magellan", beep=beep)
    bench.run(0.5)
    before = len(bench.wire)
    assert isinstance(bench.ask(Beep(sound)), Answer)  # type: ignore[arg-type]
    bench.run(1.0)
    assert bench.wire[before:] == wire


def test_three_beeps_are_150_ms_apart_so_that_all_are_heard() -> None:
    bench = Bench("scale-magellan", beep="s334")
    bench.run(0.5)
    bench.ask(Beep("bad"))
    assert bench.wire.count(b"S334\r") == 1
    bench.run(1.0)
    assert bench.device.beeps == 3  # type: ignore[attr-defined]


def test_a_sad_beep_does_not_wake_a_scanner_that_the_till_stopped() -> None:
    bench = Bench("scale-magellan")
    bench.run(0.5)
    bench.ask(SetScanning(False))
    before = len(bench.wire)
    bench.ask(Beep("bad"))
    bench.run(1.0)
    assert bench.wire[before:] == b"F"


def test_beeps_do_not_pile_up() -> None:
    scale = MagellanScale(beep="s334")
    ends = [scale.on_command(Command(number, Beep("bad")), now=0.0)[-1] for number in range(5)]
    refused = [end.code for end in ends if isinstance(end, Refusal)]
    assert refused
    assert set(refused) == {ErrorCode.BUSY}


def test_a_device_that_is_off_is_not_told_to_scan() -> None:
    bench = Bench("scale-magellan")
    bench.set(silent="yes")
    bench.run(5.0)
    end = bench.ask(SetScanning(True))
    assert isinstance(end, Refusal)
    assert end.reason == "silent"


def test_a_healthy_device_passes_its_test() -> None:
    bench = Bench("scale-magellan")
    assert isinstance(bench.ask(SelfTest()), Answer)
    assert b"h" in bench.wire


def test_a_failed_part_is_named() -> None:
    bench = Bench("scale-magellan")
    bench.set(failed="vs")
    end = bench.ask(SelfTest())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("broken", ErrorCode.FAILURE)
    assert "vertical laser, scale" in end.text


def test_a_part_that_is_not_there_is_no_failure() -> None:
    scale = MagellanScale()
    scale.on_command(Command(1, SelfTest()), now=0.0)
    assert Answer(1) in scale.on_bytes(b"\x01\x02mOK\x03\x02vNA\x03\x04", now=0.1)


def test_a_weight_does_not_answer_a_health_question() -> None:
    scale = MagellanScale()
    scale.on_command(Command(1, SelfTest()), now=0.0)
    assert [type(event) for event in events(scale.on_bytes(b"S14400450\r", now=0.1))] == [Oddity]


def test_health_is_checked_by_the_scales_status() -> None:
    bench = Bench("scale-magellan")
    bench.set(moving="yes")
    end = bench.ask(CheckHealth())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.status is ScaleStatus.WEIGHT_UNSTABLE


def test_a_device_that_comes_back_is_found_again() -> None:
    bench = Bench("scale-magellan")
    bench.set(silent="yes")
    bench.run(30.0)
    bench.set(silent="no")
    bench.run(10.0)
    assert bench.of(PowerChanged) == [PowerChanged(Power.OFF), PowerChanged(Power.ONLINE)]


@pytest.mark.parametrize("option", ["ask", "beep"])
def test_a_wrong_option_is_told(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} 'x'"):
        MagellanScale(**{option: "x"})  # type: ignore[arg-type]
