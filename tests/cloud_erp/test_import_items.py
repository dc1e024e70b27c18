"""`backroom-core import items` and `prices`: all that a till may need of an item, now and from a minute on."""

from __future__ import annotations

from typing import Any

import pytest

from cloud_erp.catalog import service as catalog
from cloud_erp.catalog.item_file import Items
from cloud_erp.catalog.price_file import Prices
from cloud_erp.db import Database
from cloud_erp.feeds import service as feeds
from retail.wire.feed import FeedPull
from retail.wire.rows import Item
from tests.cloud_erp.batches import outbox
from tests.cloud_erp.importing import refused, rows, take
from tests.cloud_erp.test_intake import acknowledged, on_hand
from tests.cloud_erp.till_sales import sold, till_sale

__all__ = ["take"]


def test_items_come_from_json_with_all_that_a_till_may_need_to_know(database: Database, take: Any) -> None:
    wine = {
        "item_id": "W-1", "description": "Wine", "barcodes": ["4006381333931"], "price_minor": 799, "currency": "EUR",
        "tax_code": "A", "tax_rate_basis_points": 1900, "cost_minor": 500, "floor_minor": 600, "age_limit": 18,
        "prices": [{"valid_from": "2026-12-01T00:00:00", "price_minor": 699}], "not_returnable": True,
        "net_content": 750, "net_content_unit": "ml", "recalled_lots": ["L7"],
    }  # fmt: skip
    outcome = take(Items(), [wine])
    assert (list(outcome.change.new), outcome.version) == (["W-1"], 2)
    item = Item.model_validate(rows(database, "items")["W-1"])
    assert (item.age_limit, item.cost_minor, item.prices[0].price_minor) == (18, 500, 699)
    assert take(Items(), [wine]).version == 2


def test_a_csv_without_the_newer_columns_leaves_them_as_they_are(database: Database, take: Any) -> None:
    plain = "item_id,description,barcodes,unit,price,currency,tax_code,tax_rate,category,tags"
    more = f"{plain},cost,age_limit,tare,net_content"
    take(Items(), f"{more}\n1001,Milk,4001234000107,each,1.19,EUR,B,7,,,0.80,,12,1000 ml\n")
    take(Prices(), "item_id,price,valid_from\n1001,0.99,2026-12-01T00:00\n")
    take(Items(), f"{plain}\n1001,Milk,4001234000107,each,1.29,EUR,B,7,,\n")
    item = Item.model_validate(rows(database, "items")["1001"])
    assert (item.price_minor, item.cost_minor, item.tare_grams, item.net_content) == (129, 80, 12, 1000)
    assert [one.price_minor for one in item.prices] == [99]
    take(Items(), f"{more}\n1001,Milk,4001234000107,each,1.29,EUR,B,7,,,,,,\n")
    item = Item.model_validate(rows(database, "items")["1001"])
    assert (item.cost_minor, item.tare_grams, item.net_content, len(item.prices)) == (None, None, None, 1)


def test_dated_prices_join_those_that_there_are_or_take_their_place(database: Database, take: Any) -> None:
    header = "item_id,price,valid_from,valid_until"
    take(Prices(), f"{header}\n1001,0.99,2026-12-01T00:00,2026-12-24T00:00\n1001,1.25,,\n")
    take(Prices(), f"{header}\n1001,0.89,2026-12-10T18:00,2026-12-10T20:00\n")

    def of() -> tuple[int | None, list[tuple[str, int]]]:
        item = Item.model_validate(rows(database, "items")["1001"])
        return item.price_minor, [(one.valid_from.isoformat(), one.price_minor) for one in item.prices]

    assert of() == (125, [("2026-12-01T00:00:00", 99), ("2026-12-10T18:00:00", 89)])
    take(Prices(delete_missing=True), [{"item_id": "1001", "price_minor": 79, "valid_from": "2027-01-01T00:00:00"}])
    assert of() == (125, [("2027-01-01T00:00:00", 79)])
    assert len(rows(database, "items")) == 43


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("item_id,price,valid_from\n9,1,2026-12-01T00:00\n", [(2, "item_id", "unknown_item")]),
        ("item_id,price,valid_from\n1001,x,2026-12-01T00:00\n", [(2, "price", "number")]),
        ("item_id,price,valid_from\n1001,1,soon\n", [(2, "valid_from", "datetime_from_date_parsing")]),
        ("item_id,price,valid_from\n1001,1,2026-12-01T00:00+08:00\n", [(2, "valid_until", "value_error")]),
        (
            "item_id,price,valid_from\n1001,1,2026-12-01T00:00\n1001,2,2026-12-01T00:00\n",
            [(3, "valid_from", "twice")],
        ),
        ([{"item_id": "1001", "price": 1}], [(1, "price", "unknown_field")]),
    ],
)
def test_a_price_that_cannot_be_is_refused(take: Any, content: Any, faults: list[tuple[int, str, str]]) -> None:
    assert refused(take, Prices(), content) == faults


def test_what_a_file_does_not_name_stays_unless_it_is_to_go_and_late_sales_of_it_are_booked(
    database: Database, take: Any
) -> None:
    milk = {"item_id": "1001", "description": "Milk"}
    assert take(Items(), [milk]).change.not_in_file == 42
    outcome = take(Items(), [milk], delete_missing=True)
    assert (len(outcome.change.deleted), outcome.version) == (42, 3)
    assert set(rows(database, "items")) == {"1001"}
    with database.read() as connection:
        assert [item.item_id for item in catalog.listed(connection)] == ["1001"]
        head = feeds.head(connection, "items")
        (page,) = feeds.pages(connection, "items", FeedPull(request_id="r", from_version=2))
        (whole,) = feeds.pages(connection, "items", FeedPull(request_id="r", from_version=0))
    assert (head.rows, len(page.rows), {row.row for row in page.rows if row.row is None}) == (1, 42, {None})
    assert [row.key for row in whole.rows] == ["1001"]
    assert acknowledged(database, outbox([till_sale(1, sold("1003", 229))]).payload()).rejected == []
    assert on_hand(database) == {"1003": -1}
