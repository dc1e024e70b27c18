"""A real gateway process over a folder, with a price book in place and no headquarters, that a test may kill."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from gateway.app import FEEDS_FILE
from gateway.demo.broker import free_port
from gateway.queue import inbox
from gateway.queue.database import Database
from gateway.queue.inbox import Inbox
from retail.wire.canonical import canonical
from retail.wire.feed import FeedHead, FeedRow, feed_sha256
from retail.wire.rows import CODES, Item
from tests.people import quick_hash

CONFIG = """
[gateway]
id = "S0421-1"
store_id = "S0421"
timezone = "Europe/Berlin"
data_dir = "data"

[mqtt]
host = "127.0.0.1"
port = 1

[api]
port = {port}

[workstation.1]
scale = "scale-1"

[workstation.2]

[device.scale-1]
driver = "scale-toledo-8217"
url = "tcp://127.0.0.1:{scale}"

[operator.anna]
name = "Anna"
role = "manager"
pin = "{pin}"
"""


class Daemon:
    """start(), kill(), start() again; ask() is its API. Its scale hears everything and says nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._scale: asyncio.Server | None = None
        self.weighings = 0

    async def prepare(self, items: list[Item]) -> None:
        self._scale = await asyncio.start_server(self._listen, "127.0.0.1", 0)
        scale = self._scale.sockets[0].getsockname()[1]
        text = CONFIG.format(port=self.port, scale=scale, pin=quick_hash("1111"))
        (self.folder / "gateway.toml").write_text(text)
        (self.folder / "data").mkdir()
        await self.feed("items", {item.item_id: item.model_dump(mode="json") for item in items})

    async def feed(self, name: str, rows: dict[str, Any]) -> None:
        """Put a feed in place, before the start."""
        feeds = Database(self.folder / "data" / FEEDS_FILE, [inbox.SCHEMA])
        sha256 = feed_sha256((key, canonical(rows[key])) for key in sorted(rows))
        head = FeedHead(version=1, sha256=sha256, rows=len(rows))
        await Inbox(feeds, CODES).apply(name, head, 0, [FeedRow(key=key, row=row) for key, row in rows.items()], "x")
        await asyncio.to_thread(feeds.close)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while said := await reader.read(64):
                self.weighings += said.count(b"W")
        writer.close()

    async def start(self) -> None:
        command = [sys.executable, "-m", "gateway", "run", "--config", str(self.folder / "gateway.toml")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await self.get("/v1/status")
                    return
                assert self._process.poll() is None, (self.folder / "log").read_text()
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """As a power cut ends it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def close(self) -> None:
        self.kill()
        if self._scale is not None:
            self._scale.close()

    async def get(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            return (await client.get(path)).raise_for_status().json()

    async def post(self, path: str, **body: Any) -> Any:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            answer = await client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()
