"""`backroom queue`, run as a person runs it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.money import an_outbox, draft, money_file


def backroom(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "queue", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


@pytest.fixture
async def money(tmp_path: Path) -> Path:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    for number in range(12):
        await outbox.put(draft(number))
    await outbox.acknowledge(outbox.epoch, 5, {3: ("unknown_item", "Q-1")})
    database.close()
    return tmp_path / "money.sqlite"


def test_a_list_shows_what_waits(money: Path) -> None:
    done = backroom("ls", "--state", "unacked", "--json", "--file", str(money))
    assert [row["seq"] for row in json.loads(done.stdout)] == list(range(6, 13))
    plain = backroom("ls", "--file", str(money))
    assert "key-11" in plain.stdout
    assert "\x1b[" not in plain.stdout


def test_one_record_is_shown_whole(money: Path) -> None:
    record = json.loads(backroom("show", "3", "--file", str(money)).stdout)
    assert (record["state"], record["rejected_code"], record["body"]) == ("rejected", "unknown_item", {"number": 2})
    none = backroom("show", "99", "--file", str(money))
    assert none.returncode == 1
    assert "no record 99" in none.stderr


def test_verify_finds_a_changed_body_and_a_missing_record(money: Path) -> None:
    assert backroom("verify", "--file", str(money)).returncode == 0
    with sqlite3.connect(money) as connection:
        connection.execute("UPDATE record SET body = ? WHERE seq = 4", (b'{"number":99}',))
        connection.execute("DELETE FROM record WHERE seq = 8")
    connection.close()
    done = backroom("verify", "--json", "--file", str(money))
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert not answer["whole"]
    assert any("seq 4" in fault and "hash" in fault for fault in answer["faults"])
    assert any("seq 8 to 8 are missing" in fault for fault in answer["faults"])


def test_verify_finds_a_record_that_was_rewritten_with_its_hash(money: Path) -> None:
    import hashlib

    body = b'{"number":99}'
    with sqlite3.connect(money) as connection:
        connection.execute(
            "UPDATE record SET body = ?, body_sha256 = ? WHERE seq = 4", (body, hashlib.sha256(body).hexdigest())
        )
    connection.close()
    done = backroom("verify", "--file", str(money))
    assert done.returncode == 1
    assert "seq 4: the chain does not follow" in done.stdout


def test_an_export_has_every_record(money: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    assert backroom("export", "--from", "2", "--to", "4", "-o", str(target), "--file", str(money)).returncode == 0
    assert [json.loads(line)["seq"] for line in target.read_text().splitlines()] == [2, 3, 4]
    table = backroom("export", "--csv", "--file", str(money)).stdout.splitlines()
    assert len(table) == 13
    assert table[0].startswith("seq,idempotency_key")


def test_stats_count_and_salvage_reads(money: Path) -> None:
    answer = json.loads(backroom("stats", "--json", "--file", str(money)).stdout)
    assert sum(kind["records"] for kind in answer["records"]) == 12
    done = backroom("salvage", str(money), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["unacked"] == 7


def test_without_a_file_it_says_what_to_do(tmp_path: Path) -> None:
    done = backroom("ls", "--file", str(tmp_path / "none.sqlite"))
    assert done.returncode == 1
    assert "makes it at its first start" in done.stderr
    assert "Traceback" not in done.stderr
