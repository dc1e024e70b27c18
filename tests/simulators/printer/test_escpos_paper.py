"""The paper against Epson's reference, byte by byte, without any encoder."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.simulators.printer.escpos_marks import (
    Automatic,
    Bars,
    CutHere,
    Feed,
    IdAsked,
    Mark,
    NameAsked,
    Picture,
    Printed,
    Pulse,
    QrCode,
    StatusAsked,
    StoredPicture,
    Unknown,
)
from gateway.simulators.printer.escpos_paper import Paper
from gateway.simulators.printer.paper_picture import png


def on_paper(data: bytes, **options: object) -> list[Mark]:
    return list(Paper(**options).feed(data))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "marks"),
    [
        (b"Tea\n", [Printed("Tea")]),
        (b"\x1ba\x01\x1bE\x01Tea\n", [Printed("Tea", "center", bold=True)]),
        (b"\x1b!\x38Tea\n", [Printed("Tea", bold=True, wide=True, tall=True)]),
        (b"\x1d!\x10Tea\n", [Printed("Tea", wide=True)]),
        (b"\x1d!\x01Tea\n", [Printed("Tea", tall=True)]),
        (b"\x1d!\x11Tea\n\x1b@Tea\n", [Printed("Tea", wide=True, tall=True), Printed("Tea")]),
        (b"\x1bt\x00\x84\n", [Printed("ä")]),
        (b"\x1bt\x13\xd5\n", [Printed("€")]),
        (b"\x1bt\x10\xe9\n", [Printed("é")]),
        (b"Tea\x1bd\x03", [Printed("Tea"), Feed(3)]),
        (b"\x1bJ\x3c", [Feed(2)]),
        (b"\x1dV\x00\x1dV\x01\x1dV\x42\x10", [CutHere(), CutHere(partial=True), CutHere(partial=True)]),
        (b"\x1bp\x00\x32\xfa", [Pulse(0, 100, 500)]),
        (b"\x1dr\x01", [StatusAsked(1)]),
        (b"\x1d(k\x05\x001P0ab\x1d(k\x03\x001Q0", [QrCode("ab", 3)]),
        (b"\x1d(k\x03\x001C\x06\x1d(k\x05\x001P0ab\x1d(k\x03\x001Q0", [QrCode("ab", 6)]),
        (b"\x1dv0\x00\x01\x00\x02\x00\xff\x81", [Picture(8, 2, b"\xff\x81")]),
        (b"\x1c&\xac\xc3\x1c.a\n", [Printed("珍a")]),
        (b"\x1b\x07", [Unknown(b"\x1b\x07")]),
        (b"\x1dkC\x0d4711234567899", [Bars("4711234567899", "EAN13")]),
        (b"\x1dk\x024711234567899\x00", [Bars("4711234567899", "EAN13")]),
        (b"\x1dh\x30\x1dw\x02\x1dH\x02\x1dk\x45\x03A-1", [Bars("A-1", "CODE39", 48, 2, "below")]),
        (b"\x1dk\x49\x09{Ba{{{C\x0c\x22", [Bars("a{1234", "CODE128")]),
        (b"a\x1d(L\x06\x000EG1\x01\x01", [Printed("a"), StoredPicture("G1")]),
        (
            b"\x1d8L\x0c\x00\x00\x000p0\x01\x011\x08\x00\x02\x00\xff\x81\x1d(L\x02\x0002",
            [Picture(8, 2, b"\xff\x81")],
        ),
        (b"\x1d(H\x06\x00000042", [IdAsked(b"0042")]),
        (b"\x1da\x0f\x1dI\x43", [Automatic(15), NameAsked(67)]),
        (b"ab\x1b$\x78\x00c\x1b\\\x18\x00d\n", [Printed("ab" + " " * 8 + "c" + "  " + "d")]),
        (b"ab\x1b$\x00\x00c\n", [Printed("abc")]),
        (b"\x1bt\x01\xc3\x95\n", [Printed("ﾃ─")]),
        (b"\x1b3\x18\x1b2\x1dL\x00\x00\x1bM\x01x\n", [Printed("x")]),
    ],
)
def test_each_command_leaves_its_mark(data: bytes, marks: list[Mark]) -> None:
    assert on_paper(data) == marks


def test_text_wraps_at_the_papers_width() -> None:
    assert on_paper(b"x" * 20 + b"\n", columns=16) == [Printed("x" * 16), Printed("x" * 4)]


def test_a_length_counts_even_if_the_body_looks_like_a_command() -> None:
    assert on_paper(b"\x1d(k\x06\x001P0\x1dV\x00\x1d(k\x03\x001Q0") == [QrCode("\x1dV\x00", 3)]


def test_gb18030_is_read_if_the_firmware_has_it() -> None:
    assert on_paper(b"\x1c&\xb2\xe8\x1c.\n", chinese="gb18030") == [Printed("茶")]


def test_shift_jis_needs_no_switching() -> None:
    assert on_paper(b"\x1bt\x01\x1cC1\x82\xa8\x92\x83 \xc3\n", chinese="shift_jis") == [Printed("お茶 ﾃ")]


@given(st.binary(max_size=200), st.integers(1, 7))
@settings(deadline=None)
def test_any_bytes_in_any_pieces_leave_the_same_marks(data: bytes, size: int) -> None:
    paper = Paper()
    pieces = [mark for at in range(0, len(data), size) for mark in paper.feed(data[at : at + size])]
    assert pieces == on_paper(data)


def test_the_picture_is_as_wide_as_the_paper_and_shows_ink() -> None:
    data = b"\x1ba\x01Tea \x1c&\xac\xc3\x1c.\n\x1d(k\x05\x001P0ab\x1d(k\x03\x001Q0"
    data += b"\x1dv0\x00\x01\x00\x02\x00\xff\x81\x1dV\x00"
    picture = Image.open(io.BytesIO(png(on_paper(data), columns=48)))
    assert picture.size[0] == 48 * 12 + 48
    assert picture.getextrema() == (0, 255)
