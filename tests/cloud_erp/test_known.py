"""What is known of a few records, read in one statement, is what is known of them when each table is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cloud_erp.db import Database, open_database
from cloud_erp.fleet import registry
from cloud_erp.intake import known
from cloud_erp.intake.batch import read_batch
from cloud_erp.intake.known import Known
from retail.units import Quantity
from tests.cloud_erp.batches import GATEWAY, STORE, Outbox, outbox, sale
from tests.cloud_erp.postgres import PostgreSQL
from tests.cloud_erp.test_intake import acknowledged

STORES_BOX = registry.Gateway(GATEWAY, STORE, "Berlin Mitte", "EUR")


@pytest.fixture
def on_postgresql(postgresql: PostgreSQL) -> Iterator[Database]:
    made = open_database(postgresql.create("known", "prepared"))
    yield made
    made.close()
    postgresql.drop("known")


def both(database: Database, box: Outbox, first: int, last: int) -> tuple[Known, Known]:
    parcel = read_batch(box.payload(first, last))
    with database.write() as connection:
        return tuple(  # type: ignore[return-value]  # two ways, two answers
            way(connection, STORES_BOX, parcel.epoch, parcel.items) for way in (known.at_a_glance, known.one_by_one)
        )


def test_a_few_records_are_known_alike_whatever_was_there_before(on_postgresql: Database) -> None:
    unknown = sale(3, ("no-such-item", Quantity(1), 100))
    box = outbox([sale(1), sale(2), unknown, sale(4), sale(5), sale(6), sale(7)])
    found = []
    for first, last in ((1, 2), (3, 3), (5, 6)):  # 4 stays away
        found.append(both(on_postgresql, box, first, last))
        acknowledged(on_postgresql, box.payload(first, last))
    found += [both(on_postgresql, box, *span) for span in ((1, 1), (2, 5), (4, 4), (7, 7))]
    other = outbox([sale(1), sale(2, ("1002", Quantity(9), 50))])  # a copied card: other content under seq 2
    found.append(both(on_postgresql, other, 2, 2))
    for glance, asked in found:
        # where a record repeats what was received, nobody needs to know which keys were booked
        needed = {key: value for key, value in glance.booked.items() if key in asked.booked}
        assert replace(glance, booked=needed, above=True, rejected=True) == asked
    assert [glance.above for glance, _ in found] == [False, False, False, True, True, True, False, True]
    assert [glance.rejected for glance, _ in found] == [False, False, True, True, True, True, True, True]
    assert found[-1][0].received.keys() == {2}
    assert found[0][0].contiguous_seq == 0
