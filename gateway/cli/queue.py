"""`backroom queue`: the outbox for people: what waits, what it says, whether it is whole. It only reads."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table

from gateway.cli.queue_file import examine, money_file
from gateway.cli.run import DEFAULT_CONFIG
from gateway.errors import BackroomError, QueueError
from gateway.queue import rescue

app = typer.Typer(help="The outbox: what waits for headquarters, and whether it is whole.", no_args_is_help=True)

ConfigOption = Annotated[Path, typer.Option("--config", help="gateway.toml")]
FileOption = Annotated[Path | None, typer.Option("--file", help="A money file, instead of the configured one.")]
EpochOption = Annotated[str | None, typer.Option("--epoch", help="A former epoch's log, as `stats` names it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]

LIST = ("seq", "state", "type", "business_date", "wall_utc", "clock_state", "idempotency_key")
#: of text that goes into a file or another program: nothing is cut off there
WIDE = 250


class State(StrEnum):
    unacked = "unacked"
    acked = "acked"
    rejected = "rejected"


@app.command("ls")
def ls(
    state: Annotated[State | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
    epoch: EpochOption = None,
    as_json: JsonOption = False,
    file: FileOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List records, newest last.

    Examples:

      backroom queue ls --state unacked

      backroom queue ls --limit 1000 --json | jq -r '.[].idempotency_key'
    """
    with money_file(config, file) as money:
        where, values = ("WHERE state = ?", [state.value]) if state else ("", [])
        columns = ", ".join(LIST)
        rows = money.connection.execute(
            f"SELECT * FROM (SELECT {columns} FROM ({money.records(epoch)}) {where} ORDER BY seq DESC LIMIT ?)"  # noqa: S608
            " ORDER BY seq",
            [*values, limit],
        ).fetchall()
    if as_json:
        print(json.dumps([dict(row) for row in rows], ensure_ascii=False))
        return
    _print_table(LIST, [[str(row[name]) for name in LIST] for row in rows])


def _print_table(names: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(box=None)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console() if sys.stdout.isatty() else Console(width=WIDE)
    console.print(table if rows else "nothing there")


@app.command("show")
def show(
    seq: int,
    epoch: EpochOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="On one line.")] = False,
    file: FileOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Print one record with its body, as JSON.

    Examples:

      backroom queue show 17

      backroom queue show 17 --json | jq .body.total_minor
    """
    with money_file(config, file) as money:
        row = money.connection.execute(f"SELECT * FROM ({money.records(epoch)}) WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
    if row is None:
        raise QueueError(f"there is no record {seq}; 'backroom queue ls' shows which there are")
    print(json.dumps(_record(row), indent=None if as_json else 2, ensure_ascii=False))


def _record(row: Any) -> dict[str, Any]:
    """A body that is no JSON any more is shown as the text that it is."""
    body: Any = bytes(row["body"]).decode(errors="replace")
    try:
        body = json.loads(body)
    except ValueError:
        pass
    return {**dict(row), "body": body}


@app.command("verify")
def verify(as_json: JsonOption = False, file: FileOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check every record of every epoch against its hash and the chain; exit 1 where anything is wrong.

    Examples:

      backroom queue verify

      backroom queue verify --json --file money-damaged-20261122T093000Z.sqlite
    """
    with money_file(config, file) as money:
        logs = examine(money)
    faults = [fault if log is logs[0] else f"epoch {log.epoch}: {fault}" for log in logs for fault in log.faults]
    if as_json:
        former = [asdict(log) for log in logs[1:]]
        facts = {"records": logs[0].records, "epoch": logs[0].epoch, "whole": not faults, "faults": faults}
        print(json.dumps({**facts, "former": former}))
    else:
        for log in logs:
            verdict = "whole" if not log.faults else f"{len(log.faults)} faults"
            print(f"epoch {log.epoch}: {log.records} records, {verdict}")
        for fault in faults:
            print(f"  {fault}")
        if faults:
            print("keep the file; stop the daemon, copy it away, and call support")
    raise typer.Exit(1 if faults else 0)


@app.command("export")
def export(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV instead of JSON lines.")] = False,
    first: Annotated[int, typer.Option("--from", help="First seq.")] = 1,
    last: Annotated[int | None, typer.Option("--to", help="Last seq.")] = None,
    epoch: EpochOption = None,
    file: FileOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write records with their bodies, as JSON lines or CSV.

    Examples:

      backroom queue export --from 1 -o sales.jsonl

      backroom queue export --csv --to 500 > sales.csv
    """
    with money_file(config, file) as money, _writing(output) as stream:
        rows = money.connection.execute(
            f"SELECT * FROM ({money.records(epoch)}) WHERE seq BETWEEN ? AND ? ORDER BY seq",  # noqa: S608
            (first, last if last is not None else 2**62),
        )
        count = _write(rows, stream, as_csv)
    print(f"{count} records", file=sys.stderr)


@contextmanager
def _writing(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or that file.

    Raises:
        BackroomError: the file cannot be written.
    """
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise BackroomError(f"{output}: cannot be written: {error.strerror}; name another place with -o") from error


def _write(rows: Iterator[Any], stream: TextIO, as_csv: bool) -> int:
    count = 0
    writer: Any = None
    for row in rows:
        if as_csv:
            record = {**dict(row), "body": bytes(row["body"]).decode(errors="replace")}
            writer = writer or csv.DictWriter(stream, fieldnames=list(record))
            if count == 0:
                writer.writeheader()
            writer.writerow(record)
        else:
            stream.write(json.dumps(_record(row), ensure_ascii=False) + "\n")
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

    Example:

      backroom queue salvage money-damaged-20261122T093000Z.sqlite -o readable.jsonl
    """
    if not file.is_file():
        raise QueueError(f"{file}: no such file")
    found = rescue.read(file)
    if output is not None:
        with _writing(output) as stream:
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
    raise typer.Exit(1 if found.damaged or found.epoch is None else 0)


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
    """Count records by state and type, and say how large the file is and which epochs it holds.

    Examples:

      backroom queue stats

      backroom queue stats --json | jq '[.records[] | select(.state == "unacked") | .records] | add'
    """
    with money_file(config, file) as money:
        epoch, former = money.epoch, money.former_epochs
        kinds = [
            dict(row)
            for row in money.connection.execute(
                "SELECT type, state, count(*) AS records, min(seq) AS first_seq, max(seq) AS last_seq,"
                " min(business_date) AS first_day, max(business_date) AS last_day FROM outbox GROUP BY type, state"
            )
        ]
        pages, size = (money.connection.execute(f"PRAGMA {word}").fetchone()[0] for word in ("page_count", "page_size"))
    if as_json:
        facts = {"epoch": epoch, "former_epochs": former, "bytes": pages * size, "records": kinds}
        print(json.dumps(facts))
        return
    print(f"epoch {epoch}, {pages * size / 2**20:.1f} MiB, {len(former)} former epochs kept")
    for one in former:
        print(f"  former epoch {one}")
    names = ("type", "state", "records", "first_seq", "last_seq", "first_day", "last_day")
    _print_table(names, [[str(kind[name]) for name in names] for kind in kinds])
