"""The outbox against a plain model: any order of put, repeat, acknowledge, refill, new epoch, prune, reopen, crash."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.errors import KeyReused, UnknownRecord
from gateway.queue.records import Draft
from gateway.queue.retention import Retention
from retail.wire.audit import AUDIT_RECORD
from retail.wire.canonical import canonical
from retail.wire.log import GENESIS, Batch, chain_link
from tests.powercut.campaign import MEMORY
from tests.powercut.store import MONEY, Till

MEMORY_OR_DISK = MEMORY if MEMORY.is_dir() else None


@dataclass(slots=True)
class Entry:
    key: str
    body: bytes
    date: str
    state: str = "unacked"


@dataclass(slots=True)
class Model:
    """log: seq -> entry of this epoch; former: key -> body of what stayed behind in earlier epochs, acknowledged."""

    log: dict[int, Entry] = field(default_factory=dict)
    former: dict[str, Entry] = field(default_factory=dict)
    next_seq: int = 1
    dates: dict[str, int] = field(default_factory=dict)

    def append(self, entry: Entry) -> int:
        self.log[self.next_seq] = entry
        self.dates.setdefault(entry.date, self.next_seq)
        self.next_seq += 1
        return self.next_seq - 1

    def known(self, key: str) -> int | None:
        return next((seq for seq, entry in self.log.items() if entry.key == key), None)

    def rotate(self, announcement: Entry) -> None:
        before, self.log, self.next_seq, self.dates = self.log, {}, 1, {}
        self.append(announcement)
        for entry in before.values():
            if entry.state == "unacked":
                self.append(Entry(entry.key, entry.body, entry.date))
            else:
                self.former[entry.key] = entry

    def first_kept(self) -> int:
        """Behind the last one that was pruned; after it nothing is missing."""
        return max(seq for seq in range(1, self.next_seq + 1) if seq == 1 or seq - 1 not in self.log)

    def first_to_stay(self, days: int) -> int:
        newest = sorted(self.dates, reverse=True)[:days]
        return min(self.dates[date] for date in newest) if len(self.dates) > days else 0


class OutboxMachine(RuleBasedStateMachine):
    """One event loop and one folder at a time; a crash leaves for a copy of the files, without closing them."""

    @initialize()
    def opened(self) -> None:
        self.runner = asyncio.Runner()
        self.model = Model()
        self.numbers = count(1)
        self.day = 1
        self.folder = self._fresh_folder()
        self.till = Till.opened(self.folder / "data", self.folder / "boot")

    def _fresh_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="backroom-machine-", dir=MEMORY_OR_DISK))
        (folder / "data").mkdir()
        (folder / "boot").mkdir()
        return folder

    def teardown(self) -> None:
        self.till.database.close()
        self.runner.close()
        shutil.rmtree(self.folder)

    def _run(self, work: Any) -> Any:
        async def alone() -> Any:
            return await work

        return self.runner.run(alone())

    def _draft(self) -> Draft:
        number = next(self.numbers)
        return Draft("Audit", f"key-{number}", self._date(), canonical({"number": number}))

    def _date(self) -> str:
        return f"2026-01-{self.day:02}"

    # --- what a store does ------------------------------------------------------------------------------------------

    @rule(how_many=st.integers(1, 12))
    def put(self, how_many: int) -> None:
        drafts = [self._draft() for _ in range(how_many)]

        async def together() -> list[int]:
            return [kept.seq for kept in await asyncio.gather(*(self.till.outbox.put(draft) for draft in drafts))]

        seqs = self._run(together())
        assert seqs == [self.model.append(Entry(one.idempotency_key, one.body, one.business_date)) for one in drafts]

    @precondition(lambda self: self.model.log)
    @rule(data=st.data())
    def put_again(self, data: st.DataObject) -> None:
        seq = data.draw(st.sampled_from(sorted(self.model.log)))
        entry = self.model.log[seq]
        kept = self._run(self.till.outbox.put(Draft("Audit", entry.key, self._date(), entry.body)))
        assert (kept.seq, kept.repeated) == (seq, True)
        with pytest.raises(KeyReused):
            self._run(self.till.outbox.put(Draft("Audit", entry.key, self._date(), canonical({"other": 1}))))

    @precondition(lambda self: self.model.former)
    @rule(data=st.data())
    def put_again_what_an_earlier_epoch_had(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.former)))
        body = self.model.former[key].body
        if self.model.known(key) is None:
            kept = self._run(self.till.outbox.put(Draft("Audit", key, self._date(), body)))
            assert kept.repeated
        with pytest.raises(KeyReused):
            self._run(self.till.outbox.put(Draft("Audit", key, self._date(), canonical({"other": 1}))))

    @rule()
    def next_day(self) -> None:
        self.day = min(28, self.day + 1)

    # --- what headquarters does -------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.next_seq > 1)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        mark = data.draw(st.integers(0, self.model.next_seq - 1))
        rejected = data.draw(st.sets(st.integers(1, self.model.next_seq - 1), max_size=2))
        new = sum(entry.state == "unacked" for seq, entry in self.model.log.items() if seq <= mark)
        words = {seq: ("does_not_add_up", f"Q-{seq}") for seq in rejected}
        assert self._run(self.till.outbox.acknowledge(self.till.outbox.epoch, mark, words)) == new
        for seq, entry in self.model.log.items():
            if seq <= mark and entry.state != "rejected":
                entry.state = "rejected" if seq in rejected else "acked"

    @rule(beyond=st.integers(0, 5))
    def acknowledge_what_was_never_written(self, beyond: int) -> None:
        with pytest.raises(UnknownRecord):
            self._run(self.till.outbox.acknowledge(self.till.outbox.epoch, self.model.next_seq + beyond, {}))

    @rule(data=st.data())
    def acknowledge_other_content(self, data: st.DataObject) -> None:
        if not self.model.log:
            return
        seq = data.draw(st.sampled_from(sorted(self.model.log)))
        with pytest.raises(UnknownRecord):
            self._run(self.till.outbox.acknowledge(self.till.outbox.epoch, seq, {}, "f" * 64))

    @rule(data=st.data())
    def core_restored(self, data: st.DataObject) -> None:
        """From a backup inside the window: the store still has the record behind the core's mark."""
        mark = data.draw(st.integers(self.model.first_kept() - 1, self.model.next_seq - 1))
        self._run(self.till.outbox.refill(mark))
        for seq, entry in self.model.log.items():
            if seq > mark:
                entry.state = "unacked"
        missing = {key for key in self.model.former if self.model.known(key) is None}
        rows = self.till.database.read("SELECT idempotency_key AS key FROM outbox WHERE seq >= ?", self.model.next_seq)
        assert sorted(row["key"] for row in rows) == sorted(missing)
        for row in rows:
            former = self.model.former[row["key"]]
            self.model.append(Entry(row["key"], former.body, former.date))

    # --- what happens to the file -----------------------------------------------------------------------------------

    @rule(during=st.integers(0, 3))
    def new_epoch(self, during: int) -> None:
        """Sales go on while it changes: they are in the new log, or carried over into it."""
        drafts = [self._draft() for _ in range(during)]

        async def together() -> list[Any]:
            puts = (self.till.outbox.put(draft) for draft in drafts)
            return list(await asyncio.gather(self.till.outbox.new_epoch("identity_clash", "a test"), *puts))

        results = self._run(together())
        first = self.till.database.read("SELECT * FROM outbox WHERE seq = 1")[0]
        assert first["type"] == AUDIT_RECORD
        self.model.rotate(Entry(first["idempotency_key"], first["body"], first["business_date"]))
        for draft, kept in zip(drafts, results[1:], strict=True):
            assert kept.seq == self.model.append(Entry(draft.idempotency_key, draft.body, draft.business_date))

    @rule(days=st.integers(1, 4))
    def prune(self, days: int) -> None:
        limit = self.model.first_to_stay(days)
        retention = Retention(self.till.database, self.till.ledger.prune)
        gone = self._run(retention.prune(days, lambda: asyncio.sleep(0)))
        there = {row["seq"] for row in self.till.database.read("SELECT seq FROM outbox")}
        missing = self.model.log.keys() - there
        assert len(missing) == gone
        for seq in missing:
            assert self.model.log[seq].state == "acked"
            assert seq < limit
            del self.model.log[seq]

    @rule()
    def reopen(self) -> None:
        epoch = self.till.outbox.epoch
        self.till.database.close()
        self.till = Till.opened(self.folder / "data", self.folder / "boot")
        assert self.till.outbox.epoch == epoch

    @rule(checkpoint=st.booleans())
    def crash(self, checkpoint: bool) -> None:
        """The process is gone; the files stay as they are, `-shm` does not."""
        if checkpoint:
            self.till.database._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        epoch, before = self.till.outbox.epoch, self.folder
        self.folder = self._fresh_folder()
        for name in (f"data/{MONEY}", f"data/{MONEY}-wal", "boot/epoch"):
            if (before / name).exists():
                shutil.copyfile(before / name, self.folder / name)
        self.till.database.close()
        shutil.rmtree(before)
        self.till = Till.opened(self.folder / "data", self.folder / "boot")
        assert self.till.outbox.epoch == epoch

    # --- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def log_is_what_the_model_says(self) -> None:
        rows = self.till.database.read("SELECT * FROM outbox ORDER BY seq")
        assert [row["seq"] for row in rows] == sorted(self.model.log)
        chain, before = GENESIS, 0
        for row in rows:
            entry = self.model.log[row["seq"]]
            assert row["state"] == entry.state
            assert (row["idempotency_key"], row["body"]) == (entry.key, entry.body)
            digest = hashlib.sha256(row["body"]).digest()
            if row["seq"] == before + 1:
                assert row["chain"] == chain_link(chain, self.till.outbox.epoch, row["seq"], digest).hex()
            chain, before = bytes.fromhex(row["chain"]), row["seq"]

    @invariant()
    def position_and_next_batch_agree_with_the_log(self) -> None:
        waiting = sorted(seq for seq, entry in self.model.log.items() if entry.state == "unacked")
        position = self.till.outbox.position()
        assert position.next_seq == self.model.next_seq
        assert position.oldest_unacked_seq == (waiting[0] if waiting else None)
        out = self._run(self.till.outbox.batch_from(0))
        assert (out.first_seq if out else None) == (waiting[0] if waiting else None)
        if out is None:
            return
        batch = Batch.model_validate_json(out.json)
        assert batch.epoch == self.till.outbox.epoch
        assert [item.seq for item in batch.items] == list(range(out.first_seq, out.last_seq + 1))
        chain = bytes.fromhex(batch.prev_chain)
        for item in batch.items:
            chain = chain_link(chain, batch.epoch, item.seq, bytes.fromhex(item.body_sha256))
            assert item.chain == chain.hex()


OutboxMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("MACHINE_EXAMPLES", "40")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestOutboxMachine = OutboxMachine.TestCase
