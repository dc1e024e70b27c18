"""A database of the first schema is taken over with all that it holds, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from cloud_erp.db import MIGRATIONS, Database, open_database
from cloud_erp.feeds import service as feeds
from cloud_erp.journal import service as journal_service
from retail.wire.canonical import canonical
from retail.wire.feed import FeedPull
from tests.cloud_erp.batches import EPOCH, GATEWAY, outbox, sale
from tests.cloud_erp.postgres import PostgreSQL
from tests.cloud_erp.test_intake import acknowledged

ROWS = (
    "INSERT INTO core_fact VALUES ('incarnation', '01JD0000000000000000000009')",
    "INSERT INTO gateway VALUES ('{gateway}', 'S0421', 'Berlin', 'EUR', '{at}')",
    "INSERT INTO item VALUES ('1001', 'Milk', 'each', 119, 'EUR', 'B', 700, '', '{milk}', 1)",
    "INSERT INTO feed VALUES ('items', 1, '{sha}', 1, '{at}')",
    "INSERT INTO stream VALUES ('{gateway}', '{epoch}', 1, '{chain}', '{at}')",
    "INSERT INTO inbox VALUES ('{gateway}', '{epoch}', 1, '{sha}', '{key}', '{sha}', '{chain}', 'booked', NULL,"
    " '{at}')",
    "INSERT INTO journal (gateway, epoch, seq, type, idempotency_key, body_sha256, store_id, workstation_id,"
    " sequence_number, operator_id, business_date, begin_at, end_at, end_slot, currency, total_minor, item_count,"
    " training, record, body, received_at) VALUES ('{gateway}', '{epoch}', 1, 'RetailTransaction', '{key}', '{sha}',"
    " 'S0421', '1', 1, 'anna', '2025-03-01', '{at}', '{at}', '{at}', 'EUR', 119, 1, false, '{{}}', '{{}}', '{at}')",
)
MILK = {"item_id": "1001", "description": "Milk", "barcodes": [], "unit": "each", "price_minor": 119}


@pytest.fixture(params=["sqlite", "postgresql"])
def blank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'core.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    yield server.create("blank")
    server.drop("blank")


@pytest.mark.parametrize("schema", ["0001", "0002"])
def test_a_database_of_an_earlier_schema_keeps_its_sales_and_goes_on(blank: str, schema: str) -> None:
    box = outbox([sale(1), sale(2)])
    first = box.records[0]
    words = {"sha": first["body_sha256"], "chain": first["chain"], "key": first["idempotency_key"]}
    milk = canonical(MILK).decode()
    old = Database(blank)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with old.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for row in ROWS:
            line = row.format(gateway=GATEWAY, epoch=EPOCH, at="2025-03-01 10:00:00+00:00", milk=milk, **words)
            connection.exec_driver_sql(line.replace("+00:00", "") if blank.startswith("sqlite") else line)
        command.upgrade(config, schema)
    old.close()
    database = open_database(blank)
    with database.read() as connection:
        # The feed goes on with the rows and the version that the stores have.
        assert feeds.known_rows(connection, "items") == {"1001": MILK}
        (page,) = feeds.pages(connection, "items", FeedPull(request_id="r", from_version=0))
        assert (page.version, page.rows[0].row) == (1, MILK)
        assert journal_service.store_days(connection)[0].returned_minor == 0
    # What was booked is known for what it is; what is new is booked behind it.
    ack = acknowledged(database, box.payload())
    assert (ack.contiguous_seq, ack.chain) == (2, box.records[1]["chain"])
    with database.read() as connection:
        assert [(one.id, one.seq) for one in journal_service.since(connection, 0, 10)] == [(1, 1), (2, 2)]
    database.close()
