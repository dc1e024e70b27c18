"""`python -m images.story ARCH`: boots dist/backroom-<version>-<arch>.img and tells its day; the last line is JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway import simulators
from gateway.devices.host import TcpHost
from gateway.errors import BackroomError
from images.build import ARCHITECTURES, image_file
from images.story.day import Day
from images.story.headquarters import headquarters
from images.story.inside import Inside
from images.story.technician import GATEWAY_ID, STORE_ID, Card
from images.story.till import Till
from images.story.vm import box

CARD_BYTES = 2 * 2**30
TOOLS = {"qemu-system-aarch64": "qemu-system-arm", "qemu-system-x86_64": "qemu-system-x86", "mcopy": "mtools",
         "socat": "socat", "ssh": "openssh-client", "e2fsck": "e2fsprogs"}  # fmt: skip


async def tell(arch: str, image: Path, folder: Path) -> bool:
    began, started = time.monotonic(), datetime.now(UTC)
    print(f"image-test: {image.name} ({image.stat().st_size / 1e6:.0f} MB), logs in {folder}", flush=True)
    token = secrets.token_hex(16)
    card = Card(image, folder / "card.img", CARD_BYTES)
    scale = TcpHost(simulators.load("scale-toledo-8217").device())
    wrong = ""
    day: Day | None = None
    try:
        async with scale, headquarters(folder / "headquarters", GATEWAY_ID, STORE_ID) as core:
            card.configure(core.password, token)
            card.watch(arch)
            async with box(arch, card.file, folder, core.broker.port, scale.port) as one:
                inside = Inside(folder, one.ports[22])
                day = Day(one, card, core, scale, Till(one.ports[8380], token), inside)
                await day.run()
    except BackroomError as error:
        wrong = str(error)
        print(f"image-test: FAIL {wrong}", file=sys.stderr, flush=True)
    summary = {
        "image_test": arch,
        "ok": not wrong,
        "image": image.name,
        "date": started.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} processors, software emulation",
        "seconds": round(time.monotonic() - began),
        **({"steps": day.seconds, **day.facts} if day else {}),
        **({"wrong": wrong.splitlines()[0]} if wrong else {}),
    }
    print(json.dumps(summary), flush=True)
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m images.story", description=__doc__)
    parser.add_argument("arch", choices=ARCHITECTURES)
    parser.add_argument("--image", type=Path, help="another image than that of 'make image'")
    asked = parser.parse_args()
    image = asked.image or image_file(asked.arch)
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        print(f"image-test: missing: {', '.join(missing)}; 'bash tools/setup.sh image' installs them", file=sys.stderr)
        return 2
    if not image.exists():
        print(f"image-test: {image}: no such file; 'make image ARCH={asked.arch}' builds it", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="backroom-image-test-"))
    good = asyncio.run(tell(asked.arch, image, folder))
    if good:
        shutil.rmtree(folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
