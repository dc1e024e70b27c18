"""PINs at the till: a right one opens, wrong ones are slowed and locked, nothing is told of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from gateway.queue.inbox import Inbox
from gateway.till.people import pin_desk
from gateway.till.people.operators import Operators
from gateway.till.people.pin_desk import PinDesk
from retail.wire.rows import OperatorRow
from tests.money import feeds_file
from tests.people import ANNA, MIA, an_operator


class Desk:
    """Its clock stands still until a test moves it."""

    def __init__(self, folder: Path) -> None:
        self.feeds = feeds_file(folder)
        self.now = 1000.0
        self.told: list[tuple[str, str, Any]] = []
        gone = an_operator("gone", "manager", "7777", active=False)
        no_pin = OperatorRow(operator_id="card", name="Card only", role="manager")
        spoilt = OperatorRow(operator_id="spoilt", name="Spoilt", pin="1234")
        known = {one.operator_id: one for one in (ANNA, MIA, gone, no_pin, spoilt)}
        self.pins = PinDesk(Operators(Inbox(self.feeds, {}), known), lambda: self.now, self._tell)

    async def _tell(self, _severity: Any, code: str, text: str, facts: Any) -> None:
        self.told.append((code, text, facts))

    async def reason(self, operator_id: str, pin: str) -> str:
        try:
            await self.pins.check(operator_id, pin)
        except SaleRefused as refused:
            return refused.reason if pin not in str(refused) else "told the PIN"
        return "right"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.feeds.close()


async def test_the_right_pin_is_its_operators(desk: Desk) -> None:
    assert (await desk.pins.check("mia", "9999")).role == "manager"
    assert await desk.reason("anna", "9999") == "wrong_pin"


async def test_nobody_learns_whether_the_name_or_the_pin_was_wrong(desk: Desk) -> None:
    texts = set()
    for name, pin in (("anna", "0000"), ("nobody", "0000"), ("gone", "7777"), ("card", "0000")):
        with pytest.raises(SaleRefused) as refused:
            await desk.pins.check(name, pin)
        texts.add(str(refused.value))
    assert texts == {"operator or PIN is wrong"}


async def test_wrong_pins_are_slowed_then_locked_and_the_right_one_waits_too(desk: Desk) -> None:
    for _ in range(pin_desk.FREE):
        assert await desk.reason("anna", "0000") == "wrong_pin"
    assert await desk.reason("anna", "1111") == "pin_locked"
    waited = [5.0, 10.0, 20.0]
    for seconds in waited:
        desk.now += seconds - 0.5
        assert await desk.reason("anna", "1111") == "pin_locked"
        desk.now += 0.5
        assert await desk.reason("anna", "0000") == "wrong_pin"
    assert [code for code, *_ in desk.told] == ["pin_locked"]
    desk.now += pin_desk.LOCKED_S - 1
    with pytest.raises(SaleRefused, match="try again in 1 s"):
        await desk.pins.check("anna", "1111")
    assert await desk.reason("mia", "9999") == "right", "others are not locked with her"
    desk.now += 1
    assert await desk.reason("anna", "1111") == "right"
    assert await desk.reason("anna", "0000") == "wrong_pin", "and the count began anew"
    assert await desk.reason("anna", "1111") == "right"


async def test_guesses_side_by_side_are_counted_one_by_one(desk: Desk) -> None:
    reasons = await asyncio.gather(*(desk.reason("anna", f"{number:04}") for number in range(40)))
    assert reasons.count("wrong_pin") == pin_desk.FREE
    assert reasons.count("pin_locked") == 40 - pin_desk.FREE


async def test_names_that_are_guessed_share_one_count(desk: Desk) -> None:
    for number in range(10):
        await desk.reason(f"guess-{number}", "0000")
    assert list(desk.pins._tries) == [pin_desk.NOBODY]
    assert await desk.reason("anna", "1111") == "right"


async def test_a_hash_that_is_none_signs_nobody_on_and_is_said_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    assert await desk.reason("spoilt", "1234") == "wrong_pin"
    assert "operator spoilt cannot sign on" in caplog.text


async def test_no_pin_is_ever_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(8):
            await desk.reason("anna", "8642")
            desk.now += 60
    assert "8642" not in caplog.text
    assert "8642" not in repr(desk.told)
