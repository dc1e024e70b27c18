"""What a daemon calls today is the business day of the open session, over midnight too."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from tests.shop import ITEMS
from tests.till.day.daemon import Daemon

pytestmark = pytest.mark.timeout(200)
MILK = "4006381333931"


def a_day_ago(folder: Path) -> None:
    """What the till wrote so far was written on the day before."""
    with contextlib.closing(sqlite3.connect(folder / "data" / "money.sqlite")) as money, money:
        for table in ("till_session", "retail_transaction"):
            money.execute(f"UPDATE {table} SET business_date = date(business_date, '-1 day')")


async def test_sales_of_the_open_session_are_todays_behind_midnight_and_after_its_close_they_are_not(
    tmp_path: Path,
) -> None:
    daemon = Daemon(tmp_path)
    await daemon.prepare(ITEMS)
    await daemon.start()

    async def sells() -> int:
        await daemon.post("/v1/baskets/1/scan", code=MILK)
        await daemon.post("/v1/baskets/1/tender")
        return int((await daemon.get("/v1/status"))["sales_today"])

    try:
        await daemon.post("/v1/baskets/1/sign-on", operator_id="anna", pin="1111")
        await daemon.post("/v1/sessions/1/open", float_minor=0)
        assert await sells() == 1
        daemon.kill()
        a_day_ago(tmp_path)
        await daemon.start()
        assert (await daemon.get("/v1/status"))["sales_today"] == 1
        assert await sells() == 2
        await daemon.post("/v1/sessions/1/close", counted_minor=238)
        assert (await daemon.get("/v1/status"))["sales_today"] == 0
        assert await sells() == 1
    finally:
        await daemon.close()
