"""Feeds: a new version replaces the last in one switch, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import FeedRefused
from gateway.queue.inbox import Inbox
from retail.wire.canonical import canonical
from retail.wire.feed import FeedHead, FeedRow, feed_sha256
from tests.money import feeds_file


def item(number: int, price: int, *codes: str) -> dict[str, Any]:
    return {"item_id": f"I{number}", "description": f"Item {number}", "price_minor": price, "barcodes": list(codes)}


def head(version: int, *rows: dict[str, Any]) -> FeedHead:
    ordered = sorted(rows, key=lambda row: row["item_id"].encode())
    return FeedHead(
        version=version, rows=len(rows), sha256=feed_sha256((row["item_id"], canonical(row)) for row in ordered)
    )


def changes(*rows: dict[str, Any], gone: tuple[str, ...] = ()) -> list[FeedRow]:
    return [
        *(FeedRow(key=row["item_id"], row=row) for row in rows),
        *(FeedRow(key=key, row=None) for key in gone),
    ]


async def test_a_version_is_found_by_key_and_by_code_and_survives_reopening(tmp_path: Path) -> None:
    database = feeds_file(tmp_path)
    inbox = Inbox(database, {"items": "barcodes"})
    one, two = item(1, 119, "4006381333931", "12345670"), item(2, 250)
    await inbox.apply("items", head(3, one, two), 0, changes(one, two), "now")
    database.close()
    inbox = Inbox(database := feeds_file(tmp_path), {"items": "barcodes"})
    assert inbox.by_code("items", "12345670") == [one]
    assert inbox.row("items", "I2") == two
    assert inbox.by_code("items", "99999") == []
    assert inbox.versions() == {"items": 3}
    database.close()


async def test_changes_from_a_version_on_change_codes_too(tmp_path: Path) -> None:
    database = feeds_file(tmp_path)
    inbox = Inbox(database, {"items": "barcodes"})
    one, two, three = item(1, 119, "111"), item(2, 250, "222"), item(3, 10, "333")
    await inbox.apply("items", head(1, one, two), 0, changes(one, two), "t")
    dearer = item(1, 129, "444")
    await inbox.apply("items", head(2, dearer, three), 1, changes(dearer, three, gone=("I2",)), "t")
    assert inbox.by_code("items", "111") == []
    assert inbox.by_code("items", "222") == []
    assert inbox.by_code("items", "444") == [dearer]
    assert inbox.version("items") is not None
    database.close()


@pytest.mark.parametrize("from_version", [0, 1])
async def test_what_does_not_add_up_changes_nothing(tmp_path: Path, from_version: int) -> None:
    database = feeds_file(tmp_path)
    inbox = Inbox(database, {"items": "barcodes"})
    one, two = item(1, 119, "111"), item(2, 250, "222")
    await inbox.apply("items", head(1, one), 0, changes(one), "t")
    with pytest.raises(FeedRefused, match="the version in force stays"):
        await inbox.apply("items", head(2, one, two), from_version, changes(item(1, 1, "111")), "t")
    assert inbox.by_code("items", "111") == [one]
    assert inbox.versions() == {"items": 1}
    database.close()


async def test_changes_that_start_from_another_version_are_refused(tmp_path: Path) -> None:
    database = feeds_file(tmp_path)
    inbox = Inbox(database, {"items": "barcodes"})
    one = item(1, 119)
    await inbox.apply("items", head(1, one), 0, changes(one), "t")
    with pytest.raises(FeedRefused, match="start from version 7"):
        await inbox.apply("items", head(8, one), 7, changes(one), "t")
    database.close()


async def test_a_search_takes_wildcards_as_letters(tmp_path: Path) -> None:
    database = feeds_file(tmp_path)
    inbox = Inbox(database, {"items": "barcodes"})
    rows = [item(1, 1) | {"description": "Milk 3,5 % fat"}, item(2, 2) | {"description": "Bread"}]
    await inbox.apply("items", head(1, *rows), 0, changes(*rows), "t")
    assert [row["item_id"] for row in inbox.search("items", "%", 9)] == ["I1"]
    assert [row["item_id"] for row in inbox.search("items", "bre", 9)] == ["I2"]
    database.close()
