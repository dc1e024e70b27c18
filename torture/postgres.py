"""A PostgreSQL of its own, on a loopback port, with every durability setting as a shop would have it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from gateway.demo.broker import free_port
from torture.program import Broken, Program, until

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def available() -> bool:
    return bool(PLACES)


class Postgres:
    """create(), start(), kill(), stop(). As root it runs as user `postgres`, in a folder that this user may enter."""

    def __init__(self, logs: Path) -> None:
        if not available():
            raise Broken("PostgreSQL is not installed: apt-get install postgresql")
        self.folder = Path(tempfile.mkdtemp(prefix="torture-pg-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.url = f"postgresql+psycopg://backroom@127.0.0.1:{self.port}/backroom"
        self._bin = PLACES[0]
        self._user = "postgres" if os.geteuid() == 0 else None
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "on"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._bin / "postgres"), "-D", str(self.data), *options]
        self.program = Program("postgres", command, logs, self._user)

    async def create(self) -> None:
        if self._user:
            shutil.chown(self.folder, self._user, self._user)
        await self._tool("initdb", "-D", str(self.data), "-U", "backroom", "--auth=trust", "-E", "UTF8")
        await self.start()
        await self._tool("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "backroom", "backroom")

    async def start(self) -> None:
        self.program.start()
        await until("PostgreSQL answers", self.answers, 60, [self.program])

    async def answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return (await asyncio.to_thread(subprocess.run, ready, check=False)).returncode == 0

    def kill(self) -> None:
        """The postmaster and all its children at once, as when the machine loses power (save the disk)."""
        self.program.kill()

    async def stop(self) -> None:
        await self.program.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def dump(self, file: Path) -> None:
        await self._tool("pg_dump", "-Fc", "-f", str(file), *self._where())

    async def restore(self, file: Path) -> None:
        """The database as the dump has it; nobody may be connected."""
        await self._tool("dropdb", "--force", *self._where())
        await self._tool("createdb", *self._where())
        await self._tool("pg_restore", "-d", "backroom", *self._where()[:-1], str(file))

    def _where(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "backroom", "backroom"]

    async def _tool(self, name: str, *arguments: str) -> None:
        def call() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [str(self._bin / name), *arguments],
                user=self._user,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )

        done = await asyncio.to_thread(call)
        if done.returncode != 0:
            raise Broken(f"{name} failed: {done.stderr}")
