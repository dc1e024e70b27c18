"""`python -m lab`: boots the guest, does what it asks for, prints its steps and one JSON line; exit 1 if one failed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from gateway import simulators
from gateway.devices.host import TcpHost
from gateway.errors import BackroomError
from lab.kernel import prepare
from lab.machine import Machine, running

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backroom" / "lab"
WITHIN_S = 600


async def lab(wanted: str) -> bool:
    kernel = prepare(CACHE)
    began = time.monotonic()
    device = simulators.load("scale-toledo-8217").device()
    device.set("grams", "450")
    scale, again = TcpHost(device), TcpHost(device)
    python = Path(sys.executable)
    run = (
        f"cd {ROOT} && PYTHONDONTWRITEBYTECODE=1 {python} -m lab.guest {wanted};"
        " poweroff -f || echo o > /proc/sysrq-trigger"
    )
    print("lab: booting (half a minute under software emulation)", flush=True)
    with tempfile.TemporaryDirectory(prefix="backroom-lab-") as folder:
        async with scale, again, running(kernel, Path(folder), run, (scale.port, again.port)) as machine:
            async with asyncio.timeout(WITHIN_S):
                return await follow(machine, began)


async def follow(machine: Machine, began: float) -> bool:
    """Do what the guest asks, until it is done; returns whether every step held."""
    steps: list[dict[str, object]] = []
    async for line in machine.lines():
        if not line.startswith("LAB {"):
            if os.environ.get("VERBOSE") or line.startswith(("LAB", "Traceback", "  File")) or "rror" in line:
                print(f"guest: {line}", flush=True)
            continue
        facts = json.loads(line.removeprefix("LAB "))
        if "ask" in facts:
            await help_with(machine, facts)
        elif "step" in facts:
            steps.append(facts)
            print(f"lab: {'ok  ' if facts['holds'] else 'FAIL'} {facts['step']}: {facts['told']}", flush=True)
        else:
            seconds = round(time.monotonic() - began)
            summary = {"lab": facts["done"], "failed": facts["failed"], "kernel": facts["kernel"], "seconds": seconds}
            print(json.dumps(summary), flush=True)
            return not facts["failed"]
    raise BackroomError("the guest ended before it was done; run again with what it said above")


async def help_with(machine: Machine, facts: dict[str, str]) -> None:
    match facts["ask"]:
        case "type":
            await machine.type(facts["text"])
        case "unplug":
            await machine.do("device_del", id="serial0")
        case "plug":
            serial = {"driver": "usb-serial", "bus": "xhci.0", "chardev": "far1", "always-plugged": True}
            await machine.do("device_add", id="serial1", **serial)


def main() -> int:
    try:
        return 0 if asyncio.run(lab(" ".join(sys.argv[1:]))) else 1
    except (BackroomError, TimeoutError) as wrong:
        print(f"lab: {wrong or 'not done in time'}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
