"""The story itself, in order; every step says what holds, and how many seconds it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import IPv6Address
from typing import Any

from gateway.demo.world import SampleItem, sample_items
from gateway.devices.host import TcpHost
from gateway.errors import BackroomError
from images.story.headquarters import Headquarters
from images.story.inside import Inside
from images.story.mdns import Neighbour
from images.story.technician import GATEWAY_ID, STORE_ID, Card
from images.story.till import Till, greeting, page
from images.story.vm import Box

NAME = "backroom.local"
NO_CLOCK = "2001-01-01T00:00:00"
GRAMS = 450
CASH_MINOR = 5000
#: an emulated box beside other work starts in minutes
START_S = 900.0
STEP_S = 240.0


class NotSo(BackroomError):
    """Something does not hold; the text says what."""


class Day:
    """run(); seconds and facts are what there is to tell afterwards."""

    def __init__(self, box: Box, card: Card, core: Headquarters, scale: TcpHost, till: Till, inside: Inside) -> None:
        self._box, self._card, self._core, self._scale = box, card, core, scale
        self._till, self._inside = till, inside
        self.seconds: dict[str, float] = {}
        self.facts: dict[str, Any] = {}
        self._totals: list[int] = []
        self._began = 0.0  # the hour of the first start, in seconds UTC
        items = [item for item in sample_items() if item.price and item.barcode]
        self._pieces: list[SampleItem] = [item for item in items if item.unit == "each"]
        self._by_weight: SampleItem = next(item for item in items if item.unit == "kg")

    async def run(self) -> None:
        await self._step("first boot to READY", self._first_boot)
        await self._step(
            "price book from headquarters", partial(self._box.until, "it has prices", self._till.has_prices, STEP_S)
        )
        await self._step("keys on the USB keyboard are a scan", self._scan)
        await self._step("USB serial adapter plugged in, scale weighs", self._weigh)
        await self._step("sale finished, at headquarters", self._first_sale)
        await self._step("sale without a line; the next one begun; power cut", self._power_cut)
        await self._step("second boot to READY", self._second_boot)
        await self._step("nothing lost, nothing doubled", self._nothing_lost)
        await self._step("backroom.local by mDNS", self._its_name)
        await self._step("receipt on the USB printer", self._receipt)
        await self._step("inside", self._look_inside)
        await self._step("without a configuration: a page says so", self._unconfigured)
        await self._step("power button, card in order", self._power_off)
        await self._step("ruined card: a page says so", self._ruined)

    async def _step(self, name: str, act: Callable[[], Awaitable[object]]) -> None:
        began = time.monotonic()
        print(f"image-test: {name} ...", flush=True)
        told = await act()
        self.seconds[name] = round(time.monotonic() - began, 1)
        print(f"image-test: ok {self.seconds[name]:6.1f} s  {name}{f': {told}' if told else ''}", flush=True)

    # --- the first start --------------------------------------------------------------------------------------------

    async def _first_boot(self) -> str:
        began, self._began = time.monotonic(), time.time()
        await self._box.start()
        await self._box.until_said(r"Linux version \d", START_S)
        self.facts["kernel"] = (
            next(line for line in self._box.console if "Linux version " in line).split("Linux version ")[1].split()[0]
        )
        loader_s = time.monotonic() - began
        await self._box.until_said(r"Started .*backroom\.service", START_S)
        await self._box.until("its API answers", self._till.answers, STEP_S)
        if greeted := await greeting(self._box.ports[22]):
            raise NotSo(f"no key lies on the card, and yet a server greets on port 22: {greeted}")
        return f"kernel after {loader_s:.0f} s; SSH is off"

    async def _scan(self) -> str:
        await self._box.until("the scanner is online", partial(self._has_power, "scanner-1"), STEP_S)
        assert self._box.machine is not None
        label = self._pieces[0].barcode
        # An emulated box needs its time for each key.
        await self._box.machine.type(label + "\n", between_s=0.1)
        await self._until_lines(1)
        line = (await self._till.lines())[0]
        if line["item_id"] != self._pieces[0].item_id:
            raise NotSo(f"typed {label}, and the till rang {line['item_id']}")
        return f"{label} is {line['description']}"

    async def _weigh(self) -> str:
        assert self._box.machine is not None
        self._scale.set("grams", str(GRAMS))
        adapter = {"driver": "usb-serial", "bus": "xhci.0", "chardev": "scale", "always-plugged": True}
        await self._box.machine.do("device_add", id="adapter", **adapter)
        await self._box.until("the scale is online", partial(self._has_power, "scale-1"), STEP_S)
        grams = await self._till.weigh()
        if grams != GRAMS:
            raise NotSo(f"{GRAMS} g lie on the scale, and the box weighs {grams} g")
        return f"{grams} g"

    async def _first_sale(self) -> str:
        await self._till.key(self._by_weight.barcode)
        await self._until_lines(2)
        weighed = (await self._till.lines())[1]
        if weighed["weight_grams"] != GRAMS:
            raise NotSo(f"the weighed line says {weighed['weight_grams']} g")
        finished = await self._pay()
        await self._box.until("headquarters has acknowledged it", self._till.all_acknowledged, STEP_S)
        await self._agree()
        return f"{finished['number']}, {finished['total']}"

    # --- the power cut ----------------------------------------------------------------------------------------------

    async def _power_cut(self) -> str:
        """One sale waits in the box, the next is open with one line."""
        self._core.broker.kill()
        await self._box.until("it sees that the line is gone", self._till.offline, STEP_S)
        await self._till.key(self._pieces[1].barcode)
        waiting = await self._pay()
        await self._till.key(self._pieces[2].barcode)
        await self._until_lines(1)
        await self._box.cut()
        await self._core.broker.start()
        self._card.put_key(self._inside.public)
        if "backroom.toml" in "".join(self._card.names()).replace("backroom.toml.example", ""):
            raise NotSo("backroom.toml still lies on the card's boot partition, with its secrets beside it")
        if "took over" not in (result := self._card.result()):
            raise NotSo(f"backroom-result.txt on the card says: {result}")
        return f"{waiting['number']} waits, {self._pieces[2].description} lies on the till"

    async def _second_boot(self) -> str:
        await self._box.start(clock=NO_CLOCK)
        await self._box.until_said(r"Started .*backroom\.service", START_S)
        await self._box.until("its API answers", self._till.answers, STEP_S)
        lines = await self._till.lines()
        if [line["item_id"] for line in lines] != [self._pieces[2].item_id]:
            raise NotSo(f"the open sale had {self._pieces[2].item_id}; after the power cut it has {lines}")
        return "the open sale lies there as it was"

    async def _nothing_lost(self) -> str:
        async def booked() -> bool:
            return await self._till.all_acknowledged() and len(await self._core.sales()) >= len(self._totals)

        await self._box.until("headquarters has what waited", booked, STEP_S)
        await self._agree()
        await self._pay()
        await self._box.until("headquarters has the sale that was open", booked, STEP_S)
        await self._agree()
        return f"{len(self._totals)} sales, each once, the resumed one among them"

    # --- what else the box has --------------------------------------------------------------------------------------

    async def _its_name(self) -> str:
        neighbour = Neighbour(*self._box.cable)
        found: list[IPv6Address] = []

        async def answered() -> bool:
            neighbour.ask(NAME)
            await asyncio.sleep(1)
            if address := neighbour.heard(NAME):
                found.append(address)
            return bool(found)

        try:
            await self._box.until(f"it answers to {NAME}", answered, STEP_S)
        finally:
            neighbour.close()
        return str(found[0])

    async def _receipt(self) -> str:
        async def greets() -> bool:
            return (await greeting(self._box.ports[22])).startswith("SSH-2.0")

        await self._box.until("SSH is on, for a key lies on the card", greets, STEP_S)
        async with self._inside.printer() as printer:
            if printer is not None:
                await self._box.until("the printer is online", partial(self._has_power, "printer-1"), STEP_S)
            await self._till.key(self._pieces[3].barcode)
            await self._until_lines(1)
            finished = await self._pay()
            if printer is None:
                self.facts["printer"] = "this kernel offers no dummy_hcd"
                return str(self.facts["printer"])
            text = await printer.receipt_of(finished["number"], STEP_S)
        total = finished["total_minor"]
        if f"{total // 100}.{total % 100:02}" not in text.replace(",", "."):
            raise NotSo(f"the receipt does not show {total} minor units:\n{text}")
        await self._box.until("headquarters has acknowledged it", self._till.all_acknowledged, STEP_S)
        await self._agree()
        return f"{len(text.splitlines())} lines, with {finished['number']} and {finished['total']}"

    async def _look_inside(self) -> str:
        run = self._inside.run
        if not await self._inside.refused("touch /usr/probe"):
            raise NotSo("the root is writable")
        failed = (await run("systemctl --failed --no-legend --plain | cut -d' ' -f1")).split()
        if failed:
            raise NotSo(
                f"units failed: {', '.join(failed)}:\n{await run('journalctl -b -p warning --no-pager | tail -40')}"
            )
        self.facts["root"] = (await run("findmnt -no FSTYPE,OPTIONS /")).strip()
        self.facts["data_mib"] = int(await run("findmnt -bno SIZE /data")) // 2**20
        self.facts["boots_in_journal"] = int(await run("journalctl --list-boots --no-pager -q | wc -l"))
        if self.facts["boots_in_journal"] < 2:
            raise NotSo("the journal of the first start is not there: /var/log/journal or the machine id did not stay")
        behind_s = round(time.time() - int(await run("date +%s")))
        if behind_s > time.time() - self._began:
            raise NotSo(f"its clock chip said {NO_CLOCK}, and it is {behind_s} s behind: it forgot the first start")
        self.facts["clock_behind_s"] = behind_s
        self.facts["watchdog"] = (await run("cat /sys/class/watchdog/*/state | sort | head -n 1")).strip()
        if self.facts["watchdog"] != "active":
            raise NotSo("nobody feeds the hardware watchdog: systemd found it too late, or RuntimeWatchdogSec= is lost")
        if await self._inside.refused("test -s /data/etc/machine-id -a -e /data/systemd/timesync/clock"):
            raise NotSo("the machine id and the clock are not kept on the data partition")
        self.facts["memory_mib"] = int(await run("systemctl show -P MemoryCurrent backroom.service")) // 2**20
        return f"root {self.facts['root'].split()[0]} read-only, data {self.facts['data_mib']} MiB, no unit failed"

    async def _unconfigured(self) -> str:
        """As on a card that nobody wrote backroom.toml to: its units, asked again without a gateway.toml."""
        run = self._inside.run
        # /etc/backroom is a folder of the data partition, shown over the root's; that one must have nothing in it
        if await self._inside.refused(
            "unshare -m sh -c 'umount /etc/backroom && test ! -e /etc/backroom/gateway.toml'"
        ):
            raise NotSo("the root has a gateway.toml of its own, which would pass for this box's configuration")
        await run("systemctl stop backroom && mv /etc/backroom/gateway.toml /data/gateway.toml.of-the-test")
        await run("systemctl restart backroom-firstboot && systemctl start backroom backroom-trouble")

        async def served() -> bool:
            both = [await page(self._box.ports[port]) for port in (80, 8380)]
            return all(status == 503 and "no configuration yet" in text for status, text in both)

        await self._box.until("a page on ports 80 and 8380 says that it has no configuration", served, STEP_S)
        told = await run("backroom doctor; test $? = 2")
        if "volume BACKROOM" not in told:
            raise NotSo(f"'backroom doctor' does not say where a configuration goes: {told}")
        return told.strip().splitlines()[0]

    async def _power_off(self) -> str:
        await self._box.power_off(STEP_S)
        if "no configuration yet" not in (result := self._card.result()):
            raise NotSo(f"it had no configuration, and backroom-result.txt on the card says: {result}")
        return self._card.check()

    async def _ruined(self) -> str:
        self._card.ruin()
        await self._box.start()

        async def served() -> bool:
            status, text = await page(self._box.ports[80])
            return status == 503 and "data partition" in text

        await self._box.until("a page on port 80 says what is wrong", served, START_S)
        status, text = await page(self._box.ports[8380])
        if status != 503 or "damaged" not in text:
            raise NotSo(f"on the till's port stands {status}: {text[:300]}")
        await self._box.cut()
        return text.split("<p>")[1].split("</p>")[0]

    # --- parts ------------------------------------------------------------------------------------------------------

    async def _has_power(self, device: str) -> bool:
        return await self._till.power(device) == "online"

    async def _until_lines(self, count: int) -> None:
        async def rung() -> bool:
            return len(await self._till.lines()) == count

        await self._box.until(f"the till has {count} lines", rung, STEP_S)

    async def _pay(self) -> dict[str, Any]:
        finished = await self._till.pay_cash(CASH_MINOR)
        self._totals.append(int(finished["total_minor"]))
        return finished

    async def _agree(self) -> None:
        """Headquarters has every sale so far, once, with its total."""
        booked = await self._core.sales()
        seqs = [int(sale["seq"]) for sale in booked]
        totals = [int(sale["total_minor"]) for sale in booked]
        if totals != self._totals or len(set(seqs)) != len(seqs):
            raise NotSo(f"{GATEWAY_ID} of {STORE_ID} sold {self._totals}; headquarters has {totals}, seqs {seqs}")
        self.facts["sales"] = len(totals)
        self.facts["lost"] = len(self._totals) - len(totals)
        self.facts["doubled"] = len(seqs) - len(set(seqs))
