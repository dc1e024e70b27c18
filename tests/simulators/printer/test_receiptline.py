"""The pretend printer against an encoder that is not ours.

The files in receiptline/ are what receiptline 4 (npm, Apache-2.0) made for `escpos` printers: text, a rule, EAN-13,
CODE39 and CODE128 bar codes, a QR code and a picture as graphics (GS 8 L), and a line each in Big5, GB18030, Shift JIS.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from gateway.peripherals import Send
from gateway.simulators.printer.escpos import PretendPrinter

FILES = Path(__file__).with_name("receiptline")


def printed(name: str, chinese: str) -> PretendPrinter:
    printer = PretendPrinter()
    printer.set("chinese", chinese)
    said = printer.on_bytes((FILES / f"{name}.bin").read_bytes(), 0.0)
    assert printer.unknown == []
    assert said == [Send(b"\x00")]  # its GS r 1 at the end
    return printer


@pytest.mark.parametrize(
    ("name", "chinese", "words"),
    [
        ("big5", "big5", ["珍珠奶茶", "45"]),
        ("gb", "gb18030", ["茶叶", "45"]),
        ("sjis", "shift_jis", ["お茶", "ﾃｽﾄ", "45"]),
        ("latin", "big5", ["SHOP"]),
    ],
)
def test_its_text_comes_back(name: str, chinese: str, words: list[str]) -> None:
    printer = printed(name, chinese)
    assert printer.lines[0].split() == words
    assert printer.cuts == 2


def test_its_columns_stand_where_it_put_them() -> None:
    lines = printed("latin", "big5").lines
    assert lines[2] == " " * 18 + "Tea é" + " " * 21 + "1.20"
    assert lines[3] == "─" * 48


def test_its_codes_are_read_from_the_picture() -> None:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(printed("latin", "big5").png())))
    assert sorted(result.text for result in found) == ["4711234567892", "ABC-12", "abcDEF12", "http://example.org/r/1"]
