"""M04 on real processes: a card is charged once, whatever happens to the terminal, its line or the box."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.world import World, sample_items
from gateway.errors import BackroomError

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story")]
MILK, BUTTER = (item for item in sample_items() if item.item_id in ("1001", "1003"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world")
    for knob in ("card_delay", "host_delay"):
        world.store.terminal.set(knob, "0.1")
    await world.start()
    yield world
    await world.stop()


async def basket(world: World) -> dict[str, Any]:
    shown: dict[str, Any] = await world.gateway.get("/v1/baskets/1")
    return shown


async def begin(world: World) -> None:
    await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    await world.gateway.post("/v1/baskets/1/tender", {"type": "card"})


async def ended(world: World) -> dict[str, Any]:
    """Wait until no payment is open any more; the basket then."""

    async def known() -> bool:
        try:
            return (await basket(world))["payment"] is None
        except BackroomError:
            return False  # it is being started again

    await world.until("the payment has an end", world.gateway_process, known, 60)
    return await basket(world)


async def pay_again_if_nothing_was_charged(world: World) -> None:
    if (await ended(world))["state"] in ("selling", "tendering"):
        await world.gateway.post("/v1/baskets/1/tender", {"type": "card"})
        assert (await ended(world))["state"] == "idle"


async def cut_off(world: World) -> None:
    async def cut() -> bool:
        return bool(world.store.charges.is_cut)

    await world.until("the line is cut", world.gateway_process, cut, 15)


async def mend(world: World) -> None:
    await world.store.terminal.unplug()
    world.store.terminal.set("cut", "")
    await world.store.terminal.plug()


async def everybody_agrees(world: World, sales: int) -> None:
    """The terminal's ledger, headquarters' journal and the box's own journal: payment by payment."""

    async def acked() -> bool:
        status = await world.gateway.get("/v1/status")
        return bool(status["unacked"] == 0 and status["next_seq"] == sales + 1)

    await world.until(f"headquarters has {sales}", world.gateway_process, acked, 60)
    booked = sorted(one.amount for one in world.store.charges.ledger if one.state == "booked")
    journal = (await world.core.get("/v1/sales?since_id=0"))["sales"]
    assert sorted(sale["total_minor"] for sale in journal) == booked
    assert len(booked) == sales
    payments = (await world.gateway.get("/v1/payments"))["payments"]
    assert [one for one in payments if one["open"]] == []
    taken = [one for one in payments if one["state"] == "approved"]
    assert [one["settled"] for one in taken] == ["booked"] * sales


async def test_a_terminal_that_dies_between_authorisation_and_answer_is_asked_and_booked_once(world: World) -> None:
    await begin(world)
    await ended(world)
    world.store.terminal.set("cut", "after_keep")
    await begin(world)
    await cut_off(world)
    await world.store.terminal.unplug()

    async def unknown() -> bool:
        return bool((await basket(world))["state"] == "unknown")

    await world.until("the till says that it does not know", world.gateway_process, unknown, 15)
    assert "Do not charge the card again" in await world.gateway.text("/till/1")
    assert "Please wait" in world.store.reads()[0]
    await mend(world)
    assert (await ended(world))["finished"]["total_minor"] == 119
    await everybody_agrees(world, 2)

    async def printed() -> bool:
        return len(world.store.receipts()) == 2

    await world.until("the receipt printed", world.gateway_process, printed, 20)
    assert "KUNDENBELEG" in world.store.receipts()[0]
    assert world.store.paper.pulses == [], "no cash moved, so the drawer stayed shut"


async def test_the_box_killed_at_steps_of_the_protocol_charges_once_and_books_once(world: World) -> None:
    await begin(world)
    await ended(world)
    for count, point in enumerate(("after_ack", "after_status", "after_keep", "before_completion"), 2):
        world.store.terminal.set("cut", point)
        await begin(world)
        await cut_off(world)
        os.kill(world.gateway_process.pid, signal.SIGKILL)
        await world.gateway_process.stop()
        await mend(world)
        world.gateway_process.start()
        await pay_again_if_nothing_was_charged(world)
        await everybody_agrees(world, count)


async def test_the_box_killed_while_the_customer_types_the_pin(world: World) -> None:
    await begin(world)
    await ended(world)
    world.store.terminal.set("card_delay", "3")
    await begin(world)

    async def at_it() -> bool:
        payment = (await basket(world))["payment"]
        return bool(payment and payment["phase"])

    await world.until("the terminal is at it", world.gateway_process, at_it, 15)
    os.kill(world.gateway_process.pid, signal.SIGKILL)
    await world.gateway_process.stop()
    await asyncio.sleep(0.2)
    world.gateway_process.start()
    await pay_again_if_nothing_was_charged(world)
    await everybody_agrees(world, 2)


async def test_the_customer_reads_the_line_the_total_and_the_change(world: World) -> None:
    async def reads(*rows: str) -> None:
        async def shown() -> bool:
            return all(row in " ".join(" ".join(world.store.reads()).split()) for row in rows)

        await world.until(f"the customer reads {rows}", world.gateway_process, shown, 10)

    await reads("Demo store")
    await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    await reads("1.19 TOTAL 1.19")
    await world.store.display.unplug()
    await world.gateway.post("/v1/baskets/1/scan", {"code": BUTTER.barcode})
    await world.gateway.post("/v1/baskets/1/tender", {"amount_minor": 1000})
    await world.store.display.plug()
    total = (await basket(world))["finished"]["total_minor"]
    await reads(f"TOTAL {total / 100:.2f}", f"CHANGE {(1000 - total) / 100:.2f}")


def test_a_terminal_that_is_none_ends_the_start_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        '[gateway]\nid = "S1-1"\nstore_id = "S1"\n[mqtt]\nhost = "127.0.0.1"\n[api]\nport = 0\n'
        '[workstation.1]\nterminal = "printer-1"\n'
        '[device.printer-1]\ndriver = "printer-escpos"\nurl = "tcp://127.0.0.1:1"\n'
    )
    command = [sys.executable, "-m", "gateway", "run", "--config", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert (
        "[workstation.1] terminal: printer-1 is a pos-printer (printer-escpos); name a payment-terminal" in done.stderr
    )
    assert "Traceback" not in done.stderr
