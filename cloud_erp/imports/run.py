"""An import from its file to the feed: in one transaction, all of it or nothing, and on record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from cloud_erp.audit.model import deed
from cloud_erp.db import Database, now_utc
from cloud_erp.errors import ImportRefused
from cloud_erp.feeds import service as feeds
from cloud_erp.imports.kind import Change, Documents, Kind
from cloud_erp.imports.sheet import Faults, format_of, lines_of
from cloud_erp.text import printable

#: keys that the record of an import names
MOST_KEYS = 200


@dataclass(frozen=True, slots=True)
class Options:
    """form: csv or json, None by the file's suffix. delete_missing: what the file does not name is taken away."""

    form: str | None = None
    dry_run: bool = False
    delete_missing: bool = False
    by: str = "command line"


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: Kind
    change: Change
    version: int
    dry_run: bool

    def as_json(self) -> dict[str, Any]:
        changed = {
            key: {name: [shown(self.kind, name, old), shown(self.kind, name, new)] for name, old, new in fields}
            for key, fields in ((key, fields_between(*pair)) for key, pair in self.change.changed.items())
        }
        return {
            "feed": self.kind.feed,
            "version": self.version,
            "dry_run": self.dry_run,
            "new": list(self.change.new),
            "changed": changed,
            "deleted": list(self.change.deleted),
            "unchanged": len(self.change.unchanged),
            "not_in_file": self.change.not_in_file,
        }


def import_file(database: Database, kind: Kind, path: Path, options: Options | None = None) -> Outcome:
    """Read, compare, and (unless it is a dry run) take over; what happened is on record.

    Raises:
        ImportRefused: with every fault; nothing was changed.
        CoreError: the file cannot be read at all.
    """
    options = options or Options()
    faults = Faults()
    form = format_of(path, options.form)
    lines = lines_of(path, form, kind.columns, faults, ("rows", kind.name, *kind.lists))
    with database.read() if options.dry_run else database.write() as connection:
        if not options.dry_run:
            feeds.lock(connection, kind.feed)
            kind.begin(connection)
        known = kind.known(connection)
        rows = kind.rows(lines, known, faults)
        kind.together(rows, known, faults)
        if faults.found:
            raise ImportRefused(path.name, sorted(faults.found, key=lambda fault: fault.row))
        wanted = {key: document for key, (_, document) in rows.items()}
        change = compared(known, wanted, options.delete_missing and kind.deletes)
        version = feeds.head(connection, kind.feed).version
        if not options.dry_run:
            version = kind.write(connection, change)
            _note(connection, kind, path, change, version, options.by)
    return Outcome(kind, change, version, options.dry_run)


def compared(known: Documents, wanted: Documents, delete_missing: bool) -> Change:
    missing = {key: document for key, document in known.items() if key not in wanted}
    change = Change(deleted=missing) if delete_missing else Change(not_in_file=len(missing))
    for key, document in wanted.items():
        before = known.get(key)
        if before is None:
            change.new[key] = document
        elif before != document:
            change.changed[key] = before, document
        else:
            change.unchanged[key] = document
    return change


def fields_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(field, before, after) of those that differ."""
    names = [*before, *(name for name in after if name not in before)]
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def shown(kind: Kind, name: str, value: Any) -> Any:
    """A value as it may be shown."""
    return "(kept to itself)" if name in kind.hidden and value else value


def _note(connection: Connection, kind: Kind, path: Path, change: Change, version: int, by: str) -> None:
    counts = {"new": len(change.new), "changed": len(change.changed), "deleted": len(change.deleted)}
    text = ", ".join(f"{count} {word}" for word, count in counts.items())
    facts = {
        "feed": kind.feed,
        "version": version,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        **counts,
        "keys": [*change.new, *change.changed, *change.deleted][:MOST_KEYS],
    }
    row = {"at": now_utc(), "by": printable(by)[:64] or "unnamed", "action": f"import {kind.name}"}
    said = printable(f"{path.name}: {text}; feed {kind.feed} is at version {version}")
    connection.execute(insert(deed).values(**row, text=said, facts=json.dumps(facts, ensure_ascii=True)))
