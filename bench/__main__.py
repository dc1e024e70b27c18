"""`python -m bench [NAME]`: run one benchmark or all; one JSON object a line."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))


def main(wanted: list[str]) -> int:
    known = [name.removeprefix("bench_") for name in NAMES]
    for name in wanted or known:
        if name not in known:
            print(f"bench: there is no {name!r}; there are {', '.join(known)}", file=sys.stderr)
            return 2
    for name in wanted or known:
        for result in importlib.import_module(f"bench.bench_{name}").run():
            print(result.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main([argument for argument in sys.argv[1:] if argument]))
