"""What was booked comes to balances, once: points, coupons, vouchers; and what is odd is a case, never a lost sale."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cloud_erp.cases import service as cases
from cloud_erp.db import Database, open_database
from cloud_erp.feeds import service as feeds
from cloud_erp.feeds.keeper import Keeper, Pace, settle_all
from cloud_erp.fleet import registry
from cloud_erp.imports.run import import_file
from cloud_erp.members import service as members
from cloud_erp.members.member_file import Members
from cloud_erp.promotions import coupons
from cloud_erp.promotions.coupon_file import Coupons
from cloud_erp.vouchers import service as vouchers
from cloud_erp.vouchers.voucher_file import Vouchers
from retail.wire.rows import CouponRow, MemberRow, StockRow, VoucherRow
from tests.cloud_erp.batches import GATEWAY, NEXT_EPOCH, Outbox, outbox
from tests.cloud_erp.conftest import Urls
from tests.cloud_erp.test_intake import acknowledged, booked
from tests.cloud_erp.till_sales import coupon, points, returned, sold, tender, till_sale

OTHER = "S0500-1"


def settled(database: Database) -> None:
    with database.write() as connection:
        settle_all(connection)


def case_codes(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(case.code for case in cases.listed(connection))


def feed(database: Database, name: str) -> tuple[int, dict[str, dict[str, Any]]]:
    with database.read() as connection:
        return feeds.head(connection, name).version, feeds.known_rows(connection, name)


def imported(database: Database, folder: Path, kind: Any, rows: list[dict[str, Any]]) -> None:
    path = folder / f"{kind.name}.json"
    path.write_text(json.dumps(rows))
    import_file(database, kind, path)


@pytest.fixture
def stores(database: Database, tmp_path: Path) -> Database:
    """Two stores; a member with 10 points, a coupon for one use, a voucher of 5.00."""
    with database.write() as connection:
        registry.add(connection, registry.Gateway(OTHER, "S0500", "Hamburg", "EUR"))
    imported(database, tmp_path, Members(), [{"member_id": "M-1", "name": "Wang", "phone": "0912345678", "points": 10}])
    imported(database, tmp_path, Coupons(), [{"coupon_id": "C-1", "name": "Once", "uses": 1}])
    imported(database, tmp_path, Vouchers(), [{"voucher_id": "V-1", "balance_minor": 500, "currency": "EUR"}])
    return database


def test_points_are_counted_once_though_the_sale_is_sent_five_times(stores: Database) -> None:
    box = outbox([till_sale(1, sold("1001", 300), points(3), member_id="M-1")])
    for _ in range(5):
        acknowledged(stores, box.payload())
        settled(stores)
    with stores.read() as connection:
        member = members.one(connection, "M-1")
    assert member is not None
    assert (member.points, [one.points for one in member.movements]) == (13, [3])
    version, rows = feed(stores, "members")
    assert (version, MemberRow.model_validate(rows["M-1"]).points) == (2, 13)
    assert case_codes(stores) == []


def test_a_balance_is_right_before_it_is_settled_too(stores: Database) -> None:
    acknowledged(stores, outbox([till_sale(1, sold("1001", 300), points(3), member_id="M-1")]).payload())
    with stores.read() as connection:
        member = members.one(connection, "M-1")
    assert member is not None
    assert member.points == 13
    assert feed(stores, "members")[1]["M-1"]["points"] == 10


def test_points_spent_beyond_the_balance_leave_it_below_zero_and_raise_a_case(stores: Database) -> None:
    spent = [tender("Points", 100, points=8), tender("Cash", 19)]
    box = outbox([till_sale(number, sold("1001", 119), *spent, member_id="M-1") for number in (1, 2)])
    assert acknowledged(stores, box.payload()).rejected == []
    settled(stores)
    assert feed(stores, "members")[1]["M-1"]["points"] == -6
    with stores.read() as connection:
        (case,) = cases.listed(connection)
    assert (case.code, case.store_id, case.sales) == ("points_overspent", "S0421", [(GATEWAY, box.epoch, 2)])
    assert "6 below zero" in case.text


def test_points_of_nobody_and_of_a_stranger_are_cases_and_the_sales_stand(stores: Database) -> None:
    box = outbox(
        [
            till_sale(1, sold("1001", 119), tender("Points", 119, points=5)),
            till_sale(2, sold("1001", 119), points(3, member="M-9")),
        ]
    )
    assert acknowledged(stores, box.payload()).rejected == []
    settled(stores)
    assert case_codes(stores) == ["member_unknown", "points_of_nobody"]
    assert set(feed(stores, "members")[1]) == {"M-1"}


def test_a_return_takes_its_points_back(stores: Database) -> None:
    box = outbox([till_sale(1, sold("1001", 300), points(3)), till_sale(2, returned("1001", 300), points(-3))])
    acknowledged(stores, box.payload())
    settled(stores)
    assert feed(stores, "members")[1]["M-1"]["points"] == 10


def test_a_coupon_used_at_two_stores_is_one_conflict_and_both_sales_stand(stores: Database) -> None:
    here = outbox([till_sale(1, sold("1001", 119), coupon("C-1"))])
    there = outbox([till_sale(1, sold("1001", 119), coupon("C-1"), store="S0500")], NEXT_EPOCH)
    for _ in range(3):
        assert acknowledged(stores, here.payload()).rejected == []
        ack = booked(stores, there.payload(), OTHER)
        assert ack is not None
        assert ack.rejected == []
        settled(stores)
    with stores.read() as connection:
        (case,) = cases.listed(connection)
        used = coupons.one(connection, "C-1")
    assert (case.code, case.store_id) == ("coupon_conflict", "S0500")
    assert case.sales == [(GATEWAY, here.epoch, 1), (OTHER, there.epoch, 1)]
    assert used is not None
    assert (used.uses, used.used, [one.store_id for one in used.booked]) == (1, 2, ["S0500", "S0421"])
    assert CouponRow.model_validate(feed(stores, "coupons")[1]["C-1"]).used == {GATEWAY: 1, OTHER: 1}


def test_one_sale_uses_a_coupon_once_whether_it_opens_a_rule_or_pays(stores: Database) -> None:
    lines = (sold("1001", 119), coupon("C-1"), coupon("C-1"), tender("Coupon", 119, voucher_id="C-1"))
    acknowledged(stores, outbox([till_sale(1, *lines)]).payload())
    settled(stores)
    assert feed(stores, "coupons")[1]["C-1"]["used"] == {GATEWAY: 1}
    assert case_codes(stores) == []


def test_an_unknown_coupon_is_a_case(stores: Database) -> None:
    acknowledged(stores, outbox([till_sale(1, sold("1001", 119), coupon("C-9"))]).payload())
    settled(stores)
    assert case_codes(stores) == ["coupon_unknown"]
    assert set(feed(stores, "coupons")[1]) == {"C-1"}


def test_a_voucher_is_issued_and_spent_and_its_worth_follows(stores: Database) -> None:
    box = outbox(
        [
            till_sale(1, returned("1001", 119), tender("Voucher", -119, voucher_id="V-2", valid_until="2029-12-31")),
            till_sale(2, sold("1001", 119), tender("Voucher", 100, voucher_id="V-2"), tender("Cash", 19)),
            till_sale(3, sold("1001", 300), tender("Voucher", 300, voucher_id="V-1")),
        ]
    )
    acknowledged(stores, box.payload())
    settled(stores)
    _, rows = feed(stores, "vouchers")
    assert {key: VoucherRow.model_validate(row).balance_minor for key, row in rows.items()} == {"V-1": 200, "V-2": 19}
    assert rows["V-2"]["valid_until"] == "2029-12-31"
    assert case_codes(stores) == []


def test_an_overspent_and_an_unknown_voucher_are_cases_and_stores_are_told_zero(stores: Database) -> None:
    def spend(number: int, voucher: str, minor: int) -> Any:
        return till_sale(number, sold("1001", minor), tender("Voucher", minor, voucher_id=voucher))

    acknowledged(stores, outbox([spend(1, "V-1", 600), spend(2, "V-9", 50), spend(3, "no spaces", 10)]).payload())
    settled(stores)
    assert case_codes(stores) == ["voucher_overspent", "voucher_unknown", "voucher_unknown"]
    _, rows = feed(stores, "vouchers")
    assert {key: row["balance_minor"] for key, row in rows.items()} == {"V-1": 0, "V-9": 0}
    with stores.read() as connection:
        one = vouchers.one(connection, "V-1")
    assert one is not None
    assert one.balance_minor == -100


def test_a_voucher_whose_issue_comes_late_is_worth_what_it_should_be(stores: Database) -> None:
    box = outbox(
        [
            till_sale(1, returned("1001", 119), tender("Voucher", -119, voucher_id="V-2")),
            till_sale(2, sold("1001", 100), tender("Voucher", 100, voucher_id="V-2")),
        ]
    )
    for seq in (2, 1):
        acknowledged(stores, box.payload(seq, seq))
        settled(stores)
    assert feed(stores, "vouchers")[1]["V-2"]["balance_minor"] == 19


def test_many_sales_make_one_version_and_only_what_changed_travels(stores: Database) -> None:
    box = Outbox()
    for number in range(1, 31):
        box.add(till_sale(number, sold("1001", 119), points(1), member_id="M-1"))
    acknowledged(stores, box.payload())
    settled(stores)
    assert feed(stores, "members") == (2, {"M-1": feed(stores, "members")[1]["M-1"] | {"points": 40}})


def test_the_keeper_settles_and_makes_the_stock_feed_by_itself(stores: Database) -> None:
    keeper = Keeper(stores, Pace(balances_s=0, stock_s=0, closes_s=0))
    acknowledged(stores, outbox([till_sale(1, sold("1001", 119, 2), points(3), member_id="M-1")]).payload())
    keeper.look()
    assert feed(stores, "members")[1]["M-1"]["points"] == 13
    version, rows = feed(stores, "stock")
    assert StockRow.model_validate(rows["1001"]).on_hand == {"S0421": -2}
    there = outbox([till_sale(1, sold("1001", 119), store="S0500")], NEXT_EPOCH)
    booked(stores, there.payload(), OTHER)
    stores_again = Keeper(stores, Pace(balances_s=0, stock_s=0, closes_s=0))
    stores_again.look()
    assert feed(stores, "stock")[0] == version + 1
    assert feed(stores, "stock")[1]["1001"]["on_hand"] == {"S0421": -2, "S0500": -1}


def test_the_keeper_rests_between_two_looks(stores: Database) -> None:
    keeper = Keeper(stores, Pace(balances_s=3600, stock_s=3600, closes_s=3600))
    keeper.look()
    acknowledged(stores, outbox([till_sale(1, sold("1001", 119), points(3), member_id="M-1")]).payload())
    keeper.look()
    assert feed(stores, "members")[1]["M-1"]["points"] == 10


def test_a_case_is_settled_once_by_a_person(stores: Database) -> None:
    acknowledged(stores, outbox([till_sale(1, sold("1001", 119), coupon("C-9"))]).payload())
    settled(stores)
    with stores.write() as connection:
        (case,) = cases.listed(connection)
        assert cases.settle(connection, case.id, "anna", "a misprint")
        assert not cases.settle(connection, case.id, "mia", "again")
        assert cases.listed(connection) == []
        (row,) = cases.listed(connection, only_open=False)
    assert (row.settled_by, row.note) == ("anna", "a misprint")


def test_cores_that_settle_at_the_same_time_count_everything_once(urls: Urls, tmp_path: Path) -> None:
    url = urls()
    cores = [open_database(url) for _ in range(3)]
    imported(cores[0], tmp_path, Members(), [{"member_id": "M-1", "name": "Wang"}])
    box = Outbox()
    for number in range(1, 41):
        box.add(till_sale(number, sold("1001", 119), points(1), coupon("C-1"), member_id="M-1"))
    payloads = [box.payload(first, first + 3) for first in range(1, 41, 4)]

    def work(place: int) -> None:
        for at in range(place, len(payloads), len(cores)):
            booked(cores[place], payloads[at])
            settled(cores[place])

    with ThreadPoolExecutor(len(cores)) as pool:
        list(pool.map(work, range(len(cores))))
    settled(cores[0])
    assert feed(cores[0], "members")[1]["M-1"]["points"] == 40
    with cores[0].read() as connection:
        used = coupons.one(connection, "C-1")
        account = members.balances(connection, ["M-1"])["M-1"]
    assert used is not None
    assert (used.used, account["moved"], case_codes(cores[0])) == (40, 40, ["coupon_unknown"])
    for core in cores:
        core.close()
