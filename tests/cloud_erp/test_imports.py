"""`backroom-core import`: CSV and JSON of every kind; every fault named, nothing of a faulty file taken over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cloud_erp.audit import service as audit
from cloud_erp.catalog.item_file import Items
from cloud_erp.cli import app
from cloud_erp.db import Database
from cloud_erp.errors import CoreError, ImportRefused
from cloud_erp.feeds import service as feeds
from cloud_erp.feeds.keeper import settle_all
from cloud_erp.imports.kind import Kind
from cloud_erp.imports.run import import_file
from cloud_erp.members.member_file import Members, masked
from cloud_erp.promotions.coupon_file import Coupons
from cloud_erp.promotions.rule_file import Promotions
from cloud_erp.stock.supply_file import Supplies
from cloud_erp.tills.operator_file import Operators
from cloud_erp.vouchers.voucher_file import Vouchers
from retail.pins import verify_pin
from retail.wire.rows import ROWS, member_code
from tests.cloud_erp.batches import GATEWAY, SAMPLE, STORE, outbox
from tests.cloud_erp.conftest import prepare
from tests.cloud_erp.importing import refused, rows, take, write
from tests.cloud_erp.test_intake import acknowledged
from tests.cloud_erp.till_sales import coupon, points, sold, till_sale

__all__ = ["take"]

PHONE = "0912-345-678"
RED_GREEN = {
    "id": "P-1",
    "rev": 1,
    "name": {"en": "Red + green 59"},
    "kind": "combo",
    "match": {"red": {"tags": ["red"]}, "green": {"tags": ["green"]}},
    "slots": [{"set": "red", "qty": 1}, {"set": "green", "qty": 1}],
    "reward": {"type": "bundle_price", "value": 59},
}


# ---- promotions


def test_promotions_are_read_as_the_till_reads_them(database: Database, take: Any) -> None:
    outcome = take(Promotions(), [RED_GREEN])
    assert (list(outcome.change.new), outcome.version) == (["P-1"], 1)
    assert rows(database, "promotions")["P-1"] == {"rule_id": "P-1", "rule": RED_GREEN}
    changed = take(Promotions(), {"promotions": [RED_GREEN | {"rev": 2}]})
    assert changed.as_json()["changed"]["P-1"]["rule"][1]["rev"] == 2
    assert take(Promotions(), [], delete_missing=True).version == 3
    assert rows(database, "promotions") == {}


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ([RED_GREEN, RED_GREEN | {"kind": "combi", "id": "P-2"}], [(2, "kind", "promotion")]),
        ([RED_GREEN | {"slots": [{"set": "blue", "qty": 1}]}], [(1, "slots", "promotion")]),
        ([RED_GREEN | {"reward": {"type": "bundle_price", "value": -1}}], [(1, "reward.value", "promotion")]),
        ([RED_GREEN, RED_GREEN], [(2, "id", "twice")]),
        (["P-1"], [(1, "row", "object")]),
        ("rule\nnot json\n", [(2, "rule", "json")]),
    ],
)
def test_a_promotion_that_no_till_could_apply_is_refused_in_words(
    take: Any, content: Any, faults: list[tuple[int, str, str]]
) -> None:
    found = refused(take, Promotions(), content)
    assert [(row, rule) for row, _, rule in found] == [(row, rule) for row, _, rule in faults]


UNFIT = ["A/B", "A\\B", "..", " A", "A\n", "."]


@pytest.mark.parametrize("rule_id", UNFIT)
def test_a_rule_whose_id_cannot_stand_in_an_address_is_refused_by_its_name_and_row(take: Any, rule_id: str) -> None:
    with pytest.raises(ImportRefused) as error:
        take(Promotions(), [RED_GREEN, RED_GREEN | {"id": rule_id}])
    [fault] = error.value.faults
    assert (fault.row, fault.column, fault.rule) == (2, "id", "promotion")
    assert f"{rule_id!r} cannot stand in an address" in fault.message


@pytest.mark.parametrize("bad", [*UNFIT, "A?B", "A B", "A%2FB"])
def test_ids_of_items_coupons_and_operators_that_are_no_identifiers_are_refused_by_their_row(
    take: Any, bad: str
) -> None:
    item = {"description": "x", "price_minor": 1, "currency": "EUR", "tax_code": "A", "tax_rate_basis_points": 700}
    kinds: list[tuple[Kind, dict[str, Any]]] = [
        (Items(), {"item_id": bad, **item}),
        (Coupons(), {"coupon_id": bad, "name": "x"}),
        (Operators(), {"operator_id": bad, "name": "x"}),
    ]
    for kind, row in kinds:
        assert refused(take, kind, [row]) == [(1, kind.key, "string_pattern_mismatch")]


def test_a_rule_that_an_earlier_version_took_stands_in_no_others_way(database: Database, take: Any) -> None:
    with database.write() as connection:
        feeds.lock(connection, "promotions")
        feeds.put(connection, "promotions", {"A/B": {"rule_id": "A/B", "rule": RED_GREEN | {"id": "A/B"}}})
    assert list(take(Promotions(), [RED_GREEN]).change.new) == ["P-1"]
    assert list(take(Promotions(), [RED_GREEN], delete_missing=True).change.deleted) == ["A/B"]


# ---- members


def test_no_number_of_a_member_is_kept_or_shown_in_clear(database: Database, tmp_path: Path) -> None:
    header = "member_id,name,phone,cards,tier,points"
    path = write(tmp_path, "m.csv", f"{header}\nM-1,Wang,{PHONE},9900 0000 1234,gold,120\n")
    outcome = import_file(database, Members(), path)
    row = rows(database, "members")["M-1"]
    assert row["codes"] == sorted([member_code(PHONE), member_code("9900000012 34")])
    assert (row["phone_masked"], row["tier"], row["points"]) == ("09••••••78", "gold", 120)
    write(tmp_path, "m.csv", f"{header}\nM-1,Wang,0987654321,,gold,120\n")
    changed = import_file(database, Members(), path)
    with database.read() as connection:
        deeds = audit.deeds(connection)
    told = json.dumps([outcome.as_json(), changed.as_json(), [deed.model_dump(mode="json") for deed in deeds]])
    everything = told + json.dumps(rows(database, "members"))
    for number in (PHONE, "0912345678", "99000000", "0987654321"):
        assert number not in everything
    assert member_code(PHONE) not in told


def test_points_of_a_file_are_the_opening_balance_and_the_same_file_again_changes_nothing(
    database: Database, take: Any
) -> None:
    file = [{"member_id": "M-1", "name": "Wang", "points": 100}]
    take(Members(), file)
    acknowledged(database, outbox([till_sale(1, sold("1001", 119), points(3), member_id="M-1")]).payload())
    with database.write() as connection:
        settle_all(connection)
    assert rows(database, "members")["M-1"]["points"] == 103
    assert not take(Members(), file).change.anything
    assert rows(database, "members")["M-1"]["points"] == 103
    take(Members(), [{"member_id": "M-1", "tier": "gold"}])
    assert {name: rows(database, "members")["M-1"][name] for name in ("name", "tier", "points")} == {
        "name": "Wang", "tier": "gold", "points": 103,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ([{"member_id": "M 1", "name": "x"}], [(1, "member_id", "string_pattern_mismatch")]),
        ([{"member_id": "M-1"}], [(1, "name", "missing")]),
        ([{"member_id": "M-1", "name": "x", "phone": "12"}], [(1, "phone", "too_short")]),
        ([{"member_id": "M-1", "name": "x", "cards": 5}], [(1, "cards", "list")]),
        ([{"member_id": "M-1", "name": "x", "fone": "1"}], [(1, "fone", "unknown_field")]),
        (
            [
                {"member_id": "M-1", "name": "x", "phone": PHONE},
                {"member_id": "M-2", "name": "y", "cards": ["0912345678"]},
            ],
            [(2, "phone", "twice")],
        ),
        ("member_id,name,points\nM-1,x,many\n", [(2, "points", "number")]),
    ],
)
def test_a_member_that_cannot_be_is_refused_without_saying_a_number(
    take: Any, content: Any, faults: list[tuple[int, str, str]]
) -> None:
    assert refused(take, Members(), content) == faults
    with pytest.raises(ImportRefused) as error:
        take(Members(), content)
    assert "0912" not in "".join(str(fault) for fault in error.value.faults)


def test_a_telephone_number_is_recognised_by_its_ends() -> None:
    assert [masked(number) for number in ("0912-345-678", "+886 912 345 678", "12345")] == [
        "09••••••78",
        "88••••••••78",
        "12•45",
    ]


# ---- coupons, vouchers, operators, supplies


def test_a_coupon_imported_again_keeps_what_was_used(database: Database, take: Any) -> None:
    take(Coupons(), "coupon_id,name,uses,amount_minor,valid_until\nC-1,Once,1,,\nC-2,Off,,500,2026-12-31T23:59\n")
    acknowledged(database, outbox([till_sale(1, sold("1001", 119), coupon("C-1"))]).payload())
    with database.write() as connection:
        settle_all(connection)
    assert take(Coupons(), [{"coupon_id": "C-1", "name": "Twice", "uses": 2}]).version == 3
    assert rows(database, "coupons")["C-1"] == {"coupon_id": "C-1", "name": "Twice", "uses": 2, "used": {GATEWAY: 1}}
    assert rows(database, "coupons")["C-2"]["amount_minor"] == 500


def test_a_file_may_not_say_how_often_a_coupon_was_used(take: Any) -> None:
    assert refused(take, Coupons(), [{"coupon_id": "C-1", "name": "x", "used": {}}]) == [(1, "used", "unknown_field")]
    assert refused(take, Coupons(), "coupon_id,name,valid_from\nC-1,x,soon\n")[0][:2] == (2, "valid_from")


def test_vouchers_are_written_as_money_and_may_be_taken_away(database: Database, take: Any) -> None:
    take(Vouchers(), "voucher_id,balance,currency,valid_until\nV-1,5.00,EUR,2027-12-31\nV-2,100,TWD,\n")
    assert {key: row["balance_minor"] for key, row in rows(database, "vouchers").items()} == {"V-1": 500, "V-2": 100}
    take(Vouchers(), [{"voucher_id": "V-1", "balance_minor": 500, "currency": "EUR"}], delete_missing=True)
    assert set(rows(database, "vouchers")) == {"V-1"}
    assert refused(take, Vouchers(), "voucher_id,balance,currency\nV-1,1.234,EUR\nV-3,1,XXY\n") == [
        (2, "balance", "decimals"),
        (3, "currency", "currency"),
    ]


def test_a_pin_is_hashed_as_it_is_read_and_the_same_one_changes_nothing(database: Database, take: Any) -> None:
    file = "operator_id,name,role,pin,active\nanna,Anna,manager,47110815,\nbo,Bo,,,no\n"
    outcome = take(Operators(), file)
    row = rows(database, "operators")["anna"]
    assert verify_pin("47110815", row["pin"])
    assert "47110815" not in json.dumps([row, outcome.as_json()])
    assert rows(database, "operators")["bo"] == {
        "operator_id": "bo", "name": "Bo", "role": "cashier", "active": False,
    }  # fmt: skip
    assert not take(Operators(), file).change.anything
    take(Operators(), "operator_id,name,pin\nanna,Anna M.,\n")
    assert rows(database, "operators")["anna"]["pin"] == row["pin"]
    assert rows(database, "operators")["anna"]["role"] == "manager"


@pytest.mark.parametrize("pin", ["12", "a-secret-word", "1234567890123"])
def test_a_pin_that_cannot_be_is_refused_and_not_repeated(take: Any, pin: str) -> None:
    file = [{"operator_id": "anna", "name": "Anna", "pin": pin}]
    assert refused(take, Operators(), file) == [(1, "pin", "pin")]
    with pytest.raises(ImportRefused) as error:
        take(Operators(), file)
    assert f"{pin}" not in str(error.value.faults[0]).replace("4 to 12 digits", "")


def test_supplies_of_one_item_are_gathered_and_say_how_old_they_are(database: Database, take: Any) -> None:
    header = "item_id,reference,quantity,due,supplier,store_id"
    take(
        Supplies(),
        f"{header}\n1001,PO 123,40,2026-11-24,Dairy,S0421\n1001,PO 124,12,2026-11-25,,\n2001,PO 9,1.5,2026-11-24,,\n",
    )
    found = rows(database, "supplies")
    assert [(one["reference"], one["quantity"]) for one in found["1001"]["expected"]] == [
        ("PO 123", 40),
        ("PO 124", 12),
    ]
    assert found["1001"]["expected"][0]["store_id"] == STORE
    assert found["2001"]["expected"][0]["quantity"] == 1500
    again = take(
        Supplies(),
        [{"item_id": "1001", "reference": "PO 123", "quantity": 40, "due": "2026-11-24"}],
        delete_missing=True,
    )
    assert list(again.change.deleted) == ["2001"]
    assert rows(database, "supplies")["1001"]["as_of"] > found["1001"]["as_of"]
    assert refused(take, Supplies(), f"{header}\n9,PO 1,1,2026-11-24,,\n1001,PO 1,1,soon,,\n") == [
        (2, "item_id", "unknown_item"),
        (3, "due", "date_from_datetime_parsing"),
    ]


def test_a_supply_says_lead_time_and_cost_in_csv_as_in_json(database: Database, take: Any) -> None:
    header = "item_id,reference,quantity,due,supplier,lead_time_days,cost"
    take(Supplies(), f"{header}\n1001,PO 123,40,2026-11-24,Dairy,3,0.71\n")
    [from_csv] = rows(database, "supplies")["1001"]["expected"]
    assert (from_csv["lead_time_days"], from_csv["cost_minor"]) == (3, 71)
    take(Supplies(), [{"item_id": "1001", **from_csv}])
    assert rows(database, "supplies")["1001"]["expected"] == [from_csv]
    assert refused(take, Supplies(), f"{header}\n1001,PO 1,1,2026-11-24,,soon,0.715\n") == [
        (2, "lead_time_days", "number")
    ]
    assert refused(take, Supplies(), f"{header}\n1001,PO 1,1,2026-11-24,,3,0.715\n") == [(2, "cost", "decimals")]


# ---- every kind


def test_nothing_of_a_file_with_a_fault_is_taken_over(database: Database, take: Any) -> None:
    assert len(refused(take, Coupons(), "coupon_id,name,uses\nC-1,ok,1\nC 2,bad,x\nC-3,,1\n")) == 3
    assert rows(database, "coupons") == {}
    with database.read() as connection:
        assert [deed.action for deed in audit.deeds(connection)] == ["import items"]


def test_a_dry_run_shows_the_difference_and_leaves_everything(database: Database, take: Any) -> None:
    outcome = take(Coupons(), "coupon_id,name\nC-1,ok\n", dry_run=True)
    assert (outcome.as_json()["new"], outcome.version) == (["C-1"], 0)
    assert rows(database, "coupons") == {}


def test_an_import_is_on_record_with_who_did_it(database: Database, take: Any) -> None:
    take(Coupons(), "coupon_id,name\nC-1,ok\n", by="anna")
    with database.read() as connection:
        deed = audit.deeds(connection)[0]
    assert (deed.by, deed.action, deed.facts["new"], deed.facts["version"]) == ("anna", "import coupons", 1, 1)
    assert "coupons.csv: 1 new" in deed.text


def test_every_feed_but_stock_has_an_import_and_its_rows_are_the_wires(database: Database) -> None:
    kinds = [kind() for kind in (Items, Promotions, Members, Coupons, Vouchers, Operators, Supplies)]
    assert {kind.feed: kind.model for kind in kinds} == {name: row for name, row in ROWS.items() if name != "stock"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.txt", "[]", "say which it is with --format"),
        ("x.json", "{", "is not JSON"),
        ("x.json", '{"a": []}', "give a list of rows"),
        ("x.json", "3", "give a list of rows"),
        ("x.csv", 'a,"b', "is not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_plain_words(
    database: Database, tmp_path: Path, name: str, content: str, said: str
) -> None:
    with pytest.raises(CoreError, match=said):
        import_file(database, Coupons(), write(tmp_path, name, content))


def test_the_command_imports_shows_and_tells_faults_to_people_and_programs(tmp_path: Path) -> None:
    config = write(tmp_path, "core.toml", '[core]\ndata_dir = "data"\n')
    good = write(tmp_path, "good.csv", "coupon_id,name,uses\nC-1,Once,1\n")
    bad = write(tmp_path, "bad.json", [{"coupon_id": "C-1", "name": "x", "uses": -1}])

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["import", *words, "--config", str(config)])

    first = run("coupons", str(good), "--dry-run")
    assert (first.exit_code, "1 would be new" in first.stdout, "version 0" in first.stdout) == (0, True, True)
    done = run("coupons", str(good), "--json", "--by", "anna")
    assert (done.exit_code, json.loads(done.stdout)["new"]) == (0, ["C-1"])
    faulty = run("coupons", str(bad), "--json")
    (fault,) = json.loads(faulty.stdout)["faults"]
    assert (faulty.exit_code, fault["row"], fault["column"], fault["rule"]) == (2, 1, "uses", "greater_than_equal")
    told = run("coupons", str(bad))
    assert (told.exit_code, "row 1, column uses" in told.output) == (2, True)
    gone = run("coupons", str(write(tmp_path, "none.json", [])), "--delete-missing")
    assert "1 deleted" in gone.stdout
    assert "Example: backroom-core import coupons" in CliRunner().invoke(app, ["import", "coupons", "--help"]).stdout


def test_the_sample_files_are_sound(tmp_path: Path) -> None:
    """Those that docs/headquarters.md names and the demo imports."""
    from cloud_erp.db import open_database

    database = open_database(f"sqlite:///{tmp_path / 'core.db'}")
    prepare(database)
    for kind, name in ((Promotions(), "promotions.json"), (Members(), "members.csv"), (Coupons(), "coupons.csv")):
        outcome = import_file(database, kind, SAMPLE.parent.parent / "samples" / name)
        assert outcome.change.new
    database.close()
