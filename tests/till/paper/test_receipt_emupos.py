"""The same receipts read by emupos, somebody else's ESC/POS printer in software (PyPI, Apache-2.0), as PNG pictures.

It wants Python 3.13: a Debian 13 tree has that, outside the repo (tests/appliance/tree.py). It reads no Chinese code
pages, so what the printer does not have goes to it as pictures. The pictures are left in the test's folder: `pytest
--basetemp=DIR` keeps them.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image

from gateway.drivers.printer.escpos_job import Look as PrinterLook
from gateway.drivers.printer.escpos_job import render
from gateway.till.paper.receipt import Look, receipt
from retail.sale import RetailTransaction
from tests.appliance.tree import EMUPOS, Unavailable, debian, libraries, why_not
from tests.till.paper.samples import everything, refund_by_voucher

PROGRAM = Path(__file__).with_name("read_by_emupos.py")
IN_THE_TREE = (
    'mount --bind "$2" "$1/mnt" && exec chroot "$1" /usr/bin/env PYTHONPATH=/mnt PYTHONDONTWRITEBYTECODE=1'
    ' PYTHONUTF8=1 /usr/bin/python3 -c "$3"'
)
READ_WITHIN_S = 120


@pytest.fixture(scope="module")
def emupos() -> list[str]:
    """The command that reads a receipt."""
    if reason := why_not():
        pytest.skip(f"emupos needs Python 3.13 from a Debian 13 tree: {reason}")
    try:
        root, folder = debian(print), libraries(print, EMUPOS)
    except Unavailable as problem:
        pytest.skip(f"emupos needs Python 3.13 from a Debian 13 tree: {problem}")
    namespace = ["unshare", "-m", "--propagation", "private", "sh", "-c", IN_THE_TREE, "sh"]
    return [*namespace, str(root), str(folder), PROGRAM.read_text()]


def read(emupos: list[str], sale: RetailTransaction, locale: str) -> dict[str, Any]:
    lines = receipt(sale, Look("轉角商店", ZoneInfo("Asia/Taipei"), locale), seq=9)
    data = render(lines, PrinterLook()).data
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(emupos, input=data, capture_output=True, timeout=READ_WITHIN_S, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(
    ("sale", "locale", "codes", "words"),
    [
        (everything(), "de", ["S0421/1/18"], ["UMTAUSCH", "Sie haben gespart", "Preis geändert, regulär 150"]),
        (refund_by_voucher(), "en", ["V7Q2M4XK8DPR3T6B", "S0421/1/18"], ["VOUCHER over TWD 25", "RETURN"]),
        (everything(), "zh-TW", ["S0421/1/18"], ["S0421"]),
    ],
    ids=["exchange-de", "voucher-en", "exchange-zh-TW"],
)
def test_emupos_reads_the_whole_receipt(
    emupos: list[str], tmp_path: Path, sale: RetailTransaction, locale: str, codes: list[str], words: list[str]
) -> None:
    said = read(emupos, sale, locale)
    png = base64.b64decode(said["png"])
    (tmp_path / "receipt.png").write_bytes(png)
    assert said["unknown"] == []
    picture = Image.open(io.BytesIO(png)).convert("L")
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == codes
    assert [word for word in words if word not in said["text"]] == []
