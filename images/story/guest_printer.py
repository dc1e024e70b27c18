"""Runs inside the box, as root over SSH: a receipt printer on a USB bus that the kernel pretends to have (dummy_hcd).

One JSON line when it is plugged in, then one for each receipt that was cut off; it ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from gadgets import Behind, usb_printer  # type: ignore[import-not-found]  # lab/gadgets.py, copied beside this file

from gateway import simulators

VENDOR, PRODUCT = 0x04B8, 0x0202
MODULES = ("libcomposite", "usb_f_printer", "dummy_hcd")


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


async def main() -> None:
    for module in MODULES:
        if subprocess.run(["modprobe", module], check=False).returncode:
            say(offered=False, module=module)
            return
    pretend = simulators.load("printer-escpos").device()
    with usb_printer(VENDOR, PRODUCT, "IMAGE1") as file:
        behind = Behind(file, pretend.on_bytes)
        say(offered=True)
        gone = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        told = 0
        while not gone.done():
            for marks in pretend.receipts[told:]:
                say(receipt="\n".join(mark.text for mark in marks if hasattr(mark, "text")))
                told += 1
            await asyncio.wait([gone], timeout=0.2)
        behind.close()


asyncio.run(main())
