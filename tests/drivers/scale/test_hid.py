from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scale.hid import UNITS, HidScale, grams_of
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
    TareScale,
    Weight,
    ZeroScale,
)
from gateway.peripherals.reports import pack
from tests.drivers.bench import Bench, events, sent

#: the descriptor of a Pitney Bowes scale, less its statistics and vendor reports
PITNEY_BOWES = bytes.fromhex(
    "058d0920a101"
    "0930a1028501750895011501" "0927a102250a1921292ab100c0" "0950a102250c1951295cb100c0" "c0"
    "0931a102850275019502150025010981098091027506950191 03c0"
    "0932a10285037508150109 70a102250819712978 8100c0 0950a102250c1951295c8100c0"
    "1581257f0941 8102 7510150027ffff0000 0940 8102 c0"
    "c0"
)  # fmt: skip
#: a scale without report ids, whose weight comes first and whose zero is a feature
OTHER_WAY_ROUND = bytes.fromhex(
    "058d0920a101"
    "75109501150027ffff0000 09408102"
    "75081581257f09418102"
    "1501 0950a102250c1951295c8100c0"
    "0970a102250819712978 8100c0"
    "7501 9501 15002501 0980b102 7507b103"
    "c0"
)  # fmt: skip
KEYBOARD = bytes.fromhex("05010906a101050719e029e7150025017501950881 02c0")


def opened(descriptor: bytes = PITNEY_BOWES) -> HidScale:
    """A scale whose descriptor was read, and its first report, which may be stale."""
    scale = HidScale()
    assert sent(scale.on_time(now=0.0)) == pack("D", b"")
    assert PowerChanged(Power.ONLINE) in scale.on_bytes(pack("D", descriptor), now=0.0)
    assert not events(
        scale.on_bytes(report("03 04 02 00 09 03" if b"\x85" in descriptor else "09 03 00 02 04"), now=0.0)
    )
    return scale


def asked_to_weigh(descriptor: bytes = PITNEY_BOWES) -> HidScale:
    scale = opened(descriptor)
    scale.on_command(Command(1, ReadWeight()), now=0.0)
    return scale


def report(text: str) -> bytes:
    return pack("I", bytes.fromhex(text))


def weight_in(outputs: list[object]) -> Weight:
    (answer,) = [output for output in outputs if isinstance(output, Answer)]
    assert isinstance(answer.result, Weight)
    return answer.result


def refusal_in(outputs: list[object]) -> Refusal:
    (refusal,) = [output for output in outputs if isinstance(output, Refusal)]
    return refusal


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("03 04 02 00 14 00", 20),  # the published example of a Dymo M10
        ("03 04 0b ff 34 19", 18_291),  # 645.2 oz, the other one: 18291.11 g
        ("03 04 03 fd c2 01", 450),
        ("03 04 0c fe 64 00", 454),
        ("03 02 0b ff 00 00", 0),  # what a Dymo says without a load
        ("03 04 02 01 14 00", 200),
        ("03 04 02 00 14 00 00 00", 20),  # the kernel hands out whole transfer buffers
    ],
)
def test_a_published_report_is_read_in_whole_grams(text: str, grams: int) -> None:
    weight = weight_in([*asked_to_weigh().on_bytes(report(text), now=0.1)])
    status = ScaleStatus.STABLE_WEIGHT if grams else ScaleStatus.WEIGHT_ZERO
    assert weight == Weight(grams, stable=True, net=False, status=status, at=0.1)


def test_another_order_without_report_ids_is_read_from_its_descriptor() -> None:
    assert weight_in([*asked_to_weigh(OTHER_WAY_ROUND).on_bytes(report("c2 01 fd 03 04"), now=0.1)]).grams == 450


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("01", "broken", ErrorCode.FAILURE),
        ("05", "under_zero", ErrorCode.EXTENDED),
        ("06", "overweight", ErrorCode.EXTENDED),
        ("07", "not_calibrated", ErrorCode.EXTENDED),
        ("08", "outside_zero", ErrorCode.EXTENDED),
    ],
)
def test_what_a_person_must_mend_is_refused_at_once(status: str, reason: str, code: ErrorCode) -> None:
    end = refusal_in([*asked_to_weigh().on_bytes(report(f"03 {status} 02 00 14 00"), now=0.1)])
    assert (end.reason, end.code) == (reason, code)


def test_a_moving_weight_is_waited_for() -> None:
    scale = asked_to_weigh()
    assert not [o for o in scale.on_bytes(report("03 03 02 00 14 00"), now=0.1) if isinstance(o, Answer | Refusal)]
    assert weight_in([*scale.on_bytes(report("03 04 02 00 15 00"), now=0.2)]).grams == 21


def test_goods_that_never_settle_are_refused() -> None:
    bench = Bench("scale-hid")
    bench.set(moving="yes", grams=20)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("unstable", ErrorCode.TIMEOUT)


@pytest.mark.parametrize(
    "text",
    [
        "03 04 05 00 14 00",  # a tael: 50 g, 37.5 g or 37.8 g
        "03 04 00 00 14 00",  # no unit
        "03 04 0d 00 14 00",
        "03 00 02 00 14 00",  # no status
        "03 09 02 00 14 00",
        "03 02 02 00 14 00",  # at zero with a weight
        "03 04 02 7f 14 00",  # 10^127 grams
        "03 04 02 00 14",  # half a weight
        "04 04 02 00 14 00",  # another report
    ],
)
def test_a_report_that_makes_no_sense_sells_nothing(text: str) -> None:
    scale = asked_to_weigh()
    assert [type(event) for event in events(scale.on_bytes(report(text), now=0.1))] == [Oddity]
    assert refusal_in([*scale.on_time(now=3.0)]).reason == "garbled"


def test_a_weight_from_before_the_line_was_opened_is_thrown_away() -> None:
    bench = Bench("scale-hid")
    bench.set(stale=777, grams=450)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == 450
    assert not [weight for weight in bench.of(Weight) if weight.grams == 777]


def test_a_scale_that_speaks_only_of_changes_is_not_answered_for() -> None:
    bench = Bench("scale-hid")
    bench.set(on_change="yes")
    bench.run(1.0)
    bench.set(grams=450)  # reported while nobody asked
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("no_report", ErrorCode.TIMEOUT)
    assert "lift the goods" in end.text
    number = bench.begin(ReadWeight())
    bench.set(grams=0)
    # Zero is a weight too: the goods are off the pan.
    assert isinstance(bench.ended(number), Answer)
    number = bench.begin(ReadWeight())
    bench.set(grams=451)
    again = bench.ended(number)
    assert isinstance(again, Answer)
    assert isinstance(again.result, Weight)
    assert again.result.grams == 451


def test_repeated_reports_are_told_once() -> None:
    bench = Bench("scale-hid")
    bench.set(grams=450)
    bench.run(5.0)
    assert [weight.grams for weight in bench.of(Weight)] == [450]


def test_a_device_that_is_no_scale_is_refused_with_what_to_check() -> None:
    scale = HidScale()
    scale.on_time(now=0.0)
    scale.on_command(Command(1, ReadWeight()), now=0.1)
    end = refusal_in([*scale.on_bytes(pack("D", KEYBOARD), now=0.2)])
    assert (end.reason, end.code) == ("no_scale", ErrorCode.FAILURE)
    assert "url" in end.text


def test_a_descriptor_that_is_cut_off_is_no_scale() -> None:
    scale = HidScale()
    scale.on_time(now=0.0)
    assert [type(event) for event in events(scale.on_bytes(pack("D", PITNEY_BOWES[:40]), now=0.1))] == [Oddity]


@pytest.mark.parametrize("where", ["output", "feature"])
def test_zeroing_ends_with_a_scale_that_says_zero(where: str) -> None:
    bench = Bench("scale-hid")
    bench.set(zero=where, grams=3)
    bench.run(1.0)
    end = bench.ask(ZeroScale())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == 0
    assert bench.wire.endswith(pack("O" if where == "output" else "S", b"\x02\x02"))


def test_zeroing_before_the_descriptor_is_known_waits_for_it() -> None:
    bench = Bench("scale-hid")
    bench.set(grams=3)
    end = bench.ask(ZeroScale())
    assert isinstance(end, Answer)


@pytest.mark.parametrize("first", [0.0, 1.0])
def test_a_scale_without_a_zero_command_says_so(first: float) -> None:
    bench = Bench("scale-hid")
    bench.set(zero="none", grams=3)
    bench.run(first)
    end = bench.ask(ZeroScale())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("no_zero", ErrorCode.ILLEGAL)


def test_goods_in_motion_do_not_become_zero() -> None:
    bench = Bench("scale-hid")
    bench.set(grams=3, moving="yes")
    end = bench.ask(ZeroScale())
    assert isinstance(end, Refusal)
    assert end.reason == "unstable"


def test_health_is_the_descriptor_coming_back() -> None:
    bench = Bench("scale-hid")
    bench.set(on_change="yes")
    bench.run(1.0)
    assert isinstance(bench.ask(CheckHealth()), Answer)


def test_a_tare_is_not_a_thing_of_usb_scales() -> None:
    assert refusal_in([*HidScale().on_command(Command(1, TareScale()), now=0.0)]).code is ErrorCode.ILLEGAL


def test_a_scale_that_comes_back_is_found_again() -> None:
    bench = Bench("scale-hid")
    bench.set(silent="yes")
    bench.run(30.0)
    assert bench.of(PowerChanged) == [PowerChanged(Power.OFF)]
    bench.set(silent="no")
    bench.run(10.0)
    assert bench.of(PowerChanged) == [PowerChanged(Power.OFF), PowerChanged(Power.ONLINE)]


def test_bytes_between_records_are_told_once() -> None:
    scale = asked_to_weigh()
    outputs = scale.on_bytes(b"\xff" * 300 + report("03 04 02 00 14 00"), now=0.1)
    assert [type(event) for event in events(outputs)] == [Oddity, Weight, Answer]


@given(st.integers(0, 15_000), st.sampled_from(["g", "kg"]), st.sampled_from([3, 4, 200]))
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree_over_the_whole_range(grams: int, unit: str, report_id: int) -> None:
    bench = Bench("scale-hid")
    bench.set(unit=unit, report_id=report_id, grams=grams)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == grams


@given(st.integers(0, 4_294_967_295), st.integers(-12, 12), st.sampled_from(sorted(UNITS)))
def test_every_unit_becomes_grams_exactly_half_up(count: int, tens: int, unit: int) -> None:
    grams = grams_of(count, tens, unit)
    assert grams is not None
    error = grams - count * Fraction(10) ** tens * Fraction(*UNITS[unit])
    assert Fraction(-1, 2) < error <= Fraction(1, 2)


def test_the_english_units_are_what_they_are_of_the_pound() -> None:
    pound = Fraction(*UNITS[0x5C])
    assert Fraction(*UNITS[0x5B]) == pound / 16
    assert Fraction(*UNITS[0x56]) == pound / 7000
    assert Fraction(*UNITS[0x57]) == pound / 7000 * 24
    assert Fraction(*UNITS[0x5A]) == pound / 7000 * 480
    assert Fraction(*UNITS[0x59]) == pound * 2000
