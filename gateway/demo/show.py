"""`backroom demo`: start the whole world, say where to look, print a line per sale, end cleanly on Ctrl-C.

At a terminal it takes commands, so that a person can be the shop: scan a code, put goods on the scale, pull a plug.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from gateway.demo.check import check
from gateway.demo.world import World, sample_items
from gateway.errors import BackroomError

HELP = """\
  scan CODE        the scanner reads CODE          items            some codes to scan
  weigh GRAMS      put goods on the scale          unplug DEVICE    scanner, scale, printer, terminal, display
  cash             pay what is due in cash         plug DEVICE
  card             pay what is due by card         display          what the customer reads
  paper out|in     the printer's paper             broker off|on    take the broker away, bring it back
  help             this                            quit             end (as does Ctrl-C)"""

OFFERS = """\
  Offers         coffee 4001234009728 + chocolate 4001234010090 for 9.49; the second crisps 4001234010465 at half
                 the price; 2.00 off from 20.00; coupon WELCOME-7F3K takes 10 % off, SORRY-500 pays 5.00
  Member         card 2900000010017 or telephone 0912345678: a point a euro, each of them pays a cent; rosé
                 4001234009353 at 6.99
  People         Anna is signed on (PIN 1111); supervisor Suse 2222, manager Max 3333: price overrides, training,
                 X and Z report, what an article costs (F10, i, 1001)
"""


def show(check: bool, folder: Path | None, port: int) -> int:
    """Run the demo; the exit code."""
    made = folder is None
    place = Path(tempfile.mkdtemp(prefix="backroom-demo-")) if folder is None else folder.resolve()
    try:
        return asyncio.run(_run(place, check, port))
    except KeyboardInterrupt:
        return 130
    finally:
        if made:
            shutil.rmtree(place, ignore_errors=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def _run(folder: Path, checking: bool, port: int) -> int:
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    # A check runs beside whatever else does, so it takes free ports.
    world = World(folder, offers=True) if checking else World(folder, port, port + 1, offers=True)
    story = asyncio.create_task(_story(world, checking, stop))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({story, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not story.done():
            _say("stopping")
            story.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await story
            return 130 if checking else 0
        return story.result()
    except BackroomError as error:
        _say(f"demo: {error}")
        return 1
    finally:
        stopped.cancel()
        await world.stop()


async def _story(world: World, checking: bool, stop: asyncio.Event) -> int:
    await world.start(lambda text: _say(f"demo: {text}"))
    if checking:
        return await check(world, lambda text: _say(f"demo: {text}"))
    await world.furnish()
    print(
        f"\nA store is open.\n\n  Till           {world.till_page}\n  Customer       {world.gateway.base}/customer/1\n"
        f"  Self-checkout  {world.gateway.base}/self-checkout/2\n  Technician     {world.gateway.base}/technician\n"
        f"  Headquarters   {world.core.base}/\n  API            {world.gateway.base}/openapi.json\n"
        f"  Files          {world.folder}\n{OFFERS}",
        flush=True,
    )
    print("Ctrl-C ends it." if not sys.stdin.isatty() else f"{HELP}\n", flush=True)
    following = asyncio.create_task(_follow(world))
    try:
        if sys.stdin.isatty():
            await _commands(world, stop)
        else:
            await stop.wait()
    finally:
        following.cancel()
    return 0


async def _follow(world: World) -> None:
    """A line per sale, as headquarters books it."""
    last = 0
    while True:
        try:
            for sale in (await world.core.get(f"/v1/sales?since_id={last}"))["sales"]:
                last = max(last, int(sale["id"]))
                where = f"{sale['store_id']}/{sale['workstation_id']}/{sale['sequence_number']}"
                amount = f"{sale['total_minor'] / 100:.2f} {sale['currency']}"
                print(
                    f"sale {where}  {amount:>12}  seq {sale['seq']}, at headquarters {sale['received_at']}", flush=True
                )
        except BackroomError:
            pass  # headquarters is away for the moment; what it booked is asked for again
        await asyncio.sleep(0.5)


async def _commands(world: World, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop.add_reader(sys.stdin, lambda: lines.put_nowait(sys.stdin.readline()))
    try:
        while not stop.is_set():
            line = await lines.get()
            if not line or line.strip() == "quit":
                stop.set()
                return
            try:
                await _command(world, line.split(), print)
            except (BackroomError, ValueError, IndexError, KeyError) as error:
                print(f"not done: {error}; 'help' shows the commands", flush=True)
    finally:
        loop.remove_reader(sys.stdin)


async def _command(world: World, words: list[str], say: Callable[[str], None]) -> None:
    match words:
        case ["help"] | []:
            say(HELP)
        case ["items"]:
            for item in sample_items()[:12]:
                say(f"  {item.barcode:<14} {item.description} ({item.price or 'no price'} / {item.unit})")
        case ["scan", *code]:
            world.store.scan(" ".join(code))
        case ["weigh", grams]:
            world.store.weigh(int(grams))
        case ["cash" | "card" as tender]:
            await _pay(world, tender, say)
        case ["display"]:
            say("\n".join(f"  |{row}|" for row in world.store.reads()))
        case ["paper", "out" | "in" as state]:
            world.store.printer.set("paper_out", "yes" if state == "out" else "no")
        case ["unplug" | "plug" as act, device]:
            host = world.store.hosts[device]
            await (host.plug() if act == "plug" else host.unplug())
        case ["broker", "off"]:
            world.broker.kill()
        case ["broker", "on"]:
            await world.broker.start()
        case _:
            raise ValueError(f"unknown command {' '.join(words)!r}")


async def _pay(world: World, tender: str, say: Callable[[str], None]) -> None:
    basket = await world.gateway.post("/v1/baskets/1/tender", {"type": tender})
    if basket["finished"]:
        say(f"  paid: {basket['finished']['total']}")
    else:
        say(f"  at the terminal: {basket['payment']['amount']}; the till shows what becomes of it")
