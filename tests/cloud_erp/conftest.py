"""A fresh headquarters for each test: a real SQLite file with one gateway and the sample catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_erp.catalog.csv_import import import_items
from cloud_erp.db import Database, open_database
from cloud_erp.fleet import registry
from tests.cloud_erp.batches import GATEWAY, SAMPLE, STORE


def opened(folder: Path) -> Database:
    """A database with gateway S0421-1 and the sample catalogue."""
    database = open_database(f"sqlite:///{folder / 'core.db'}")
    with database.write() as connection:
        registry.add(connection, registry.Gateway(GATEWAY, STORE, "Berlin Mitte", "EUR"))
    import_items(database, SAMPLE, dry_run=False)
    return database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = opened(tmp_path)
    yield made
    made.close()
