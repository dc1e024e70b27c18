"""The conservation oracle: after all faults and quiet, does every place tell the same story, record by record?

Money comes in at the driver only. What it was promised (2xx) must be in the journal exactly once, whole; nothing
may be there that it never sent; seq counts without gaps and the chain verifies, in the store's file and again from
headquarters' own rows; the sums of driver, outbox, journal, store days and stock agree; the marks agree.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from gateway.errors import BackroomError
from retail.wire.canonical import sha256_hex
from retail.wire.log import GENESIS, chain_link
from torture.driver import Book
from torture.house import STORE_ID, Box, House
from torture.program import until

SALE = "RetailTransaction"


@dataclass(slots=True)
class Verdict:
    """problems: what does not hold, in words; empty is good."""

    accepted: int = 0
    booked: int = 0
    lost: int = 0
    duplicated: int = 0
    quarantined: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Headquarters:
    """Its rows, read straight from its database."""

    journal: list[Any]
    inbox: list[Any]
    streams: dict[tuple[str, str], Any]
    quarantine: list[Any]
    alarms: list[Any]


@dataclass(slots=True)
class Log:
    """One epoch of one outbox file."""

    gateway: str
    epoch: str
    current: bool
    rows: list[sqlite3.Row]


def read_headquarters(url: str) -> Headquarters:
    engine = create_engine(url)
    with engine.connect() as connection:

        def rows(sql: str) -> list[Any]:
            return list(connection.execute(text(sql)).all())

        found = Headquarters(
            journal=rows(
                "SELECT gateway, epoch, seq, idempotency_key, body_sha256, body, total_minor, business_date"
                " FROM journal"
            ),
            inbox=rows(
                "SELECT gateway, epoch, seq, idempotency_key, body_sha256, stated_sha256, chain, fate FROM inbox"
                " ORDER BY gateway, epoch, seq"
            ),
            streams={
                (row.gateway, row.epoch): row
                for row in rows("SELECT gateway, epoch, contiguous_seq, head_chain FROM stream")
            },
            quarantine=rows("SELECT gateway, epoch, seq, code, raw FROM quarantine"),
            alarms=rows("SELECT gateway, code, subject, text FROM alarm"),
        )
    engine.dispose()
    return found


def booked_keys(url: str) -> set[str]:
    """Of all sales in the journal; quicker to ask for, again and again, than all that headquarters holds."""
    engine = create_engine(url)
    with engine.connect() as connection:
        keys = set(connection.execute(text("SELECT idempotency_key FROM journal")).scalars())
    engine.dispose()
    return keys


def read_logs(money: Path, gateway: str) -> list[Log]:
    """Every epoch that an outbox file holds, the current one last."""
    connection = sqlite3.connect(f"file:{money}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        epoch = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'outbox\\_%' ESCAPE '\\'"
        )
        former = sorted(row[0] for row in names)
        return [
            Log(gateway, now, table == "outbox", connection.execute(f'SELECT * FROM "{table}" ORDER BY seq').fetchall())
            for table, now in [*((name, name.removeprefix("outbox_")) for name in former), ("outbox", epoch)]
        ]
    finally:
        connection.close()


async def drained(house: House, boxes: Sequence[Box], within_s: float = 90) -> None:
    """Until every box says that headquarters has all, and stays so."""

    async def quiet() -> bool:
        try:
            views = [await box.api.get("/v1/status") for box in boxes]
        except (BackroomError, ValueError):
            return False
        return all(view["unacked"] == 0 and view["online"] for view in views)

    async def still_quiet() -> bool:
        if not await quiet():
            return False
        await asyncio.sleep(0.3)
        return await quiet()

    await until("the outboxes are drained", still_quiet, within_s, [*(box.program for box in boxes), house.core])


class Oracle:
    """judge() once all is quiet. quarantine: the codes of sales that may lie there instead of in the journal."""

    def __init__(
        self, house: House, boxes: Sequence[Box], book: Book, quarantine: frozenset[str] = frozenset()
    ) -> None:
        self._house = house
        self._book = book
        self._allowed = quarantine
        self._hq = read_headquarters(house.database_url)
        self._logs = [log for box in boxes for log in read_logs(box.money, box.gateway_id)]
        self._verdict = Verdict()

    def _say(self, problem: str) -> None:
        if len(self._verdict.problems) < 20:
            self._verdict.problems.append(problem)

    def _same(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self._say(f"{what}: {found!r}, should be {wanted!r}"[:400])

    async def judge(self) -> Verdict:
        self._answers()
        self._journal()
        for log in self._logs:
            self._outbox(log)
        self._carried_over()
        self._headquarters_chain()
        self._marks()
        await self._totals()
        return self._verdict

    # --- the driver -------------------------------------------------------------------------------------------------

    def _answers(self) -> None:
        for key, words in list(self._book.refused.items())[:3]:
            self._say(f"a good sale was refused: {key}: {words}")
        for words in self._book.contradictions[:3]:
            self._say(words)
        if not self._book.kept:
            self._say("the driver sold nothing: this run proves nothing")

    def _journal(self) -> None:
        book, verdict = self._book, self._verdict
        times = Counter(row.idempotency_key for row in self._hq.journal)
        held = {key for row in self._hq.quarantine if row.code in self._allowed for key in book.kept if key in row.raw}
        verdict.accepted, verdict.booked, verdict.quarantined = len(book.kept), len(times), len(held - set(times))
        lost = [key for key in book.kept if key not in times and key not in held]
        verdict.lost, verdict.duplicated = len(lost), sum(count - 1 for count in times.values())
        if lost:
            self._say(f"lost: {', '.join(f'{key} {book.kept[key]}' for key in lost[:5])}")
        strangers = [key for key in times if key not in book.sent]
        if strangers:
            self._say(f"{len(strangers)} in the journal that nobody sold: {strangers[:5]}")
        for row in self._hq.journal:
            sale = book.sent.get(row.idempotency_key)
            if sale is None:
                continue
            if not row.body_sha256 == sale.sha256 == sha256_hex(row.body.encode()):
                self._say(f"{sale.key}: the journal has other content than was posted")
            self._same(
                f"{sale.key} booked with",
                (row.total_minor, str(row.business_date)),
                (sale.total_minor, sale.business_date),
            )
        wrong = Counter(row.code for row in self._hq.quarantine if row.code not in self._allowed)
        self._same("in quarantine", dict(wrong), {})

    # --- the chain --------------------------------------------------------------------------------------------------

    def _outbox(self, log: Log) -> None:
        chain = GENESIS
        for place, row in enumerate(log.rows, 1):
            self._same(f"outbox {log.epoch} place {place}", row["seq"], place)
            self._same(f"outbox {log.epoch}/{place} hash", row["body_sha256"], sha256_hex(bytes(row["body"])))
            chain = chain_link(chain, log.epoch, row["seq"], bytes.fromhex(row["body_sha256"]))
            self._same(f"outbox {log.epoch}/{place} chain", row["chain"], chain.hex())
        if log.current:
            states = Counter(row["state"] for row in log.rows)
            self._same(f"outbox {log.epoch} unacked", states["unacked"], 0)
            if not self._allowed:
                self._same(f"outbox {log.epoch} rejected", states["rejected"], 0)

    def _carried_over(self) -> None:
        """Each answered sale stands in a store's file (or did, in one that was restored: then headquarters has it)."""
        keys = {row["idempotency_key"] for log in self._logs for row in log.rows}
        booked = {row.idempotency_key for row in self._hq.journal}
        missing = [key for key in self._book.kept if key not in keys and key not in booked]
        if missing:
            self._say(f"{len(missing)} answered sales stand in no outbox: {missing[:5]}")

    def _headquarters_chain(self) -> None:
        streams: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in self._hq.inbox:
            streams[(row.gateway, row.epoch)].append(row)
        for (gateway, epoch), rows in streams.items():
            chain, follows = GENESIS, True
            for place, row in enumerate(rows, 1):
                self._same(f"inbox {gateway}/{epoch} place {place}", row.seq, place)
                self._same(f"inbox {epoch}/{place} hash", row.stated_sha256, row.body_sha256)
                chain = chain_link(chain, epoch, row.seq, bytes.fromhex(row.body_sha256))
                follows = follows and row.chain == chain.hex()
            mark = self._hq.streams[(gateway, epoch)]
            self._same(f"mark of {epoch} at headquarters", mark.contiguous_seq, len(rows))
            if follows:
                self._same(f"head chain of {epoch} at headquarters", mark.head_chain, chain.hex())
            elif not (self._allowed and self.alarms("chain_mismatch")):
                self._say(f"the chain of {gateway}/{epoch} does not verify at headquarters, and no alarm says so")

    def _marks(self) -> None:
        """What the store believes to be booked is booked, with the same chain."""
        for log in self._logs:
            if not log.current:
                continue
            mark = self._hq.streams.get((log.gateway, log.epoch))
            self._same(f"mark of {log.epoch}", mark.contiguous_seq if mark else 0, len(log.rows))
            if mark and log.rows:
                self._same(f"head chain of {log.epoch}", mark.head_chain, log.rows[-1]["chain"])

    # --- the sums ---------------------------------------------------------------------------------------------------

    async def _totals(self) -> None:
        book = self._book
        booked = [book.sent[row.idempotency_key] for row in self._hq.journal if row.idempotency_key in book.sent]
        per_day: Counter[str] = Counter()
        moved: Counter[str] = Counter()
        for sale in booked:
            per_day[sale.business_date] += sale.total_minor
            moved.update(sale.moved)
        days = (await self._house.hq.get("/v1/store-days"))["store_days"]
        shown = {day["business_date"]: day["total_minor"] for day in days if day["store_id"] == STORE_ID}
        self._same("store days", shown, dict(per_day))
        stock = (await self._house.hq.get("/v1/stock?limit=10000"))["stock"]
        on_hand = {row["item_id"]: -row["on_hand"] for row in stock if row["store_id"] == STORE_ID and row["on_hand"]}
        self._same("stock moved", on_hand, dict(moved))
        self._same("sum of the journal", sum(row.total_minor for row in self._hq.journal), sum(per_day.values()))
        kept = {row["idempotency_key"]: row for log in self._logs for row in log.rows if row["type"] == SALE}
        if {sale.key for sale in booked} <= set(kept):  # not so where a card was restored: it forgot some
            total = sum(json.loads(kept[sale.key]["body"])["total_minor"] for sale in booked)
            self._same("sum of the outboxes", total, sum(per_day.values()))

    def alarms(self, code: str) -> list[str]:
        return [row.text for row in self._hq.alarms if row.code == code]
