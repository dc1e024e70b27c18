"""The schema: migrations make what the models say, on SQLite with its safest settings, in SQL that others know too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from cloud_erp.db import Database, core_fact, open_database
from cloud_erp.errors import StartError
from cloud_erp.fleet.model import gateway
from cloud_erp.schema import metadata


def _no_month(_thing: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    """The tables of single months are made by headquarters as it goes."""
    return not (kind == "table" and name is not None and name.startswith("journal_"))


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _no_month})
        assert compare_metadata(context, metadata) == []


def test_the_schema_compiles_for_postgresql() -> None:
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def test_sqlite_runs_with_wal_full_sync_and_foreign_keys(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'core.db'}")
    with database.read() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    database.close()
    assert found == ["wal", 2, 1]


def test_an_incarnation_lasts_as_long_as_its_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'core.db'}"
    first = open_database(url)
    again = open_database(url)
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    assert first.incarnation() == again.incarnation() != other.incarnation()
    for database in (first, again, other):
        database.close()


def test_times_go_in_with_any_zone_and_come_out_in_utc(database: Database) -> None:
    moment = datetime(2026, 11, 22, 9, 0, tzinfo=timezone(timedelta(hours=8)))
    with database.write() as connection:
        row = {"id": "S1-1", "store_id": "S1", "name": "x", "currency": "TWD", "registered_at": moment}
        connection.execute(insert(gateway).values(row))
        found = connection.execute(select(gateway.c.registered_at).where(gateway.c.id == "S1-1")).scalar_one()
    assert found == moment
    assert found.tzinfo is UTC


def test_a_database_of_a_newer_version_is_refused_in_plain_words(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'core.db'}"
    open_database(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StartError, match="another version of Backroom"):
        open_database(url)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "core.db"
    path.write_bytes(b"this is not a database, but somebody's letter" * 100)
    before = path.read_bytes()
    with pytest.raises(StartError, match="does not open"):
        open_database(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_write_that_fails_is_rolled_back(database: Database) -> None:
    def write_and_fail() -> None:
        with database.write() as connection:
            connection.execute(insert(core_fact).values(name="half", value="done"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with database.read() as connection:
        assert connection.execute(select(core_fact.c.name).where(core_fact.c.name == "half")).scalar() is None
