"""`backroom queue`, run as a person runs it."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from gateway.cli import main
from tests.money import an_outbox, draft, money_file


def backroom(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In this process: a command a test would be a second each."""
    out, err = io.StringIO(), io.StringIO()
    words = ["backroom", "queue", *arguments]
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def in_a_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "queue", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


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
    done = in_a_process("ls", "--state", "unacked", "--json", "--file", str(money))
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


def test_a_list_in_a_file_cuts_nothing_off(tmp_path: Path, money: Path) -> None:
    plain = backroom("ls", "--limit", "2", "--file", str(money)).stdout
    assert [line.split()[-1] for line in plain.splitlines()] == ["idempotency_key", "key-10", "key-11"]
    assert "RetailTransaction" in plain
    for wrong in (["--state", "nonsense"], ["--limit", "0"]):
        done = backroom("ls", *wrong, "--file", str(money))
        assert done.returncode == 2
        assert wrong[0] in done.stderr


def test_one_record_on_one_line(money: Path) -> None:
    lines = backroom("show", "3", "--json", "--file", str(money)).stdout.splitlines()
    assert [json.loads(line)["quarantine_id"] for line in lines] == ["Q-1"]


async def test_the_log_of_a_former_epoch_is_listed_verified_and_exported(money: Path) -> None:
    database = money_file(money.parent)
    outbox = an_outbox(database)
    former = outbox.epoch
    await outbox.new_epoch("identity_clash", "a test")
    database.close()
    assert json.loads(backroom("stats", "--json", "--file", str(money)).stdout)["former_epochs"] == [former]
    rows = json.loads(backroom("ls", "--epoch", former, "--json", "--file", str(money)).stdout)
    assert [row["state"] for row in rows[:6]] == ["acked", "acked", "rejected", "acked", "acked", "unacked"]
    exported = backroom("export", "--epoch", former, "--file", str(money)).stdout.splitlines()
    assert [json.loads(line)["body"]["number"] for line in exported] == list(range(12))
    strange = backroom("show", "1", "--epoch", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--file", str(money))
    assert (strange.returncode, former in strange.stderr) == (1, True)
    with sqlite3.connect(money) as connection:
        connection.execute(f'UPDATE "outbox_{former}" SET body = ? WHERE seq = 2', (b"not json",))
    connection.close()
    done = backroom("verify", "--json", "--file", str(money))
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["whole"], answer["former"][0]["records"]) == (1, False, 12)
    assert answer["faults"] == [f"epoch {former}: seq 2: the body is not what was written (hash differs)"]
    shown = backroom("show", "2", "--epoch", former, "--file", str(money))
    assert json.loads(shown.stdout)["body"] == "not json"


@pytest.mark.parametrize("command", ["ls", "show 1", "verify", "export", "stats"])
def test_a_file_that_is_damaged_or_none_of_ours_is_named_in_plain_words(tmp_path: Path, command: str) -> None:
    spoilt, other = tmp_path / "spoilt.sqlite", tmp_path / "other.sqlite"
    spoilt.write_bytes(b"garbage, no database" * 100)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE something (x)")
    connection.close()
    for file, words in ((spoilt, "queue salvage"), (other, "no money file"), (tmp_path, "no outbox there")):
        done = backroom(*command.split(), "--file", str(file))
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


async def test_verify_says_from_where_on_a_damaged_file_cannot_be_read(money: Path) -> None:
    database = money_file(money.parent)
    outbox = an_outbox(database)
    for number in range(12, 400):
        await outbox.put(draft(number))
    database.close()
    size = money.stat().st_size
    with money.open("r+b") as file:
        for page in range(40, size // 4096, 3):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    done = backroom("verify", "--json", "--file", str(money))
    assert done.returncode == 1
    assert any("cannot be read" in fault for fault in json.loads(done.stdout)["faults"])
    salvaged = backroom("salvage", "--json", str(money))
    assert salvaged.returncode == 1
    assert 0 < json.loads(salvaged.stdout)["read"] < 400


def test_what_cannot_be_written_or_read_is_said(tmp_path: Path, money: Path) -> None:
    done = backroom("export", "-o", str(tmp_path / "none" / "x"), "--file", str(money))
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)
    (tmp_path / "empty").write_bytes(b"garbage" * 1000)
    nothing = backroom("salvage", str(tmp_path / "empty"))
    assert (nothing.returncode, "0 records read" in nothing.stdout) == (1, True)


def test_every_command_shows_an_example() -> None:
    for command in ("ls", "show", "verify", "export", "salvage", "stats"):
        assert f"backroom queue {command}" in backroom(command, "--help").stdout


def test_without_a_file_it_says_what_to_do(tmp_path: Path) -> None:
    done = in_a_process("ls", "--file", str(tmp_path / "none.sqlite"))
    assert done.returncode == 1
    assert "makes it at its first start" in done.stderr
    assert "Traceback" not in done.stderr
