from __future__ import annotations

import pytest

from gateway.simulators.display.cd5220 import PretendCd5220
from gateway.simulators.display.dm_d import PretendDmD


def test_a_cd5220_in_string_mode_takes_nothing_but_strings_and_clear() -> None:
    display = PretendCd5220()
    display.on_bytes(b"\x1bQAHello\r\x1b*\x01\x1bl\x01\x02xyz", 0.0)
    assert display.rows == ("Hello               ", " " * 20)
    assert (display.brightness, display.ignored) == (4, 5)
    display.on_bytes(b"\x0c\x1b*\x01\x1bl\x03\x02xyz", 0.0)
    assert display.rows == (" " * 20, "  xyz               ")
    assert display.brightness == 1


def test_a_cd5220_wanders_until_the_next_command() -> None:
    display = PretendCd5220()
    display.on_bytes(b"\x1bQD" + b"w" * 30 + b"\r", 0.0)
    assert display.wandering == b"w" * 30
    display.on_bytes(b"\x18", 0.0)
    assert (display.wandering, display.mode) == (b"", "normal")


def test_a_dm_d_wraps_and_moves() -> None:
    display = PretendDmD()
    display.on_bytes(b"a" * 21 + b"\x1f$\x05\x01!\x1fE\x0a\x1fX\x02\x1fC\x00", 0.0)
    assert display.rows == ("aaaa!" + "a" * 15, "a" + " " * 19)
    assert (display.blink, display.brightness, display.cursor_shown) == (10, 2, False)
    display.on_bytes(b"\x18\x0b#", 0.0)
    assert display.rows[0] == "#" + " " * 19
    display.on_bytes(b"\x1b@", 0.0)
    assert (display.rows, display.brightness) == ((" " * 20, " " * 20), 4)


@pytest.mark.parametrize("display", [PretendCd5220(), PretendDmD()])
def test_a_command_may_come_in_pieces_and_a_printer_may_be_selected(display: PretendCd5220 | PretendDmD) -> None:
    for byte in b"\x1b=\x01receipt\x1b=\x02\x0cHello\x1b=\x03!":
        display.on_bytes(bytes([byte]), 0.0)
    assert display.rows[0] == "Hello!              "
    assert display.printer == b"receipt!"


@pytest.mark.parametrize(("knob", "value"), [("columns", "3"), ("code_page", "cp0"), ("late", "-1"), ("silent", "hm")])
def test_a_wrong_knob_is_told(knob: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        PretendDmD().set(knob, value)
