"""`backroom queue`: the outbox for people: what waits, what it says, whether it is whole. It only reads.

sqlite-utils serves here, since nobody sells while they wait for it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlite_utils import Database

from gateway import config as configuration
from gateway.app import MONEY_FILE
from gateway.cli.run import DEFAULT_CONFIG
from gateway.errors import QueueError
from gateway.queue import mark, rescue
from retail.wire.log import GENESIS, chain_link

app = typer.Typer(help="The outbox: what waits for headquarters, and whether it is whole.", no_args_is_help=True)

ConfigOption = Annotated[Path, typer.Option("--config", help="gateway.toml")]
FileOption = Annotated[Path | None, typer.Option("--file", help="A money file, instead of the configured one.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]

LIST = ("seq", "state", "type", "business_date", "wall_utc", "clock_state", "idempotency_key")


def opened(config: Path, file: Path | None) -> Database:
    """The money file, for reading only.

    Raises:
        QueueError: there is none yet.
    """
    path = file or configuration.load(config).gateway.data_dir / MONEY_FILE
    if not path.exists():
        raise QueueError(f"{path}: no outbox there yet; the daemon makes it at its first start")
    return Database(rescue.reading(path))


@app.command("ls")
def ls(
    state: Annotated[str | None, typer.Option(help="Only unacked, acked or rejected ones.")] = None,
    limit: Annotated[int, typer.Option(help="The newest so many.")] = 20,
    as_json: JsonOption = False,
    file: FileOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List records, newest last. Example: backroom queue ls --state unacked"""
    with closing(opened(config, file).conn) as connection:
        where, values = ("WHERE state = ?", [state]) if state else ("", [])
        columns = ", ".join(LIST)
        rows = connection.execute(
            f"SELECT * FROM (SELECT {columns} FROM outbox {where} ORDER BY seq DESC LIMIT ?) ORDER BY seq",  # noqa: S608
            [*values, limit],
        ).fetchall()
    if as_json:
        print(json.dumps([dict(row) for row in rows]))
        return
    table = Table(*LIST, box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in LIST))
    Console().print(table if rows else "nothing there")


@app.command("show")
def show(seq: int, file: FileOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print one record with its body as JSON. Example: backroom queue show 17"""
    with closing(opened(config, file).conn) as connection:
        row = connection.execute("SELECT * FROM outbox WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise QueueError(f"there is no record {seq}; 'backroom queue ls' shows which there are")
    record = dict(row)
    record["body"] = json.loads(record["body"])
    print(json.dumps(record, indent=2, ensure_ascii=False))


@app.command("verify")
def verify(as_json: JsonOption = False, file: FileOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check every record against its hash and the chain; exit 1 where anything is wrong."""
    database = opened(config, file)
    with closing(database.conn) as connection:
        sound = [row[0] for row in connection.execute("PRAGMA quick_check(5)")] == ["ok"]
        epoch = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()["value"]
        rows = connection.execute("SELECT seq, body, body_sha256, chain FROM outbox ORDER BY seq")
        count, faults = _walk(rows, epoch)
        # a file that was put aside by an earlier release has no mark of its own
        if "acked" in database.table_names() and (doubt := mark.in_doubt(connection, epoch)):
            faults.append(doubt)
    if not sound:
        faults.insert(0, "the file fails SQLite's quick_check")
    if as_json:
        print(json.dumps({"records": count, "epoch": epoch, "whole": not faults, "faults": faults}))
    else:
        print(f"epoch {epoch}: {count} records, " + ("whole" if not faults else f"{len(faults)} faults"))
        for fault in faults:
            print(f"  {fault}")
        if faults:
            print("keep the file; stop the daemon, copy it away, and call support")
    raise typer.Exit(1 if faults else 0)


def _walk(rows: Iterable[Any], epoch: str) -> tuple[int, list[str]]:
    """(how many, faults): each body against its hash, each chain value from the one before, no gap between."""
    faults: list[str] = []
    count, seq, chain = 0, None, None
    for row in rows:
        count += 1
        digest = hashlib.sha256(row["body"]).digest()
        if digest.hex() != row["body_sha256"]:
            faults.append(f"seq {row['seq']}: the body is not what was written (hash differs)")
        if seq is not None and row["seq"] != seq + 1:
            faults.append(f"seq {seq + 1} to {row['seq'] - 1} are missing")
            chain = None
        before = GENESIS if row["seq"] == 1 else chain
        # the first record after pruning has nothing before it to be chained to
        if before is not None:
            expected = chain_link(before, epoch, row["seq"], bytes.fromhex(row["body_sha256"]))
            if expected.hex() != row["chain"]:
                faults.append(f"seq {row['seq']}: the chain does not follow from the record before")
        seq, chain = row["seq"], bytes.fromhex(row["chain"])
    return count, faults


@app.command("export")
def export(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV instead of JSON lines.")] = False,
    first: Annotated[int, typer.Option("--from", help="First seq.")] = 1,
    last: Annotated[int | None, typer.Option("--to", help="Last seq.")] = None,
    file: FileOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write records with their bodies. Example: backroom queue export --from 1 -o sales.jsonl"""
    with closing(opened(config, file).conn) as connection:
        rows = connection.execute(
            "SELECT * FROM outbox WHERE seq BETWEEN ? AND ? ORDER BY seq", (first, last if last is not None else 2**62)
        )
        stream = output.open("w", encoding="utf-8", newline="") if output else sys.stdout
        try:
            count = _write(rows, stream, as_csv)
        finally:
            if output:
                stream.close()
    print(f"{count} records", file=sys.stderr)


def _write(rows: Iterator[Any], stream: Any, as_csv: bool) -> int:
    count = 0
    writer: Any = None
    for row in rows:
        record = {**dict(row), "body": row["body"].decode()}
        if as_csv:
            writer = writer or csv.DictWriter(stream, fieldnames=list(record))
            if count == 0:
                writer.writeheader()
            writer.writerow(record)
        else:
            stream.write(json.dumps({**record, "body": json.loads(record["body"])}, ensure_ascii=False) + "\n")
        count += 1
    return count


@app.command("salvage")
def salvage(
    file: Path,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write what can be read here, JSON lines.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read a damaged money file as far as it goes; the file is not changed. Exit 1 where something is lost.

    A damaged file is salvaged by itself when the daemon starts; this is for a look, and for files put aside.

    Example: backroom queue salvage money-damaged-20261122T093000Z.sqlite -o readable.jsonl
    """
    if not file.exists():
        raise QueueError(f"{file}: no such file")
    found = rescue.read(file)
    if output is not None:
        with output.open("w", encoding="utf-8") as stream:
            _write(iter(found.rows), stream, as_csv=False)
    summary = {
        "epoch": found.epoch,
        "read": len(found.rows),
        "unacked": len(found.waiting),
        "unreadable": found.damaged[:1000],
    }
    if as_json:
        print(json.dumps(summary))
    else:
        print(
            f"epoch {found.epoch or 'unknown'}: {len(found.rows)} records read, {len(found.waiting)} not acknowledged"
        )
        print(f"unreadable seqs: {_ranges(found.damaged) or 'none'}")
    raise typer.Exit(1 if found.damaged else 0)


def _ranges(seqs: list[int]) -> str:
    """1-3, 7"""
    parts: list[list[int]] = []
    for seq in seqs:
        if parts and seq == parts[-1][1] + 1:
            parts[-1][1] = seq
        else:
            parts.append([seq, seq])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in parts)


@app.command("stats")
def stats(as_json: JsonOption = False, file: FileOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Count records by state and type, and say how large the file is."""
    database = opened(config, file)
    with closing(database.conn) as connection:
        epoch = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()["value"]
        kinds = [
            dict(row)
            for row in connection.execute(
                "SELECT type, state, count(*) AS records, min(seq) AS first_seq, max(seq) AS last_seq,"
                " min(business_date) AS first_day, max(business_date) AS last_day FROM outbox GROUP BY type, state"
            )
        ]
        former = [name for name in database.table_names() if name.startswith("outbox_0")]
        bytes_used = connection.execute("PRAGMA page_count").fetchone()[0] * 4096
    if as_json:
        print(json.dumps({"epoch": epoch, "former_epochs": len(former), "bytes": bytes_used, "records": kinds}))
        return
    print(f"epoch {epoch}, {bytes_used / 2**20:.1f} MiB, {len(former)} former epochs kept")
    names = ("type", "state", "records", "first_seq", "last_seq", "first_day", "last_day")
    table = Table(*names, box=None)
    for kind in kinds:
        table.add_row(*(str(kind[name]) for name in names))
    Console().print(table if kinds else "no records yet")
