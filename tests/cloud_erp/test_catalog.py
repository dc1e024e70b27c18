"""The catalogue: imports with every fault named, and a feed whose pages hash to what the head promised."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cloud_erp.catalog import item_file, service
from cloud_erp.catalog.item_file import check_digit, import_items
from cloud_erp.db import Database, open_database
from cloud_erp.errors import CoreError, ImportRefused
from cloud_erp.feeds import service as feeds
from retail.wire.canonical import canonical
from retail.wire.feed import FeedPull, feed_sha256
from retail.wire.rows import Item
from tests.cloud_erp.batches import SAMPLE

HEADER = ",".join(item_file.NEEDED)
MILK = "1001,Whole milk,4001234000107,each,1.19,EUR,B,7,Dairy,chilled"


def file(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "items.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return open_database(f"sqlite:///{tmp_path / 'core.db'}")


def faults_of(database: Database, path: Path) -> list[str]:
    with pytest.raises(ImportRefused) as refused:
        import_items(database, path, dry_run=False)
    with database.read() as connection:
        assert service.count(connection) == 0
        assert feeds.head(connection, "items").version == 0
    return [str(fault) for fault in refused.value.faults]


def test_the_sample_catalogue_is_sound_and_speaks_of_groceries(database: Database) -> None:
    with database.read() as connection:
        items = service.listed(connection)
    assert len(items) >= 40
    assert {item.unit for item in items} == {"each", "kg"}
    assert [item.item_id for item in items if item.price_minor is None] == ["3001"]
    codes = [code for item in items for code in item.barcodes if len(code) == 13]
    assert codes
    assert all(check_digit(code[:-1]) == code[-1] for code in codes)


def test_a_check_digit_is_that_of_gs1() -> None:
    # GS1 General Specifications, 7.9: the example 629104150021 has check digit 3
    assert check_digit("629104150021") == "3"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("10 01,Milk,,each,1.19,EUR,B,7,,", "row 2, column item_id: '10 01' cannot be"),
        ("1001,,,each,1.19,EUR,B,7,,", "row 2, column description: '' cannot be"),
        ("1001,Milk,4001234000108,each,1.19,EUR,B,7,,", "4001234000108 ends in 8 but its check digit is 7"),
        ("1001,Milk,4001234000107|4001234000107,each,1.19,EUR,B,7,,", "row 2, column barcodes"),
        ("1001,Milk,条码,each,1.19,EUR,B,7,,", "row 2, column barcodes: '条码' holds characters"),
        ("1001,Milk,,litre,1.19,EUR,B,7,,", "write each or kg"),
        ("1001,Milk,,each,-1.19,EUR,B,7,,", "row 2, column price: '-1.19' is no plain number"),
        ('1001,Milk,,each,"1,19",EUR,B,7,,', "row 2, column price: '1,19' is no plain number"),
        ("1001,Milk,,each,1.195,EUR,B,7,,", "row 2, column price: 1.195 has more than 2 decimals"),
        ("1001,Milk,,each,12.5,TWD,B,7,,", "row 2, column price: 12.5 has more than 0 decimals"),
        ("1001,Milk,,each,99999999999999,EUR,B,7,,", "row 2, column price: 99999999999999 is too large"),
        ("1001,Milk,,each,1.19,EURO,B,7,,", "row 2, column currency: unknown currency 'EURO'"),
        ("1001,Milk,,each,1.19,EUR,,7,,", "row 2, column tax_code: '' cannot be"),
        ("1001,Milk,,each,1.19,EUR,B,,,", "row 2, column tax_rate: '' is no plain number"),
        ("1001,Milk,,each,1.19,EUR,B,700,,", "row 2, column tax_rate: 700 is over 100 percent"),
        ("1001,Milk,,each,1.19,EUR,B", "row 2, column tags: the row has 7 cells, the header 10"),
    ],
)
def test_a_fault_is_told_with_its_row_its_column_and_what_to_do(
    empty: Database, tmp_path: Path, row: str, said: str
) -> None:
    (fault,) = faults_of(empty, file(tmp_path, row))
    assert said in fault


def test_every_fault_of_a_file_is_told_at_once(empty: Database, tmp_path: Path) -> None:
    faults = faults_of(
        empty,
        file(
            tmp_path,
            MILK,
            "1001,Milk again,,each,1.19,EUR,B,7,,",
            "1002,Cream,4001234000107,each,1.09,EUR,B,7,,",
            "1003,Butter,,each,2.29,EUR,B,19,,",
            "1004,Cheese,,each,x,EUR,B,7,,",
        ),
    )
    assert len(faults) == 4
    assert "row 3, column item_id: 1001 stands in row 2 too" in faults[0]
    assert "row 4, column barcodes: 4001234000107 belongs to item 1001 in row 2 too" in faults[1]
    assert "row 5, column tax_rate: tax code B has another rate in row 2" in faults[2]
    assert "row 6, column price" in faults[3]


def test_a_wrong_header_is_told_with_a_suggestion(empty: Database, tmp_path: Path) -> None:
    faults = faults_of(empty, file(tmp_path, MILK, header=HEADER.replace("barcodes", "barcode")))
    assert faults == [
        "row 1, column barcode: unknown column; did you mean 'barcodes'?; remove or rename it",
        "row 1, column barcodes: is missing; add it",
    ]


def test_a_file_that_is_not_utf8_is_refused_in_plain_words(empty: Database, tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(f"{HEADER}\n1001,Crème,,each,1.19,EUR,B,7,,\n".encode("latin-1"))
    with pytest.raises(CoreError, match="save it as 'CSV UTF-8'"):
        import_items(empty, path, dry_run=False)


def test_a_bar_code_of_an_item_outside_the_file_is_a_fault(database: Database, tmp_path: Path) -> None:
    path = file(tmp_path, "5001,Other milk,4001234000107,each,1.19,EUR,B,7,,")
    with pytest.raises(ImportRefused) as refused:
        import_items(database, path, dry_run=False)
    assert "belongs to item 1001 of the catalogue too" in str(refused.value.faults[0])


def test_a_unit_cannot_change_under_the_stock_counted_in_it(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="1 fault"):
        import_items(database, file(tmp_path, MILK.replace("each", "kg")), dry_run=False)


def test_leading_zeros_fall_away_and_kg_goods_keep_their_short_number(empty: Database, tmp_path: Path) -> None:
    rows = ["1,Soda,036000291452,each,1,USD,A,19.0,,", "2,Figs,20107,kg,,USD,A,19,,"]
    change, version = import_items(empty, file(tmp_path, *rows), dry_run=False)
    assert version == 1
    soda, figs = (Item.model_validate(document) for document in change.new.values())
    assert (soda.barcodes, soda.price_minor, soda.tax_rate_basis_points) == (["36000291452"], 100, 1900)
    assert (figs.barcodes, figs.price_minor) == (["20107"], None)


def test_a_dry_run_tells_the_difference_and_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = file(tmp_path, MILK.replace("1.19", "1.29"), "7001,Figs,,kg,9.90,EUR,B,7,,")
    change, version = import_items(database, path, dry_run=True)
    assert (list(change.new), len(change.changed), change.not_in_file) == (["7001"], 1, 42)
    assert version == 1
    with database.read() as connection:
        assert feeds.head(connection, "items").version == 1


def test_an_import_without_a_change_raises_no_version(database: Database) -> None:
    change, version = import_items(database, SAMPLE, dry_run=False)
    assert (len(change.unchanged), version) == (43, 1)


def pulled(database: Database, from_version: int) -> tuple[int, dict[str, bytes], int]:
    """(version, key -> canonical row, pages) of the answer to a pull."""
    with database.read() as connection:
        pages = feeds.pages(connection, "items", FeedPull(request_id="r", from_version=from_version))
    assert [page.page for page in pages] == list(range(1, len(pages) + 1))
    assert {page.pages for page in pages} == {len(pages)}
    rows = {row.key: canonical(row.row) for page in pages for row in page.rows}
    return pages[0].version, rows, len(pages)


def whole_hash(rows: dict[str, bytes]) -> str:
    return feed_sha256(sorted(rows.items(), key=lambda pair: pair[0].encode()))


def test_the_pages_of_a_feed_hash_to_its_head(database: Database) -> None:
    with database.read() as connection:
        head = feeds.head(connection, "items")
    version, rows, _ = pulled(database, 0)
    assert (version, len(rows), whole_hash(rows)) == (head.version, head.rows, head.sha256)
    assert all(Item.model_validate_json(row).item_id == key for key, row in rows.items())
    by_hand = hashlib.sha256(b"".join(key.encode() + b"\t" + rows[key] + b"\n" for key in sorted(rows))).hexdigest()
    assert by_hand == head.sha256


def test_a_store_gets_only_what_changed_since_its_version(database: Database, tmp_path: Path) -> None:
    _, before, _ = pulled(database, 0)
    import_items(database, file(tmp_path, MILK.replace("1.19", "1.29"), "7001,Figs,,kg,9.90,EUR,B,7,,"), dry_run=False)
    version, delta, _ = pulled(database, 1)
    assert version == 2
    assert sorted(delta) == ["1001", "7001"]
    with database.read() as connection:
        assert whole_hash(before | delta) == feeds.head(connection, "items").sha256
    assert pulled(database, 2) == (2, {}, 1)


def test_a_store_that_is_ahead_gets_everything(database: Database) -> None:
    # P6: this core was restored from an older backup
    with database.read() as connection:
        (page,) = feeds.pages(connection, "items", FeedPull(request_id="r", from_version=99))
    assert (page.from_version, page.version, len(page.rows)) == (0, 1, 43)


def test_a_large_feed_comes_in_pages(empty: Database, tmp_path: Path) -> None:
    rows = [f"{number:05d},Item {number},,each,1,EUR,A,19,," for number in range(1201)]
    import_items(empty, file(tmp_path, *rows), dry_run=False)
    _, found, pages = pulled(empty, 0)
    assert (len(found), pages) == (1201, 3)
    with empty.read() as connection:
        assert whole_hash(found) == feeds.head(connection, "items").sha256


def test_bar_codes_may_change_places_between_items(database: Database, tmp_path: Path) -> None:
    with database.read() as connection:
        one, two = (service.listed(connection, item)[0] for item in ("1002", "1003"))
    swapped = [
        f"1002,A,{'|'.join(two.barcodes)},each,1.09,EUR,B,7,Dairy,",
        f"1003,B,{'|'.join(one.barcodes)},each,2.29,EUR,B,7,Dairy,",
    ]
    import_items(database, file(tmp_path, *swapped), dry_run=False)
    with database.read() as connection:
        assert [item.item_id for item in service.listed(connection, two.barcodes[0])] == ["1002"]


def test_a_row_of_the_feed_is_its_canonical_json(database: Database) -> None:
    with database.read() as connection:
        (item,) = service.listed(connection, "1208")
    _, rows, _ = pulled(database, 0)
    assert "河粉" in rows["1208"].decode()
    assert json.loads(rows["1208"]) == item.model_dump(exclude={"version"})
