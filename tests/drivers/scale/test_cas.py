from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scale.cas import CasScale, CasStream, cas_scale
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    ErrorCode,
    Oddity,
    Output,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    Weight,
    ZeroScale,
)
from tests.drivers.bench import Bench, events, sent

ENQ, ACK, DC1, NAK = b"\x05", b"\x06", b"\x11", b"\x15"


def block(data: bytes, spoil: int = 0) -> bytes:
    bcc = spoil
    for byte in data:
        bcc ^= byte
    return b"\x01\x02" + data + bytes([bcc]) + b"\x03\x04"


def asked_to_weigh() -> CasScale:
    scale = CasScale()
    assert sent(scale.on_command(Command(1, ReadWeight(), timeout_s=3.0), now=0.0)) == ENQ
    assert sent(scale.on_bytes(ACK, now=0.01)) == DC1
    return scale


def weight_in(outputs: list[Output]) -> Weight:
    (answer,) = [output for output in outputs if isinstance(output, Answer)]
    assert isinstance(answer.result, Weight)
    return answer.result


@pytest.mark.parametrize(
    ("data", "grams"),
    [(b"S 01.234kg", 1234), (b"S 00.000KG", 0), (b"S 012.34LB", 5597), (b"S   0.45kg", 450)],
)
def test_a_stable_weight_is_read_in_whole_grams(data: bytes, grams: int) -> None:
    assert weight_in(asked_to_weigh().on_bytes(block(data), now=0.1)).grams == grams


def test_the_frame_of_the_manual_byte_for_byte() -> None:
    # By hand: 53^20=73 ^30=43 ^31=72 ^2E=5C ^32=6E ^33=5D ^34=69 ^6B=02 ^67=65
    frame = b"\x01\x02S 01.234kg\x65\x03\x04"
    assert block(b"S 01.234kg") == frame
    assert weight_in(asked_to_weigh().on_bytes(frame, now=0.1)).grams == 1234


def test_a_bcc_that_equals_a_mark_does_not_end_the_frame() -> None:
    marks = {block(b"S %02d.%03dkg" % divmod(grams, 1000))[-3]: grams for grams in range(15_000)}
    for mark in {1, 2, 3, 4, 5, 6, 0x11, 0x15} & set(marks):
        frame = block(b"S %02d.%03dkg" % divmod(marks[mark], 1000))
        assert weight_in(asked_to_weigh().on_bytes(frame, now=0.1)).grams == marks[mark]


@pytest.mark.parametrize(("data", "reason"), [(b"SFFFFFFFkg", "overweight"), (b"S-00.010kg", "under_zero")])
def test_what_a_person_must_mend_is_refused_at_once(data: bytes, reason: str) -> None:
    (refusal,) = [o for o in asked_to_weigh().on_bytes(block(data), now=0.1) if isinstance(o, Refusal)]
    assert refusal.reason == reason


def test_an_unstable_weight_is_asked_for_again() -> None:
    scale = asked_to_weigh()
    scale.on_bytes(block(b"U 01.234kg"), now=0.1)
    assert sent(scale.on_time(now=0.35)) == ENQ


@pytest.mark.parametrize(
    "frame",
    [block(b"S 01.234kg", spoil=1), block(b"S 01_234kg"), block(b"X 01.234kg"), block(b"S 01.234st"), b"\x01" * 15],
)
def test_a_frame_that_does_not_add_up_sells_nothing(frame: bytes) -> None:
    scale = asked_to_weigh()
    assert [type(event) for event in events(scale.on_bytes(frame, now=0.1))] == [Oddity]
    (refusal,) = [output for output in scale.on_time(now=3.0) if isinstance(output, Refusal)]
    assert (refusal.reason, refusal.code) == ("garbled", ErrorCode.FAILURE)


def test_a_scale_that_says_no_is_asked_again_and_then_refused() -> None:
    scale = CasScale()
    scale.on_command(Command(1, ReadWeight(), timeout_s=3.0), now=0.0)
    scale.on_bytes(NAK, now=0.1)
    assert sent(scale.on_time(now=0.5)) == ENQ
    (refusal,) = [output for output in scale.on_time(now=3.0) if isinstance(output, Refusal)]
    assert refusal.reason == "no_weight"


def test_a_late_weight_does_not_answer_the_next_customer() -> None:
    scale = asked_to_weigh()
    scale.on_time(now=3.0)
    scale.on_command(Command(2, ReadWeight()), now=3.1)
    assert sent(scale.on_time(now=3.4)) == ENQ
    assert sent(scale.on_bytes(ACK, now=3.45)) == DC1
    assert not events(scale.on_bytes(block(b"S 07.650kg"), now=3.5))
    assert sent(scale.on_time(now=3.8)) == ENQ
    assert sent(scale.on_bytes(ACK, now=3.85)) == DC1
    assert weight_in(scale.on_bytes(block(b"S 01.000kg"), now=3.9)).grams == 1000


def test_its_keys_cannot_be_pressed_from_here() -> None:
    for scale in (cas_scale(), cas_scale(mode="stream")):
        (end,) = events(scale.on_command(Command(1, ZeroScale()), now=0.0))
        assert isinstance(end, Refusal)
        assert end.code is ErrorCode.ILLEGAL


def test_a_wrong_mode_is_told() -> None:
    with pytest.raises(ValueError, match="dialogue"):
        cas_scale(mode="steam")


@given(st.integers(0, 15_000))
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree_over_the_whole_range(grams: int) -> None:
    for mode in ("dialogue", "stream"):
        bench = Bench("scale-cas", mode=mode)
        bench.set(grams=grams, mode=mode)
        end = bench.ask(ReadWeight())
        assert isinstance(end, Answer)
        assert isinstance(end.result, Weight)
        assert end.result.grams == grams


@pytest.mark.parametrize("mode", ["dialogue", "stream"])
@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"moving": "yes"}, "unstable"),
        ({"over": "yes"}, "overweight"),
        ({"under_zero": "yes", "tare": "100"}, "under_zero"),
        ({"silent": "yes"}, "silent"),
    ],
)
def test_every_hindrance_ends_in_a_refusal_that_names_it(mode: str, knobs: dict[str, Any], reason: str) -> None:
    bench = Bench("scale-cas", mode=mode)
    bench.set(**knobs, mode=mode)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert end.reason == reason


@pytest.mark.parametrize(
    ("knobs", "reason"), [({"wrong_checksum": "yes"}, "garbled"), ({"refuse": "yes"}, "no_weight")]
)
def test_the_faults_of_the_dialogue(knobs: dict[str, str], reason: str) -> None:
    bench = Bench("scale-cas")
    bench.set(**knobs)
    end = bench.ask(ReadWeight())
    assert isinstance(end, Refusal)
    assert end.reason == reason


# --- the stream ---------------------------------------------------------------------------------------------------


def line(state: bytes, kilograms: bytes) -> bytes:
    data = state + b",GS,1\xc4," + kilograms.rjust(8, b"0") + b" kg\r\n"
    assert len(data) == 22
    return data


def streaming() -> CasStream:
    scale = CasStream()
    scale.on_time(now=0.0)
    scale.on_bytes(line(b"ST", b"13.5"), now=0.1)
    scale.on_command(Command(1, ReadWeight(), timeout_s=2.0), now=1.0)
    return scale


def test_the_line_of_the_manual_is_thirteen_and_a_half_kilograms() -> None:
    assert line(b"ST", b"13.5") == b"ST,GS,1\xc4,000013.5 kg\r\n"
    assert weight_in(streaming().on_bytes(line(b"ST", b"13.5"), now=1.2)).grams == 13_500


def test_a_line_that_began_before_the_command_is_not_its_answer() -> None:
    scale = streaming()
    early = line(b"ST", b"1.500")
    for piece, at in ((early[:5], 1.04), (early[5:], 1.1)):
        assert not [event for event in events(scale.on_bytes(piece, now=at)) if isinstance(event, Answer | Weight)]
    assert weight_in(scale.on_bytes(line(b"ST", b"2.500"), now=1.2)).grams == 2500


def test_an_unstable_line_waits_for_the_next() -> None:
    scale = streaming()
    assert not [event for event in events(scale.on_bytes(line(b"US", b"1.500"), now=1.2)) if isinstance(event, Answer)]
    assert weight_in(scale.on_bytes(line(b"ST", b"1.501"), now=1.4)).grams == 1501


def test_nobody_asks_so_nothing_is_said() -> None:
    scale = CasStream()
    scale.on_time(now=0.0)
    assert events(scale.on_bytes(line(b"ST", b"1.500"), now=0.1)) == [PowerChanged(Power.ONLINE)]


def test_rubbish_in_the_stream_is_told_once() -> None:
    scale = streaming()
    seen = [
        event for at in range(20) for event in events(scale.on_bytes(b"XX,GS,1\xc4,000013.5 kg\r\n", 1.1 + at / 20))
    ]
    assert [type(event) for event in seen] == [Oddity]
    (refusal,) = [output for output in scale.on_time(now=3.0) if isinstance(output, Refusal)]
    assert refusal.reason == "garbled"


def test_a_stream_that_stops_is_a_scale_that_is_off_and_returns() -> None:
    bench = Bench("scale-cas", mode="stream")
    bench.set(mode="stream")
    bench.run(1.0)
    bench.set(silent="yes")
    bench.run(5.0)
    bench.set(silent="no")
    bench.run(1.0)
    assert [change.power for change in bench.of(PowerChanged)] == [Power.ONLINE, Power.OFF, Power.ONLINE]
    assert isinstance(bench.ask(CheckHealth()), Answer)
    assert bench.wire == b""
