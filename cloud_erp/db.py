"""The database: one engine, read and write transactions, and the few places where dialects differ.

SQLite (the embedded default) runs with WAL, synchronous=FULL and foreign keys; a write transaction begins IMMEDIATE, so
that what it read cannot change before it writes. On PostgreSQL a transaction is READ COMMITTED, and the services lock
what they decide upon (docs/decisions/0004-postgresql.md).
The schema is made and moved by Alembic (cloud_erp/migrations) when the database opens.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    column,
    create_engine,
    event,
    insert,
    inspect,
    select,
    table,
)
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator
from ulid import ULID

from cloud_erp.bulk import upsert
from cloud_erp.errors import StartError

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0003"
BUSY_TIMEOUT_MS = 15_000
RENEWED = "incarnation_renewed_at"
#: an execution option: this connection's transactions mean to write
WRITES = "backroom_writes"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

#: SQLite counts only INTEGER PRIMARY KEY by itself
BigId = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware in Python, UTC in the database, whatever the dialect keeps of the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


core_fact = Table(
    "core_fact",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
#: Alembic's own table; not in the metadata, which is ours to make
_VERSION = table("alembic_version", column("version_num", String(32)))
_INCARNATION = select(core_fact.c.value).where(core_fact.c.name == "incarnation")


def now_utc() -> datetime:
    return datetime.now(UTC)


class Database:
    """An open database with the newest schema. `read()` and `write()` are transactions; both end with their block.

    A write inside a write of the same thread would wait for itself.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._writer = self.engine.execution_options(**{WRITES: True})
        # SQLite has one writer: threads queue here, in order, rather than by asking the file again and again.
        self._turn = threading.Lock() if self.engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    def incarnation(self) -> str:
        with self.read() as connection:
            return incarnation(connection)


def open_database(url: str) -> Database:
    """Open it, and make or move its schema.

    Raises:
        StartError: the database does not open, or was written by a newer Backroom.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        folder = Path(parsed.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"{folder}: cannot be made: {error.strerror}; see [core] data_dir") from error
    try:
        database = Database(url)
        _migrate(database)
    except (SQLAlchemyError, ImportError) as error:
        raise StartError(f"database {parsed.render_as_string()}: does not open: {error}") from error
    return database


def incarnation(connection: Connection) -> str:
    """Which life of the database this is: changes when it was restored from a backup."""
    return str(connection.execute(_INCARNATION).scalar_one())


def renew_incarnation(connection: Connection) -> str:
    """To be called after a restore: stores then expect the marks to go back, and send again what is missing."""
    fresh = str(ULID())
    upsert(
        connection,
        core_fact,
        [{"name": "incarnation", "value": fresh}, {"name": RENEWED, "value": now_utc().isoformat()}],
        key=("name",),
    )
    return fresh


def renewed_at(connection: Connection) -> datetime | None:
    """When the incarnation was renewed last; None: never."""
    value = connection.execute(select(core_fact.c.value).where(core_fact.c.name == RENEWED)).scalar()
    return None if value is None else datetime.fromisoformat(value)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        # One connection a booking thread, and some for the pages; pinged, since a database may have been restarted.
        return create_engine(
            parsed, pool_pre_ping=True, pool_size=10, max_overflow=30, isolation_level="READ COMMITTED"
        )
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # Python's sqlite3 would begin late and by itself; transactions begin below instead.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")

    return engine


def _revision(connection: Connection) -> str | None:
    """Which schema Alembic wrote down; None in a new database."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar()


def _migrate(database: Database) -> None:
    with database.read() as connection:
        if _revision(connection) == HEAD:
            return
    # Only where there is something to move: to import Alembic takes longer than to open the database.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            # Two cores that start at once: one moves the schema, the other finds it moved.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('backroom schema'))")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, HEAD)
        except CommandError as error:
            raise StartError(
                f"the database was written by another version of Backroom ({error}); start that version or a newer one"
            ) from error
        there = connection.execute(select(core_fact.c.name).where(core_fact.c.name == "incarnation")).scalar()
        if there is None:
            connection.execute(insert(core_fact).values(name="incarnation", value=str(ULID())))
            log.info("database made: schema %s", HEAD)
