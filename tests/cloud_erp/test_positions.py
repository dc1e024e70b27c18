"""What a store says of its log: gaps and copies are seen before the data comes, and a restored core mends itself."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloud_erp.db import Database, now_utc, open_database
from cloud_erp.fleet import alarms, service
from cloud_erp.fleet.inbound import FleetInbound
from cloud_erp.intake import positions
from cloud_erp.intake.positions import Limits
from cloud_erp.journal.model import journal
from retail.wire.ack import Ack
from retail.wire.log import GENESIS
from retail.wire.payload import unpack
from retail.wire.presence import Birth, LogPosition, State
from tests.cloud_erp.batches import BEGAN, GATEWAY, NEXT_EPOCH, Outbox, outbox, sale
from tests.cloud_erp.conftest import prepare
from tests.cloud_erp.postgres import PostgreSQL
from tests.cloud_erp.test_fleet import birth, say
from tests.cloud_erp.test_intake import acknowledged, alarm_codes, on_hand, rows

LIMITS = Limits(hole_s=60, unacked_age_s=30, silent_s=60)


class Store:
    """A store's log and its link: it speaks of itself, sends what is not acknowledged, and takes in acks."""

    def __init__(self, box: Outbox, incarnation: str | None = None) -> None:
        self.box = box
        self.mark = 0
        self.incarnation = incarnation
        self.session = 0

    def take(self, ack: Ack) -> None:
        if self.incarnation not in (None, ack.core_incarnation):
            self.mark = ack.contiguous_seq
        self.incarnation = ack.core_incarnation
        self.mark = max(self.mark, ack.contiguous_seq)

    def send(self, database: Database) -> None:
        if self.mark < len(self.box.records):
            self.take(acknowledged(database, self.box.payload(self.mark + 1)))

    def position(self, age_s: float = 0.0) -> LogPosition:
        unacked = len(self.box.records) - self.mark
        return LogPosition(
            epoch=self.box.epoch,
            next_seq=len(self.box.records) + 1,
            oldest_unacked_seq=self.mark + 1 if unacked else None,
            oldest_unacked_age_s=age_s if unacked else None,
            unacked=unacked,
            head_chain=self.box.records[-1]["chain"] if self.box.records else GENESIS.hex(),
            count_today=0,
            sum_today_minor=0,
        )

    def birth(self, age_s: float = 0.0) -> Birth:
        self.session += 1
        plain = birth(self.session, later_s=self.session)
        return plain.model_copy(update={"log": self.position(age_s)})

    def speaks(self, database: Database, fresh: bool = True, age_s: float = 0.0) -> bool:
        """Publish a birth; what is told in answer is taken in. True: something was told."""
        told: list[Ack] = []

        def publish(_topic: str, payload: bytes, _retain: bool) -> bool:
            told.append(Ack.model_validate_json(unpack(payload)))
            return True

        inbound = FleetInbound(database, publish, LIMITS)
        inbound.handle(f"edge/v1/{GATEWAY}/birth", self.birth(age_s).model_dump_json().encode(), fresh)
        for ack in told:
            self.take(ack)
        return bool(told)


def later(database: Database, seconds: int) -> None:
    with database.write() as connection:
        positions.overdue(connection, now_utc() + timedelta(seconds=seconds), LIMITS)


def sales(count: int, first: int = 1) -> Outbox:
    return outbox([sale(number) for number in range(first, first + count)])


def test_a_hole_is_told_once_it_is_older_than_its_limit_and_clears_itself(database: Database) -> None:
    # P4: of every gap, whether or not the data ever comes
    store = Store(sales(3))
    store.speaks(database)
    later(database, 59)
    assert alarm_codes(database) == []
    later(database, 61)
    later(database, 62)
    with database.read() as connection:
        (alarm,) = alarms.open_alarms(connection)
    assert (alarm.code, alarm.times) == ("hole", 1)
    assert "seq 1 and later, up to 3" in alarm.text
    store.send(database)
    later(database, 63)
    assert alarm_codes(database) == []


def test_a_store_that_sells_all_the_time_has_no_hole(database: Database) -> None:
    box = Outbox()
    store = Store(box)
    for number in range(1, 6):
        box.add(sale(number))
        store.speaks(database)
        later(database, 59)
        store.send(database)
    assert alarm_codes(database) == []


def test_a_log_that_ends_before_what_it_told_is_a_restored_card(database: Database) -> None:
    whole = sales(5)
    store = Store(whole)
    store.send(database)
    store.speaks(database)
    store.box = sales(3)
    store.mark = 3
    store.speaks(database)
    assert alarm_codes(database) == ["seq_went_back"]
    renewed = Store(Outbox(NEXT_EPOCH))
    renewed.session = store.session
    renewed.speaks(database)
    assert alarm_codes(database) == []


def test_another_record_under_the_same_number_is_a_copied_card(database: Database) -> None:
    store = Store(sales(2))
    store.send(database)
    store.box = sales(2, first=8)
    store.speaks(database)
    assert alarm_codes(database) == ["chain_differs"]
    store.box = sales(2)
    store.speaks(database)
    assert alarm_codes(database) == []


def test_records_that_wait_too_long_are_told_and_it_clears_itself(database: Database) -> None:
    store = Store(sales(2))
    store.speaks(database, age_s=31)
    assert alarm_codes(database) == ["unacked_age"]
    store.send(database)
    store.speaks(database)
    assert alarm_codes(database) == []


def test_a_silent_store_is_told_and_one_that_stopped_on_purpose_is_not(database: Database) -> None:
    store = Store(sales(1))
    store.speaks(database)

    def quiet_for(seconds: int) -> list[str]:
        with database.write() as connection:
            service.silence(connection, now_utc() + timedelta(seconds=seconds), LIMITS.silent_s, LIMITS.again_s)
        return alarm_codes(database)

    assert quiet_for(59) == []
    assert quiet_for(61) == ["silent"]
    assert quiet_for(0) == []
    stopped = {"state": "stopped", "session": 9, "boot_id": "b", "since": BEGAN}

    say(database, "state", State.model_validate(stopped))
    assert quiet_for(3600) == []


def test_an_alarm_that_a_person_cleared_comes_back_only_after_a_while(database: Database) -> None:
    Store(sales(1)).speaks(database, age_s=31)
    with database.write() as connection:
        (alarm,) = alarms.open_alarms(connection)
        assert alarms.clear(connection, alarm.id)
    store = Store(sales(1))
    store.session = 5
    store.speaks(database, age_s=32)
    assert alarm_codes(database) == []
    with database.write() as connection:
        alarms.hold(connection, GATEWAY, "unacked_age", "x", subject=store.box.epoch, again_s=0)
    assert alarm_codes(database) == ["unacked_age"]


Backup = tuple[str, Callable[[], None], Callable[[], None]]


@pytest.fixture(params=["sqlite", "postgresql"])
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backup]:
    """(url, make a backup, put the backup in the place of the database), as an administrator does it."""
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        dump = tmp_path / "core.sql"
        url = server.create("restored", "prepared")
        yield url, lambda: server.dump("restored", dump), lambda: server.restore("restored", dump)
        server.drop("restored")
        return
    path, copy = tmp_path / "core.db", tmp_path / "backup.db"
    database = open_database(f"sqlite:///{path}")
    prepare(database)
    database.close()

    def restore() -> None:
        for name in ("core.db-wal", "core.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        shutil.copy(copy, path)

    yield f"sqlite:///{path}", lambda: _sqlite_backup(path, copy), restore


def _sqlite_backup(path: Path, copy: Path) -> None:

    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()


@pytest.mark.parametrize("fresh", [True, False])
def test_a_core_restored_from_a_real_backup_gets_its_missing_sales_again_without_a_person(
    backup: Backup, fresh: bool
) -> None:
    # P6
    url, make, restore = backup
    box = sales(10)
    store = Store(box)
    database = open_database(url)
    store.take(acknowledged(database, box.payload(1, 4)))
    make()
    store.send(database)
    assert (store.mark, on_hand(database)) == (10, {"1001": -10})
    first = database.incarnation()
    database.close()
    restore()

    database = open_database(url)
    assert on_hand(database) == {"1001": -4}
    # Its birth, kept by the broker or sent anew, proves that it has seen more acknowledged than is known here.
    assert store.speaks(database, fresh)
    assert (store.mark, alarm_codes(database)) == (4, ["core_behind"])
    second = database.incarnation()
    assert second not in (first, None)
    store.send(database)
    assert on_hand(database) == {"1001": -10}
    assert len(rows(database, journal, journal.c.seq)) == 10
    # Once, and then it is over.
    assert not store.speaks(database)
    assert (database.incarnation(), alarm_codes(database)) == (second, [])
    database.close()


def test_a_birth_of_before_that_the_broker_kept_renews_nothing_twice(database: Database) -> None:
    store = Store(sales(6), database.incarnation())
    store.mark = 6
    assert store.speaks(database, fresh=False)
    second = database.incarnation()
    assert store.mark == 0
    stale = Store(sales(6))
    stale.mark, stale.session = 6, store.session
    for _ in range(3):
        stale.mark = 6
        assert not stale.speaks(database, fresh=False)
    assert database.incarnation() == second
    store.send(database)
    assert on_hand(database) == {"1001": -6}


def test_a_second_store_that_proves_the_same_restore_is_told_without_another_life(database: Database) -> None:
    first, second = Store(sales(3)), Store(Outbox(NEXT_EPOCH))
    for number in range(4, 6):
        second.box.add(sale(number))
    for store in (first, second):
        store.mark, store.incarnation = len(store.box.records), database.incarnation()
    lives = set()
    for store in (first, second):
        assert store.speaks(database, fresh=False)
        lives.add(database.incarnation())
        store.send(database)
    assert len(lives) == 1
    assert on_hand(database) == {"1001": -5}
