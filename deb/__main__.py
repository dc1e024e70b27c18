"""`python -m deb`: build the packages; their paths, sizes and hashes."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from deb.build import build
from deb.errors import BuildError
from deb.wheels import MACHINES

ROOT = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deb", description=__doc__)
    parser.add_argument("--arch", nargs="+", choices=list(MACHINES), default=list(MACHINES), help="all, if not said")
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    parser.add_argument("--source", type=Path, default=ROOT, help="the repository to build from")
    asked = parser.parse_args()
    for architecture in asked.arch:
        try:
            made = build(asked.source, architecture, asked.output)
        except BuildError as error:
            print(f"deb: {architecture}: {error}", file=sys.stderr)
            return 1
        content = made.read_bytes()
        print(f"{made}  {len(content) / 1e6:.1f} MB  sha256 {hashlib.sha256(content).hexdigest()}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
