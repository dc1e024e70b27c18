"""Opens what a power cut left, with the real queue, and says what does not hold. An empty list: all of it does."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from gateway.errors import BackroomError
from gateway.queue import mark
from gateway.queue.records import Draft
from retail.wire.audit import AUDIT_RECORD
from retail.wire.canonical import canonical
from retail.wire.log import GENESIS, chain_link
from tests.powercut.diary import ANYTHING, Expected
from tests.powercut.store import EPOCH_FILE, MONEY, Till


@dataclass(slots=True)
class Verdict:
    """lost: confirmed records that are gone; doubled: records more than once in one log; other: in words."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    accepted: int = 0
    booked: int = 0
    pruned: int = 0

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.other)


def judge(folder: Path, second: Path, expected: Expected) -> Verdict:
    """Open, look, put one more record, close."""
    verdict = Verdict(accepted=len(expected.sure))
    try:
        till = Till.opened(folder, second)
    except (BackroomError, sqlite3.Error) as error:
        verdict.other.append(f"does not open: {error}")
        return verdict
    try:
        _look(till, expected, verdict)
        _files(folder, second, till, verdict)
        _next_put(till, expected, verdict)
    finally:
        till.database.close()
    return verdict


def _look(till: Till, expected: Expected, verdict: Verdict) -> None:
    words = [row[0] for row in till.database.read("PRAGMA integrity_check")]
    if words != ["ok"]:
        verdict.other.append(f"integrity_check: {words}")
    logs = {epoch: _log(till, epoch) for epoch in _epochs(till)}
    announced = {rows[0]["idempotency_key"] for epoch, rows in logs.items() if epoch != min(logs) and rows}
    for epoch, rows in logs.items():
        _numbers(epoch, rows, expected, verdict)
        _contents(epoch, rows, expected, announced, verdict)
        _marks(epoch, rows, expected, verdict)
    found = {row["idempotency_key"] for rows in logs.values() for row in rows}
    gone = expected.sure.keys() - found
    verdict.pruned = len(gone & expected.may_be_gone)
    verdict.booked = len(expected.sure.keys() & found) + verdict.pruned
    verdict.lost += [f"{key}: confirmed as seq {expected.sure[key][0]}" for key in gone - expected.may_be_gone]
    for epoch, following in pairwise(sorted(logs)):
        waiting = {row["idempotency_key"] for row in logs[epoch] if row["state"] == "unacked"}
        carried = {row["idempotency_key"] for row in logs[following]}
        # what went over may have been acknowledged and pruned there since; the former log is never told
        gone_since = waiting - carried - expected.may_be_gone
        verdict.lost += [f"{key}: not acknowledged in {epoch}, not carried over" for key in gone_since]
    _sales(till, found, expected, verdict)
    _registers(till, expected, verdict)


def _epochs(till: Till) -> list[str]:
    aside = till.database.read(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'outbox!_%' ESCAPE '!'"
    )
    return [*(row["name"].removeprefix("outbox_") for row in aside), till.outbox.epoch]


def _log(till: Till, epoch: str) -> list[sqlite3.Row]:
    table = "record" if epoch == till.outbox.epoch else f"outbox_{epoch}"
    return till.database.read(f"{mark.stated_of(table)} ORDER BY seq")


def _numbers(epoch: str, rows: list[sqlite3.Row], expected: Expected, verdict: Verdict) -> None:
    """Gapless from 1, but for what was pruned after the core had it; each record chained to the one before."""
    seqs = {row["seq"] for row in rows}
    holes = set(range(1, max(seqs, default=0) + 1)) - seqs
    place = {seq: key for key, (seq, of_epoch) in expected.sure.items() if of_epoch == epoch}
    kept = {seq for seq in holes if seq in place and place[seq] not in expected.may_be_gone}
    if kept or max(holes, default=0) > expected.said.get(epoch, 0) or (holes and not expected.may_be_gone):
        verdict.other.append(f"epoch {epoch}: seq is not gapless from 1: {sorted(holes)} are missing")
    chain = GENESIS
    for row in rows:
        digest = hashlib.sha256(row["body"]).digest()
        chain = bytes.fromhex(row["chain"]) if row["seq"] - 1 in holes else chain_link(chain, epoch, row["seq"], digest)
        if row["body_sha256"] != digest.hex() or row["chain"] != chain.hex():
            verdict.other.append(f"epoch {epoch}: the chain breaks at seq {row['seq']}")
            return


def _contents(epoch: str, rows: list[sqlite3.Row], expected: Expected, announced: set[str], verdict: Verdict) -> None:
    """What was tried, and the records by which an epoch announces itself (a refill may bring them again)."""
    seen: set[str] = set()
    for row in rows:
        key = row["idempotency_key"]
        if key in seen:
            verdict.doubled.append(key)
        seen.add(key)
        tried = expected.tried.get(key)
        if tried is None:
            if key not in announced or row["type"] != AUDIT_RECORD:
                verdict.other.append(f"epoch {epoch}, seq {row['seq']}: nobody ever put {key}")
        elif hashlib.sha256(row["body"]).hexdigest() != tried.sha256:
            verdict.other.append(f"epoch {epoch}, seq {row['seq']}: {key} has other bytes than were put")
        sure = expected.sure.get(key)
        if sure is not None and sure[1] == epoch and sure[0] != row["seq"]:
            verdict.other.append(f"{key} was confirmed as seq {sure[0]} and is seq {row['seq']}")


def _marks(epoch: str, rows: list[sqlite3.Row], expected: Expected, verdict: Verdict) -> None:
    marked = [row["seq"] for row in rows if row["state"] != "unacked"]
    if marked and max(marked) > expected.said.get(epoch, 0):
        verdict.other.append(f"epoch {epoch}: marked up to {max(marked)}, the core said {expected.said.get(epoch, 0)}")
    there = {row["seq"] for row in rows}
    missing = (set(range(1, expected.marked.get(epoch, 0) + 1)) & there) - set(marked)
    if missing:
        verdict.other.append(f"epoch {epoch}: acknowledgements that were confirmed are gone: {sorted(missing)}")


def _sales(till: Till, found: set[str], expected: Expected, verdict: Verdict) -> None:
    """A sale and the till's own rows of it: together or not at all."""
    in_log = {key for key in found if key in expected.tried and expected.tried[key].is_sale}
    in_ledger = [row["idempotency_key"] for row in till.database.read("SELECT * FROM retail_transaction")]
    if len(in_ledger) != len(set(in_ledger)) or (set(in_ledger) ^ in_log) - expected.may_be_gone:
        verdict.other.append(f"outbox and ledger differ by {set(in_ledger) ^ in_log}")
    to_print = {key for key in in_log if expected.tried[key].printer is not None}
    jobs = [row["idempotency_key"] for row in till.database.read("SELECT * FROM receipt_job")]
    if len(jobs) != len(set(jobs)) or (set(jobs) ^ to_print) - expected.may_be_gone:
        verdict.other.append(f"outbox and receipts differ by {set(jobs) ^ to_print}")
    for row in till.database.read("SELECT body ->> 'idempotency_key' AS key FROM basket"):
        if row["key"] in in_log:
            verdict.other.append(f"the sale {row['key']} is finished and its basket still open")


def _registers(till: Till, expected: Expected, verdict: Verdict) -> None:
    there = {"epoch": till.outbox.epoch}
    read = till.database.read
    there |= {f"basket {row['workstation_id']}": row["body"] for row in read("SELECT * FROM basket")}
    there |= {f"receipt {row['idempotency_key']}": row["state"] for row in read("SELECT * FROM receipt_job")}
    there |= {f"meta {row['key']}": row["value"] for row in read("SELECT * FROM meta")}
    for name, allowed in expected.registers.items():
        if ANYTHING in allowed or (name not in there and name.partition(" ")[2] in expected.may_be_gone):
            continue
        if there.get(name) not in allowed:
            verdict.other.append(f"{name} is {there.get(name)!r}; it may be {allowed}")


def _files(folder: Path, second: Path, till: Till, verdict: Verdict) -> None:
    strange = {path.name for path in folder.iterdir()} - {MONEY, f"{MONEY}-wal", f"{MONEY}-shm", f"{MONEY}-journal"}
    if strange:
        verdict.other.append(f"a power cut was taken for something else: {sorted(strange)}")
    words = (second / EPOCH_FILE).read_text().split()
    if words != ["S0421-1", till.outbox.epoch]:
        verdict.other.append(f"the second place of the epoch holds {words}")


def _next_put(till: Till, expected: Expected, verdict: Verdict) -> None:
    async def put() -> None:
        next_seq = till.outbox.position().next_seq
        given = [seq for seq, epoch in expected.sure.values() if epoch == till.outbox.epoch]
        if next_seq <= max(given, default=0):
            verdict.other.append(f"seq {next_seq} is given again: {max(given)} was confirmed before")
        kept = await till.outbox.put(Draft("Audit", "after the cut", "2026-11-22", canonical({"after": "the cut"})))
        if (kept.seq, kept.repeated) != (next_seq, False):
            verdict.other.append(f"the next put got seq {kept.seq}, not {next_seq}")
        batch = await till.outbox.batch_from(0)
        if batch is None:
            verdict.other.append("a record was put and there is nothing to send")

    asyncio.run(put())
