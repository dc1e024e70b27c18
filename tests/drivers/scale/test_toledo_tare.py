"""Tare and self-test of 8217 scales: what their letters do is read from the answers after them."""

from __future__ import annotations

import pytest

from gateway.drivers.scale.toledo_8217 import ToledoScale
from gateway.peripherals import (
    Answer,
    ClearTare,
    Command,
    ErrorCode,
    ReadWeight,
    Refusal,
    SelfTest,
    Send,
    TareScale,
    Weight,
)
from tests.drivers.bench import Bench


def net_weight(end: Answer | Refusal) -> tuple[int | None, bool]:
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    return end.result.grams, end.result.net


# --- tare ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answered", ["status", "cr", "none"])
def test_a_tare_is_weighed_however_the_scale_answers_it(answered: str) -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=250, tare_answer=answered)
    assert net_weight(bench.ask(TareScale())) == (0, True)
    assert b"T" in bench.wire
    bench.set(grams=1250)
    assert net_weight(bench.ask(ReadWeight())) == (1000, True)


@pytest.mark.parametrize(("end", "wire"), [("none", b"T00120"), ("cr", b"T00120\r")])
def test_a_known_tare_goes_out_with_five_digits(end: str, wire: bytes) -> None:
    bench = Bench("scale-toledo-8217", tare_end=end)
    bench.set(grams=620)
    assert net_weight(bench.ask(TareScale(120))) == (500, True)
    assert wire in bench.wire


def test_a_known_tare_in_pounds_is_hundredths_half_up() -> None:
    bench = Bench("scale-toledo-8217", unit="lb")
    bench.set(grams=1000, unit="lb")
    end = bench.ask(TareScale(454))
    assert isinstance(end, Answer)
    assert b"T00100" in bench.wire


def test_a_known_tare_on_an_empty_pan_is_taken_below_zero() -> None:
    assert net_weight(Bench("scale-toledo-8217").ask(TareScale(120))) == (None, True)


def test_a_tare_of_six_digits_is_refused_before_anything_is_sent() -> None:
    scale = ToledoScale()
    (end,) = scale.on_command(Command(1, TareScale(100_000)), now=0.0)
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("tare_too_big", ErrorCode.ILLEGAL)


def test_a_scale_that_takes_no_tare_is_refused_with_what_to_do() -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=250, tare_enabled="no")
    end = bench.ask(TareScale())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("not_tared", ErrorCode.EXTENDED)
    assert "set-up" in end.text


def test_an_old_tare_is_not_taken_for_the_new_one() -> None:
    # With 100 g tared before, T does nothing on a scale in net mode here: what it shows is not zero.
    scale = ToledoScale()
    scale.on_command(Command(1, TareScale(), timeout_s=2.0), now=0.0)
    scale.on_bytes(b"\x02?\x20\r", now=0.15)
    assert Send(b"W") in scale.on_time(now=0.5)
    assert not [output for output in scale.on_bytes(b"\x0200.150N\r", now=0.6) if isinstance(output, Answer)]
    (end,) = [output for output in scale.on_time(now=2.0) if isinstance(output, Refusal)]
    assert end.reason == "not_tared"


def test_clearing_the_tare_ends_with_a_gross_weight() -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=620, tare=120)
    assert net_weight(bench.ask(ClearTare())) == (620, False)


def test_a_tare_that_stays_is_refused() -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=620, tare=120, tare_enabled="no")
    end = bench.ask(ClearTare())
    assert isinstance(end, Refusal)
    assert end.reason == "tare_stays"


# --- self-test -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["mettler", "datalogic", "ohaus"])
def test_a_passed_self_test_of_each_maker(dialect: str) -> None:
    bench = Bench("scale-toledo-8217", dialect=dialect)
    bench.set(dialect=dialect)
    assert isinstance(bench.ask(SelfTest()), Answer)
    assert b"A" in bench.wire


@pytest.mark.parametrize(
    ("dialect", "failed", "names"),
    [
        ("mettler", "ram,rom", ["RAM", "ROM"]),
        ("mettler", "novram", ["NOVRAM"]),
        ("mettler", "cpu", ["processor RAM"]),
        ("datalogic", "cpu", ["processor"]),
        ("datalogic", "rom,ram", ["RAM", "ROM"]),
        ("ohaus", "ram", ["RAM"]),
    ],
)
def test_a_failed_part_is_named(dialect: str, failed: str, names: list[str]) -> None:
    bench = Bench("scale-toledo-8217", dialect=dialect)
    bench.set(dialect=dialect, failed=failed)
    end = bench.ask(SelfTest())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("broken", ErrorCode.FAILURE)
    assert end.text.endswith(f": {', '.join(names)}")


def test_a_bad_command_is_not_taken_for_all_tests_passed() -> None:
    # 0x40 is `@`: all passed, and it is the bad-command bit too. Without the STX CR of A it proves nothing.
    scale = ToledoScale()
    scale.on_command(Command(1, SelfTest(), timeout_s=1.0), now=0.0)
    scale.on_bytes(b"\x02?@\r", now=0.1)
    assert Send(b"B") in scale.on_time(now=0.4)
    assert not [output for output in scale.on_bytes(b"\x02?@\r", now=0.5) if isinstance(output, Answer)]
    (end,) = [output for output in scale.on_time(now=1.0) if isinstance(output, Refusal)]
    assert (end.reason, end.code) == ("no_self_test", ErrorCode.ILLEGAL)


def test_a_result_byte_without_the_question_mark_counts_too() -> None:
    scale = ToledoScale()
    scale.on_command(Command(1, SelfTest()), now=0.0)
    scale.on_bytes(b"\x02\r", now=0.1)
    scale.on_time(now=0.4)
    assert Answer(1) in scale.on_bytes(b"\x02@\r", now=0.5)


def test_an_answer_that_never_came_is_forgotten_after_a_while() -> None:
    bench = Bench("scale-toledo-8217")
    bench.set(grams=250, tare_answer="none")
    bench.ask(TareScale())
    bench.run(20.0)
    before = len(bench.wire)
    bench.ask(ReadWeight())
    assert bench.wire[before:] == b"W"
