"""Headquarters on this machine: Mosquitto and the core as real processes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gateway.demo.broker import CORE_USER, Mosquitto, free_port
from gateway.demo.client import Client
from gateway.demo.world import CORE_TOML, Process, sample_catalogue
from gateway.errors import BackroomError

READY_WITHIN_S = 120.0


class Headquarters:
    """password: what the box says to the broker. broker: may be taken away and brought back."""

    def __init__(self, folder: Path, gateway_id: str, store_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._gateway_id, self._store_id = folder, gateway_id, store_id
        self.password = secrets.token_hex(16)
        self._own_password = secrets.token_hex(16)
        self.broker = Mosquitto(folder / "broker", {CORE_USER: self._own_password, gateway_id: self.password})
        self._port = free_port()
        self._toml = folder / "core.toml"
        self._core = Process("core", [sys.executable, "-m", "cloud_erp", "run", "--config", str(self._toml)], folder)
        self.client = Client(f"http://127.0.0.1:{self._port}")

    async def start(self) -> None:
        await self.broker.start()
        (self._folder / f"{CORE_USER}.password").write_text(self._own_password + "\n")
        self._toml.write_text(CORE_TOML.format(port=self.broker.port, user=CORE_USER, web=self._port))
        await self._run("gateway", "add", self._gateway_id, "--store", self._store_id, "--name", "Image test")
        await self._run("import", "items", str(sample_catalogue()))
        self._core.start()
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await self._ready():
                    if not self._core.running():
                        raise BackroomError(f"the core ended:\n{self._core.tail()}")
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise BackroomError(f"the core was not ready within {READY_WITHIN_S:.0f} s:\n{self._core.tail()}") from None

    async def stop(self) -> None:
        await self._core.stop()
        self.broker.stop()

    async def sales(self) -> list[dict[str, Any]]:
        """All sales that it booked for the box, by seq."""
        answer = await self.client.get("/v1/sales?since_id=0")
        booked = [sale for sale in answer["sales"] if sale["gateway"] == self._gateway_id]
        return sorted(booked, key=lambda sale: int(sale["seq"]))

    async def _ready(self) -> bool:
        try:
            health = await self.client.get("/v1/health")
        except BackroomError:
            return False
        return bool(health["ok"] and health["mqtt"] == "connected")

    async def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "cloud_erp", *arguments, "--config", str(self._toml)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BackroomError(f"backroom-core {' '.join(arguments)} failed: {done.stderr or done.stdout}")


@contextlib.asynccontextmanager
async def headquarters(folder: Path, gateway_id: str, store_id: str) -> AsyncIterator[Headquarters]:
    made = Headquarters(folder, gateway_id, store_id)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
