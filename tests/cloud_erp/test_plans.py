"""Statements of the intake on a table that grew and has no statistics yet: each looks up what it needs, and no more."""

from __future__ import annotations

import re
from contextlib import closing

from cloud_erp.db import open_database
from cloud_erp.intake import known
from tests.cloud_erp.batches import GATEWAY, STORE
from tests.cloud_erp.postgres import PostgreSQL

FILL = """
INSERT INTO inbox (gateway, epoch, seq, store_id, body_sha256, idempotency_key, stated_sha256, chain, fate, received_at)
SELECT %(gateway)s, 'E', seq, %(store)s, '', 'key-' || seq, '', '', 'booked', now() FROM generate_series(1, 5000) AS seq
"""


def test_asking_for_three_keys_of_a_store_with_thousands_reads_three_rows(postgresql: PostgreSQL) -> None:
    name = "plans"
    with closing(open_database(postgresql.create(name, "prepared"))) as database, database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE inbox SET (autovacuum_enabled = off)")
        connection.exec_driver_sql(FILL, {"gateway": GATEWAY, "store": STORE})
        keys = {"store": STORE, "keys": ["key-1", "key-4999", "nobody's"]}
        explained = connection.exec_driver_sql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + known._BOOKED_KEYS, keys)
        plan = "\n".join(row[0] for row in explained)
        found = known.booked_keys(connection, STORE, keys["keys"])
    postgresql.drop(name)
    assert set(found) == {"key-1", "key-4999"}
    assert re.search(r"Index (Only )?Scan using \w+ on inbox.*loops=3", plan), plan
    assert "Seq Scan on inbox" not in plan
    assert not re.search(r"Rows Removed by Filter: \d{2,}", plan), plan
