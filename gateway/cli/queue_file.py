"""A money file for people: opened for reading only, its logs by epoch, each record against its hash and the chain.

sqlite-utils serves here, since nobody sells while they wait for it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from gateway import config as configuration
from gateway.app import MONEY_FILE
from gateway.errors import QueueDamaged, QueueError
from gateway.queue import mark, rescue
from retail.wire.log import GENESIS, chain_link

FORMER = "outbox_"


class MoneyFile:
    """An open money file. records(): SQL for the records of a log, the current one's or a former epoch's."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        database = Database(connection)
        self._names = [*database.table_names(), *database.view_names()]
        if "outbox" not in self._names or "meta" not in self._names:
            raise QueueError(f"{path}: this is no money file of a gateway")
        row = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
        if row is None:
            raise QueueError(f"{path}: no epoch has begun in it; the daemon does that at its first start")
        self.epoch = str(row[0])

    @property
    def former_epochs(self) -> list[str]:
        """The oldest first."""
        logs = (name.removeprefix(FORMER) for name in self._names if name.startswith(FORMER))
        return sorted(name for name in logs if len(name) == len(self.epoch))

    def records(self, epoch: str | None) -> str:
        """Raises QueueError: the file has no log of that epoch."""
        if epoch is None or epoch == self.epoch:
            return "SELECT * FROM outbox"
        if epoch not in self.former_epochs:
            there = ", ".join([*self.former_epochs, self.epoch])
            raise QueueError(f"{self.path}: no log of epoch {epoch}; there are {there}")
        return mark.stated_of(FORMER + epoch)

    def doubt(self) -> str | None:
        """What is wrong with the mark; a file that was put aside by an earlier release has none of its own."""
        return mark.in_doubt(self.connection, self.epoch) if "acked" in self._names else None


@contextmanager
def money_file(config: Path, file: Path | None) -> Iterator[MoneyFile]:
    """That file, or the configured one.

    Raises:
        QueueError: it is not there, or is no money file.
        QueueDamaged: it cannot be read.
    """
    path = file or configuration.load(config).gateway.data_dir / MONEY_FILE
    if not path.is_file():
        raise QueueError(f"{path}: no outbox there yet; the daemon makes it at its first start")
    try:
        connection = rescue.reading(path)
        try:
            yield MoneyFile(path, connection)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise QueueDamaged(
            f"{path}: cannot be read ({error}); `backroom queue salvage {path}` shows what is left of it,"
            " and nothing is lost from a file that is kept"
        ) from error


@dataclass(frozen=True, slots=True)
class Examined:
    """faults: in words; none where the log is whole."""

    epoch: str
    records: int
    faults: list[str]


def examine(money: MoneyFile) -> list[Examined]:
    """Every log in the file, the current one first."""
    found = []
    for epoch in (money.epoch, *reversed(money.former_epochs)):
        query = f"SELECT seq, body, body_sha256, chain FROM ({money.records(epoch)}) ORDER BY seq"  # noqa: S608
        count, faults = _walk(_rows(money.connection, query), epoch)
        found.append(Examined(epoch, count, faults))
    if checks := _quick_check(money.connection):
        found[0].faults.insert(0, f"the file fails SQLite's quick_check: {checks}")
    elif doubt := money.doubt():
        found[0].faults.append(doubt)
    return found


def _rows(connection: sqlite3.Connection, query: str) -> Iterator[Any]:
    """The query begins with the first row: what goes wrong there is told like what goes wrong at a later one."""
    yield from connection.execute(query)


def _quick_check(connection: sqlite3.Connection) -> str | None:
    try:
        said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if said == ["ok"] else "; ".join(said)


def _walk(rows: Iterator[Any], epoch: str) -> tuple[int, list[str]]:
    """(how many, faults): each body against its hash, each chain value from the one before, no gap between."""
    faults: list[str] = []
    count, seq, chain = 0, None, None
    try:
        for row in rows:
            count += 1
            # the first record after pruning, or behind a gap, has nothing before it to be chained to
            follows = seq is None or row["seq"] == seq + 1
            if not follows:
                faults.append(f"seq {(seq or 0) + 1} to {row['seq'] - 1} are missing")
            before = GENESIS if row["seq"] == 1 else chain if follows else None
            faults += [f"seq {row['seq']}: {fault}" for fault in _look_at(row, before, epoch)]
            seq, chain = row["seq"], _bytes(row["chain"])
    except sqlite3.DatabaseError as error:
        faults.append(f"what stands behind seq {seq or 0} cannot be read: {error}")
    return count, faults


def _look_at(row: Any, before: bytes | None, epoch: str) -> Iterator[str]:
    digest, stated = hashlib.sha256(row["body"] or b"").digest(), _bytes(row["body_sha256"])
    if digest != stated:
        yield "the body is not what was written (hash differs)"
    if before is not None and chain_link(before, epoch, row["seq"], stated or b"") != _bytes(row["chain"]):
        yield "the chain does not follow from the record before"


def _bytes(text: Any) -> bytes | None:
    """None where that is no longer the hexadecimal text which was written."""
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        return None
