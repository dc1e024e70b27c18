from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scale.toledo_8217 import ToledoScale
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    ErrorCode,
    Oddity,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    ScaleStatus,
    Send,
    Weight,
    ZeroScale,
)
from tests.drivers.bench import Bench, events, sent


def asked_to_weigh() -> ToledoScale:
    scale = ToledoScale()
    assert sent(scale.on_command(Command(1, ReadWeight(), timeout_s=3.0), now=0.0)) == b"W"
    return scale


def weight_in(outputs: list[object]) -> Weight:
    (answer,) = [output for output in outputs if isinstance(output, Answer)]
    assert isinstance(answer.result, Weight)
    return answer.result


def net_weight(end: Answer | Refusal) -> tuple[int | None, bool]:
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    return end.result.grams, end.result.net


def test_a_weight_of_the_manual_is_read_in_whole_grams() -> None:
    weight = weight_in([*asked_to_weigh().on_bytes(b"\x0201.234\r", now=0.1)])
    assert weight == Weight(1234, stable=True, net=False, status=ScaleStatus.STABLE_WEIGHT, at=0.1)


def test_a_net_weight_says_so() -> None:
    assert weight_in([*asked_to_weigh().on_bytes(b"\x0200.450N\r", now=0.1)]).net


def test_an_8213_sends_one_digit_more() -> None:
    assert weight_in([*asked_to_weigh().on_bytes(b"\x02001.234\r", now=0.1)]).grams == 1234


def test_parity_bits_seen_through_eight_bits_change_nothing() -> None:
    assert weight_in([*asked_to_weigh().on_bytes(b"\x8200.\xb450\x8d", now=0.1)]).grams == 450


def test_a_late_answer_sells_nothing() -> None:
    scale = asked_to_weigh()
    scale.on_time(now=3.0)
    assert scale.on_bytes(b"\x0201.234\r", now=3.1) == []


def test_a_late_answer_after_the_next_question_sells_nothing_either() -> None:
    scale = asked_to_weigh()
    scale.on_time(now=3.0)
    scale.on_command(Command(2, ReadWeight()), now=3.1)
    assert Send(b"W") in scale.on_time(now=3.4)
    assert not events(scale.on_bytes(b"\x0201.234\r", now=3.5))
    assert Send(b"W") in scale.on_time(now=3.8)
    assert weight_in([*scale.on_bytes(b"\x0202.000\r", now=3.9)]).grams == 2000


def test_bytes_on_the_line_put_the_next_question_off_until_it_is_quiet() -> None:
    scale = asked_to_weigh()
    scale.on_time(now=3.0)
    scale.on_command(Command(2, ReadWeight()), now=3.1)
    scale.on_bytes(b"\x0201.", now=3.3)
    assert not sent(scale.on_time(now=3.4))
    assert sent(scale.on_time(now=3.56)) == b"W"


@pytest.mark.parametrize(
    ("status", "reason"), [(0x02, "overweight"), (0x04, "under_zero"), (0x08, "outside_zero"), (0x0C, "under_zero")]
)
def test_what_a_person_must_mend_is_refused_at_once(status: int, reason: str) -> None:
    # 0x02 is STX itself: the frame is read by position.
    outputs = asked_to_weigh().on_bytes(bytes([0x02, 0x3F, status, 0x0D]), now=0.1)
    (refusal,) = [output for output in outputs if isinstance(output, Refusal)]
    assert (refusal.reason, refusal.code) == (reason, ErrorCode.EXTENDED)


def test_a_status_byte_that_equals_cr_does_not_end_the_frame() -> None:
    # 0x0D: in motion, under zero, outside the zero range. In motion decides: it is asked again.
    scale = asked_to_weigh()
    assert not [output for output in scale.on_bytes(b"\x02?\x0d\r", now=0.1) if isinstance(output, Refusal)]
    assert sent(scale.on_time(now=0.35)) == b"W"


def test_an_unstable_weight_is_polled_until_it_settles() -> None:
    bench = Bench("scale-toledo-8217")
    bench.run(1.0)
    bench.set(grams=700, moving="yes")
    number = bench.begin(ReadWeight())
    bench.run(1.0)
    assert bench.ended(number) is None
    bench.set(moving="no")
    bench.run(0.5)
    assert isinstance(bench.ended(number), Answer)


def test_goods_that_never_settle_are_refused_with_what_to_do() -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(moving="yes")
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("unstable", ErrorCode.TIMEOUT)
    assert "leave the goods alone" in end.text


def test_a_weight_said_once_is_not_remembered_for_the_next_customer() -> None:
    bench = Bench("scale-toledo-8217")
    bench.run(1.0)
    bench.set(once="yes", grams=500)
    assert isinstance(bench.ask(ReadWeight()), Answer)
    again = bench.ask(ReadWeight())
    assert isinstance(again, Refusal)
    assert again.reason == "same_weight"
    bench.set(grams=0)
    bench.run(0.1)
    bench.set(grams=501)
    lifted = bench.ask(ReadWeight())
    assert isinstance(lifted, Answer)


def test_garbage_is_refused_as_garbage_not_as_silence() -> None:
    scale = asked_to_weigh()
    assert [type(event) for event in events(scale.on_bytes(b"\x0212.34\r", now=0.1))] == [Oddity]
    (refusal,) = [output for output in scale.on_time(now=3.0) if isinstance(output, Refusal)]
    assert (refusal.reason, refusal.code) == ("garbled", ErrorCode.FAILURE)
    assert "unit" in refusal.text


@pytest.mark.parametrize(
    "frame", [b"\x02 1.234\r", b"\x02+1.234\r", b"\x021_0.234\r", b"\x02\xb2\xb2.1\r", b"\x02-0.100\r"]
)
def test_a_number_is_digits_and_nothing_else(frame: bytes) -> None:
    assert [type(event) for event in events(asked_to_weigh().on_bytes(frame, now=0.1))] == [Oddity]


@given(st.integers(0, 15_000))
@settings(deadline=None)
def test_driver_and_simulator_agree_over_the_whole_range(grams: int) -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=grams, parity="yes")
    end = bench.ask(ReadWeight())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == grams


@given(st.integers(0, 15_000), st.integers(0, 15_000))
@settings(deadline=None)
def test_tare_is_taken_off_by_the_scale(grams: int, tare: int) -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=grams, tare=tare)
    end = bench.ask(ReadWeight())
    if tare > grams:
        assert isinstance(end, Refusal)
        assert end.reason == "under_zero"
    else:
        assert isinstance(end, Answer)
        assert isinstance(end.result, Weight)
        assert (end.result.grams, end.result.net) == (grams - tare, tare > 0)


@given(st.integers(0, 9999))
@settings(deadline=None)
def test_pounds_become_grams_exactly_half_up(hundredths: int) -> None:
    scale = ToledoScale(unit="lb")
    scale.on_command(Command(1, ReadWeight()), now=0.0)
    weight = weight_in([*scale.on_bytes(b"\x02%02d.%02d\r" % divmod(hundredths, 100), now=0.1)])
    exact = hundredths * 45_359_237  # ten-millionths of a gram
    assert weight.grams is not None
    assert -5_000_000 < weight.grams * 10_000_000 - exact <= 5_000_000


def test_beyond_its_capacity_the_scale_is_refused() -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=15_001)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert end.reason == "overweight"


def test_zeroing_ends_with_a_scale_that_says_zero() -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=3)
    end = bench.ask(ZeroScale())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == 0


def test_a_scale_that_comes_back_is_found_again_without_being_asked() -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(silent="yes")
    bench.run(30.0)
    assert bench.of(PowerChanged) == [PowerChanged(Power.OFF)]
    bench.set(silent="no")
    bench.run(10.0)
    assert bench.of(PowerChanged) == [PowerChanged(Power.OFF), PowerChanged(Power.ONLINE)]
    end = bench.ask(CheckHealth())
    assert isinstance(end, Answer)


def test_an_idle_scale_is_left_alone() -> None:
    bench = Bench("scale-toledo-8217")
    bench.run(600.0)
    assert bench.wire == b"W"


# --- the echo probe and the dialects ---------------------------------------------------------------------------------


def test_the_echo_probe_finds_a_scale_and_leaves_the_echo() -> None:
    bench = Bench("scale-toledo-8217", probe="echo")
    bench.run(1.0)
    assert bench.wire == b"EhelloF"
    assert bench.of(PowerChanged) == [PowerChanged(Power.ONLINE)]
    bench.set(grams=700)
    assert net_weight(bench.ask(ReadWeight())) == (700, False)


def test_what_does_not_echo_is_not_online() -> None:
    scale = ToledoScale(probe="echo")
    assert Send(b"Ehello") in scale.on_time(now=0.0)
    assert not events(scale.on_bytes(b"\x02?P\r" * 6, now=0.1))
    assert PowerChanged(Power.OFF) in scale.on_time(now=1.0)
    assert Send(b"Ehello") in scale.on_time(now=2.0)


def test_a_command_during_the_probe_ends_the_echo_first() -> None:
    scale = ToledoScale(probe="echo")
    scale.on_time(now=0.0)
    assert sent(scale.on_command(Command(1, ReadWeight()), now=0.1)) == b"F"
    assert sent(scale.on_time(now=0.4)) == b"W"
    assert weight_in([*scale.on_bytes(b"\x0200.700\r", now=0.5)]).grams == 700


@given(st.integers(0, 15_000))
@settings(deadline=None, max_examples=30)
def test_baxtran_sends_five_digits_without_a_point(grams: int) -> None:
    bench = Bench("scale-toledo-8217", dialect="baxtran")
    bench.set(grams=grams, dialect="baxtran")
    assert net_weight(bench.ask(ReadWeight())) == (grams, False)


@pytest.mark.parametrize(
    ("status", "reason"), [(b"a", "unstable"), (b"b", "overweight"), (b"d", "under_zero"), (b"h", "same_weight")]
)
def test_the_status_bits_of_baxtran(status: bytes, reason: str) -> None:
    scale = ToledoScale(dialect="baxtran")
    scale.on_command(Command(1, ReadWeight()), now=0.0)
    outputs = [*scale.on_bytes(b"\x02?" + status + b"\r", now=0.1), *scale.on_time(now=3.0)]
    assert [output.reason for output in outputs if isinstance(output, Refusal)] == [reason]


@pytest.mark.parametrize("dialect", ["8213", "datalogic", "ohaus"])
@pytest.mark.parametrize("unit", ["kg", "lb"])
def test_the_relations_are_read_in_both_units(dialect: str, unit: str) -> None:
    bench = Bench("scale-toledo-8217", unit=unit, dialect="mettler" if dialect == "8213" else dialect)
    bench.set(unit=unit, dialect=dialect, grams=454)
    assert net_weight(bench.ask(ReadWeight())) == (454, False)


def test_an_ohaus_status_with_its_always_set_bits_is_not_net() -> None:
    scale = ToledoScale(dialect="ohaus")
    scale.on_command(Command(1, CheckHealth()), now=0.0)
    assert not weight_in([*scale.on_bytes(b"\x02?p\r", now=0.1)]).net


@pytest.mark.parametrize("option", ["unit", "dialect", "probe", "tare_end"])
def test_a_wrong_option_is_told_with_what_there_is(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} 'x' is none of"):
        ToledoScale(**{option: "x"})  # type: ignore[arg-type]
