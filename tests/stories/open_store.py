"""A store that the tests of a module use one after the other: each finds it open and quiet, and counts from there."""

from __future__ import annotations

from typing import Any

from gateway.demo.world import World

#: what a test may have turned, as it was
KNOBS = {
    "scale": {"grams": "0", "moving": "no", "silent": "no", "garbage": "no"},
    "printer": {"paper_out": "no", "silent": "no"},
    "terminal": {"cut": "", "card_delay": "0.1", "host_delay": "0.1"},
}


async def opened(world: World) -> None:
    """Whatever the test before did: all runs and is plugged in, nothing is on the till, all is printed and booked."""
    for name, host in world.store.hosts.items():
        await host.plug()
        for knob, value in KNOBS.get(name, {}).items():
            host.set(knob, value)
    if not world.broker.running():
        await world.broker.start()
    for process in (world.core_process, world.gateway_process):
        if not process.running():
            process.start()
    await world.until("headquarters answers", world.core_process, world.core_ready)
    await world.until("the gateway is there with all devices", world.gateway_process, world.gateway_ready)
    if (await basket(world))["state"] != "idle":
        await world.gateway.post("/v1/baskets/1/void", {})

    async def quiet() -> bool:
        status = await world.gateway.get("/v1/status")
        return bool(status["unacked"] == 0 and status["receipts_waiting"] == 0)

    await world.until("all is printed and booked", world.gateway_process, quiet)


async def basket(world: World) -> dict[str, Any]:
    shown: dict[str, Any] = await world.gateway.get("/v1/baskets/1")
    return shown


async def last_seq(world: World) -> int:
    """Of the newest record; a sale, or a sale that was given up, or what a person was allowed to do."""
    return int((await world.gateway.get("/v1/status"))["next_seq"]) - 1


async def acked(world: World, up_to: int) -> None:
    """Wait until headquarters has booked this record, and there is none after it."""

    async def all_there() -> bool:
        status = await world.gateway.get("/v1/status")
        return bool(status["unacked"] == 0 and status["next_seq"] == up_to + 1)

    await world.until(f"all up to {up_to} are acknowledged", world.gateway_process, all_there, 60)
