"""Intake: booking batches into PostgreSQL, against one transaction a sale and against the database's own limit.

Ours is all that headquarters does with batches that wait once the broker handed them over: unpacking, checking every
hash, sum and item, inbox, journal, stock and mark, committed; then the acknowledgements made. It is the worker's own
code, with as many batches at once as it takes. The peers are given their rows ready made:

- one transaction a sale: psycopg, prepared statements; inbox, journal and stock, the least such a design writes;
- a flat COPY: the journal's rows into a table without any index, in one transaction.

All on one private PostgreSQL with fsync on, runs interleaved, medians of 5. Replay sends everything a second time.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import func, select

from bench.result import Result, rate
from cloud_erp.catalog.item_file import import_items
from cloud_erp.db import open_database
from cloud_erp.fleet import registry
from cloud_erp.intake.link import Message
from cloud_erp.intake.together import MOST_TOGETHER
from cloud_erp.intake.worker import LogIntake, ease_collector
from cloud_erp.journal import service as journal_service
from cloud_erp.journal.model import journal
from retail.sale import RetailTransaction
from retail.units import Quantity
from retail.wire.canonical import canonical
from retail.wire.log import BATCH_RECORDS
from retail.wire.topics import GatewayTopics
from tests.cloud_erp.batches import EPOCH, SAMPLE, Outbox, sale
from tests.cloud_erp.postgres import ABSENT, BINARIES, PostgreSQL

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
STORES = 4
SALES = 16_000
WORKERS = 2
#: five lines a receipt, of items in the sample catalogue that are sold by the piece
BASKET = ("1001", "1002", "1003", "1101", "1208")
COLUMNS = (
    "gateway", "epoch", "seq", "type", "idempotency_key", "body_sha256", *journal_service.ENTRY, "record", "body",
    "received_at",
)  # fmt: skip
INBOX = (
    "INSERT INTO inbox (gateway, epoch, seq, store_id, body_sha256, idempotency_key, stated_sha256, chain, fate,"
    " received_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'booked', %s) ON CONFLICT DO NOTHING"
)
JOURNAL = f"INSERT INTO journal ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"
STOCK = (
    "INSERT INTO position VALUES (%s, %s, %s, %s) ON CONFLICT (store_id, item_id)"
    " DO UPDATE SET on_hand = position.on_hand + excluded.on_hand, moved_at = excluded.moved_at"
)


class Sent:
    """The sales of one day: as batches from the wire, and as rows for those who are spared the reading."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, bytes]] = []
        self.inbox: list[tuple[Any, ...]] = []
        self.journal: list[tuple[Any, ...]] = []
        self.moves: list[list[tuple[Any, ...]]] = []
        each = SALES // STORES
        boxes = [self._store(store, each) for store in range(STORES)]
        for first in range(1, each + 1, BATCH_RECORDS):
            for store, box in enumerate(boxes):
                self.batches.append((f"S{store}-1", box.payload(first, first + BATCH_RECORDS - 1)))

    def _store(self, store: int, count: int) -> Outbox:
        box = Outbox()
        for number in range(1, count + 1):
            goods = [(item, Quantity(1), 119) for item in BASKET]
            one = sale(number, *goods, store=f"S{store}")
            # In the order of canonical JSON, as a gateway sends the bytes that it hashed.
            box.add(json.loads(canonical(one.model_dump(mode="json"))), key=f"S{store}-{number}")
            self._rows(f"S{store}-1", box.records[-1], one)
        return box

    def _rows(self, gateway: str, record: dict[str, Any], one: RetailTransaction) -> None:
        now, key, digest = datetime.now(UTC), record["idempotency_key"], record["body_sha256"]
        place = (gateway, EPOCH, record["seq"])
        kept = canonical({name: record[name] for name in ("boot_id", "boottime_ns", "chain", "wall_utc")}).decode()
        body = canonical(record["body"]).decode()
        columns = journal_service.entry(one).values()
        self.inbox.append((*place, one.store_id, digest, key, digest, record["chain"], now))
        self.journal.append((*place, "RetailTransaction", key, digest, *columns, kept, body, now))
        self.moves.append([(one.store_id, item, -1, now) for item in BASKET])


def prepared(server: PostgreSQL, name: str) -> str:
    url = server.create(name)
    with closing(open_database(url)) as database:
        with database.write() as connection:
            for store in range(STORES):
                registry.add(connection, registry.Gateway(f"S{store}-1", f"S{store}", "bench", "EUR"))
        import_items(database, SAMPLE, dry_run=False)
    return url


def ours(url: str, sent: Sent) -> float:
    """Sales a second, by WORKERS cores side by side as on a shared subscription: one interpreter uses one processor."""
    forking = multiprocessing.get_context("fork")
    waiting = [
        Message(GatewayTopics(gateway).log, payload, retained=False, done=lambda: None)
        for gateway, payload in sent.batches
    ]
    begin, end = forking.Barrier(WORKERS + 1), forking.Barrier(WORKERS + 1)

    def work(worker: int) -> None:
        mine = [message for message in waiting if int(message.topic.split("/")[2][1]) % WORKERS == worker]
        with closing(open_database(url)) as database:
            intake = LogIntake(database, lambda _topic, _payload, _retain: True)
            ease_collector()
            begin.wait()
            for at in range(0, len(mine), MOST_TOGETHER):
                intake.handle(mine[at : at + MOST_TOGETHER])
            end.wait()

    workers = [forking.Process(target=work, args=(number,)) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    begin.wait()
    started = time.perf_counter()
    end.wait()
    took_s = time.perf_counter() - started
    for worker in workers:
        worker.join()
    return SALES / took_s


def journaled(url: str) -> int:
    with closing(open_database(url)) as database, database.read() as connection:
        return connection.execute(select(func.count()).select_from(journal)).scalar_one()


def booked_and_replayed(server: PostgreSQL, sent: Sent, name: str) -> tuple[float, float]:
    url = prepared(server, name)
    first = ours(url, sent)
    before = journaled(url)
    again = ours(url, sent)
    added = journaled(url) - before
    server.drop(name)
    if before != SALES or added:
        raise SystemExit(f"intake: {before} of {SALES} sales booked, replay added {added}")
    return first, again


def one_by_one(server: PostgreSQL, sent: Sent, name: str) -> float:
    prepared(server, name)
    count = SALES // 4
    with psycopg.connect(server.conninfo(name), prepare_threshold=1) as connection, connection.cursor() as cursor:
        started = time.perf_counter()
        for received, entry, moves in zip(sent.inbox[:count], sent.journal, sent.moves, strict=False):
            cursor.execute(INBOX, received)
            cursor.execute(JOURNAL, entry)
            cursor.executemany(STOCK, moves)
            connection.commit()
        speed = count / (time.perf_counter() - started)
    server.drop(name)
    return speed


def copied(server: PostgreSQL, sent: Sent, name: str) -> float:
    prepared(server, name)
    with psycopg.connect(server.conninfo(name)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE flat AS SELECT {', '.join(COLUMNS)} FROM journal WITH NO DATA".encode())
        connection.commit()
        started = time.perf_counter()
        with cursor.copy(f"COPY flat ({', '.join(COLUMNS)}) FROM STDIN".encode()) as copy:
            for row in sent.journal:
                copy.write_row(row)
        connection.commit()
        speed = SALES / (time.perf_counter() - started)
    server.drop(name)
    return speed


def run() -> Iterator[Result]:
    if not BINARIES:
        raise SystemExit(ABSENT)
    sent = Sent()
    server = PostgreSQL(durable=True)
    server.start()
    try:
        rounds = []
        for number in range(RUNS):
            booked, again = booked_and_replayed(server, sent, f"ours{number}")
            single = one_by_one(server, sent, f"single{number}")
            flat = copied(server, sent, f"flat{number}")
            rounds.append((booked, again, single, flat))
    finally:
        server.remove()
    booked_, again_, single_, flat_ = (list(column) for column in zip(*rounds, strict=True))
    yield rate("intake", "intake_vs_single", "sales/s", booked_, "psycopg, one transaction a sale", single_)
    yield rate("intake", "intake_vs_copy", "sales/s", booked_, "flat COPY, no index", flat_)
    yield rate("intake", "replay", "sales/s", again_, "the first booking; 0 rows added", booked_)
