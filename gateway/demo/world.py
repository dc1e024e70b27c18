"""A store and its headquarters as real processes: Mosquitto, the core, the gateway; only the devices are pretended."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import logging
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.demo.broker import CORE_USER, Mosquitto, free_port, is_free
from gateway.demo.client import Client
from gateway.demo.store import PretendStore
from gateway.errors import BackroomError

log = logging.getLogger(__name__)

GATEWAY_ID = "S0421-1"
STORE_ID = "S0421"
READY_WITHIN_S = 40.0

CORE_TOML = """\
[core]
name = "Demo headquarters"
timezone = "Europe/Berlin"
data_dir = "core"

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
store_name = "Demo store"
currency = "EUR"
timezone = "Europe/Berlin"
locale = "en"
data_dir = "data"

[mqtt]
host = "127.0.0.1"
port = {port}
username = "{id}"
password_file = "{id}.password"
reconnect_most_s = 2.0

[api]
port = {api}

[barcode]
country = "DE"
rules = [{{ kind = "member", pattern = "29[0-9]{{11}}", name = "club" }}]

[till]
point_value_minor = 1
"""


@dataclass(frozen=True, slots=True)
class SampleItem:
    item_id: str
    description: str
    barcode: str
    unit: str
    price: str


class Process:
    """One of our own processes, with its log file; ended by us and by nobody else."""

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                self._arguments, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
            )

    @property
    def pid(self) -> int:
        if self._process is None:
            raise BackroomError(f"{self.name} is not running")
        return self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and wait; what does not end within 10 s is killed. Returns its exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(sign)
        try:
            code = await asyncio.to_thread(self._process.wait, 10)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end within 10 s and was killed", self.name)
            self._process.kill()
            code = await asyncio.to_thread(self._process.wait)
        self._process = None
        return code

    def tail(self) -> str:
        return self.log_file.read_text(errors="replace")[-2000:] if self.log_file.exists() else ""


class World:
    """start(), then use gateway, core, store and broker; stop() ends all of it.

    till_port, core_port: 0 takes free ones. offers: with the sample promotions, members and coupons.
    core_data: a data folder of headquarters to begin with a copy of; it has the gateway and the catalogue already.
    """

    def __init__(
        self,
        folder: Path,
        till_port: int = 0,
        core_port: int = 0,
        offers: bool = False,
        core_data: Path | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._passwords = {CORE_USER: secrets.token_hex(16), GATEWAY_ID: secrets.token_hex(16)}
        self.broker = Mosquitto(folder / "broker", self._passwords)
        self.store = PretendStore(folder / "dev")
        self._offers = offers
        self._core_data = core_data
        self.till_port = till_port or free_port()
        self.core_port = core_port or free_port()
        python = [sys.executable, "-m"]
        self._core_command = [*python, "cloud_erp"]
        self.core_toml = folder / "core.toml"
        self.gateway_toml = folder / "gateway.toml"
        self.core_process = Process("core", [*self._core_command, "run", "--config", str(self.core_toml)], folder)
        self.gateway_process = Process(
            "gateway", [*python, "gateway", "run", "--config", str(self.gateway_toml)], folder
        )
        self.gateway = Client(f"http://127.0.0.1:{self.till_port}")
        self.core = Client(f"http://127.0.0.1:{self.core_port}")

    @property
    def till_page(self) -> str:
        return f"{self.gateway.base}/till/1"

    async def start(self, progress: Callable[[str], None] = lambda _text: None) -> None:
        """Raises BackroomError, with the tail of the log, where a part does not come up."""
        for port in (self.till_port, self.core_port):
            if not is_free(port):
                raise BackroomError(f"port {port} is in use by another program: give another one with --port")
        progress("starting Mosquitto")
        await self.broker.start()
        await self.store.start()
        self._write_configuration()
        progress("setting up headquarters: catalogue and gateway")
        if self._core_data is None:
            await self.run_core("gateway", "add", GATEWAY_ID, "--store", STORE_ID, "--name", "Demo store")
            await self.run_core("import", "items", str(sample_catalogue()))
        else:
            await asyncio.to_thread(shutil.copytree, self._core_data, self.folder / "core")
        if self._offers:
            files = (sample_file("samples", name) for name in ("promotions.json", "members.csv", "coupons.csv"))
            await asyncio.gather(*(self.run_core("import", file.stem, str(file)) for file in files))
        progress("starting headquarters and the gateway")
        self.core_process.start()
        self.gateway_process.start()
        await self.until("headquarters answers", self.core_process, self.core_ready)
        await self.until("the gateway answers and has its price book", self.gateway_process, self.gateway_ready)

    async def furnish(self) -> None:
        """The sample operators, the cashier among them signed on at workstation 1, and goods that are on their way."""
        due = (datetime.now(UTC) + timedelta(days=3)).date()
        supplies = self.folder / "supplies.csv"
        supplies.write_text(
            "item_id,reference,quantity,due,supplier,store_id,lead_time_days,cost\n"
            f"1001,PO 123,40,{due},Nordmilch,{STORE_ID},3,0.71\n1306,PO 124,12,{due},Kaffeehaus,{STORE_ID},14,4.90\n"
        )
        await self.run_core("import", "supplies", str(supplies))
        with sample_file("samples", "operators.csv").open(encoding="utf-8", newline="") as file:
            cashier = next(csv.DictReader(file))
        await self.run_core("import", "operators", file.name)

        async def known() -> bool:
            return bool((await self.gateway.get("/v1/operators"))["known"])

        await self.until("the till knows its operators", self.gateway_process, known)
        who = {"operator_id": cashier["operator_id"], "pin": cashier["pin"]}
        await self.gateway.post("/v1/baskets/1/sign-on", who)

    async def stop(self) -> None:
        await self.gateway_process.stop()
        await self.core_process.stop()
        self.broker.stop()
        await self.store.stop()

    async def run_core(self, *arguments: str) -> str:
        """One command of backroom-core on this world's configuration; its output."""
        command = [*self._core_command, *arguments, "--config", str(self.core_toml)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BackroomError(f"backroom-core {' '.join(arguments)} failed: {done.stderr or done.stdout}")
        return done.stdout

    async def until(
        self, what: str, process: Process | None, holds: Callable[[], Awaitable[bool]], within_s: float = READY_WITHIN_S
    ) -> None:
        """Wait for a condition; a process that died meanwhile, or a time that ran out, is an error with its log."""
        try:
            async with asyncio.timeout(within_s):
                while not await holds():
                    if process is not None and not process.running():
                        raise BackroomError(f"{process.name} ended while waiting until {what}:\n{process.tail()}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            tail = f"\n{process.tail()}" if process else ""
            raise BackroomError(f"after {within_s:.0f} s it still does not hold that {what}{tail}") from None

    async def core_ready(self) -> bool:
        try:
            health = await self.core.get("/v1/health")
        except BackroomError:
            return False
        return bool(health["ok"] and health["mqtt"] == "connected")

    async def gateway_ready(self) -> bool:
        try:
            status = await self.gateway.get("/v1/status")
            devices = (await self.gateway.get("/v1/devices"))["devices"]
        except BackroomError:
            return False
        # A line scanner says nothing until it scans: an open line is all that can be known of it.
        seen = all(device["power"] == "online" for device in devices if device["device_class"] != "scanner")
        return bool(status["online"] and status["price_book_version"] > 0 and seen)

    async def until_offers(self, workstation: str = "1") -> None:
        """Wait until this workstation prices by the rules. Only a sale says so: one is begun and voided."""
        lane, code = f"/v1/baskets/{workstation}", sample_items()[0].barcode

        async def in_force() -> bool:
            basket = await self.gateway.post(f"{lane}/scan", {"code": code})
            await self.gateway.post(f"{lane}/void", {})
            return bool(basket["price_book"]["promotions"] > 0 and not basket["offers_pending"])

        await self.until("the till prices by the rules", self.gateway_process, in_force)

    def _write_configuration(self) -> None:
        for user, password in self._passwords.items():
            path = self.folder / f"{user}.password"
            path.touch(mode=0o600)
            path.write_text(password + "\n")
        self.core_toml.write_text(CORE_TOML.format(port=self.broker.port, user=CORE_USER, web=self.core_port))
        self.gateway_toml.write_text(
            GATEWAY_TOML.format(id=GATEWAY_ID, store=STORE_ID, port=self.broker.port, api=self.till_port)
            + self.store.tables()
        )


def sample_catalogue() -> Path:
    return sample_file("catalog", "sample_items.csv")


def sample_file(folder: str, name: str) -> Path:
    """A file that comes with headquarters' package; found without importing it."""
    package = importlib.util.find_spec("cloud_erp")
    if package is None or package.submodule_search_locations is None:
        raise BackroomError("the demo needs headquarters' package: pip install 'backroom[core]'")
    return Path(next(iter(package.submodule_search_locations))) / folder / name


def sample_items() -> list[SampleItem]:
    with sample_catalogue().open(encoding="utf-8", newline="") as file:
        return [
            SampleItem(row["item_id"], row["description"], row["barcodes"].split("|")[0], row["unit"], row["price"])
            for row in csv.DictReader(file)
        ]
