"""The real unit under a real systemd: from a card with a configuration on it to a sale that no restart loses.

Mosquitto, headquarters and the devices stand outside the container; a scale hangs on a serial line inside it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.client import Client, HttpError
from gateway.demo.world import GATEWAY_ID, STORE_ID, World, sample_items
from gateway.errors import BackroomError
from tests.appliance import tree
from tests.appliance.container import Container, install, switch

pytestmark = [
    pytest.mark.story,
    pytest.mark.xdist_group("nspawn"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
]
HEARD_WITHIN_US = 500_000
ITEMS = {item.item_id: item for item in sample_items()}
MILK, BUTTER = ITEMS["1001"], ITEMS["1003"]
TOKEN = "a-long-token-of-the-keeper"
WATCHDOG_S = 10  # a busy machine must not starve it by itself
DIALOUT = 20  # Debian's base-passwd numbers its groups alike everywhere
CONFIGURATION = """
[gateway]
id = "{id}"
store_id = "{store}"
currency = "EUR"
timezone = "Europe/Berlin"
set_hostname = true

[mqtt]
host = "127.0.0.1"
port = {broker}
username = "{id}"
password_file = "mqtt.password"
reconnect_most_s = 1.0

[api]
port = {api}
token_file = "api.token"

[barcode]
country = "DE"

[workstation.1]
scale = "scale-1"
printer = "printer-1"

[device.scale-1]
driver = "scale-toledo-8217"
url = "serial:///dev/ttyUSB0?baud=9600&parity=E&bits=7"

[device.printer-1]
driver = "printer-escpos"
url = "{printer}"

[device.printer-2]
driver = "printer-escpos"
url = "tcp://127.0.0.1:1"
"""


class Till(Client):
    """The local API with the keeper's token."""

    def _ask(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> str:
        return super()._ask(method, path, data, {**headers, "Authorization": f"Bearer {TOKEN}"})


@dataclass
class Box:
    """A store with its headquarters outside, and the box in the container."""

    world: World
    container: Container
    opt: Path
    card: Path
    result: str
    till: Till

    async def run(self, *command: str) -> str:
        return await asyncio.to_thread(self.container.run, *command)

    async def property(self, name: str, unit: str = "backroom.service") -> str:
        return await asyncio.to_thread(self.container.property, name, unit)

    async def until(self, what: str, holds: Callable[[], Awaitable[bool]], within_s: float = 90) -> None:
        try:
            await self.world.until(what, None, holds, within_s)
        except BackroomError as late:
            raise AssertionError(f"{late}\n{self.container.log()}") from None

    async def basket(self) -> list[str]:
        """What stands in the open basket; nothing while the daemon does not answer."""
        try:
            lines = (await self.till.get("/v1/baskets/1"))["lines"]
        except BackroomError:
            return []
        return [line["description"] for line in lines]

    async def booked(self) -> list[int]:
        """The seq of each sale in headquarters' journal."""
        return sorted(sale["seq"] for sale in (await self.world.core.get("/v1/sales?since_id=0"))["sales"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    """A container that was booted with a configuration on its boot partition, and has taken it over."""
    if reason := tree.why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("nspawn")
    try:
        root = await asyncio.to_thread(tree.debian, print)
        libraries = await asyncio.to_thread(tree.libraries, print)
    except tree.Unavailable as problem:
        pytest.skip(str(problem))
    world = World(folder / "world")
    await start_headquarters(world)
    boot, opt = folder / "boot", folder / "opt"
    opt.mkdir(mode=0o755)
    write_card(boot, world)
    await asyncio.to_thread(install, root, opt, ["1.0.0", "1.0.1"])
    scale = os.path.realpath(world.store.scale.path)
    os.chown(scale, -1, DIALOUT)
    os.chmod(scale, 0o660)
    binds = [f"{opt}:/opt/backroom", f"{libraries}:/libraries", f"{boot}:/boot/firmware", f"{scale}:/dev/ttyUSB0"]
    container = Container(root, folder, binds, f"[Service]\nWatchdogSec={WATCHDOG_S}s\n")
    try:
        await asyncio.to_thread(container.boot)
        await asyncio.to_thread(set_up, container)
        result = (boot / "backroom-result.txt").read_text()
        made = Box(world, container, opt, boot, result, Till(f"http://127.0.0.1:{world.till_port}"))
        await made.until("the box knows its prices", lambda: prices(made))
        yield made
    except tree.Unavailable as problem:
        pytest.skip(str(problem))
    finally:
        await asyncio.to_thread(container.stop)
        await world.stop()


async def start_headquarters(world: World) -> None:
    """World.start without the gateway, which stands in the container."""
    await world.broker.start()
    await world.store.start()
    world._write_configuration()
    await world.run_core("gateway", "add", GATEWAY_ID, "--store", STORE_ID, "--name", "Demo store")
    await world.run_core("import", "items", str(tree.REPO / "cloud_erp" / "catalog" / "sample_items.csv"))
    world.core_process.start()
    await world.until("headquarters answers", world.core_process, world.core_ready)


def write_card(boot: Path, world: World) -> None:
    secrets = boot / "backroom-secrets"
    secrets.mkdir(parents=True)
    (secrets / "mqtt.password").write_text((world.folder / f"{GATEWAY_ID}.password").read_text())
    (secrets / "api.token").write_text(TOKEN + "\r\n")
    (boot / "backroom.toml").write_text(
        CONFIGURATION.format(
            id=GATEWAY_ID,
            store=STORE_ID,
            broker=world.broker.port,
            api=world.till_port,
            printer=world.store.printer.url,
        )
    )


def set_up(container: Container) -> None:
    """What the package does when it is installed."""
    container.run("systemd-sysusers", "/usr/lib/sysusers.d/backroom.conf")
    container.run("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/backroom.conf")
    container.run("systemctl", "daemon-reload")
    container.run("systemctl", "enable", "--now", "backroom-firstboot.service", "backroom.service")


async def prices(box: Box) -> bool:
    try:
        return bool((await box.till.get("/v1/status"))["price_book_version"])
    except BackroomError:
        return False


async def sold(box: Box) -> None:
    """Pay what is in the basket; wait until headquarters has booked it, and each one before it, once."""
    basket = await box.till.get("/v1/baskets/1")
    await box.till.post("/v1/baskets/1/tender", {"tender_type": "cash", "amount_minor": basket["total_minor"]})
    sales = list(range(1, (await box.till.get("/v1/status"))["next_seq"]))

    async def there() -> bool:
        return len(await box.booked()) >= len(sales)

    await box.until(f"headquarters has booked {len(sales)} sales", there)
    assert await box.booked() == sales


async def test_the_card_is_taken_over_and_the_box_is_ready(box: Box) -> None:
    assert box.result.startswith("Backroom took over backroom.toml: gateway S0421-1 of store S0421, 3 devices")
    assert "Moved from backroom-secrets into the box: api.token, mqtt.password." in box.result
    assert "The host name is now s0421-1." in box.result
    assert await box.run("cat", "/etc/hostname") == "s0421-1"
    assert await box.run("stat", "-c", "%a %U:%G", "/etc/backroom/gateway.toml") == "640 root:backroom"
    assert await box.run("stat", "-c", "%a %U", "/etc/backroom/credentials/api.token") == "600 root"
    assert await box.property("SubState") == "running"  # Type=notify: only READY=1 makes it so
    words = await box.property("StatusText")
    assert words.startswith("open for sales; 2 of 3 devices there (away: printer-2); headquarters"), words


async def test_debians_own_checks_find_nothing(box: Box) -> None:
    for unit in ("backroom.service", "backroom-firstboot.service"):
        checked = await asyncio.to_thread(box.container.tried, "systemd-analyze", "verify", unit)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
        await box.run("systemd-analyze", "security", "--threshold=15", unit)
    await box.run("udevadm", "verify", "/usr/lib/udev/rules.d/60-backroom.rules")
    for failed in (await box.run("systemctl", "--failed", "--no-legend", "--plain")).splitlines():
        raise AssertionError(f"{failed}\n{box.container.log()}")


async def test_usb_printers_can_be_looked_for_under_its_restrictions(box: Box) -> None:
    """libusb does not start without a netlink socket."""
    look = "import usb.core; print(len(list(usb.core.find(find_all=True, idVendor=0x04b8))))"
    families = await box.property("RestrictAddressFamilies")
    assert "AF_NETLINK" in families
    run = ["systemd-run", "--quiet", "--pipe", "--wait", "-p", "PrivateUsers=yes", "-p", "User=backroom"]
    run += ["-p", f"RestrictAddressFamilies={families}", "-p", "SystemCallFilter=@system-service"]
    found = await box.run(*run, "-E", "PYTHONPATH=/libraries", "/usr/bin/python3", "-c", look)
    assert found.isdigit()


async def test_nothing_of_it_runs_as_root(box: Box) -> None:
    user = await box.run("id", "-u", "backroom")
    group = await box.property("ControlGroup")
    processes = (await box.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs")).split()
    assert processes == [await box.property("MainPID")]
    status = dict(line.split(":\t", 1) for line in (await box.run("cat", f"/proc/{processes[0]}/status")).splitlines())
    assert set(status["Uid"].split()) == {user} != {"0"}
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == int(status["CapAmb"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    with pytest.raises(AssertionError, match="Permission denied"):
        await box.run("setpriv", "--reuid=backroom", "--clear-groups", "cat", "/etc/backroom/credentials/api.token")


async def test_a_sale_goes_through_a_serial_scale_to_headquarters(box: Box) -> None:
    with pytest.raises(HttpError, match="HTTP 401"):
        await Client(box.till.base).get("/v1/baskets/1")
    box.world.store.weigh(500)
    await box.till.post("/v1/baskets/1/scan", {"code": ITEMS["2001"].barcode})
    await sold(box)

    async def printed() -> bool:
        return any("0.500 kg" in receipt for receipt in box.world.store.receipts())

    await box.until("the receipt has printed", printed)


async def test_the_log_can_be_asked_by_device(box: Box) -> None:
    offline, *_ = await asyncio.to_thread(box.container.journal, "-u", "backroom", "BACKROOM_DEVICE=printer-2")
    assert offline["MESSAGE"].startswith("device offline: printer-2: ")
    assert (offline["PRIORITY"], offline["SYSLOG_IDENTIFIER"]) == ("4", "backroom")
    assert offline["_UID"] == await box.run("id", "-u", "backroom")


async def test_ready_came_after_the_absent_printer_was_found_absent(box: Box) -> None:
    await box.run("systemctl", "restart", "backroom")
    ready = int(await box.property("ActiveEnterTimestampMonotonic"))
    process = await box.property("MainPID")
    found, *_ = await asyncio.to_thread(box.container.journal, f"_PID={process}", "BACKROOM_DEVICE=printer-2")
    # systemd and the journal hear of it over two sockets, and stamp what they hear
    assert int(found["__MONOTONIC_TIMESTAMP"]) < ready + HEARD_WITHIN_US


async def test_an_upgrade_in_the_middle_of_a_sale_resumes_the_basket(box: Box) -> None:
    await box.till.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    open_basket = await box.basket()
    assert len(open_basket) == 1
    switch(box.opt, "1.0.1")
    await box.run("systemctl", "restart", "backroom")
    await box.until("the basket is back", lambda: is_there(box, open_basket))
    assert (await box.till.get("/v1/status"))["software"] == "1.0.1"
    await sold(box)


async def test_a_loop_that_hangs_is_started_anew_and_loses_nothing(box: Box) -> None:
    await box.till.post("/v1/baskets/1/scan", {"code": BUTTER.barcode})
    open_basket = await box.basket()
    before, restarts = await box.property("MainPID"), int(await box.property("NRestarts"))
    await box.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "backroom")

    async def anew() -> bool:
        return await box.property("MainPID") not in (before, "0") and await box.basket() == open_basket

    await box.until("the watchdog has started it anew, with its basket", anew)
    assert int(await box.property("NRestarts")) == restarts + 1
    entries = await asyncio.to_thread(box.container.journal, "-u", "backroom")
    assert any("Watchdog timeout" in str(entry["MESSAGE"]) for entry in entries)
    await sold(box)


async def test_a_refused_configuration_leaves_the_one_in_force(box: Box) -> None:
    card = box.card / "backroom.toml"
    card.write_text('[gateway]\nid = "S0421-1"\nstor_id = "S0421"\n')
    with pytest.raises(AssertionError):
        await box.run("systemctl", "restart", "backroom-firstboot")
    result = card.with_name("backroom-result.txt").read_text()
    assert "did NOT take over" in result
    assert "backroom.toml, [gateway]: unknown key 'stor_id'; did you mean 'store_id'?" in result
    assert "token_file" in await box.run("cat", "/etc/backroom/gateway.toml")
    refused: list[Any] = await asyncio.to_thread(box.container.journal, "-u", "backroom-firstboot", "PRIORITY=3")
    assert any("stor_id" in str(entry["MESSAGE"]) for entry in refused)
    card.unlink()
    await box.run("systemctl", "reset-failed", "backroom-firstboot")


async def test_it_stops_within_five_seconds(box: Box) -> None:
    began = time.monotonic()
    await box.run("systemctl", "stop", "backroom")
    took_s = time.monotonic() - began
    assert await box.property("Result") == "success"
    await box.run("systemctl", "start", "backroom")
    assert took_s < 5


async def test_without_a_configuration_it_does_not_start_and_says_why(box: Box) -> None:
    await box.run("systemctl", "stop", "backroom")
    await box.run("mv", "/etc/backroom/gateway.toml", "/etc/backroom/away.toml")
    try:
        await box.run("systemctl", "start", "backroom")
        assert await box.property("ActiveState") == "inactive"
        told = await asyncio.to_thread(box.container.tried, "systemctl", "status", "backroom")
        assert "ConditionPathExists=/etc/backroom/gateway.toml was not met" in told.stdout
    finally:
        await box.run("mv", "/etc/backroom/away.toml", "/etc/backroom/gateway.toml")
        await box.run("systemctl", "start", "backroom")


async def is_there(box: Box, wanted: list[str]) -> bool:
    return await box.basket() == wanted
