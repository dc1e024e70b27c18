"""A whole receipt as the driver sends it, read by a reader that is not ours to please, and looked at as a picture.

The pictures are left in the test's folder: `pytest --basetemp=DIR` keeps them.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from gateway.drivers.printer.escpos_job import Look as PrinterLook
from gateway.drivers.printer.escpos_job import render
from gateway.till.paper.receipt import Beside, Look, receipt
from retail.sale import RetailTransaction
from tests.till.paper.escpos_reader import Paper, Reader
from tests.till.paper.samples import everything, refund_by_voucher

TAIPEI = ZoneInfo("Asia/Taipei")


def printed(sale: RetailTransaction, locale: str, charset: str, logo: str = "", copy: bool = False) -> Paper:
    look = Look("轉角商店", TAIPEI, locale, logo=bool(logo), footer=("謝謝光臨",))
    beside = Beside(points_now=151, left={"V0001": 160})
    lines = receipt(sale, look, seq=9, beside=beside, copy=copy)
    job = render(lines, PrinterLook(charset=charset, logo=logo))
    assert job.notes == ()
    return Reader(job.data, "gb18030" if charset == "gb18030" else "big5").read()


def a_logo(folder: Path) -> str:
    picture = Image.new("L", (200, 80), 255)
    ImageDraw.Draw(picture).ellipse((10, 10, 190, 70), fill=0)
    path = folder / "logo.png"
    picture.save(path)
    return str(path)


@pytest.mark.parametrize(
    ("charset", "locale"), [("big5", "zh-TW"), ("gb18030", "zh-CN"), ("none", "zh-TW"), ("none", "de")]
)
def test_a_whole_receipt_with_discounts_chinese_and_qr(tmp_path: Path, charset: str, locale: str) -> None:
    paper = printed(everything(), locale, charset, a_logo(tmp_path))
    picture = paper.picture()
    picture.save(tmp_path / f"receipt-{charset}-{locale}.png")
    assert paper.codes == ["S0421/1/18"]
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == ["S0421/1/18"]
    assert paper.cuts == 1
    words = "\n".join(paper.words)
    if charset == "none":
        # the printer has no Chinese: each such line is a picture, all others are text
        assert paper.rasters > 10
        for plain in ("TWD", "linepay", "************1111"):
            assert plain in words or locale == "zh-TW"
    else:
        for word in {"big5": ("紅配綠 59", "總計", "您已節省"), "gb18030": ("紅配綠 59", "总计", "您已节省")}[charset]:
            assert word in words
        assert paper.rasters == 1  # the logo
        assert "?" not in words


def test_an_issued_voucher_can_be_scanned_from_the_paper(tmp_path: Path) -> None:
    paper = printed(refund_by_voucher(), "en", "big5")
    picture = paper.picture()
    picture.save(tmp_path / "voucher.png")
    assert paper.codes == ["V7Q2M4XK8DPR3T6B", "S0421/1/18"]
    assert {found.text for found in zxingcpp.read_barcodes(picture)} == set(paper.codes)


def test_training_stands_on_the_paper_twice(tmp_path: Path) -> None:
    paper = printed(everything(training_flag=True), "en", "big5")
    assert sum("TRAINING" in words for words in paper.words) == 2
    assert paper.codes == []
