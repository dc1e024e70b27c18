"""The documents that are made from the code: `write` makes them, `check` fails where one is not current."""

from __future__ import annotations

import sys
from pathlib import Path

from tools import api_document, device_document, till_document, wire_document

DOCUMENTS = {
    wire_document.TARGET: wire_document.render,
    api_document.TARGET: api_document.render,
    till_document.TARGET: till_document.render,
    Path("docs/devices.md"): device_document.render,
}


def main(task: str) -> int:
    stale = 0
    for target, render in DOCUMENTS.items():
        text = render()
        if task == "write":
            target.write_text(text, encoding="utf-8")
        elif not target.exists() or target.read_text(encoding="utf-8") != text:
            print(f"{target} is not current: run 'make docs' and commit it", file=sys.stderr)
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "check"))
