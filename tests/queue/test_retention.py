"""Pruning and room on the disk: what is acknowledged and old goes; what is not acknowledged never does."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import QueueFull, SaleRefused
from gateway.queue import retention
from gateway.queue.disk import Disk, Level
from gateway.queue.outbox import Outbox
from gateway.queue.records import Draft
from gateway.queue.retention import Retention
from gateway.till.workstation import Workstation
from retail.wire.canonical import canonical
from tests.money import an_outbox, money_file
from tests.shop import a_shop


async def days_of_trade(outbox: Outbox, days: int, a_day: int = 3) -> None:
    for day in range(days):
        for number in range(a_day):
            date = f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}"
            await outbox.put(Draft("RetailTransaction", f"{day}-{number}", date, canonical({"n": number})))


async def test_only_acknowledged_records_of_old_days_go_and_the_chain_goes_on(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await days_of_trade(outbox, days=100)
    await outbox.acknowledge(outbox.epoch, 27, {})
    pruned: list[str] = []
    keep = Retention(database, lambda _connection, keys: pruned.extend(keys))
    # the last acknowledged one stays: the next batch names its chain value
    assert await keep.prune(90, lambda: asyncio.sleep(0)) == 26
    assert len(pruned) == 26
    await outbox.acknowledge(outbox.epoch, 300, {})
    assert await keep.prune(90, lambda: asyncio.sleep(0)) == 4
    assert await keep.prune(90, lambda: asyncio.sleep(0)) == 0
    seqs = [row["seq"] for row in database.read("SELECT seq FROM outbox ORDER BY seq")]
    assert seqs == list(range(31, 301))
    assert (await outbox.put(Draft("RetailTransaction", "next", "2027-01-01", b"{}"))).seq == 301
    database.close()


async def test_a_clock_that_jumps_a_year_prunes_nothing_early(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await days_of_trade(outbox, days=5)
    await outbox.put(Draft("RetailTransaction", "future", "2031-01-01", b"{}"))
    await outbox.acknowledge(outbox.epoch, 16, {})
    assert await Retention(database, lambda _c, _k: None).prune(90, lambda: asyncio.sleep(0)) == 0
    database.close()


def test_pruning_is_for_the_night_by_a_clock_that_knows_it() -> None:
    night = datetime(2026, 11, 22, 3, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert retention.due(night, clock_is_set=True)
    assert not retention.due(night, clock_is_set=False)
    assert not retention.due(night.replace(hour=10), clock_is_set=True)


def usage(monkeypatch: pytest.MonkeyPatch, percent: float, total: int = 10 * 2**20) -> None:
    used = int(total * percent / 100)
    answer = SimpleNamespace(total=total, used=used, free=total - used)
    monkeypatch.setattr("gateway.queue.disk.shutil.disk_usage", lambda _folder: answer)


def test_levels_are_told_once_and_the_ballast_comes_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(tmp_path, ballast_bytes=100_000)
    heard: list[Level] = []
    disk.listen(lambda: heard.append(disk.level))
    for percent in (10, 81, 82, 91, 96, 99, 99, 50):
        usage(monkeypatch, percent)
        disk.look()
    assert heard == [Level.SHED, Level.TRIM, Level.WARN, Level.FULL, Level.ROOM]
    assert (tmp_path / "ballast").stat().st_size == 100_000
    assert disk.relieve()
    assert not (tmp_path / "ballast").exists()
    assert not disk.relieve()
    disk.look()
    assert (tmp_path / "ballast").exists()


def test_a_large_disk_with_much_room_is_never_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage(monkeypatch, 99, total=2**40)
    assert Disk(tmp_path, ballast_bytes=1000).look() is Level.ROOM


async def test_a_full_disk_refuses_a_new_sale_and_lets_an_open_one_finish(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path)
    full = False
    till = Workstation(
        shop.lane,
        shop.store,
        shop.catalogue,
        shop.ledger,
        shop.clock,
        lambda: None,
        lambda: "Disk full" if full else None,
    )
    await till.enter("4006381333931")
    full = True
    await till.enter("4006381333948")
    assert await till.tender_cash() is not None
    with pytest.raises(SaleRefused, match="Disk full"):
        await till.enter("4006381333931")
    shop.close()


async def test_the_ballast_lets_the_write_through_that_found_no_room(tmp_path: Path) -> None:
    thrown: list[int] = []
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    big = canonical({"t": "x" * 200_000})
    await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 40").rowcount)
    with pytest.raises(QueueFull):
        await outbox.put(Draft("RetailTransaction", "a", "2026-11-22", big))

    def relieve() -> bool:
        thrown.append(1)
        database._connection.execute("PRAGMA max_page_count = 4000")
        return True

    database._relief = relieve
    assert (await outbox.put(Draft("RetailTransaction", "a", "2026-11-22", big))).seq == 1
    assert thrown == [1]
    database.close()
