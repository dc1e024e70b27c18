"""A disk that the kernel turns read-only under the running daemon, as a dying card does, and back.

A real ext4 on a loop device; `u` on the magic SysRq key is the kernel's emergency remount, which asks nobody. While the
disk is read-only no sale may be answered 2xx, and the daemon stays up; when it is writable again selling goes on by
itself; every sale that was answered 2xx is in the file, and its chain verifies.

Source: Linux Documentation/admin-guide/sysrq.rst (u: remount all read-only).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from random import Random

from torture.sales import Shelf

PORT = 8399
CONFIG = """
[gateway]
id = "S0421-1"
store_id = "S0421"
data_dir = "{data}"
[mqtt]
host = "127.0.0.1"
port = 9
[api]
port = {port}
[workstation.1]
"""
SECONDS = 60


class Store:
    """The daemon in the guest, and a program that posts sales to it. kept: keys that were answered 2xx."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "gateway.toml"
        self.kept: list[str] = []
        self._shelf = Shelf(Random(421))
        self.config.write_text(CONFIG.format(data=folder / "card" / "data", port=PORT))
        self.process = subprocess.Popen([sys.executable, "-m", "gateway", "run", "--config", str(self.config)])

    async def post(self) -> tuple[int, str]:
        """(HTTP status, what it said); 0 while nobody listens."""
        sale = self._shelf.new("lane-1")
        status, text = await asyncio.to_thread(_post, sale.key, json.dumps(sale.body).encode())
        if 200 <= status < 300:
            self.kept.append(sale.key)
        return status, text

    async def until(self, good: bool) -> str:
        """Post until a sale is kept, or until one is refused."""
        for _ in range(SECONDS * 5):
            status, text = await self.post()
            if status and (200 <= status < 300) == good:
                return text
            await asyncio.sleep(0.2)
        raise AssertionError(f"no sale was {'kept' if good else 'refused'} within {SECONDS} s; the last said {text}")


def _post(key: str, body: bytes) -> tuple[int, str]:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/v1/transactions", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError as problem:
        return 0, str(problem)


async def read_only() -> str:
    folder = Path("/tmp/readonly")
    card = folder / "card"
    card.mkdir(parents=True)
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(64 * 2**20)
    _run("/usr/sbin/mkfs.ext4", "-q", str(image))
    _run("mount", "-o", "loop", str(image), str(card))
    store = Store(folder)
    try:
        for _ in range(5):
            await store.until(good=True)
        Path("/proc/sysrq-trigger").write_text("u")
        said = json.loads(await store.until(good=False))["detail"]
        for _ in range(5):
            status, text = await store.post()
            assert status >= 500, (status, text)
        assert store.process.poll() is None, "the daemon ended"
        _run("mount", "-o", "remount,rw", str(card))
        for _ in range(5):
            await store.until(good=True)
    finally:
        store.process.terminate()
        await asyncio.to_thread(store.process.wait, 20)
    verified = _run(sys.executable, "-m", "gateway", "queue", "verify", "--config", str(store.config))
    listed = _run(sys.executable, "-m", "gateway", "queue", "export", "--config", str(store.config))
    missing = [key for key in store.kept if key not in listed]
    assert not missing, missing
    return f"{len(store.kept)} kept, {len(missing)} missing; refused with: {said}; {verified.splitlines()[-1]}"


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
