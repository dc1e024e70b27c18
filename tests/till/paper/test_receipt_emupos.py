"""The same receipts read by emupos, somebody else's ESC/POS printer in software (PyPI, Apache-2.0).

It wants Python 3.13; where that is, `pip install emupos` makes this run. It reads no Chinese code pages, so what the
printer does not have goes to it as pictures.
"""

from __future__ import annotations

import io
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image

from gateway.drivers.printer.escpos_job import Look as PrinterLook
from gateway.drivers.printer.escpos_job import render
from gateway.till.paper.receipt import Look, receipt
from retail.sale import RetailTransaction
from tests.till.paper.samples import everything, refund_by_voucher

CUT = "GS V"


def read_by_emupos(sale: RetailTransaction, locale: str) -> Any:
    """A RenderedReceipt; an event of it is a command that it does not know."""
    model: Any = pytest.importorskip("emupos.printer.escpos.model")
    tokenizer: Any = pytest.importorskip("emupos.printer.escpos.tokenizer")
    config: Any = pytest.importorskip("emupos.config")
    yaml: Any = pytest.importorskip("yaml")
    profile = resources.files("emupos").joinpath("profiles/printers/epson-tm-t20iii.yaml").read_text()
    paper = model.PrintModel("printer-1", config.PrinterProfile.model_validate(yaml.safe_load(profile)))
    lines = receipt(sale, Look("轉角商店", ZoneInfo("Asia/Taipei"), locale), seq=9)
    for token in tokenizer.Tokenizer().feed(render(lines, PrinterLook()).data):
        if CUT not in str(getattr(token, "name", "")):
            assert paper.process(token) == []
    return paper.finish("cut")


@pytest.mark.parametrize(
    ("sale", "locale", "codes", "words"),
    [
        (everything(), "de", ["S0421/1/18"], ["UMTAUSCH", "Sie haben gespart", "Preis geändert, regulär 150"]),
        (refund_by_voucher(), "en", ["V7Q2M4XK8DPR3T6B", "S0421/1/18"], ["VOUCHER over TWD 25", "RETURN"]),
    ],
)
def test_emupos_reads_the_whole_receipt(
    sale: RetailTransaction, locale: str, codes: list[str], words: list[str]
) -> None:
    read = read_by_emupos(sale, locale)
    picture = Image.open(io.BytesIO(read.png)).convert("L")
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == codes
    assert [word for word in words if word not in read.text] == []
