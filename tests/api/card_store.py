"""A store whose workstation takes cards: a pretend ZVT terminal over TCP, its session, and the desk that asks it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from gateway.devices.host import TcpHost
from gateway.devices.payment import Patience, PaymentDesk
from gateway.devices.snapshot import Happened
from gateway.peripherals import PaymentProgress, Power
from retail.wire.rows import OperatorRow
from tests.api.store import Shop, open_shop
from tests.devices.shop import session_for
from tests.shop import until
from tests.till.card_shop import pretend_terminal

#: asked of the terminal for a moment only, then of a person
BRIEF = Patience(first_s=0.02, cap_s=0.05, total_s=0.5)


@contextlib.asynccontextmanager
async def open_card_shop(
    folder: Path, operators: Sequence[OperatorRow] = (), checkout: bool = False
) -> AsyncIterator[tuple[Shop, TcpHost]]:
    async with pretend_terminal() as host:
        session = session_for("terminal-zvt", host.url)
        async with open_shop(
            folder,
            desk=lambda book: PaymentDesk(session, book.journal("terminal-1"), patience=BRIEF),
            operators=operators,
            checkout=checkout,
        ) as shop:

            def said(_device: str, entry: Any) -> None:
                if isinstance(entry, Happened) and isinstance(entry.event, PaymentProgress):
                    for lane in shop.lanes.values():
                        if lane.card is not None:
                            lane.card.heard(entry.event)

            session.listen(said)
            tasks = [asyncio.create_task(run) for run in (session.run(), shop.payments.run())]
            tasks += [asyncio.create_task(lane.run()) for lane in shop.lanes.values()]
            await until(lambda: session.snapshot().power is Power.ONLINE and host._client is None)
            try:
                yield shop, host
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def loses_the_answer(host: TcpHost) -> None:
    """Wait until the terminal is cut off where its knob says, and unplug it for good."""
    await until(lambda: host.device.is_cut)  # type: ignore[attr-defined]
    await host.unplug()
