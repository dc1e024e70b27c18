"""Broker, headquarters and gateways as real processes, lean: no devices, no browser; each can be taken away alone."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.demo.broker import CORE_USER, Mosquitto, free_port
from gateway.demo.client import Client
from gateway.demo.world import sample_catalogue
from gateway.errors import BackroomError
from torture.postgres import Postgres
from torture.program import Program, until

GATEWAY_ID = "S0421-1"
STORE_ID = "S0421"
CURRENCY = "EUR"
READY_WITHIN_S = 40

CORE_TOML = """\
[core]
name = "Torture"
timezone = "Europe/Berlin"
{database}

[mqtt]
host = "127.0.0.1"
port = {port}
username = "{user}"
password_file = "{user}.password"

[web]
host = "127.0.0.1"
port = {web}
"""

GATEWAY_TOML = """\
[gateway]
id = "{id}"
store_id = "{store}"
store_name = "Torture"
currency = "{currency}"
timezone = "Europe/Berlin"
locale = "en"
data_dir = "{data}"

[mqtt]
host = "127.0.0.1"
port = {port}
username = "{id}"
password_file = "{id}.password"
reconnect_most_s = 1.0

[api]
port = {api}

[workstation.1]
"""


class Box:
    """One gateway. broker_port: a proxy's, to stand between; data: its folder, which a campaign may copy about."""

    def __init__(self, house: House, name: str, gateway_id: str = GATEWAY_ID, data: Path | None = None) -> None:
        self.name = name
        self.gateway_id = gateway_id
        self.data = data or house.folder / f"data-{name}"
        self.port = free_port()
        self.broker_port = house.broker.port
        self.api = Client(f"http://127.0.0.1:{self.port}")
        self._toml = house.folder / f"{name}.toml"
        command = [sys.executable, "-m", "gateway", "run", "--config", str(self._toml)]
        self.program = Program(name, command, house.folder)

    @property
    def money(self) -> Path:
        return self.data / "money.sqlite"

    def start(self) -> None:
        self._toml.write_text(
            GATEWAY_TOML.format(
                id=self.gateway_id,
                store=STORE_ID,
                currency=CURRENCY,
                data=self.data,
                port=self.broker_port,
                api=self.port,
            )
        )
        self.program.start()

    async def answers(self) -> bool:
        try:
            return bool((await self.api.get("/v1/status"))["gateway_id"])
        except (BackroomError, ValueError):
            return False

    async def online(self) -> bool:
        try:
            return bool((await self.api.get("/v1/status"))["online"])
        except (BackroomError, ValueError):
            return False

    async def until_answers(self) -> None:
        await until(f"{self.name} answers", self.answers, READY_WITHIN_S, [self.program])

    async def until_online(self) -> None:
        await until(f"{self.name} is online", self.online, READY_WITHIN_S, [self.program])


class House:
    """`async with House(folder) as house`: broker and core run; add boxes. All that was started is ended at the end."""

    def __init__(
        self,
        folder: Path,
        database: str = "sqlite",
        guests: dict[str, str] | None = None,
        core_data: Path | None = None,
    ) -> None:
        """guests: more users of the broker, with their passwords.

        core_data: a data folder of headquarters with the gateway and the catalogue, to copy; of no use to PostgreSQL.
        """
        self.folder = folder
        self._core_data = core_data if database == "sqlite" else None
        folder.mkdir(parents=True, exist_ok=True)
        self._passwords = {CORE_USER: secrets.token_hex(16), GATEWAY_ID: secrets.token_hex(16), **(guests or {})}
        self.broker = Mosquitto(folder / "broker", self._passwords)
        self.postgres = Postgres(folder) if database == "postgresql" else None
        self.core_broker_port = self.broker.port
        self.core_port = free_port()
        self.core_toml = folder / "core.toml"
        self._core_command = [sys.executable, "-m", "cloud_erp"]
        self.core = Program("core", [*self._core_command, "run", "--config", str(self.core_toml)], folder)
        self.hq = Client(f"http://127.0.0.1:{self.core_port}")
        self.boxes: list[Box] = []

    async def __aenter__(self) -> Self:
        try:
            await self._set_up()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _set_up(self) -> None:
        for user in (CORE_USER, GATEWAY_ID):
            path = self.folder / f"{user}.password"
            path.touch(mode=0o600)
            path.write_text(self._passwords[user] + "\n")
        await self.broker.start()
        if self.postgres is not None:
            await self.postgres.create()
        self.write_core()
        if self._core_data is None:
            await self.run_core("gateway", "add", GATEWAY_ID, "--store", STORE_ID, "--name", "Torture")
            await self.run_core("import", "items", str(sample_catalogue()))
        else:
            await asyncio.to_thread(shutil.copytree, self._core_data, self.folder / "core")
        self.core.start()
        await self.until_core()

    def write_core(self) -> None:
        """core.toml as it is to be now: through a proxy, if core_broker_port was changed."""
        where = f'database_url = "{self.postgres.url}"' if self.postgres else 'data_dir = "core"'
        text = CORE_TOML.format(database=where, port=self.core_broker_port, user=CORE_USER, web=self.core_port)
        self.core_toml.write_text(text)

    @property
    def broker_pid(self) -> int:
        process = self.broker._process
        if process is None:
            raise BackroomError("the broker is not running")
        return process.pid

    @property
    def database_url(self) -> str:
        return self.postgres.url if self.postgres else f"sqlite:///{self.folder / 'core' / 'core.db'}"

    def add(self, name: str = "gateway", data: Path | None = None) -> Box:
        box = Box(self, name, data=data)
        self.boxes.append(box)
        return box

    async def run_core(self, *arguments: str) -> str:
        """One command of backroom-core; its output."""
        command = Program(f"core-{arguments[0]}", [], self.folder)
        command.arguments = [*self._core_command, *arguments, "--config", str(self.core_toml)]
        command.start()

        async def ended() -> bool:
            return not command.running()

        await until(f"backroom-core {arguments[0]} ends", ended, READY_WITHIN_S, [command])
        code = await command.stop()
        if code != 0:
            raise BackroomError(f"backroom-core {' '.join(arguments)} failed: {command.tail()}")
        return command.tail()

    async def core_answers(self) -> bool:
        try:
            health = await self.hq.get("/v1/health")
        except (BackroomError, ValueError):
            return False
        return bool(health["ok"] and health["mqtt"] == "connected")

    async def until_core(self) -> None:
        await until("headquarters answers", self.core_answers, READY_WITHIN_S, [self.core])

    async def stop(self) -> None:
        for box in self.boxes:
            await box.program.stop()
        await self.core.stop()
        self.broker.stop()
        if self.postgres is not None:
            await self.postgres.stop()
