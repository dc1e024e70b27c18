"""Which modules a real `backroom run` has imported once it serves: asked of the process itself when it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

SPY = """
import atexit, json, sys
def tell():
    with open({out!r}, "w") as file:
        json.dump({{name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}}, file)
atexit.register(tell)
sys.argv = ["backroom", "run", "--config", {config!r}, "--ready-file", {ready!r}]
from gateway.cli import main
main()
"""


def of_daemon(config: Path, folder: Path) -> dict[str, str]:
    """Start the daemon on this configuration, end it once it is ready: module -> its file ("" for built-in ones)."""
    out, ready = folder / "modules.json", folder / "modules.ready"
    code = SPY.format(out=str(out), config=str(config), ready=str(ready))
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"the daemon did not start: {process.communicate()[1]}")
            time.sleep(0.02)  # between two looks at the ready file; a condition, with a deadline
        address = ready.read_text().strip()
        _asked(f"{address}/v1/status")
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    found: dict[str, str] = json.loads(out.read_text())
    return found


def _asked(url: str) -> None:
    with urllib.request.urlopen(url, timeout=20) as answer:
        answer.read()


def third_party(modules: dict[str, str]) -> dict[str, int]:
    """Top-level packages out of site-packages -> how many modules of each."""
    count: dict[str, int] = {}
    for name, file in modules.items():
        if "site-packages" in file:
            top = name.partition(".")[0]
            count[top] = count.get(top, 0) + 1
    return count
