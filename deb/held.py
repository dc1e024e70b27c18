"""What a purge must not delete: records that headquarters has not acknowledged.

It becomes a part of the package's postrm and runs when the program is gone, so it is one file that imports nothing of
ours. It says one line for each file that holds such records, or may; exit 0 only where it is sure that none does.

    python3 held.py /etc/backroom/gateway.toml /var/lib/backroom

A file that is damaged, or that it cannot read, counts as one that holds sales. It believes the mark of a log where
gateway/queue/mark.py does, and reads files of the layout before that one too.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sqlite3
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

SQLITE = b"SQLite format 3\0"
SALE = "RetailTransaction"


def held(config: Path, state: Path) -> Iterator[str]:
    folders = {Path(os.path.realpath(state))}
    try:
        folders.add(Path(os.path.realpath(config.parent / data_dir(config))))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        yield f"{config}: cannot be read ({error}), so it is not known where the sales are; mend or delete it"
    outer = [one for one in folders if not any(other in one.parents for other in folders)]
    for folder in sorted(outer):
        for path in sorted(money_files(folder)):
            try:
                told = unacknowledged(path)
            except (sqlite3.Error, OSError, ValueError, TypeError) as error:
                told = f"damaged or not readable ({error}); it may hold sales"
            if told:
                yield f"{path}: {told}"


def data_dir(config: Path) -> str:
    """Raises ValueError where the file does not say it as a configuration would."""
    told = tomllib.loads(config.read_text(encoding="utf-8")).get("gateway", {})
    found = told.get("data_dir", "data") if isinstance(told, dict) else None
    if not isinstance(found, str):
        raise ValueError("[gateway] data_dir is no path")
    return found


def money_files(folder: Path) -> Iterator[Path]:
    """What is named like one, put aside or not; databases under other names; one whose main file is gone, too."""
    for where, _, names in os.walk(folder, onerror=_raise):
        for name in names:
            path = Path(where) / name
            if name.endswith("-shm"):
                continue
            if name.endswith("-wal"):
                main = path.with_name(name.removesuffix("-wal"))
                if not main.exists() and path.stat().st_size:
                    yield main
            elif name.startswith("money") or path.read_bytes()[: len(SQLITE)] == SQLITE:
                yield path


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def unacknowledged(path: Path) -> str:
    """What is not acknowledged in that file, in words; empty: nothing.

    Raises:
        sqlite3.Error: it is damaged, or no database.
        ValueError: it is not laid out as any release does it.
    """
    wal = path.with_name(path.name + "-wal")
    if not path.exists() or (path.stat().st_size == 0 and wal.exists() and wal.stat().st_size):
        raise ValueError("its main file is gone, its -wal is left")
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        verdict = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
        if verdict != ["ok"]:
            raise ValueError("; ".join(map(str, verdict)))
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables & {"record", "outbox"}:
            if path.name.startswith("money") and tables:
                raise ValueError("it has no log of sales")
            return ""  # prices, and what else is no log
        meta = dict(connection.execute("SELECT key, value FROM meta"))
        waiting = list(_waiting(connection, tables, meta.get("epoch")))
    finally:
        connection.close()
    return _in_words(waiting, meta.get("gateway_id"))


def _waiting(connection: sqlite3.Connection, tables: set[str], epoch: str | None) -> Iterator[tuple[str, str]]:
    """(type, business date) of each record that waits, in the log of this epoch and in those that were put aside."""
    log = "outbox" if "outbox" in tables else "record"  # the former layout, this one
    yield from connection.execute(_behind_the_mark(connection, log, epoch))
    # what an earlier log had left went over into the next one, so it counts only where it did not arrive there
    logs = [*sorted(name for name in tables if name.startswith("outbox_")), log]
    for former, following in itertools.pairwise(logs):
        kept, last = connection.execute(f'SELECT count(*), max(seq) FROM "{following}"').fetchone()
        if kept == (last or 0):  # else its first records are pruned, so they were acknowledged: those that came over
            query = _behind_the_mark(connection, former, former.removeprefix("outbox_"))
            yield from connection.execute(
                f'{query} AND idempotency_key NOT IN (SELECT idempotency_key FROM "{following}")'
            )


def _behind_the_mark(connection: sqlite3.Connection, log: str, epoch: str | None) -> str:
    columns = {row[1] for row in connection.execute(f'PRAGMA table_info("{log}")')}
    marked = epoch is not None and "acked" in {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    if "state" in columns and not marked:
        return f"SELECT type, business_date FROM \"{log}\" WHERE state = 'unacked'"
    mark = _mark(connection, log, epoch) if marked else 0
    return f'SELECT type, business_date FROM "{log}" WHERE seq > {mark}'


def _mark(connection: sqlite3.Connection, log: str, epoch: str | None) -> int:
    """How far headquarters has it; 0 where the mark's chain value is not the one of this log, as in the daemon."""
    row = connection.execute("SELECT seq, chain FROM acked WHERE epoch = ?", (epoch,)).fetchone()
    if row is None:
        return 0
    seq, chain = int(row[0]), str(row[1])
    if connection.execute(f'SELECT 1 FROM "{log}" LIMIT 1').fetchone() is None:
        return seq
    found = connection.execute(f'SELECT seq, chain, body_sha256 FROM "{log}" WHERE seq IN (?1, ?1 + 1)', (seq,))
    at = {each[0]: each for each in found}
    if seq in at:
        return seq if at[seq][1] == chain else 0
    # pruned: the record behind it is chained to it (retail/wire/log.py says how)
    return seq if seq + 1 in at and _link(chain, str(epoch), seq + 1, at[seq + 1][2]) == at[seq + 1][1] else 0


def _link(previous: str, epoch: str, seq: int, body_sha256: str) -> str:
    """Raises ValueError for a chain value that is none; then the whole file counts as damaged."""
    before, body = bytes.fromhex(previous), bytes.fromhex(body_sha256)
    return hashlib.sha256(before + epoch.encode("ascii") + seq.to_bytes(8, "big") + body).hexdigest()


def _in_words(waiting: list[tuple[str, str]], gateway: str | None) -> str:
    if not waiting:
        return ""
    sales = sum(1 for kind, _ in waiting if kind == SALE)
    days = sorted({day for _, day in waiting})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{len(waiting)} records not acknowledged, {sales} of them sales (gateway {gateway or 'unknown'}, {span})"


def main() -> int:
    found = list(held(Path(sys.argv[1]), Path(sys.argv[2])))
    for line in found:
        print(f"  {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
