"""What a purge asks of the money file before it deletes anything, with files that the gateway's own code wrote."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.queue import mark, rescue
from gateway.queue.database import Database
from gateway.queue.outbox import Outbox
from tests.money import an_outbox, draft, feeds_file, money_file
from tests.queue.test_retention import days_of_trade

HELD = Path(__file__).parents[2] / "deb" / "held.py"


def asked(state: Path, config: Path | None = None) -> list[str]:
    """Its lines, asked as postrm does it: the file's text on standard input of a Python that knows nothing of ours."""
    config = config or state.parent / "no-such.toml"
    ran = subprocess.run(
        [sys.executable, "-I", "-", str(config), str(state)],
        input=HELD.read_bytes(),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert ran.returncode in (0, 1), ran.stderr.decode()
    assert not ran.stderr
    lines = ran.stdout.decode().splitlines()
    assert ran.returncode == bool(lines)
    return lines


async def filled(database: Database, count: int, acked: int) -> Outbox:
    outbox = an_outbox(database)
    for number in range(1, count + 1):
        await outbox.put(draft(number))
    await outbox.acknowledge(outbox.epoch, acked, {})
    return outbox


def test_a_box_that_never_sold_holds_nothing(tmp_path: Path) -> None:
    assert asked(tmp_path / "nothing") == []
    assert asked(tmp_path) == []
    database = money_file(tmp_path)
    an_outbox(database)
    database.close()
    assert asked(tmp_path) == []


@pytest.mark.parametrize("acked", [0, 1, 9])
async def test_what_is_not_acknowledged_is_counted_with_its_place_gateway_and_day(tmp_path: Path, acked: int) -> None:
    database = money_file(tmp_path)
    await filled(database, 10, acked)
    database.close()
    assert asked(tmp_path) == [
        f"  {tmp_path}/money.sqlite: {10 - acked} records not acknowledged, {10 - acked} of them sales"
        " (gateway S0421-1, 2026-11-22)"
    ]


async def test_nothing_is_held_once_headquarters_has_all(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    await filled(database, 10, 10)
    feeds_file(tmp_path).close()
    database.close()
    assert asked(tmp_path) == []


async def test_a_sale_that_stands_in_the_wal_only_is_seen_and_nothing_is_changed(tmp_path: Path) -> None:
    # given a box that lost its power: the WAL was never brought into the file
    database = money_file(tmp_path / "running")
    await filled(database, 3, 2)
    state = tmp_path / "state"
    state.mkdir()
    for path in (tmp_path / "running").glob("money.sqlite*"):
        shutil.copyfile(path, state / path.name)
    database.close()
    (state / "money.sqlite-shm").unlink()
    before = {path.name: path.read_bytes() for path in state.glob("*") if not path.name.endswith("-shm")}
    # then
    [line] = asked(state)
    assert "1 records not acknowledged" in line
    assert {path.name: path.read_bytes() for path in state.glob("*") if not path.name.endswith("-shm")} == before


async def test_a_new_epoch_hides_nothing_and_asks_nothing_twice(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = await filled(database, 10, 4)
    await outbox.new_epoch("epoch_conflict", "the card was copied")
    # six went over, behind the audit record that says so
    assert "7 records not acknowledged, 6 of them sales" in asked(tmp_path)[0]
    await outbox.acknowledge(outbox.epoch, 7, {})
    assert asked(tmp_path) == []
    await outbox.new_epoch("epoch_conflict", "again")
    await outbox.acknowledge(outbox.epoch, 1, {})
    assert asked(tmp_path) == []
    database.close()


async def test_a_sale_that_never_reached_the_new_epoch_is_held(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = await filled(database, 10, 4)
    await outbox.new_epoch("epoch_conflict", "the card was copied")
    await outbox.acknowledge(outbox.epoch, 7, {})
    await database.write(lambda connection: connection.execute("DELETE FROM record WHERE seq = 7").rowcount)
    assert "7 records" in asked(tmp_path)[0], "six in the new log, and the one that is in the former log alone"
    database.close()


async def test_pruned_sales_of_an_earlier_epoch_do_not_hold_the_purge_for_ever(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await days_of_trade(outbox, days=2)
    await outbox.new_epoch("epoch_conflict", "the card was copied")
    for number in range(3):
        await outbox.put(draft(number))
    await outbox.acknowledge(outbox.epoch, outbox.position().next_seq - 1, {})
    await database.write(lambda connection: connection.execute("DELETE FROM record WHERE seq < 9").rowcount)
    assert asked(tmp_path) == []
    database.close()


async def test_a_mark_whose_record_was_pruned_is_believed_by_the_one_chained_to_it(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    await filled(database, 10, 6)
    await database.write(lambda connection: connection.execute("DELETE FROM record WHERE seq <= 6").rowcount)
    assert "4 records" in asked(tmp_path)[0]
    await database.write(lambda connection: connection.execute("DELETE FROM record").rowcount)
    assert asked(tmp_path) == []
    database.close()


@pytest.mark.parametrize(
    "spoilt",
    [
        "UPDATE acked SET seq = 10",
        "UPDATE acked SET seq = 5000",
        "UPDATE acked SET chain = NULL",
        "UPDATE acked SET chain = 'ff'",
        "DELETE FROM record WHERE seq < 6; UPDATE acked SET seq = 5",
        "DELETE FROM acked",
    ],
)
async def test_a_spoilt_mark_lets_no_sale_pass_for_booked(tmp_path: Path, spoilt: str) -> None:
    database = money_file(tmp_path)
    outbox = await filled(database, 10, 6)
    database.close()
    with sqlite3.connect(tmp_path / "money.sqlite") as connection:
        connection.executescript(spoilt)
        connection.row_factory = sqlite3.Row
        kept = connection.execute("SELECT count(*) FROM record").fetchone()[0]
        assert mark.in_doubt(connection, outbox.epoch) or "DELETE FROM acked" in spoilt, "the daemon doubts it, too"
    connection.close()
    assert f"{kept} records" in asked(tmp_path)[0]


async def test_what_is_in_quarantine_at_headquarters_is_there(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = await filled(database, 3, 0)
    await outbox.acknowledge(outbox.epoch, 3, {2: ("unknown_item", "Q-2")})
    database.close()
    assert asked(tmp_path) == []


@pytest.mark.parametrize(("unacked", "told"), [(3, "3 records not acknowledged"), (0, "")])
def test_a_file_of_the_former_layout_is_read_by_its_own_states(tmp_path: Path, unacked: int, told: str) -> None:
    with sqlite3.connect(tmp_path / "money.sqlite") as connection:
        connection.executescript(
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
            "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, type TEXT, business_date TEXT, idempotency_key TEXT,"
            " state TEXT);"
            "INSERT INTO meta VALUES ('epoch', '01JD'), ('gateway_id', 'S0421-1');"
        )
        rows = [
            (seq, "RetailTransaction", "2026-01-01", str(seq), "unacked" if seq > 5 - unacked else "acked")
            for seq in range(1, 6)
        ]
        connection.executemany("INSERT INTO outbox VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    assert told in "".join(asked(tmp_path))
    assert bool(asked(tmp_path)) == bool(told)


@pytest.mark.parametrize("damage", ["page", "header", "cut", "empty", "text"])
async def test_a_damaged_file_counts_as_one_that_holds_sales(tmp_path: Path, damage: str) -> None:
    database = money_file(tmp_path)
    await filled(database, 200, 200)
    database.close()
    path = tmp_path / "money.sqlite"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "page": whole[: 4096 * 5] + b"\xa5" * 4096 + whole[4096 * 6 :],
            "header": b"\0" * 100 + whole[100:],
            "cut": whole[: len(whole) // 2],
            "empty": b"",
            "text": b"no database at all\n" * 400,
        }[damage]
    )
    path.with_name("money.sqlite-wal").write_bytes(b"\x37\x7f\x06\x82" * 1000 if damage == "empty" else b"")
    [line] = asked(tmp_path)
    assert line.startswith(f"  {path}: damaged or not readable")
    assert "it may hold sales" in line


async def test_a_damaged_file_that_was_put_aside_stays_held(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    await filled(database, 200, 100)
    database.close()
    path = tmp_path / "money.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[: 4096 * 5] + b"\xa5" * 4096 + whole[4096 * 6 :])
    aside = rescue.put_aside(path)
    # given: what could be read of it went over and was acknowledged
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    rescue.carry_over(database, Clock("UTC"), "S0421", rescue.read(aside), aside)
    await outbox.acknowledge(outbox.epoch, outbox.position().next_seq - 1, {})
    database.close()
    # then: what could not be read was never at headquarters
    [line] = asked(tmp_path)
    assert str(aside) in line


async def test_a_wal_whose_file_is_gone_is_held(tmp_path: Path) -> None:
    (tmp_path / "money.sqlite-wal").write_bytes(b"\x37\x7f\x06\x82" * 100)
    assert "its main file is gone" in asked(tmp_path)[0]


async def test_a_copy_under_another_name_in_a_folder_below_is_found(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    await filled(database, 2, 1)
    database.close()
    (tmp_path / "old").mkdir()
    (tmp_path / "money.sqlite").rename(tmp_path / "old" / "before-the-repair")
    [line] = asked(tmp_path)
    assert "old/before-the-repair: 1 records" in line


async def test_another_data_dir_of_the_configuration_is_asked_too(tmp_path: Path) -> None:
    database = money_file(tmp_path / "elsewhere")
    await filled(database, 2, 1)
    database.close()
    config = tmp_path / "etc" / "gateway.toml"
    config.parent.mkdir()
    config.write_text('[gateway]\nid = "S0421-1"\ndata_dir = "../elsewhere"\n')
    [line] = asked(tmp_path / "state", config)
    assert f"{tmp_path}/elsewhere/money.sqlite: 1 records" in line


@pytest.mark.parametrize("text", ["[gateway", "gateway = 1\n", '[gateway]\ndata_dir = ["x"]\n', "\xff"])
def test_a_configuration_that_cannot_be_read_leaves_it_open_where_the_sales_are(tmp_path: Path, text: str) -> None:
    config = tmp_path / "gateway.toml"
    config.write_bytes(text.encode("latin-1"))
    [line] = asked(tmp_path / "state", config)
    assert line.startswith(f"  {config}: cannot be read")


async def test_a_link_to_the_data_partition_is_followed(tmp_path: Path) -> None:
    database = money_file(tmp_path / "data")
    await filled(database, 1, 0)
    database.close()
    (tmp_path / "state").symlink_to("data")
    assert len(asked(tmp_path / "state")) == 1
