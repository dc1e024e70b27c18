"""`python -m images build ARCH`: the image. `python -m images lock ARCH`: the newest versions of its packages."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from gateway.errors import BackroomError
from images.build import ARCHITECTURES, build, compress, hashed, package_of_the_gateway, write_lock
from images.steps import Steps


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m images", description=__doc__)
    parser.add_argument("what", choices=["build", "lock"])
    parser.add_argument("arch", choices=ARCHITECTURES)
    parser.add_argument("--deb", type=Path, help="the gateway's package; that of 'make deb', if not said")
    parser.add_argument("--zst", action="store_true", help="also a compressed image, for sending about")
    asked = parser.parse_args()
    steps = Steps("image")
    # Ended from outside it must still take down what it mounted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if asked.what == "lock":
            write_lock(asked.arch, steps)
            return 0
        made = build(asked.arch, asked.deb or package_of_the_gateway(asked.arch), steps)
    except BackroomError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    steps.say(str(made))
    steps.say(f"{made.stat().st_size / 1e6:.0f} MB, {made.stat().st_blocks * 512 / 1e6:.0f} MB of it not zero")
    steps.say(f"sha256 {hashed(made)}")
    if asked.zst:
        steps.say(str(compress(made)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
