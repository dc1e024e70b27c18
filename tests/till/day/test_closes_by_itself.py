"""An unattended store ends its day at 03:00 by itself, uncounted, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from gateway.till.day.by_itself import ClosesByItself
from retail.control import ControlTransaction
from tests.shop import Shop, a_shop

MILK = "4006381333931"


class Night:
    """22:30 in Berlin on 22 November, until a test sets the clock."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
        monkeypatch.setattr(shop.clock, "wall", lambda: self.now)
        monkeypatch.setattr(shop.clock, "state", lambda: "synced")
        self.kiosk = shop.another_lane("9", self_checkout=True)
        self.closes = ClosesByItself([shop.workstation, self.kiosk], shop.clock, time(3, 0))
        self.shop = shop

    async def at(self, hour: int, minute: int = 0, day: int = 23) -> None:
        """Berlin is an hour ahead of UTC."""
        self.now = datetime(2026, 11, day, hour - 1, minute, tzinfo=UTC)
        await self.closes.look()

    def closed(self) -> list[ControlTransaction]:
        controls = [ControlTransaction.model_validate(body) for body in self.shop.log("ControlTransaction")]
        return [one for one in controls if one.control == "SessionClose"]


@pytest.fixture
async def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Night]:
    shop = await a_shop(tmp_path)
    yield Night(shop, monkeypatch)
    shop.close()


async def test_at_three_it_closes_uncounted_once(night: Night) -> None:
    till = night.shop.workstation
    await till.day.sessions.open(5_000)
    await till.enter(MILK)
    await till.tender_cash()
    await night.at(2, 59)
    assert night.closed() == []
    await night.at(3, 0)
    await night.at(3, 1)
    [closed] = [one for one in night.closed() if one.workstation_id == "1"]
    assert closed.totals is not None
    assert (closed.totals.expected_cash_minor, closed.totals.counted_cash_minor) == (5_119, None)
    assert closed.totals.over_short_minor is None
    assert (closed.authorised_by, closed.reason) == ("close_at", "closed by itself, not counted")
    assert till.day.sessions.open_now is None


async def test_a_box_that_was_off_at_three_closes_when_it_comes_back(night: Night) -> None:
    await night.shop.workstation.day.sessions.open(0)
    await night.at(11, day=24)
    assert [one.workstation_id for one in night.closed()] == ["1"]


async def test_a_session_of_this_morning_stays_open_till_the_next_night(night: Night) -> None:
    await night.at(8)
    await night.shop.workstation.day.sessions.open(0)
    await night.at(23)
    assert night.shop.workstation.day.sessions.open_now is not None
    await night.at(3, day=24)
    assert night.shop.workstation.day.sessions.open_now is None


async def test_a_cashier_in_the_middle_of_a_sale_is_waited_for(night: Night) -> None:
    till = night.shop.workstation
    await till.day.sessions.open(0)
    await till.enter(MILK)
    await night.at(3)
    assert till.basket.state == "selling"
    await till.tender_cash()
    await night.at(3, 5)
    [closed] = night.closed()
    assert closed.totals is not None
    assert closed.totals.sales_count == 1


async def test_a_self_checkout_opens_the_next_day_at_once_and_sets_aside_what_was_left(night: Night) -> None:
    await night.at(23, day=22)
    first = night.kiosk.day.sessions.open_now
    assert first is not None
    await night.kiosk.enter(MILK)
    await night.at(3)
    second = night.kiosk.day.sessions.open_now
    assert second is not None
    assert second.session_id != first.session_id
    assert (first.business_date.day, second.business_date.day) == (22, 23)
    [waiting] = night.shop.ledger.suspended_sales()
    assert waiting.label == "left open at closing time"


async def test_a_clock_that_was_never_set_closes_nothing(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    await night.shop.workstation.day.sessions.open(0)
    monkeypatch.setattr(night.shop.clock, "state", lambda: "unset")
    await night.at(12, day=25)
    assert night.closed() == []
