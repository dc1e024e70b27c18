"""A private PostgreSQL: its own folder and unix socket, no TCP port, nothing of a server that may run on this machine.

PostgreSQL refuses to run as root, so that for root it runs as the user `postgres` that Debian's package makes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
ABSENT = "PostgreSQL's server is not there (/usr/lib/postgresql/*/bin/initdb): apt-get install postgresql"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=128MB")
#: where a server that need not last is kept, if it has so many bytes left: each test writes a new database of 9 MB
MEMORY = Path("/dev/shm")
ROOM = 2 << 30
SETTINGS = ("listen_addresses=", "max_connections=120", "shared_buffers=128MB", "log_min_messages=fatal")


class PostgreSQL:
    """start(), stop(), kill(), start() again; remove() ends it for good. durable=False: for tests that pull no plug."""

    def __init__(self, durable: bool = False) -> None:
        in_memory = not durable and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
        self.folder = Path(tempfile.mkdtemp(prefix="backroom-pg-", dir=MEMORY if in_memory else None))
        self._durable = durable
        self._bin = BINARIES[-1].parent
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        words = ["-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        self._run("initdb", *words, "-N")

    def start(self) -> None:
        settings = [*SETTINGS, f"unix_socket_directories={self.folder}", *(() if self._durable else FAST)]
        words = [word for one in settings for word in ("-c", one)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._line("postgres", "-D", str(self.folder / "data"), *words),
                stdout=log, stderr=log, cwd="/", start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.conninfo("postgres")).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """As a power cut does it: no word to anybody."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def conninfo(self, name: str) -> str:
        return f"host={self.folder} user=postgres dbname={name}"

    def create(self, name: str, template: str = "template0") -> str:
        """A new database; its url."""
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def dump(self, name: str, path: Path) -> None:
        """A backup as an administrator makes one."""
        with path.open("wb") as file:
            line = [str(self._bin / "pg_dump"), "-h", str(self.folder), "-U", "postgres", name]
            subprocess.run(line, stdout=file, check=True)

    def restore(self, name: str, path: Path) -> None:
        """What stood in the database of that name is gone; the dump stands there then."""
        self.drop(name)
        self.create(name)
        line = [str(self._bin / "psql"), "-q", "-h", str(self.folder), "-U", "postgres", "-v", "ON_ERROR_STOP=1", name]
        with path.open("rb") as file:
            subprocess.run(line, stdin=file, stdout=subprocess.DEVNULL, check=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _line(self, program: str, *words: str) -> list[str]:
        line = [str(self._bin / program), *words]
        if os.geteuid() != 0:
            return line
        # setpriv becomes the program itself, so that a signal reaches it and not a parent.
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *line]

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(self._line(program, *words), check=True, stdout=subprocess.DEVNULL, cwd="/")
