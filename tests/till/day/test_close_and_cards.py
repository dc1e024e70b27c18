"""A session does not close over a card payment whose end nobody knows; its Z report has what cards paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.devices.host import TcpHost
from gateway.errors import SaleRefused
from tests.shop import until
from tests.till.card_shop import MILK, MILK_MINOR, Counter, open_counter


async def reason_of_close(counter: Counter) -> str:
    with pytest.raises(SaleRefused) as refused:
        await counter.till.day.sessions.close(0)
    assert counter.till.day.sessions.open_now is not None
    return refused.value.reason


async def test_while_the_terminal_is_at_it_the_session_stays_open(counter: Counter, host: TcpHost) -> None:
    await counter.till.day.sessions.open(0)
    host.set("card_delay", "30")
    await counter.sell_by_card()
    await until(lambda: counter.till.card and counter.till.card.progress)
    assert await reason_of_close(counter) == "payment_open"
    await counter.till.tenders.abort_payment()
    await counter.settled()
    assert await reason_of_close(counter) == "sale_open"


async def test_a_payment_of_unknown_outcome_stops_the_close(tmp_path: Path, host: TcpHost) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await counter.till.day.sessions.open(0)
        host.set("cut", "after_keep")
        await counter.sell_by_card()
        await until(lambda: host.device.is_cut)  # type: ignore[attr-defined]
        await host.unplug()
        await until(lambda: counter.till.basket.state == "unknown")
        assert await reason_of_close(counter) == "payment_unknown"


async def test_cards_and_cash_are_counted_apart(counter: Counter) -> None:
    await counter.till.day.sessions.open(1_000)
    await counter.sell_by_card(MILK, amount_minor=100)
    await counter.settled()
    await counter.till.tender_cash(100)
    closed = await counter.till.day.sessions.close(1_000)
    assert closed.totals is not None
    assert [(one.tender_type, one.count, one.amount_minor) for one in closed.totals.tenders] == [
        ("Card", 1, 100),
        ("Cash", 1, MILK_MINOR - 100),
    ]
    assert (closed.totals.expected_cash_minor, closed.totals.over_short_minor) == (1_019, -19)
