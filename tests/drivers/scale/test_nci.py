from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scale.nci import NciScale
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    ErrorCode,
    Oddity,
    Output,
    ReadWeight,
    Refusal,
    ScaleStatus,
    Send,
    TareScale,
    Weight,
    ZeroScale,
)
from tests.drivers.bench import Bench, events, sent


def asked_to_weigh() -> NciScale:
    scale = NciScale()
    assert sent(scale.on_command(Command(1, ReadWeight(), timeout_s=3.0), now=0.0)) == b"W\r"
    return scale


def answer_in(outputs: list[Output]) -> Weight:
    (answer,) = [output for output in outputs if isinstance(output, Answer)]
    assert isinstance(answer.result, Weight)
    return answer.result


@pytest.mark.parametrize(
    ("frame", "grams"),
    [
        (b"\n 12.34lb\r\n00\r\x03", 5597),  # 7821: LF xxxx.xxuu CR LF hh CR ETX
        (b"\n  1.500kg\r\n00\r\x03", 1500),
        (b"\n 1234g \r\n00\r\x03", 1234),  # 3700LP
        (b"\n01.234KG\r\nS00\r\x03", 1234),  # DIVA: ECR
        (b"\n01.234KG\r\nS0pt4\r\x03", 1234),  # four status bytes, bit 6 of the second and the third set
        (b"\n000.30lb   \r\nS0pp0\r\x03", 136),  # 6702U: the unit has five places
        (b"\n  0.30oz\r\n00\r\x03", 9),
    ],
)
def test_a_weight_of_the_manuals_is_read_in_whole_grams(frame: bytes, grams: int) -> None:
    weight = answer_in(asked_to_weigh().on_bytes(frame, now=0.1))
    assert (weight.grams, weight.stable, weight.at) == (grams, True, 0.1)


def test_the_third_status_byte_tells_net_from_gross() -> None:
    assert answer_in(asked_to_weigh().on_bytes(b"\n 1.000kg\r\n0p4\r\x03", now=0.1)).net
    assert not answer_in(asked_to_weigh().on_bytes(b"\n 1.000kg\r\n0p0\r\x03", now=0.1)).net


@pytest.mark.parametrize(
    ("frame", "reason", "code"),
    [
        (b"\n^^^^^^lb\r\n02\r\x03", "overweight", ErrorCode.EXTENDED),
        (b"\n 1.000kg\r\n02\r\x03", "overweight", ErrorCode.EXTENDED),
        (b"\n______lb\r\n01\r\x03", "under_zero", ErrorCode.EXTENDED),
        (b"\n -0.50lb\r\n00\r\x03", "under_zero", ErrorCode.EXTENDED),
        (b"\n------lb\r\n0p8\r\x03", "outside_zero", ErrorCode.EXTENDED),
        (b"\n 1.000kg\r\n40\r\x03", "broken", ErrorCode.FAILURE),
        (b"\n 1.000kg\r\n80\r\x03", "broken", ErrorCode.FAILURE),
        (b"\n 1.000kg\r\n04\r\x03", "broken", ErrorCode.FAILURE),
        (b"\n 1.000kg\r\n08\r\x03", "broken", ErrorCode.FAILURE),
        (b"\nS02\r\x03", "overweight", ErrorCode.EXTENDED),
        (b"\n?\r\x03", "not_understood", ErrorCode.FAILURE),
    ],
)
def test_what_a_person_must_mend_is_refused_at_once(frame: bytes, reason: str, code: ErrorCode) -> None:
    outputs = asked_to_weigh().on_bytes(frame, now=0.1)
    (refusal,) = [output for output in outputs if isinstance(output, Refusal)]
    assert (refusal.reason, refusal.code) == (reason, code)
    assert refusal.text


@pytest.mark.parametrize("frame", [b"\n 1.000kg\r\n10\r\x03", b"\nS10\r\x03", b"\nS00\r\x03"])
def test_in_motion_or_without_a_weight_it_is_asked_again(frame: bytes) -> None:
    scale = asked_to_weigh()
    assert not [event for event in events(scale.on_bytes(frame, now=0.1)) if isinstance(event, Answer | Refusal)]
    assert sent(scale.on_time(now=0.35)) == b"W\r"


@pytest.mark.parametrize(
    "frame",
    [
        b"\n 12.34st\r\n00\r\x03",  # a unit of nobody's
        b"\n12_34.0kg\r\n00\r\x03",
        b"\n 1.2.3kg\r\n00\r\x03",
        b"\n 1LB 10.2OZ\r\nS00\r\x03",  # pounds and ounces mixed
        b"\n 1.000kg\r\n0p\r\x03",  # bit 6 of the last status byte promises one more
        b"\n 1.000kg\r\n0\r\x03",
        b"\n+1.000kg\r\n00\r\x03",
    ],
)
def test_a_frame_is_its_fields_and_nothing_else(frame: bytes) -> None:
    assert [type(event) for event in events(asked_to_weigh().on_bytes(frame, now=0.1))] == [Oddity]


def test_parity_bits_seen_through_eight_bits_change_nothing() -> None:
    seven = b"\n  1.500kg\r\n00\r\x03"
    eight = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in seven)
    assert eight != seven
    assert answer_in(asked_to_weigh().on_bytes(eight, now=0.1)).grams == 1500


def test_a_late_answer_sells_nothing() -> None:
    scale = asked_to_weigh()
    scale.on_time(now=3.0)
    assert not events(scale.on_bytes(b"\n  1.500kg\r\n00\r\x03", now=3.1))
    scale.on_command(Command(2, ReadWeight()), now=3.2)


def test_a_late_answer_after_the_next_question_sells_nothing_either() -> None:
    scale = asked_to_weigh()
    scale.on_time(now=3.0)
    scale.on_command(Command(2, ReadWeight()), now=3.1)
    assert Send(b"W\r") in scale.on_time(now=3.4)
    assert not events(scale.on_bytes(b"\n  1.500kg\r\n00\r\x03", now=3.5))
    assert Send(b"W\r") in scale.on_time(now=3.8)
    assert answer_in(scale.on_bytes(b"\n  2.000kg\r\n00\r\x03", now=3.9)).grams == 2000


def test_a_weight_that_nobody_asked_for_is_an_oddity() -> None:
    assert [type(event) for event in events(NciScale().on_bytes(b"\n 1.500kg\r\n00\r\x03", now=0.1))] == [Oddity]


def test_zero_is_reported_by_its_bit_and_by_nothing_else() -> None:
    scale = NciScale()
    assert sent(scale.on_command(Command(1, ZeroScale()), now=0.0)) == b"Z\r"
    assert not [event for event in events(scale.on_bytes(b"\n00\r\x03", now=0.1)) if isinstance(event, Answer)]
    assert sent(scale.on_time(now=0.35)) == b"Z\r"
    assert answer_in(scale.on_bytes(b"\n20\r\x03", now=0.4)).status is ScaleStatus.WEIGHT_ZERO


def test_it_has_no_tare() -> None:
    (end,) = events(NciScale().on_command(Command(1, TareScale()), now=0.0))
    assert isinstance(end, Refusal)
    assert (end.code, end.reason) == (ErrorCode.ILLEGAL, "unsupported")


@given(st.integers(0, 15_000), st.sampled_from(["general", "ecr"]), st.sampled_from([2, 3, 4]))
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree_over_the_whole_range(grams: int, variant: str, status_bytes: int) -> None:
    bench = Bench("scale-nci")
    bench.set(grams=grams, variant=variant, status_bytes=status_bytes, parity="yes")
    end = bench.ask(ReadWeight())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == grams


@given(st.integers(0, 3300))
@settings(deadline=None, max_examples=60)
def test_pounds_become_grams_exactly_half_up(hundredths: int) -> None:
    frame = b"\n%3d.%02dlb\r\n00\r\x03" % divmod(hundredths, 100)
    weight = answer_in(asked_to_weigh().on_bytes(frame, now=0.1))
    assert weight.grams is not None
    assert -5_000_000 < weight.grams * 10_000_000 - hundredths * 45_359_237 <= 5_000_000


@pytest.mark.parametrize("variant", ["general", "ecr"])
@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"moving": "yes"}, "unstable"),
        ({"over": "yes"}, "overweight"),
        ({"under_zero": "yes"}, "under_zero"),
        ({"tare": "100"}, "under_zero"),
        ({"broken": "yes"}, "broken"),
        ({"no_zero": "yes", "status_bytes": "3"}, "outside_zero"),
        ({"garbage": "yes"}, "garbled"),
        ({"cut": "6"}, "garbled"),
        ({"silent": "yes"}, "silent"),
    ],
)
def test_every_hindrance_ends_in_a_refusal_that_names_it(variant: str, knobs: dict[str, str], reason: str) -> None:
    bench = Bench("scale-nci")
    bench.set(variant=variant, **knobs)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    # A dead line after six bytes looks like silence, and so does noise without a line feed.
    assert end.reason in {reason, "silent"} if reason == "garbled" else end.reason == reason


def test_zeroing_empties_the_pan() -> None:
    bench = Bench("scale-nci")
    bench.set(grams=3)
    end = bench.ask(ZeroScale())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.status is ScaleStatus.WEIGHT_ZERO
    bench.set(moving="yes", grams=5)
    stuck = bench.ask(ZeroScale())
    assert isinstance(stuck, Refusal)
    assert stuck.reason == "unstable"


def test_health_is_answered_whatever_lies_on_the_pan() -> None:
    bench = Bench("scale-nci")
    bench.set(moving="yes")
    end = bench.ask(CheckHealth())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert (end.result.grams, end.result.status) == (None, ScaleStatus.WEIGHT_UNSTABLE)


def test_an_idle_scale_is_left_alone() -> None:
    bench = Bench("scale-nci")
    bench.run(600.0)
    assert bench.wire == b"W\r"
