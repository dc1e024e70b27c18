"""A store at work, to be traced: `python -m tests.powercut.store FOLDER SECOND --rounds N --synchronous FULL`.

Three lanes, a POS of the shop's own, an auditor, a printer and a headquarters that acknowledges, all at once, on the
real queue as the daemon has it; epochs change, the file is closed and opened again, checkpoints run all the time. Every
try and every confirmation goes into the diary. It ends without closing anything.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from gateway.clock import Clock
from gateway.queue import database as database_room
from gateway.queue import outbox as outbox_room
from gateway.queue.database import Database
from gateway.queue.epoch import SecondPlace
from gateway.queue.outbox import Outbox
from gateway.queue.records import Draft
from gateway.queue.retention import Retention
from gateway.till import ledger as ledger_room
from gateway.till.basket import Basket
from gateway.till.ledger import Ledger
from gateway.till.paper.jobs import ReceiptJob, ReceiptJobs, State
from retail.wire.canonical import canonical
from tests.powercut.diary import ANYTHING, note
from tests.queue import layout_1
from tests.retail.examples import sale

GATEWAY_ID = "S0421-1"
PRINTER = "printer-1"
LANES = ("1", "2", "3")
#: business days begin here, in the past, and change often
FIRST_DAY = date(2026, 1, 5)
ROUNDS_A_DAY = 1
DAYS_TO_KEEP = 3
#: a checkpoint every few commits, so that every place in it is cut
WAL_PAGES = 60
MONEY = "money.sqlite"
FORMER_EPOCH = "01JD0000000000000000000001"
EPOCH_FILE = "epoch"


@dataclass(frozen=True, slots=True)
class Till:
    database: Database
    outbox: Outbox
    ledger: Ledger
    jobs: ReceiptJobs

    @classmethod
    def opened(cls, folder: Path, second: Path, synchronous: str = "FULL") -> Till:
        """As gateway/app.py opens it."""
        schemas = [outbox_room.SCHEMA, ledger_room.SCHEMA]
        database = Database(folder / MONEY, schemas, synchronous=synchronous)
        outbox = Outbox(database, Clock("Europe/Berlin"), GATEWAY_ID, "S0421", SecondPlace(second / EPOCH_FILE))
        return cls(database, outbox, Ledger(database, outbox), ReceiptJobs(database, outbox))


class Day:
    """One opening of the file."""

    def __init__(self, till: Till, random: Random, name: str, business_date: date) -> None:
        self._till = till
        self._random = random
        self._name = name
        self._numbers = {lane: till.ledger.last_sequence_number(lane) for lane in LANES}
        self._retention = Retention(till.database, till.ledger.prune)
        self._opened = self._business_date = business_date

    async def work(self, number: int) -> None:
        self._business_date = self._opened + timedelta(days=number // ROUNDS_A_DAY)
        tag = f"{self._name}-{number}"
        parts = [*(self._lane(lane, f"{tag}-lane{lane}") for lane in LANES), self._pos(tag), self._audit(tag)]
        if number % 2:
            parts.append(self._print())
        if number % 3 == 2:
            parts.append(self._core_speaks())
        await asyncio.gather(*parts)
        if number % 11 == 7:
            await self._restored_core()
        if number % 12 == 9:
            await self._rotate()
        if number % 4 == 3:
            await self._prune()
        if number % 8 == 7:
            await self._lose_all_that_is_booked()
        if number % 5 == 4:
            await self._remember(tag)

    async def _lane(self, lane: str, key: str) -> None:
        basket = Basket(currency="EUR", state="selling", idempotency_key=key)
        for pieces in range(self._random.randint(0, 2)):
            basket.pending_quantity = pieces
            await self._keep_basket(lane, basket)
        self._numbers[lane] += 1
        note("try", "is", f"basket {lane}", None)
        await self._finish(key, lane, self._numbers[lane], "till", PRINTER)
        note("sure", "is", f"basket {lane}", None)

    async def _keep_basket(self, lane: str, basket: Basket) -> None:
        body = basket.model_dump_json()
        note("try", "is", f"basket {lane}", body)
        await self._till.ledger.keep_basket(lane, basket)
        note("sure", "is", f"basket {lane}", body)

    async def _finish(self, key: str, lane: str, number: int, origin: str, printer: str | None) -> None:
        sold = sale(workstation_id=lane, sequence_number=number, business_day_date=self._business_date, operator_id=key)
        body = canonical(sold.model_dump(mode="json"))
        note("try", "put", key, hashlib.sha256(body).hexdigest(), True, printer, self._business_date.isoformat())
        if printer is not None:
            note("try", "is", f"receipt {key}", "waiting")
        kept = await self._till.ledger.finish(key, sold, origin, printer, clear_basket=origin == "till")
        note("sure", "put", key, kept.seq, self._till.outbox.epoch)
        if printer is not None:
            note("sure", "is", f"receipt {key}", "waiting")

    async def _pos(self, tag: str) -> None:
        """Posts two sales at once, and one of them twice, as a POS does whose answer got lost."""
        key = f"{tag}-pos"
        await asyncio.gather(
            self._finish(key, "9", 1, "api", None),
            self._finish(key, "9", 1, "api", None),
            self._finish(f"{tag}-pos-b", "9", 2, "api", None),
        )

    async def _audit(self, tag: str) -> None:
        body = canonical({"what": "drawer opened", "tag": tag, "text": "x" * self._random.choice((10, 400, 9000))})
        day = self._business_date.isoformat()
        note("try", "put", f"{tag}-audit", hashlib.sha256(body).hexdigest(), False, None, day)
        kept = await self._till.outbox.put(Draft("Audit", f"{tag}-audit", day, body))
        note("sure", "put", f"{tag}-audit", kept.seq, self._till.outbox.epoch)

    async def _print(self) -> None:
        for _ in range(2):
            job = self._till.jobs.next(PRINTER)
            if not isinstance(job, ReceiptJob):
                return
            key = job.transaction.operator_id
            states: tuple[State, ...] = ("printing", "printed")
            for state in states:
                note("try", "is", f"receipt {key}", state)
                await self._till.jobs.mark(job, state)
                note("sure", "is", f"receipt {key}", state)

    async def _core_speaks(self) -> None:
        """A cumulative acknowledgement, sometimes with a record in quarantine."""
        outbox = self._till.outbox
        position = outbox.position()
        mark = position.next_seq - 1 - self._random.randint(0, 6)
        if mark < 1:
            return
        rejected = {mark: ("does_not_add_up", "Q-1")} if self._random.random() < 0.3 else {}
        note("try", "ack", outbox.epoch, mark)
        await outbox.acknowledge(outbox.epoch, mark, rejected)
        note("sure", "ack", outbox.epoch, mark)

    async def _restored_core(self) -> None:
        outbox = self._till.outbox
        mark = max(0, outbox.position().next_seq - 15)
        note("try", "refill", outbox.epoch, mark)
        await outbox.refill(mark)

    async def _rotate(self) -> None:
        note("try", "is", "epoch", ANYTHING)
        await self._till.outbox.new_epoch("identity_clash", "a test of power cuts")
        note("sure", "is", "epoch", self._till.outbox.epoch)

    async def _prune(self) -> None:
        """The real clock's day, under which an epoch's own audit record stands, may be one of those that stay."""
        first_to_stay = self._business_date - timedelta(days=DAYS_TO_KEEP - 2)
        note("try", "prune", self._till.outbox.epoch, first_to_stay.isoformat())
        await self._retention.prune(DAYS_TO_KEEP, lambda: asyncio.sleep(0))

    async def _lose_all_that_is_booked(self) -> None:
        """More than pruning ever takes: every record goes, the newest too. Numbers and chain must go on."""
        outbox = self._till.outbox
        mark = outbox.position().next_seq - 1
        note("try", "ack", outbox.epoch, mark)
        await outbox.acknowledge(outbox.epoch, mark, {})
        note("sure", "ack", outbox.epoch, mark)
        note("try", "prune", outbox.epoch, "9999-12-31")

        def work(connection: sqlite3.Connection) -> None:
            keys = [row["idempotency_key"] for row in connection.execute("SELECT idempotency_key FROM record")]
            connection.execute("DELETE FROM record")
            self._till.ledger.prune(connection, keys)

        await self._till.database.write(work)

    async def _remember(self, tag: str) -> None:
        note("try", "is", "meta core_incarnation", tag)
        await self._till.outbox.remember("core_incarnation", tag)
        note("sure", "is", "meta core_incarnation", tag)


def former_file(path: Path) -> None:
    """Sales that an earlier release kept, in its own layout; the first start of this one brings it up to date."""
    file = layout_1.File(layout_1.Log(FORMER_EPOCH, last=40, acked=25, rejected=(7,)))
    for seq in range(1, file.log.last + 1):
        digest = hashlib.sha256(file.log.body(seq)).hexdigest()
        note("try", "put", file.log.key(seq), digest, False, None, layout_1.BUSINESS_DATE)
    note("try", "ack", FORMER_EPOCH, file.log.acked)
    file.write(path)
    note("sure", "ack", FORMER_EPOCH, file.log.acked)
    for seq in range(1, file.log.last + 1):
        note("sure", "put", file.log.key(seq), seq, FORMER_EPOCH)


async def main(arguments: argparse.Namespace) -> None:
    database_room.WAL_PAGES_MOST = WAL_PAGES
    database_room.LOOK_AT_WAL_EVERY = 1
    random = Random(arguments.seed)
    days = 3
    business_date = FIRST_DAY
    for day in range(days):
        if day == 0:
            note("try", "is", "epoch", ANYTHING)
            if arguments.former:
                former_file(arguments.folder / MONEY)
        till = Till.opened(arguments.folder, arguments.second, arguments.synchronous)
        note("sure", "is", "epoch", till.outbox.epoch)
        work = Day(till, random, f"day{day}", business_date)
        business_date += timedelta(days=arguments.rounds)
        for number in range(arguments.rounds // days):
            await work.work(number)
        if day < days - 1:
            await asyncio.to_thread(till.database.close)
            continue
        # A write that was under way would be on the real disk, and without its end in the trace.
        with till.database._turn:
            os._exit(0)


def parsed() -> Any:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--synchronous", default="FULL")
    parser.add_argument("--former", action="store_true", help="begin with a money file of an earlier release")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(parsed()))
