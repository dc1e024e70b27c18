"""A fresh headquarters for each test, on SQLite and on PostgreSQL: one gateway and the sample catalogue."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from cloud_erp.catalog.item_file import import_items
from cloud_erp.db import Database, open_database
from cloud_erp.fleet import registry
from tests.cloud_erp.batches import GATEWAY, SAMPLE, STORE
from tests.cloud_erp.postgres import ABSENT, BINARIES, PostgreSQL

Urls: TypeAlias = Callable[[], str]
TEMPLATE = "prepared"
NUMBERS = itertools.count(1)


def prepare(database: Database) -> None:
    """Register gateway S0421-1 and import the sample catalogue."""
    with database.write() as connection:
        registry.add(connection, registry.Gateway(GATEWAY, STORE, "Berlin Mitte", "EUR"))
    import_items(database, SAMPLE, dry_run=False)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One private server for all tests of this process."""
    if not BINARIES:
        pytest.skip(ABSENT)
    server = PostgreSQL()
    server.start()
    template = open_database(server.create(TEMPLATE))
    prepare(template)
    template.close()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared database, closed; each test has a copy of its own."""
    path = tmp_path_factory.mktemp(TEMPLATE) / "core.db"
    database = open_database(f"sqlite:///{path}")
    prepare(database)
    database.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # no journal beside it holds a part
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Urls]:
    """Makes prepared databases: each call the url of another one."""
    if request.param == "sqlite":
        prepared: Path = request.getfixturevalue("sqlite_file")

        def on_sqlite() -> str:
            return f"sqlite:///{shutil.copyfile(prepared, tmp_path / f'core{next(NUMBERS)}.db')}"

        yield on_sqlite
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    names: list[str] = []

    def on_postgresql() -> str:
        names.append(f"test{next(NUMBERS)}")
        return server.create(names[-1], TEMPLATE)

    yield on_postgresql
    for name in names:
        server.drop(name)


@pytest.fixture
def database(urls: Urls) -> Iterator[Database]:
    made = open_database(urls())
    yield made
    made.close()
