"""The outbox: an ordered, chained log of all that must reach headquarters, kept until the core says that it has it.

One row a record; seq counts from 1 without gaps inside an epoch; the mark up to which all is acked (mark.py) moves by
the core's own acknowledgement only. Nothing here deletes a record that is not acknowledged: no time-to-live, no limit,
no ring.
Contract: retail/wire/log.py (batches, chain), retail/wire/ack.py.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gateway.clock import Clock
from gateway.errors import KeyReused, UnknownRecord
from gateway.queue import epoch, mark, records
from gateway.queue.database import Database
from gateway.queue.epoch import SecondPlace
from gateway.queue.records import Draft
from retail.wire.audit import Severity
from retail.wire.log import BATCH_BYTES, BATCH_RECORDS, GENESIS

log = logging.getLogger(__name__)
T = TypeVar("T")

NOWHERE = SecondPlace(None)
#: so many records are read sooner than a thread is woken to read them
FEW = 4

SCHEMA = ";".join(
    (
        "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
        *records.TABLE,
        *mark.TABLES,
        mark.VIEW,
    )
)

_NEXT_UNACKED = f"""
WITH first(seq) AS (SELECT min(seq) FROM record WHERE seq >= max(?1, 1 + {mark.HERE})),
    before(seq) AS (SELECT seq - 1 FROM first)
SELECT seq, {records.ON_THE_WIRE} AS item, {mark.NOW} AS epoch, coalesce(
    (SELECT chain FROM record WHERE seq = (SELECT seq FROM before)),
    (SELECT chain FROM acked WHERE epoch = {mark.NOW} AND seq = (SELECT seq FROM before))) AS prev_chain
FROM record WHERE seq >= (SELECT seq FROM first) ORDER BY seq LIMIT ?2
"""  # noqa: S608  names of our own
_OLDEST_UNACKED = f"SELECT seq, boot_id, boottime_ns FROM record WHERE seq > {mark.HERE} ORDER BY seq LIMIT 1"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Kept:
    """A record on disk. repeated: this key was here before, with the same content."""

    seq: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class BatchOut:
    """A batch ready to be published: its JSON and the numbers that it covers."""

    first_seq: int
    last_seq: int
    json: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """Where the log stands."""

    epoch: str
    next_seq: int
    head_chain: str
    unacked: int
    oldest_unacked_seq: int | None
    oldest_unacked_age_s: float | None


class Outbox:
    """Opened over the money database, which must hold SCHEMA. Listeners hear of new records and of acknowledgements."""

    def __init__(
        self, database: Database, clock: Clock, gateway_id: str, store_id: str, second: SecondPlace = NOWHERE
    ) -> None:
        self._database = database
        self._clock = clock
        self.gateway_id = gateway_id
        self.store_id = store_id
        self._second = second
        self._listeners: list[Callable[[], None]] = []
        #: the earlier logs as of epoch `_former_to`: they change only with the epoch, and each put has to know of them
        self._former: list[str] = []
        self._former_to = ""
        #: the last record put by this process
        self._newest = 0
        self.epoch = database.submit(lambda connection: epoch.begin(connection, gateway_id)).result()
        self._keep_second()

    def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard`, in the event loop's thread, whenever the log moved."""
        self._listeners.append(heard)

    def _keep_second(self) -> None:
        """Write the epoch to the second place; where that fails, sales go on and somebody is told."""
        elsewhere = self._second.read()
        if elsewhere == self.epoch:
            return
        if elsewhere is not None and f"outbox_{elsewhere}" not in self._database.look(epoch.former_logs):
            log.warning("the money file is of epoch %s, the second place says %s: replaced?", self.epoch, elsewhere)
        try:
            self._second.write(self.gateway_id, self.epoch)
        except OSError as error:
            log.warning("the epoch is not kept in a second place: %s", error)

    async def new_epoch(self, code: str, why: str) -> str:
        """The numbers of this epoch can no longer be trusted: begin another; what is not acknowledged goes over."""

        def work(connection: sqlite3.Connection) -> str:
            return epoch.rotate(connection, self._clock, self.store_id, code, why)

        former, self.epoch = self.epoch, await self._database.write(work)
        log.error("epoch %s ended: %s; epoch %s begins and headquarters is told", former, why, self.epoch)
        self._keep_second()
        self._moved()
        return self.epoch

    async def tell(self, severity: Severity, code: str, text: str, facts: dict[str, str | int | None]) -> None:
        """Put something on record for headquarters, in order with the sales."""

        def work(connection: sqlite3.Connection) -> None:
            epoch.tell(connection, self._clock, self.store_id, code, text, facts, severity)

        await self._database.write(work)
        self._moved()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One SQL transaction over the file that this log is in; it may tell_within() and put_within()."""
        result = await self._database.write(work, brief=True)
        self._moved()
        return result

    def tell_within(
        self,
        connection: sqlite3.Connection,
        severity: Severity,
        code: str,
        text: str,
        facts: dict[str, str | int | None],
    ) -> None:
        """tell() as part of a larger change: see write()."""
        epoch.tell(connection, self._clock, self.store_id, code, text, facts, severity)

    def put_within(self, connection: sqlite3.Connection, draft: Draft) -> Kept:
        """put() as part of a larger change: see write()."""
        return self._insert(connection, draft)

    def _moved(self) -> None:
        for heard in self._listeners:
            heard()

    async def put(self, draft: Draft, also: Callable[[sqlite3.Connection, int], None] | None = None) -> Kept:
        """Keep a record; returns once it is on disk. `also` writes more into the same SQL transaction, given the seq.

        Raises:
            KeyReused: the idempotency key is known with other content.
            QueueError: not written; the disk said why.
        """

        def work(connection: sqlite3.Connection) -> Kept:
            kept = self._insert(connection, draft)
            if also is not None and not kept.repeated:
                also(connection, kept.seq)
            return kept

        kept = await self._database.write(work, brief=True)
        if not kept.repeated:
            self._newest = kept.seq
            self._moved()
        return kept

    def _insert(self, connection: sqlite3.Connection, draft: Draft) -> Kept:
        body_sha256 = hashlib.sha256(draft.body).digest()
        behind = records.head(connection)
        if behind.epoch != self._former_to:
            self._former_to, self._former = behind.epoch, epoch.former_logs(connection)
        if not self._former or self._known(connection, draft.idempotency_key) is None:
            seq = records.append_if_new(connection, behind, records.stamp(self._clock), draft, body_sha256)
            if seq is not None:
                return Kept(seq, repeated=False)
        return self._repeated(connection, draft, body_sha256)

    def _repeated(self, connection: sqlite3.Connection, draft: Draft, body_sha256: bytes) -> Kept:
        known = self._known(connection, draft.idempotency_key)
        if known is None or known["body_sha256"] != body_sha256.hex():
            raise KeyReused(
                f"idempotency key {draft.idempotency_key}: already used for another transaction"
                f" (seq {known['seq'] if known else 'unknown'}); mint a new key for a new transaction"
            )
        return Kept(known["seq"], repeated=True)

    def _known(self, connection: sqlite3.Connection, idempotency_key: str) -> sqlite3.Row | None:
        """The record with this key, in this epoch's log or else in an earlier one's."""
        for table in ("record", *reversed(epoch.former_logs(connection))):
            row: sqlite3.Row | None = connection.execute(
                f"SELECT *, ? AS epoch FROM ({mark.stated_of(table)}) WHERE idempotency_key = ?",  # noqa: S608
                (table.removeprefix("outbox_") if table != "record" else epoch.current(connection), idempotency_key),
            ).fetchone()
            if row is not None:
                return row
        return None

    async def acknowledge(
        self,
        of_epoch: str,
        contiguous_seq: int,
        rejected: dict[int, tuple[str, str]],
        chain: str | None = None,
    ) -> int:
        """Mark every record up to contiguous_seq as booked by the core; return how many were new.

        Call it from the core's acknowledgement only: a PUBACK proves that the broker has a record, not that it was
        booked. rejected: seq -> (code, quarantine id) for those that HQ holds in quarantine. chain: the chain value of
        contiguous_seq, as the core has it.

        Raises:
            UnknownRecord: another epoch, a seq never written here, or written otherwise here; nothing is marked.
        """

        def work(connection: sqlite3.Connection) -> int:
            now, top, *_ = records.head(connection)
            if of_epoch != now or contiguous_seq > top:
                raise UnknownRecord(
                    f"the core acknowledged {of_epoch}/{contiguous_seq}; this outbox is {now} and ends at {top}"
                )
            near = connection.execute(mark.NEIGHBOURS, (contiguous_seq,)).fetchall()
            if chain is not None and mark.agrees(near, now, contiguous_seq, chain) is False:
                raise UnknownRecord(
                    f"the core acknowledged seq {contiguous_seq} with other content than this outbox wrote under it"
                )
            there = near[0]["chain"] if near and near[0]["seq"] == contiguous_seq else chain
            return mark.advance(connection, of_epoch, contiguous_seq, there, rejected)

        new = await self._database.write(work, brief=True)
        if new:
            self._moved()
        return new

    async def refill(self, contiguous_seq: int, chain: str | None = None) -> int:
        """A core that was restored from an older backup has lost what came after contiguous_seq: send it again.

        chain: the chain value of contiguous_seq, as the core has it.

        How much of earlier epochs it lost cannot be known here, so all of them go over; what it has, it knows by key.
        Where it lost more than is kept here, its mark could never pass the hole: then a new epoch begins.
        """

        def work(connection: sqlite3.Connection) -> int:
            first = mark.first_kept_behind(connection, contiguous_seq)
            again = mark.lower(connection, epoch.current(connection), contiguous_seq, chain)
            if first > contiguous_seq + 1:
                why = f"headquarters lost seq {contiguous_seq + 1} to {first - 1}, which are no longer kept here"
                epoch.rotate(connection, self._clock, self.store_id, "beyond_retention", why)
            return again + epoch.carry_over_former(connection)

        again = await self._database.write(work)
        self.epoch = self._database.look(epoch.current)
        self._keep_second()
        if again:
            self._moved()
        return again

    async def batch_from(self, seq: int, most_records: int = BATCH_RECORDS) -> BatchOut | None:
        """The next unacknowledged records from seq on as one batch, in seq order; None when there are none."""
        if 0 <= self._newest - seq < FEW:
            return self._batch_from(seq, most_records)
        return await asyncio.to_thread(self._batch_from, seq, most_records)

    def _batch_from(self, seq: int, most_records: int) -> BatchOut | None:
        return self._database.look(lambda connection: self._batch(connection, seq, most_records))

    def _batch(self, connection: sqlite3.Connection, seq: int, most_records: int) -> BatchOut | None:
        # one statement, one state of the file: the epoch may change, and old records go, between two of them
        rows = connection.execute(_NEXT_UNACKED, (seq, most_records))
        items: list[bytes] = []
        size, first = 0, None
        for row in rows:
            item: bytes = row["item"]
            if first is None:
                first = row
            # a seq that was pruned ends a batch: a record's place in it says its seq
            elif size + len(item) > BATCH_BYTES or row["seq"] != first["seq"] + len(items):
                break
            items.append(item)
            size += len(item)
        rows.close()
        if first is None:
            return None
        head = {
            "schema": "backroom.log/1",
            "epoch": first["epoch"],
            "first_seq": first["seq"],
            "count": len(items),
            "prev_chain": first["prev_chain"] or GENESIS.hex(),
        }
        json_bytes = json.dumps(head, separators=(",", ":")).encode()[:-1] + b',"items":[' + b",".join(items) + b"]}"
        return BatchOut(first["seq"], first["seq"] + len(items) - 1, json_bytes)

    def position(self) -> Position:
        head, oldest = self._database.look(
            lambda connection: (records.head(connection), connection.execute(_OLDEST_UNACKED).fetchone())
        )
        next_seq = head.seq + 1
        return Position(
            epoch=self.epoch,
            next_seq=next_seq,
            head_chain=head.chain or GENESIS.hex(),
            unacked=next_seq - oldest["seq"] if oldest else 0,
            oldest_unacked_seq=oldest["seq"] if oldest else None,
            oldest_unacked_age_s=self._age_s(oldest) if oldest else None,
        )

    def _age_s(self, row: sqlite3.Row) -> float | None:
        """By the boot clock; None for a record of an earlier boot, whose age no clock of this box can tell surely."""
        if row["boot_id"] != self._clock.boot_id:
            return None
        age: float = (self._clock.boottime_ns() - row["boottime_ns"]) / 1e9
        return age

    def state_of(self, idempotency_key: str) -> sqlite3.Row | None:
        """One record of this epoch or an earlier one: seq, state, body, rejected_code, quarantine_id and more."""
        return self._database.look(lambda connection: self._known(connection, idempotency_key))

    async def remember(self, key: str, value: str) -> None:
        """Keep a small fact of the link beside the log, such as the core's incarnation."""
        await self._database.write(
            lambda connection: connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value)).rowcount
        )

    def recall(self, key: str) -> str | None:
        rows = self._database.read("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0]["value"]) if rows else None
