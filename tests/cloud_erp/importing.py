"""Files as people write them, imported; and what a test asks of the feeds afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloud_erp.db import Database
from cloud_erp.errors import ImportRefused
from cloud_erp.feeds import service as feeds
from cloud_erp.imports.kind import Kind
from cloud_erp.imports.run import Options, Outcome, import_file


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def take(database: Database, tmp_path: Path) -> Any:
    def taken(kind: Kind, content: Any, **options: Any) -> Outcome:
        suffix = "csv" if isinstance(content, str) else "json"
        return import_file(database, kind, write(tmp_path, f"{kind.name}.{suffix}", content), Options(**options))

    return taken


def rows(database: Database, name: str) -> dict[str, dict[str, Any]]:
    with database.read() as connection:
        return feeds.known_rows(connection, name)


def refused(take: Any, kind: Kind, content: Any) -> list[tuple[int, str, str]]:
    with pytest.raises(ImportRefused) as error:
        take(kind, content)
    assert all(fault.message for fault in error.value.faults)
    return [(fault.row, fault.column, fault.rule) for fault in error.value.faults]
