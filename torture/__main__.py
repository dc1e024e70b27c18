"""`python -m torture [NAME...]`: run one campaign or all, one JSON line each; exit 1 if anything does not hold."""

from __future__ import annotations

import asyncio
import importlib
import os
import secrets
import sys

from torture.campaign import Setting, own_folder

NAMES = ("kills", "proxy", "wiped", "restored", "twins", "disk", "clock", "storm")


def main(wanted: list[str]) -> int:
    for name in wanted:
        if name not in NAMES:
            print(f"torture: there is no {name!r}; there are {', '.join(NAMES)}", file=sys.stderr)
            return 2
    holds = [campaign(name) for name in wanted or NAMES]
    return 0 if all(holds) else 1


def campaign(name: str) -> bool:
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**31))
    short = os.environ.get("SHORT", "") not in ("", "0")
    database = os.environ.get("DATABASE") or "sqlite"
    print(f"torture: {name}: seed {seed}", file=sys.stderr, flush=True)
    with own_folder(name) as folder:
        setting = Setting(name, folder, seed, short, database)
        found = asyncio.run(importlib.import_module(f"torture.{name}").run(setting))
    print(found.line(), flush=True)
    return bool(found.holds)


if __name__ == "__main__":
    sys.exit(main([argument for argument in sys.argv[1:] if argument]))
