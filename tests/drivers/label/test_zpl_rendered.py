"""Labels as an independent ZPL renderer draws them (zpl-renderer-js, Zebrash), read by ZXing."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest

from gateway.drivers.label.layout import DOTS_PER_MM
from gateway.drivers.label.zpl_format import letters_width, render
from gateway.peripherals import Label, LabelBarCode, LabelBox, LabelElement, LabelQr, LabelText, Symbology
from gateway.till.paper.shelf_label import NetContent, ShelfArticle, shelf_label
from gateway.till.paper.shelf_label_template import templates
from retail.units import Money

NPM = Path(__file__).parents[2] / "npm"
MISSING = next(
    (
        reason
        for missing, reason in (
            (shutil.which("node") is None, "node is not installed"),
            (
                not (NPM / "node_modules/zpl-renderer-js").is_dir(),
                "run npm install in tests/npm first: zpl-renderer-js",
            ),
        )
        if missing
    ),
    "",
)
image = pytest.importorskip("PIL.Image")
zxing = pytest.importorskip("zxingcpp")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


class Rendered:
    """All pictures of this file from one start of node: a start costs a second."""

    def __init__(self) -> None:
        self._jobs: dict[str, dict[str, Any]] = {}
        self._pictures: dict[str, str] = {}

    def add(self, data: str, dpi: int, width: int, height: int) -> str:
        key = f"{dpi} {width} {height} {data}"
        job = {"zpl": data, "width_mm": width / 10, "height_mm": height / 10, "dpmm": DOTS_PER_MM[dpi]}
        self._jobs.setdefault(key, job)
        return key

    def picture(self, key: str) -> Any:
        if key not in self._pictures:
            wanted = [key for key in self._jobs if key not in self._pictures]
            run = subprocess.run(
                ["node", "render_zpl.cjs"],
                input=json.dumps([self._jobs[key] for key in wanted]),
                check=False,
                capture_output=True,
                text=True,
                cwd=NPM,
                timeout=100,
            )
            assert run.returncode == 0, run.stderr
            self._pictures |= {key: png for key, (png,) in zip(wanted, json.loads(run.stdout), strict=True)}
        return image.open(io.BytesIO(base64.b64decode(self._pictures[key]))).convert("L")


RENDERED = Rendered()


def drawn_later(*elements: LabelElement, dpi: int = 203, width: int = 600, height: int = 400) -> str:
    return RENDERED.add(render((Label(width, height, elements),), 1, dpi, "0").decode("ascii"), dpi, width, height)


def read(drawn: Any) -> dict[str, str]:
    """What is read off the picture: format -> text."""
    return {str(found.format).rpartition(".")[2]: found.text for found in zxing.read_barcodes(drawn)}


def black_box(drawn: Any) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of all that is black."""
    box: tuple[int, int, int, int] = drawn.point(lambda grey: 255 if grey < 128 else 0).getbbox()
    return box


#: EAN-8 and UPC-A are missing: this renderer has no ^B8 and no ^BU and draws their digits only
CODES: list[tuple[str, Symbology]] = [
    ("4006381333931", "EAN13"),
    ("AB-12.X", "CODE39"),
    ("a^B~c_12345678", "CODE128"),
    ("00123456", "ITF"),
]
CODE_LABELS = {
    (dpi, data): drawn_later(LabelBarCode(80, 80, data, symbology, height=120, module=3), dpi=dpi, width=1000)
    for dpi in DOTS_PER_MM
    for data, symbology in CODES
}


@pytest.mark.parametrize(("dpi", "data"), CODE_LABELS)
def test_every_bar_code_is_read_back(dpi: int, data: str) -> None:
    assert data in read(RENDERED.picture(CODE_LABELS[dpi, data])).values()


QR_DATA = ("https://example.org/p?id=1&x=^~_", "Müsli 1,29 €/kg", "牛奶", 'a "quoted" \\ text')
QR_LABELS = {data: drawn_later(LabelQr(80, 80, data, module=6)) for data in QR_DATA}


@pytest.mark.parametrize("data", QR_DATA)
def test_a_qr_code_is_read_back(data: str) -> None:
    assert data in read(RENDERED.picture(QR_LABELS[data])).values()


WHOLE_LABEL = drawn_later(
    LabelText(20, 20, "Müsli Crunchy ^~_ 750 g", height=40, width=560),
    LabelText(20, 80, "€3.49", height=90, width=300, bold=True),
    LabelText(20, 190, "1 kg = €4.65", height=30, width=300),
    LabelBarCode(60, 240, "4006381333931", "EAN13", height=90, module=3),
    LabelQr(420, 200, "https://shop.example/4006381333931", module=4),
    LabelBox(0, 0, 600, 400, thickness=4),
)


def test_a_whole_shelf_label_with_its_codes() -> None:
    drawn = RENDERED.picture(WHOLE_LABEL)
    assert drawn.size == (480, 320)
    assert {"4006381333931", "https://shop.example/4006381333931"} <= set(read(drawn).values())


def built_in(name: str) -> str:
    article = ShelfArticle("Müsli", Money(349, "EUR"), barcode="4006381333931", net_content=NetContent(750, "g"))
    label = shelf_label(article, templates()[name], "de")
    return drawn_later(*label.elements, width=label.width, height=label.height)


BUILT_IN = {name: built_in(name) for name in ("38x25", "50x30", "60x40")}


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_shelf_labels_are_read_back(name: str) -> None:
    assert "4006381333931" in read(RENDERED.picture(BUILT_IN[name])).values()


PLACED_QR = drawn_later(LabelQr(100, 150, "https://example.org", module=5))
PLACED_BOX = drawn_later(LabelBox(100, 50, 300, 200, thickness=5))


def test_a_qr_code_stands_where_it_was_asked_for() -> None:
    left, top, *_ = black_box(RENDERED.picture(PLACED_QR))
    assert (left, top) == (80, 120)


def test_a_box_is_as_large_as_it_was_asked_for() -> None:
    assert black_box(RENDERED.picture(PLACED_BOX)) == (80, 40, 320, 200)


WORDS = (
    "MWMWMWMW@", "Wholemeal Bread", "iiiillll....", "0123456789", "ÄÖÜ ß éèê", "FREE-RANGE EGGS", "1 kg = €4.65",
    "%%@@", "The quick brown fox jumps", "OVER THE LAZY DOG &", "Quarkhörnchen 2 × 250 g", "a/b (c) [d] {e}",
    "QUÄXZ JYVK",
)  # fmt: skip
WORD_LABELS = {
    (words, height): drawn_later(LabelText(0, 100, words, height=height, width=2000), width=2000)
    for words in WORDS
    for height in (30, 60, 90)
}


@pytest.mark.parametrize(("words", "height"), WORD_LABELS)
def test_no_text_is_wider_than_it_is_counted(words: str, height: int) -> None:
    left, _, right, _ = black_box(RENDERED.picture(WORD_LABELS[words, height]))
    assert right - left <= letters_width(words, height * 8 // 10)
    assert right - left >= letters_width(words, height * 8 // 10) // 2


LONG_WORDS = "Organic wholemeal sunflower seed bread from the stone oven"
ALIGNS: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")
ALIGNED = {align: drawn_later(LabelText(100, 100, LONG_WORDS, height=40, width=300, align=align)) for align in ALIGNS}


@pytest.mark.parametrize("align", ALIGNED)
def test_text_stays_inside_its_width_on_one_line(align: Literal["left", "center", "right"]) -> None:
    left, top, right, bottom = black_box(RENDERED.picture(ALIGNED[align]))
    assert left >= 80
    assert right <= 320
    assert bottom - top <= 40
