"""ESC/POS bytes on standard input -> JSON on standard output: what emupos, a printer in software, made of them.

A program of its own, and run by the Python of a Debian tree: emupos wants 3.13. `png` is the picture in base64, `text`
the words, `unknown` each thing that it did not understand.
"""

import base64
import json
import sys
from importlib import resources
from typing import Any

import yaml  # type: ignore[import-untyped]
from emupos.config import PrinterProfile
from emupos.printer.escpos.model import PrintModel
from emupos.printer.escpos.tokenizer import Tokenizer

#: of emupos's own printers, the one with most in common with what stands in shops
PROFILE = "profiles/printers/epson-tm-t20iii.yaml"
CUT = "GS V"


def read(data: bytes) -> dict[str, Any]:
    profile = yaml.safe_load(resources.files("emupos").joinpath(PROFILE).read_text())
    paper = PrintModel("printer-1", PrinterProfile.model_validate(profile))
    unknown: list[str] = []
    for token in Tokenizer().feed(data):
        # finish() is its cut: one in the middle would begin the next receipt
        if CUT not in str(getattr(token, "name", "")):
            unknown += [str(event) for event in paper.process(token)]
    receipt = paper.finish("cut")
    return {"png": base64.b64encode(receipt.png).decode(), "text": receipt.text, "unknown": unknown}


if __name__ == "__main__":
    json.dump(read(sys.stdin.buffer.read()), sys.stdout)
