"""The product's relay as it runs in a fleet, for benchmarks: Mosquitto with TLS, the core on PostgreSQL, gateways.

All are real processes with their own durability settings; each gateway has a file of its own that was filled before.
The certificates come from a CA made here with openssl.
"""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import psycopg

from bench.ordinary_relay import RECEIVED, opened
from gateway.clock import Clock
from gateway.demo.broker import CORE_USER, Mosquitto, free_port
from gateway.demo.client import Client
from gateway.demo.world import sample_catalogue
from gateway.errors import BackroomError
from gateway.queue import outbox as outbox_room
from gateway.queue.database import GROUP, Database
from gateway.queue.outbox import Outbox
from gateway.queue.records import Draft
from gateway.till import ledger as ledger_room
from retail.sale import RetailTransaction
from retail.wire.canonical import canonical
from torture.house import CURRENCY, STORE_ID
from torture.postgres import Postgres
from torture.program import Program, until
from torture.sales import Shelf

ORDINARY_ID = "ordinary"
ORDINARY_TOPIC = f"edge/v1/{ORDINARY_ID}/up/log"

CORE_TOML = """\
[core]
name = "Bench"
timezone = "Europe/Berlin"
database_url = "{url}"

[mqtt]
host = "127.0.0.1"
port = {port}
username = "{user}"
password_file = "{user}.password"

[mqtt.tls]
ca_file = "ca.pem"

[web]
port = {web}
"""

GATEWAY_TOML = """\
[gateway]
id = "{id}"
store_id = "{store}"
currency = "{currency}"
timezone = "Europe/Berlin"
data_dir = "{id}"

[mqtt]
host = "127.0.0.1"
port = {port}
username = "{id}"
password_file = "{id}.password"

[mqtt.tls]
ca_file = "ca.pem"

[api]
port = {api}

[barcode]
country = "DE"
"""


class TlsMosquitto(Mosquitto):
    """Two listeners: `port` speaks TLS, `plain_port` does not."""

    def __init__(self, folder: Path, users: dict[str, str]) -> None:
        super().__init__(folder, users)
        self.plain_port = free_port()

    def _write_files(self) -> None:
        super()._write_files()
        file = self.folder / "mosquitto.conf"
        secured = (
            f"listener {self.port} 127.0.0.1\ncafile {self.folder}/ca.pem\ncertfile {self.folder}/broker.pem\n"
            f"keyfile {self.folder}/broker.key\nlistener {self.plain_port} 127.0.0.1"
        )
        file.write_text(file.read_text().replace(f"listener {self.port} 127.0.0.1", secured))


def make_certificates(folder: Path) -> None:
    """ca.pem, and broker.pem with broker.key for 127.0.0.1."""
    folder.mkdir(parents=True, exist_ok=True)
    new = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    _openssl(folder, *new, "-subj", "/CN=Bench CA", "-keyout", "ca.key", "-out", "ca.pem")
    issued = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE"]
    name = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"]
    _openssl(folder, *new, *issued, *name, "-keyout", "broker.key", "-out", "broker.pem")


def _openssl(folder: Path, *words: str) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl: {done.stderr}")


class Stack:
    """`async with Stack(folder, gateways=12) as stack`; gateway(n) is the n-th store's box, not started."""

    def __init__(self, folder: Path, gateways: int) -> None:
        self.folder = folder
        self.ids = [f"S0421-{number}" for number in range(1, gateways + 1)]
        self.passwords = {user: secrets.token_hex(16) for user in (CORE_USER, ORDINARY_ID, *self.ids)}
        self.broker = TlsMosquitto(folder / "broker", self.passwords)
        self.postgres = Postgres(folder)
        self.web_port = free_port()
        self._core_command = [sys.executable, "-m", "cloud_erp"]
        self._toml = folder / "core.toml"
        self.core = Program("core", [*self._core_command, "run", "--config", str(self._toml)], folder)
        self.random = Random(1)
        self.started: list[Program] = []

    async def __aenter__(self) -> Self:
        try:
            make_certificates(self.folder / "broker")
            (self.folder / "ca.pem").write_bytes((self.folder / "broker" / "ca.pem").read_bytes())
            for user, password in self.passwords.items():
                (self.folder / f"{user}.password").write_text(password + "\n")
            await self.broker.start()
            await self.postgres.create()
            self.dsn = f"host=127.0.0.1 port={self.postgres.port} user=backroom dbname=backroom"
            self.database = psycopg.connect(self.dsn, autocommit=True)
            self.database.execute(RECEIVED)
            toml = CORE_TOML.format(url=self.postgres.url, port=self.broker.port, user=CORE_USER, web=self.web_port)
            self._toml.write_text(toml)
            for one in self.ids:
                await self._run_core("gateway", "add", one, "--store", STORE_ID, "--name", one)
            await self._run_core("import", "items", str(sample_catalogue()))
            self.core.start()
            await until("headquarters answers", self._core_ready, 40, [self.core])
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        for program in (*self.started, self.core):
            await program.stop()
        self.broker.stop()
        if hasattr(self, "database"):
            self.database.close()
        await self.postgres.stop()

    async def _run_core(self, *words: str) -> None:
        command = [*self._core_command, *words, "--config", str(self._toml)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"backroom-core {' '.join(words)}: {done.stderr}")

    async def _core_ready(self) -> bool:
        try:
            return bool((await Client(f"http://127.0.0.1:{self.web_port}").get("/v1/health"))["ok"])
        except BackroomError:
            return False

    def program(self, name: str, *words: str, prefix: Sequence[str] = ()) -> Program:
        """A process of the benchmark's own, started; ended with the stack at the latest. prefix: stands before it."""
        program = Program(name, [sys.executable, "-m", *words], self.folder)
        program.prefix = list(prefix)
        program.start()
        self.started.append(program)
        return program

    # --- ours -------------------------------------------------------------------------------------------------------

    def fill(self, gateway_id: str, count: int) -> None:
        """A backlog in that gateway's money file, through the real queue."""
        shelf = Shelf(self.random)
        database = Database(self.folder / gateway_id / "money.sqlite", [outbox_room.SCHEMA, ledger_room.SCHEMA])

        async def put_all() -> None:
            outbox = Outbox(database, Clock("Europe/Berlin"), gateway_id, STORE_ID)
            for start in range(0, count, GROUP):
                sales = [shelf.new(gateway_id) for _ in range(min(GROUP, count - start))]
                drafts = [
                    Draft(
                        "RetailTransaction",
                        sale.key,
                        sale.business_date,
                        canonical(RetailTransaction.model_validate(sale.body).model_dump(mode="json")),
                    )
                    for sale in sales
                ]
                await asyncio.gather(*(outbox.put(draft) for draft in drafts))

        try:
            asyncio.run(put_all())
        finally:
            database.close()

    def start_gateway(self, gateway_id: str, broker_port: int, prefix: Sequence[str] = ()) -> tuple[Program, Client]:
        api = free_port()
        toml = self.folder / f"{gateway_id}.toml"
        toml.write_text(
            GATEWAY_TOML.format(id=gateway_id, store=STORE_ID, currency=CURRENCY, port=broker_port, api=api)
        )
        started = self.program(gateway_id, "gateway", "run", "--config", str(toml), prefix=prefix)
        return started, Client(f"http://127.0.0.1:{api}")

    def booked(self, gateway_id: str) -> int:
        """How far that gateway's log is committed at headquarters."""
        row = self.database.execute(
            "SELECT max(contiguous_seq) FROM stream WHERE gateway = %s", (gateway_id,)
        ).fetchone()
        return int(row[0] or 0) if row else 0

    def journal_count(self, gateway_id: str) -> int:
        row = self.database.execute("SELECT count(*) FROM journal WHERE gateway = %s", (gateway_id,)).fetchone()
        return int(row[0]) if row else 0

    # --- the ordinary one -------------------------------------------------------------------------------------------

    def fill_ordinary(self, file: Path, count: int) -> None:
        shelf = Shelf(self.random)
        connection = opened(file)
        connection.execute("BEGIN")
        for _ in range(count):
            sale = shelf.new("ordinary")
            connection.execute(
                "INSERT INTO queue (body) VALUES (?)", (canonical({"key": sale.key, "sale": sale.body}),)
            )
        connection.execute("COMMIT")
        connection.close()

    def received(self) -> int:
        row = self.database.execute("SELECT max(id) FROM ordinary_sale").fetchone()
        return int(row[0] or 0) if row else 0

    def start_receiver(self) -> Program:
        words = ("receive", self.dsn, str(self.broker.plain_port), CORE_USER, self.passwords[CORE_USER], ORDINARY_TOPIC)
        return self.program("receiver", "bench.ordinary_relay", *words)

    def start_sender(self, file: Path, port: int) -> Program:
        words = ("send", str(file), str(port), ORDINARY_ID, self.passwords[ORDINARY_ID], ORDINARY_TOPIC)
        return self.program("sender", "bench.ordinary_relay", *words)
