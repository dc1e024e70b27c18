"""`python -m torture [NAME...]`: run one campaign or all, one JSON line each; exit 1 if anything does not hold."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import secrets
import sys

from gateway.errors import BackroomError
from torture.campaign import Result, Setting, own_folder, result
from torture.oracle import Verdict

NAMES = ("kills", "proxy", "wiped", "restored", "twins", "disk", "clock", "powercut", "storm")


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
    print(f"torture: {name}: seed {seed}", file=sys.stderr, flush=True)
    module = importlib.import_module(f"torture.{name}")
    if name == "powercut":  # runs no processes: it needs no folder, and answers with a plain dictionary
        facts = module.run(short, seed)
        print(json.dumps(facts), flush=True)
        return not (facts["lost"] or facts["duplicated"] or facts["problems"])
    with own_folder(name) as folder:
        setting = Setting(name, folder, seed, short, os.environ.get("DATABASE") or "sqlite")
        try:
            found: Result = asyncio.run(module.run(setting))
        except BackroomError as error:
            found = result(setting, Verdict(problems=[str(error)]), 0)
    print(found.line(), flush=True)
    return found.holds


if __name__ == "__main__":
    sys.exit(main([argument for argument in sys.argv[1:] if argument]))
