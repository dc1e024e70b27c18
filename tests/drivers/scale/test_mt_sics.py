from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scale.mt_sics import MtSicsScale
from gateway.peripherals import (
    Answer,
    CheckHealth,
    ClearTare,
    Command,
    Oddity,
    Output,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    Request,
    ScaleStatus,
    TareScale,
    Weight,
    ZeroScale,
)
from tests.drivers.bench import Bench, events, sent


def asked(request: Request, question: bytes, **options: str) -> MtSicsScale:
    scale = MtSicsScale(**options)  # type: ignore[arg-type]
    assert sent(scale.on_command(Command(1, request, timeout_s=3.0), now=0.0)) == question
    return scale


def asked_to_weigh() -> MtSicsScale:
    return asked(ReadWeight(), b"SI\r\n")


def weight_in(outputs: list[Output]) -> Weight:
    (answer,) = [output for output in outputs if isinstance(output, Answer)]
    assert isinstance(answer.result, Weight)
    return answer.result


def refusal_in(outputs: list[Output]) -> Refusal:
    (refusal,) = [output for output in outputs if isinstance(output, Refusal)]
    return refusal


@pytest.mark.parametrize(
    ("line", "grams"),
    [
        (b"S S     100.00 g\r\n", 100),  # AL-IC p. 72
        (b"S S      1.234 kg\r\n", 1234),
        (b"S S       0.00 g\r\n", 0),
        (b"S S      -0.00 g\r\n", 0),
        (b"S S      99.50 g\r\n", 100),  # half up
        (b"S S       2.00 lb\r\n", 907),
    ],
)
def test_a_stable_weight_is_read_in_whole_grams(line: bytes, grams: int) -> None:
    assert weight_in(asked_to_weigh().on_bytes(line, now=0.1)).grams == grams


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"S +\r\n", "overweight"),
        (b"S -\r\n", "under_zero"),
        (b"S S     -12.00 g\r\n", "under_zero"),
        (b"ES\r\n", "not_understood"),
    ],
)
def test_what_a_person_must_mend_is_refused_at_once(line: bytes, reason: str) -> None:
    assert refusal_in(asked_to_weigh().on_bytes(line, now=0.1)).reason == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [(b"S D     100.00 g\r\n", "unstable"), (b"S I\r\n", "unstable"), (b"ET\r\n", "garbled"), (b"EL\r\n", "no_weight")],
)
def test_what_passes_by_itself_is_asked_again_and_named_at_the_end(line: bytes, reason: str) -> None:
    scale = asked_to_weigh()
    assert not [event for event in events(scale.on_bytes(line, now=0.1)) if isinstance(event, Answer | Refusal)]
    assert sent(scale.on_time(now=0.35)) == b"SI\r\n"
    assert refusal_in(scale.on_time(now=3.0)).reason == reason


@pytest.mark.parametrize(
    "line",
    [
        b"SI S    100.00 g\r\n",  # a weak emulator says this; no manual does
        b"S S     1e3 g\r\n",
        b"S S     1_00.0 g\r\n",
        b"S S     100.00 st\r\n",
        b"S S     100.00\r\n",
        b"S S     100.00 g\n",
        b"s s     100.00 g\r\n",
    ],
)
def test_an_answer_is_its_words_and_nothing_else(line: bytes) -> None:
    assert [type(event) for event in events(asked_to_weigh().on_bytes(line, now=0.1))] == [Oddity]


def test_the_tare_is_taken_or_not() -> None:
    scale = asked(TareScale(), b"T\r\n")
    scale.on_bytes(b"T I\r\n", now=0.1)
    assert sent(scale.on_time(now=0.35)) == b"T\r\n"
    assert Answer(1, None) in scale.on_bytes(b"T S      52.00 g\r\n", now=0.4)
    assert sent(scale.on_command(Command(2, ReadWeight()), now=1.0)) == b"SI\r\n"
    assert weight_in(scale.on_bytes(b"S S     100.00 g\r\n", now=1.1)).net


def test_a_known_tare_is_sent_in_grams() -> None:
    scale = asked(TareScale(120), b"TA 120 g\r\n")
    assert Answer(1, None) in scale.on_bytes(b"TA A     120.00 g\r\n", now=0.1)
    scale = asked(TareScale(99_000), b"TA 99000 g\r\n")
    scale.on_bytes(b"TA L\r\n", now=0.1)
    assert refusal_in(scale.on_time(now=3.0)).reason == "not_tared"


def test_the_tare_is_cleared() -> None:
    assert Answer(1, None) in asked(ClearTare(), b"TAC\r\n").on_bytes(b"TAC A\r\n", now=0.1)


def test_zero_is_a_zero() -> None:
    weight = weight_in(asked(ZeroScale(), b"Z\r\n").on_bytes(b"Z A\r\n", now=0.1))
    assert (weight.grams, weight.status) == (0, ScaleStatus.WEIGHT_ZERO)


def test_an_answer_to_another_command_is_not_the_answer() -> None:
    scale = asked(ZeroScale(), b"Z\r\n")
    assert not [o for o in scale.on_bytes(b"S S       0.00 g\r\n", now=0.1) if isinstance(o, Answer)]
    assert sent(scale.on_time(now=0.35)) == b"Z\r\n"


def test_a_scale_that_was_switched_on_owes_nothing_any_more() -> None:
    scale = asked_to_weigh()
    outputs = scale.on_bytes(b'I4 A "B012345678"\r\n', now=0.1)
    assert PowerChanged(Power.ONLINE) in outputs
    assert sent(scale.on_time(now=0.1)) == b"SI\r\n"
    assert weight_in(scale.on_bytes(b"S S     100.00 g\r\n", now=0.2)).grams == 100


def test_a_late_weight_does_not_answer_the_next_customer() -> None:
    scale = asked(ReadWeight(), b"S\r\n", ask="S")
    scale.on_time(now=3.0)
    scale.on_command(Command(2, ReadWeight()), now=3.1)
    assert sent(scale.on_time(now=3.4)) == b"S\r\n"
    assert not events(scale.on_bytes(b"S S     765.00 g\r\n", now=3.5))
    assert sent(scale.on_time(now=3.8)) == b"S\r\n"
    assert weight_in(scale.on_bytes(b"S S     100.00 g\r\n", now=3.9)).grams == 100


def test_a_wrong_option_is_told() -> None:
    with pytest.raises(ValueError, match="SI"):
        MtSicsScale(ask="SIR")


@given(st.integers(0, 15_000), st.sampled_from(["kg", "g"]), st.sampled_from(["S", "SI"]))
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree_over_the_whole_range(grams: int, unit: str, ask: str) -> None:
    bench = Bench("scale-mt-sics", ask=ask)
    bench.set(grams=grams, unit=unit)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == grams


@pytest.mark.parametrize("ask", ["S", "SI"])
@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"moving": "yes"}, "unstable"),
        ({"busy": "yes"}, "unstable"),
        ({"over": "yes"}, "overweight"),
        ({"under_zero": "yes"}, "under_zero"),
        ({"tare": "100"}, "under_zero"),
        ({"error": "ES"}, "not_understood"),
        ({"error": "ET"}, "garbled"),
        ({"error": "EL"}, "no_weight"),
        ({"silent": "yes"}, "silent"),
    ],
)
def test_every_hindrance_ends_in_a_refusal_that_names_it(ask: str, knobs: dict[str, str], reason: str) -> None:
    bench = Bench("scale-mt-sics", ask=ask)
    bench.set(**knobs)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert end.reason == reason


@given(st.integers(1, 3000), st.integers(0, 9000))
@settings(deadline=None, max_examples=40)
def test_a_container_is_taken_off(container: int, goods: int) -> None:
    for request in (TareScale(), TareScale(container)):
        bench = Bench("scale-mt-sics")
        bench.set(grams=container)
        assert isinstance(bench.ask(request), Answer)
        bench.set(grams=container + goods)
        end = bench.ask(ReadWeight())
        assert isinstance(end, Answer)
        assert isinstance(end.result, Weight)
        assert (end.result.grams, end.result.net) == (goods, True)
        assert isinstance(bench.ask(ClearTare()), Answer)
        assert isinstance(bench.ask(ZeroScale()), Answer)
        assert isinstance(bench.ask(CheckHealth()), Answer)


def test_switching_it_on_is_no_oddity() -> None:
    bench = Bench("scale-mt-sics")
    bench.run(1.0)
    bench.set(switch_on="yes")
    assert not bench.of(Oddity)
