"""A receipt with everything on it, decoded back to text and to a PNG whose codes a scanner's library reads."""

from __future__ import annotations

import io
import string
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.drivers.printer.escpos_barcode import check_digit
from gateway.drivers.printer.escpos_job import Look, render
from gateway.drivers.printer.escpos_pictures import NOTO
from gateway.drivers.printer.escpos_profile import profile_of
from gateway.peripherals import Answer, BarCode, Columns, Cut, Logo, Print, PrintLine, Qr, Raster, Refusal, Rule, Text
from gateway.peripherals.printer import Symbology
from gateway.simulators.printer.escpos import PretendPrinter
from gateway.simulators.printer.escpos_marks import Bars, Picture, Printed, StoredPicture
from tests.drivers.bench import Bench

HAS_FONT = pytest.mark.skipif(not Path(NOTO).exists(), reason="needs Debian's fonts-noto-cjk")


def on_paper(*lines: PrintLine, chinese: str = "big5", **look: Any) -> PretendPrinter:
    printer = PretendPrinter()
    printer.set("chinese", chinese)
    printer.set("columns", str(profile_of(look.get("profile", "default"), look.get("columns", 0)).columns))
    printer.on_bytes(render(lines, Look(**look)).data, 0.0)
    assert printer.unknown == []
    return printer


def read(printer: PretendPrinter) -> dict[str, str]:
    """What a scanner finds on the paper: text by kind of code."""
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(printer.png())))
    return {result.text: str(result.format) for result in found}


@pytest.fixture
def logo(tmp_path: Path) -> str:
    picture = Image.new("L", (200, 60), 255)
    picture.paste(0, (20, 10, 180, 50))
    picture.save(tmp_path / "logo.png")
    return str(tmp_path / "logo.png")


@HAS_FONT
@pytest.mark.parametrize(
    ("charset", "item"), [("big5", "珍珠奶茶 L"), ("gb18030", "珍珠奶茶 大杯"), ("shift_jis", "お茶 緑")]
)
def test_a_whole_receipt_comes_back_as_text_and_as_a_picture(charset: str, item: str, logo: str) -> None:
    bench = Bench("printer-escpos", charset=charset, logo=logo)
    printer = bench.device
    assert isinstance(printer, PretendPrinter)
    bench.set(chinese=charset)
    receipt = Print(
        (
            Logo(),
            Text("Backroom", align="center", bold=True, double=True),
            Text(item, align="center", double=True),
            Rule(),
            Columns(item, "¥45"),
            Columns("Tea 450 g", "1.35"),
            Text("a line with ♜ and 𠮷, in no printer"),
            BarCode("4711234567899", "EAN13"),
            Qr("https://example.org/r/1?sum=45"),
            Raster(16, (b"\xff\xff", b"\x10\x04", b"\x10\x14", b"\xff\xff")),
            Cut(),
        )
    )
    bench.run(1.0)
    assert isinstance(bench.ask(receipt, 10.0), Answer)
    assert printer.lines[:2] == ["Backroom", item]
    assert printer.lines[3] == item + " " * (48 - sum(2 if ord(c) > 255 else 1 for c in item + "￥") - 2) + "￥45"
    assert printer.lines[4].split() == ["Tea", "450", "g", "1.35"]
    assert len(printer.lines) == 6  # the line that no printer has came as a picture
    assert [(mark.width, mark.height) for mark in printer.marks if isinstance(mark, Picture)] == [
        (200, 60),
        (576, 30),
        (16, 4),
    ]
    assert (printer.cuts, printer.unknown, printer.drawer.pulses) == (1, [], 0)
    assert read(printer) == {"4711234567899": "EAN-13", "https://example.org/r/1?sum=45": "QR Code"}


@HAS_FONT
def test_chinese_without_a_table_comes_as_pictures_and_latin_stays_text() -> None:
    printer = on_paper(Text("茶 tea"), Text("Tea é 2 €"), Columns("奶茶", "45", bold=True), Text("綠茶", double=True))
    assert printer.lines == ["Tea é 2 €"]
    pictures = [mark for mark in printer.marks if isinstance(mark, Picture)]
    assert [(picture.width, picture.height) for picture in pictures] == [(576, 30), (576, 30), (576, 60)]
    assert all(any(picture.rows) for picture in pictures)


@HAS_FONT
def test_a_bold_line_in_a_picture_has_more_ink() -> None:
    plain, bold = (on_paper(Text("綠茶", bold=bold)).marks[0] for bold in (False, True))
    assert isinstance(plain, Picture)
    assert isinstance(bold, Picture)
    assert int.from_bytes(bold.rows, "big").bit_count() > int.from_bytes(plain.rows, "big").bit_count()


def test_the_yuan_sign_is_the_one_of_the_firmwares_table() -> None:
    assert b"\x1c&\xa2D\x1c." in render((Text("¥"),), Look(charset="big5")).data
    assert b"\x1c&\xa3\xa4\x1c." in render((Text("¥"),), Look(charset="gb18030")).data
    assert b"\x9d" in render((Text("¥"),), Look()).data  # cp437 has it as a letter


def test_a_chinese_printer_is_taken_out_of_its_two_byte_mode_before_an_accent() -> None:
    assert render((Text("é"),), Look(charset="gb18030")).data.startswith(b"\x1b@\x1c.")
    assert render((Text("é"),), Look()).data.count(b"\x1c") == 0


@HAS_FONT
@given(st.text(st.characters(codec="big5"), max_size=40), st.sampled_from(["big5", "gb18030", "shift_jis", "none"]))
@settings(deadline=None, max_examples=80)
def test_any_text_is_printed_in_every_table(text: str, charset: str) -> None:
    printer = on_paper(Text(text), chinese=charset.replace("none", "big5"), charset=charset)
    rows = [mark for mark in printer.marks if isinstance(mark, Printed | Picture)]
    assert rows
    native = "".join(mark.text for mark in rows if isinstance(mark, Printed))
    assert not set(native.replace("￥", "")) - set(text) - {" "}


@pytest.mark.parametrize(
    ("symbology", "data", "seen"),
    [
        ("EAN13", "471123456789", "4711234567899"),
        ("EAN8", "9638507", "96385074"),
        ("UPCA", "036000291452", "0036000291452"),
        ("CODE39", "AB-12 $/+%.", "AB-12 $/+%."),
        ("ITF", "12345678", "12345678"),
        ("CODE128", "Ab{12}~", "Ab{12}~"),
        ("CODE128", "20261122001", "20261122001"),
        ("CODE128", "1234567890", "1234567890"),
    ],
)
@pytest.mark.parametrize("profile", ["default", "POS-5890", "TM-T88V"])
def test_every_bar_code_is_read_back_native_or_as_a_picture(
    symbology: Symbology, data: str, seen: str, profile: str
) -> None:
    printer = on_paper(BarCode(data, symbology), profile=profile)
    kind = Picture if profile == "POS-5890" else Bars
    assert [type(mark) for mark in printer.marks if isinstance(mark, Bars | Picture)] == [kind]
    assert seen in read(printer) or data in read(printer)
    if kind is Picture:
        assert printer.lines in ([seen], [data])


def test_the_bytes_of_a_bar_code_are_those_of_the_reference() -> None:
    data = render((BarCode("471123456789", "EAN13", height_dots=60),), Look()).data
    assert data.endswith(b"\x1dh\x3c\x1dw\x03\x1df\x00\x1dH\x02\x1dk\x43\x0d4711234567899")
    data = render((BarCode("1234ab{", "CODE128", hri=False),), Look()).data
    assert data.endswith(b"\x1dH\x00\x1dk\x49\x0a{B1234ab{{")
    assert render((BarCode("123456", "CODE128"),), Look()).data.endswith(b"\x1dk\x49\x05{C\x0c\x22\x38")


def test_a_bar_code_too_wide_for_two_dots_a_module_is_drawn_narrower() -> None:
    # A Taiwanese invoice's period, number and random code, on 58 mm paper.
    printer = on_paper(BarCode("11502AB123456784321", "CODE39"), profile="Sunmi-V2")
    (picture,) = [mark for mark in printer.marks if isinstance(mark, Picture)]
    assert picture.width <= 384
    assert read(printer) == {"11502AB123456784321": "Code 39"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (BarCode("47112345678", "EAN13"), "13 digits"),
        (BarCode("4711234567898", "EAN13"), "it would be 9"),
        (BarCode("٤711234567892", "EAN13"), "13 digits"),
        (BarCode("ab", "CODE39"), "capital letters"),
        (BarCode("123", "ITF"), "even"),
        (BarCode("é", "CODE128"), "ASCII"),
        (BarCode("", "CODE128"), "ASCII"),
        (BarCode("X" * 80, "CODE128"), "wider than the paper"),
    ],
)
def test_what_no_bar_code_can_hold_refuses_the_job_before_anything_is_printed(code: BarCode, words: str) -> None:
    bench = Bench("printer-escpos")
    bench.run(1.0)
    end = bench.ask(Print((Text("above"), code)))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun, words in end.text) == ("unprintable", False, True)
    assert b"\x1b@" not in bench.wire


@given(st.text(string.digits, min_size=12, max_size=12))
def test_a_check_digit_makes_the_weighted_sum_end_in_nought(body: str) -> None:
    digits = [int(digit) for digit in body + check_digit(body)]
    assert (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0


@pytest.mark.parametrize("how", ["native", "raster", "auto"])
@pytest.mark.parametrize("data", ["https://example.org/r/1", "12345678", "ÄÖ 茶 " * 20, "A" * 700])
def test_qr_codes_are_read_back_made_by_the_printer_or_drawn(how: str, data: str) -> None:
    assert read(on_paper(Qr(data), qr=how)) == {data: "QR Code"}


def test_a_printer_without_qr_codes_gets_a_picture_that_fits() -> None:
    printer = on_paper(Qr("https://example.org/" + "x" * 300), profile="ZJ-5870")
    pictures = [mark for mark in printer.marks if isinstance(mark, Picture)]
    assert {picture.width <= 384 for picture in pictures} == {True}
    assert "QR Code" in read(printer).values()


def test_no_picture_carries_a_real_time_command() -> None:
    rows = tuple(bytes([0x10, n, 0x01, 0x00, 0x10, n]) for n in (0x04, 0x05, 0x14)) * 200
    data = render((Raster(48, rows),), Look()).data
    assert not [n for n in (b"\x04", b"\x05", b"\x14") if b"\x10" + n in data]
    (first, second, third) = [mark for mark in on_paper(Raster(48, rows)).marks if isinstance(mark, Picture)]
    assert (first.height, second.height, third.height) == (255, 255, 90)
    before, after = b"".join(rows), first.rows + second.rows + third.rows
    assert all(old == new or (old, new) == (0x10, 0x18) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "raster", [Raster(577, (bytes(73),)), Raster(0, (b"",)), Raster(8, ()), Raster(9, (b"\x00",)), Raster(8, (b"",))]
)
def test_a_picture_that_is_none_or_too_wide_is_refused(raster: Raster) -> None:
    with pytest.raises(ValueError, match="picture"):
        render((raster,), Look())


def test_a_wide_logo_is_made_smaller_and_a_missing_one_costs_no_receipt(tmp_path: Path) -> None:
    Image.new("RGBA", (1200, 300), (0, 0, 0, 255)).save(tmp_path / "wide.png")
    (picture,) = on_paper(Logo(), logo=str(tmp_path / "wide.png")).marks
    assert isinstance(picture, Picture)
    assert (picture.width, picture.height) == (576, 144)
    job = render((Logo(), Text("Tea")), Look(logo="/nowhere.png"))
    assert "/nowhere.png" in job.notes[0]
    assert on_paper(Logo(), Text("Tea")).lines == ["Tea"]


def test_a_stored_logo_is_called_by_its_key() -> None:
    data = render((Logo(),), Look(logo="nv:G1")).data
    assert data.endswith(b"\x1d(L\x06\x00\x30\x45G1\x01\x01")
    assert StoredPicture("G1", "center") in on_paper(Logo(), logo="nv:G1").marks


@pytest.mark.parametrize(
    ("name", "columns", "dots", "knife"),
    [
        ("default", 48, 576, "full"),
        ("TM-T88V", 42, 512, "full"),
        ("TM-T20II", 48, 576, "full"),
        ("POS-5890", 32, 384, "none"),
        ("NT-80-V-UL", 48, 576, "full"),
        ("TM-U220B", 42, 400, "part"),
    ],
)
def test_columns_dots_and_knife_come_from_the_list(name: str, columns: int, dots: int, knife: str) -> None:
    profile = profile_of(name, 0)
    assert (profile.columns, profile.dots, profile.knife) == (columns, dots, knife)
    assert profile_of(name, 30).columns == 30


def test_every_printer_of_the_list_prints_a_receipt() -> None:
    from escpos.capabilities import CAPABILITIES

    for name in CAPABILITIES["profiles"]:
        if profile_of(name, 0).rasters:
            printer = on_paper(Text("Tea"), Qr("x"), BarCode("9638507", "EAN8"), Cut(), profile=name)
            assert printer.lines[0] == "Tea", name
            assert printer.cuts == (profile_of(name, 0).knife != "none"), name
