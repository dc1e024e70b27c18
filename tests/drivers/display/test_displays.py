"""CD5220 and Epson DM-D: what goes over the line, and what then stands on the display."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.display.cd5220 import Cd5220Display
from gateway.drivers.display.dm_d import DmDDisplay
from gateway.drivers.display.rows import encoded, row
from gateway.peripherals import (
    Answer,
    CheckHealth,
    ClearText,
    DisplayStatus,
    DisplayText,
    ErrorCode,
    Oddity,
    Refusal,
    Request,
    SetBrightness,
)
from gateway.simulators.display.cd5220 import PretendCd5220
from gateway.simulators.display.dm_d import PretendDmD
from tests.drivers.bench import Bench

BOTH = ("display-cd5220", "display-dm-d")
MILK = DisplayText(("Milk 1 l", "EUR 1.19"))


def screen(bench: Bench) -> PretendCd5220 | PretendDmD:
    return cast("PretendCd5220 | PretendDmD", bench.device)


def answered(bench: Bench, request: Request) -> DisplayStatus:
    end = bench.ask(request)
    assert isinstance(end, Answer)
    assert isinstance(end.result, DisplayStatus)
    return end.result


def test_a_cd5220_gets_both_rows_byte_for_byte() -> None:
    bench = Bench("display-cd5220")
    assert answered(bench, MILK) == DisplayStatus(("Milk 1 l            ", "EUR 1.19            "), known="sent")
    assert bench.wire == b"\x0c\x1b@\x1b_\x00\x1bQAMilk 1 l            \r\x1bQBEUR 1.19            \r"
    bench.ask(DisplayText(("Sum",)))
    assert bench.wire.endswith(b"\x1bQASum                 \r\x1bQB                    \r")


def test_a_dm_d_gets_both_rows_byte_for_byte() -> None:
    bench = Bench("display-dm-d")
    answered(bench, MILK)
    assert bench.wire == (
        b"\x1b@\x1bt\x13\x1fC\x00\x1f\x01\x1f$\x01\x01Milk 1 l            \x1f$\x01\x02EUR 1.19            "
    )


@pytest.mark.parametrize("name", BOTH)
def test_what_was_shown_is_told_as_sent_and_no_more(name: str) -> None:
    bench = Bench(name)
    assert answered(bench, CheckHealth()) == DisplayStatus((), known="sent")
    assert bench.wire == b""
    answered(bench, MILK)
    assert answered(bench, CheckHealth()).rows == ("Milk 1 l            ", "EUR 1.19            ")
    assert answered(bench, ClearText()).rows == ()
    assert screen(bench).rows == (" " * 20, " " * 20)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(("percent", "step"), [(0, 1), (29, 1), (31, 2), (50, 2), (60, 3), (81, 4), (100, 4)])
def test_brightness_is_the_nearest_step_and_the_text_stays(name: str, percent: int, step: int) -> None:
    bench = Bench(name)
    answered(bench, MILK)
    answered(bench, SetBrightness(percent))
    assert screen(bench).brightness == step
    assert screen(bench).rows == ("Milk 1 l            ", "EUR 1.19            ")
    assert not screen(bench).ignored


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("percent", [-1, 101])
def test_no_such_brightness(name: str, percent: int) -> None:
    end = Bench(name).ask(SetBrightness(percent))
    assert isinstance(end, Refusal)
    assert (end.code, end.reason) == (ErrorCode.ILLEGAL, "percent")


@pytest.mark.parametrize("name", BOTH)
def test_a_printer_behind_the_display_is_selected_again_and_gets_nothing(name: str) -> None:
    bench = Bench(name, chained=True)
    for request in (MILK, SetBrightness(40), ClearText(), MILK):
        answered(bench, request)
    assert bench.wire.startswith(b"\x1b=\x02")
    assert bench.wire.endswith(b"\x1b=\x01")
    assert screen(bench).printer == b""
    assert screen(bench).rows[0] == "Milk 1 l            "
    bench.device.on_bytes(b"receipt", 0.0)
    assert screen(bench).printer == b"receipt"
    assert screen(bench).rows[0] == "Milk 1 l            "


def test_a_long_upper_row_wanders_on_a_cd5220() -> None:
    bench = Bench("display-cd5220")
    answered(
        bench, DisplayText(("Welcome to the shop around the corner, dear people", "Open until 20:00"), scroll=True)
    )
    device = cast(PretendCd5220, bench.device)
    assert device.wandering == b"Welcome to the shop around the corner, "
    assert device.rows[1] == "Open until 20:00    "
    answered(bench, MILK)
    assert device.wandering == b""
    assert device.rows == ("Milk 1 l            ", "EUR 1.19            ")
    assert not device.ignored


def test_a_dm_d_blinks_until_the_next_text() -> None:
    bench = Bench("display-dm-d")
    device = cast(PretendDmD, bench.device)
    answered(bench, DisplayText(("Age check",), blink=True))
    assert device.blink == 10
    answered(bench, MILK)
    assert device.blink == 0
    assert (device.code_table, device.cursor_shown) == (19, False)


@pytest.mark.parametrize(
    ("code_page", "text", "shown"),
    [
        ("cp437", "Müsli é", b"M\x81sli \x82"),
        ("cp858", "1,19 €", b"1,19 \xd5"),
        ("cp437", "1,19 €", b"1,19 ?"),
        ("cp866", "Молоко", b"\x8c\xae\xab\xae\xaa\xae"),
        ("cp866", "Café", b"Cafe"),
        ("big5", "牛奶 1", b"\xa4\xfb\xa5\xa4 1"),
        ("cp437", "牛奶", b"????"),
        ("cp858", "a\x1b=\x01b\rc\u202ed\xa0e", b"a=b cd e"),
    ],
)
def test_letters_of_a_code_page(code_page: str, text: str, shown: bytes) -> None:
    assert encoded(text, code_page) == shown


def test_a_wide_letter_is_not_cut_in_half() -> None:
    assert row("牛奶牛奶牛奶", 11, "big5") == "牛奶牛奶牛".encode("big5") + b" "


@pytest.mark.parametrize("name", BOTH)
@given(rows=st.lists(st.text(max_size=30), max_size=3), columns=st.integers(8, 40), chained=st.booleans())
@settings(deadline=None, max_examples=60)
def test_no_text_is_a_command(name: str, rows: list[str], columns: int, chained: bool) -> None:
    bench = Bench(name, columns=columns, chained=chained, code_page="cp858")
    bench.set(columns=columns)
    status = answered(bench, DisplayText(tuple(rows)))
    assert screen(bench).rows == (*status.rows, " " * columns, " " * columns)[:2]
    assert screen(bench).brightness == 4
    assert not screen(bench).ignored
    assert screen(bench).printer == b""


@pytest.mark.parametrize("name", BOTH)
def test_bytes_from_a_display_are_told_once(name: str) -> None:
    bench = Bench(name)
    bench.set(garbage="yes")
    for _ in range(5):
        answered(bench, MILK)
    assert len(bench.of(Oddity)) == 1


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        (Cd5220Display, {"columns": 4}),
        (Cd5220Display, {"code_page": "cp0"}),
        (Cd5220Display, {"select": "1B t"}),
        (DmDDisplay, {"columns": 41}),
    ],
)
def test_a_wrong_option_is_told(codec: Any, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        codec(**options)


def test_the_bytes_that_choose_a_code_page_are_sent_once() -> None:
    bench = Bench("display-cd5220", select="1B 74 13", code_page="cp858")
    answered(bench, MILK)
    answered(bench, MILK)
    assert bench.wire.count(b"\x1bt\x13") == 1
