"""M04 on real processes: a card is charged once, whatever happens to the terminal, its line or the box."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.world import World, sample_items
from gateway.errors import BackroomError
from tests.stories.open_store import acked, basket, last_seq, opened

pytestmark = [pytest.mark.story, pytest.mark.asyncio(loop_scope="module")]
MILK = next(item for item in sample_items() if item.item_id == "1001")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, core_data: Path) -> AsyncIterator[World]:
    world = World(tmp_path_factory.mktemp("shop"), core_data=core_data)
    await world.start()
    yield world
    await world.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def world(shop: World) -> World:
    await opened(shop)
    return shop


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
    """The terminal's ledger, headquarters' journal and the box's own journal: payment by payment.

    sales: of this shop since it was opened. Each was paid by card, and nothing but sales was recorded.
    """
    await acked(world, sales)
    booked = sorted(one.amount for one in world.store.charges.ledger if one.state == "booked")
    journal = (await world.core.get("/v1/sales?since_id=0"))["sales"]
    assert sorted(sale["total_minor"] for sale in journal) == booked
    assert len(booked) == sales
    payments = (await world.gateway.get("/v1/payments"))["payments"]
    assert [one for one in payments if one["open"]] == []
    taken = [one for one in payments if one["state"] == "approved"]
    assert [one["settled"] for one in taken] == ["booked"] * sales


async def test_a_terminal_that_dies_between_authorisation_and_answer_is_asked_and_booked_once(world: World) -> None:
    before, receipts = await last_seq(world), len(world.store.receipts())
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
    await everybody_agrees(world, before + 2)

    async def printed() -> bool:
        return len(world.store.receipts()) == receipts + 2

    await world.until("the receipt printed", world.gateway_process, printed, 20)
    assert "KUNDENBELEG" in world.store.receipts()[receipts]
    assert world.store.paper.pulses == [], "no cash moved, so the drawer stayed shut"


async def test_the_box_killed_at_steps_of_the_protocol_charges_once_and_books_once(world: World) -> None:
    before = await last_seq(world)
    await begin(world)
    await ended(world)
    for count, point in enumerate(("after_ack", "after_status", "after_keep", "before_completion"), before + 2):
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
    before = await last_seq(world)
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
    await everybody_agrees(world, before + 2)
