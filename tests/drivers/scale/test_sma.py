from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scale.sma import SmaScale
from gateway.peripherals import (
    Answer,
    CheckHealth,
    ClearTare,
    Command,
    ErrorCode,
    Oddity,
    Output,
    ReadWeight,
    Refusal,
    Request,
    ScaleStatus,
    SelfTest,
    TareScale,
    Weight,
    ZeroScale,
)
from tests.drivers.bench import Bench, events, sent

DASHES = b"-" * 10


def asked(request: Request, question: bytes) -> SmaScale:
    scale = SmaScale()
    assert sent(scale.on_command(Command(1, request, timeout_s=3.0), now=0.0)) == question
    return scale


def asked_to_weigh() -> SmaScale:
    return asked(ReadWeight(), b"\nW\r")


def weight_in(outputs: list[Output]) -> Weight:
    (answer,) = [output for output in outputs if isinstance(output, Answer)]
    assert isinstance(answer.result, Weight)
    return answer.result


def refusal_in(outputs: list[Output]) -> Refusal:
    (refusal,) = [output for output in outputs if isinstance(output, Refusal)]
    return refusal


@pytest.mark.parametrize(
    ("frame", "grams", "net"),
    [
        (b"\n 1G       5.025lb \r", 2279, False),  # Sartorius PR 5220 p. 130
        (b"\n 1N      100000lb \r", 45_359_237, True),
        (b"\n 1G       7.650kg \r", 7650, False),
        (b"\nZ1G       0.000kg_\r", 0, False),  # as seen on the wire
        (b"\nZ1G       0.000lb_\r", 0, False),
    ],
)
def test_the_examples_of_the_manuals(frame: bytes, grams: int, net: bool) -> None:
    weight = weight_in(asked_to_weigh().on_bytes(frame, now=0.1))
    assert (weight.grams, weight.net, weight.stable) == (grams, net, True)
    assert (weight.status is ScaleStatus.WEIGHT_ZERO) == (grams == 0)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\nO1G      16.000kg \r", "overweight"),
        (b"\nU1G      -0.010kg \r", "under_zero"),
        (b"\n 1N      -0.010kg \r", "under_zero"),
        (b"\nE1G  " + DASHES + b"kg \r", "outside_zero"),
        (b"\nI1G  " + DASHES + b"kg \r", "outside_zero"),
        (b"\n?\r", "not_understood"),
    ],
)
def test_what_a_person_must_mend_is_refused_at_once(frame: bytes, reason: str) -> None:
    assert refusal_in(asked_to_weigh().on_bytes(frame, now=0.1)).reason == reason


@pytest.mark.parametrize("frame", [b"\n 1GM      7.025kg \r", b"\n!\r", b"\nT1G  " + DASHES + b"kg \r"])
def test_what_passes_by_itself_is_asked_again(frame: bytes) -> None:
    scale = asked_to_weigh()
    assert not [event for event in events(scale.on_bytes(frame, now=0.1)) if isinstance(event, Answer | Refusal)]
    assert sent(scale.on_time(now=0.35)) == b"\nW\r"


@pytest.mark.parametrize(
    "frame",
    [
        b"\n 1g      5.0025lb \r",  # high resolution: nobody may sell by it
        b"\n 1T       0.100kg \r",  # the tare, not the goods
        b"\n 1G      1_0.02kg \r",
        b"\n 1G       5.025st \r",
        b"\n 1G      5.025kg \r",  # one place short
        b"\nX1G       5.025kg \r",
        b"\n 1G   \xd9\xa3.025kg \r",
    ],
)
def test_a_frame_has_its_places_and_nothing_else(frame: bytes) -> None:
    assert [type(event) for event in events(asked_to_weigh().on_bytes(frame, now=0.1))] == [Oddity]


def test_zero_is_reported_by_its_letter_or_tried_again() -> None:
    scale = asked(ZeroScale(), b"\nZ\r")
    assert not [event for event in events(scale.on_bytes(b"\n 1G       0.050kg \r", 0.1)) if isinstance(event, Answer)]
    assert sent(scale.on_time(now=0.35)) == b"\nZ\r"
    assert weight_in(scale.on_bytes(b"\nZ1G       0.000lb \r", now=0.4)).grams == 0


def test_the_tare_is_taken_and_cleared() -> None:
    assert weight_in(asked(TareScale(), b"\nT\r").on_bytes(b"\nZ1N       0.000kg \r", now=0.1)).net
    assert not weight_in(asked(ClearTare(), b"\nC\r").on_bytes(b"\n 1G       0.120kg \r", now=0.1)).net


def test_a_tare_error_is_not_a_tare() -> None:
    scale = asked(TareScale(), b"\nT\r")
    scale.on_bytes(b"\nT1N  " + DASHES + b"kg \r", now=0.1)
    assert refusal_in(scale.on_time(now=3.0)).reason == "not_tared"


def test_a_known_tare_is_nothing_that_the_protocol_knows() -> None:
    (end,) = events(SmaScale().on_command(Command(1, TareScale(120)), now=0.0))
    assert isinstance(end, Refusal)
    assert end.code is ErrorCode.ILLEGAL


@pytest.mark.parametrize(("answer", "good"), [(b"\n    \r", True), (b"\n____\r", True), (b"\nR   \r", False)])
def test_the_self_test_names_no_part_that_is_whole(answer: bytes, good: bool) -> None:
    outputs = asked(SelfTest(), b"\nD\r").on_bytes(answer, now=0.1)
    if good:
        assert Answer(1, None) in outputs
    else:
        assert refusal_in(outputs).reason == "broken"


def test_a_late_weight_does_not_answer_the_next_customer() -> None:
    scale = asked_to_weigh()
    scale.on_time(now=3.0)
    scale.on_command(Command(2, ReadWeight()), now=3.1)
    assert sent(scale.on_time(now=3.4)) == b"\nW\r"
    assert not events(scale.on_bytes(b"\n 1G       7.650kg \r", now=3.5))
    assert sent(scale.on_time(now=3.8)) == b"\nW\r"
    assert weight_in(scale.on_bytes(b"\n 1G       1.000kg \r", now=3.9)).grams == 1000


@given(st.integers(0, 15_000), st.integers(0, 15_000), st.sampled_from(["blank", "_"]))
@settings(deadline=None, max_examples=80)
def test_driver_and_simulator_agree_over_the_whole_range(grams: int, tare: int, pad: str) -> None:
    bench = Bench("scale-sma")
    bench.set(grams=grams, tare=tare, pad=pad)
    end = bench.ask(ReadWeight())
    if tare > grams:
        assert isinstance(end, Refusal)
        assert end.reason == "under_zero"
    else:
        assert isinstance(end, Answer)
        assert isinstance(end.result, Weight)
        assert (end.result.grams, end.result.net) == (grams - tare, tare > 0)


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"moving": "yes"}, "unstable"),
        ({"over": "yes"}, "overweight"),
        ({"under_zero": "yes"}, "under_zero"),
        ({"zero_error": "yes"}, "outside_zero"),
        ({"initial_zero_error": "yes"}, "outside_zero"),
        ({"line_error": "100"}, "garbled"),
        ({"silent": "yes"}, "silent"),
    ],
)
def test_every_hindrance_ends_in_a_refusal_that_names_it(knobs: dict[str, str], reason: str) -> None:
    bench = Bench("scale-sma")
    bench.set(**knobs)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert end.reason == reason


@pytest.mark.parametrize("cut", range(20))
def test_a_line_cut_anywhere_gives_no_weight(cut: int) -> None:
    bench = Bench("scale-sma")
    bench.set(grams=1234, cut=cut)
    assert isinstance(bench.ask(ReadWeight()), Refusal)


def test_tare_zero_and_clear_with_the_simulator() -> None:
    bench = Bench("scale-sma")
    bench.set(grams=120)
    assert isinstance(bench.ask(TareScale()), Answer)
    bench.set(grams=620)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert (end.result.grams, end.result.net) == (500, True)
    assert isinstance(bench.ask(ClearTare()), Answer)
    assert isinstance(bench.ask(ZeroScale()), Answer)
    bench.set(zero_error="yes", grams=10)
    stuck = bench.ask(ZeroScale())
    assert isinstance(stuck, Refusal)
    assert stuck.reason == "not_zeroed"


def test_the_self_test_with_the_simulator() -> None:
    bench = Bench("scale-sma")
    assert isinstance(bench.ask(SelfTest()), Answer)
    bench.set(broken="C")
    assert isinstance(bench.ask(SelfTest()), Refusal)
    assert isinstance(bench.ask(CheckHealth()), Answer)
