"""The outbox: what was kept is on disk, in order, chained, and stays until the core has it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import KeyReused, QueueError, UnknownRecord
from gateway.queue.records import Draft
from retail.wire.canonical import canonical
from retail.wire.log import GENESIS, Batch, chain_link
from tests.money import an_outbox, draft, money_file


async def test_records_get_gapless_numbers_in_order_and_survive_reopening(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    kept = await asyncio.gather(*(outbox.put(draft(number)) for number in range(200)))
    assert sorted(record.seq for record in kept) == list(range(1, 201))
    epoch = outbox.epoch
    database.close()

    again = an_outbox(money_file(tmp_path))
    assert again.epoch == epoch
    assert again.position().next_seq == 201
    assert (await again.put(draft(999))).seq == 201
    again._database.close()


async def test_the_same_key_gives_the_first_answer_again(tmp_path: Path) -> None:
    outbox = an_outbox(money_file(tmp_path))
    first = await outbox.put(draft(1))
    again = await outbox.put(draft(1))
    assert (again.seq, again.repeated, first.repeated) == (first.seq, True, False)
    assert outbox.position().next_seq == 2
    outbox._database.close()


async def test_the_same_key_with_other_content_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    outbox = an_outbox(money_file(tmp_path))
    await outbox.put(draft(1, key="k"))
    with pytest.raises(KeyReused, match="mint a new key"):
        await outbox.put(draft(2, key="k"))
    assert outbox.position().next_seq == 2
    outbox._database.close()


async def test_a_record_and_what_belongs_to_it_are_one_transaction(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)

    def breaks(connection: sqlite3.Connection, _seq: int) -> None:
        connection.execute("INSERT INTO basket VALUES ('1', '{}')")
        raise sqlite3.IntegrityError("no")

    results = await asyncio.gather(
        outbox.put(draft(1)), outbox.put(draft(2), breaks), outbox.put(draft(3)), return_exceptions=True
    )
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert database.read("SELECT count(*) AS n FROM basket")[0]["n"] == 0
    assert [row["seq"] for row in database.read("SELECT seq FROM outbox ORDER BY seq")] == [1, 2]
    database.close()


async def test_the_chain_can_be_worked_out_by_anybody(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    for number in range(5):
        await outbox.put(draft(number))
    chain = GENESIS
    for row in database.read("SELECT seq, body, body_sha256, chain FROM outbox ORDER BY seq"):
        digest = hashlib.sha256(row["body"]).digest()
        assert row["body_sha256"] == digest.hex()
        chain = chain_link(chain, outbox.epoch, row["seq"], digest)
        assert row["chain"] == chain.hex()
    database.close()


async def test_a_batch_is_what_the_wire_says(tmp_path: Path) -> None:
    outbox = an_outbox(money_file(tmp_path))
    for number in range(250):
        await outbox.put(draft(number))
    first = await outbox.batch_from(0)
    assert first is not None
    batch = Batch.model_validate_json(first.json)
    assert (batch.first_seq, batch.count, first.last_seq) == (1, 100, 100)
    assert batch.prev_chain == GENESIS.hex()
    assert [item.seq for item in batch.items] == list(range(1, 101))
    assert hashlib.sha256(canonical(batch.items[0].body)).hexdigest() == batch.items[0].body_sha256

    second = await outbox.batch_from(101)
    assert second is not None
    assert Batch.model_validate_json(second.json).prev_chain == batch.items[-1].chain
    outbox._database.close()


async def test_a_batch_ends_at_its_limit_but_one_large_record_still_goes(tmp_path: Path) -> None:
    outbox = an_outbox(money_file(tmp_path))
    for number in range(3):
        body = canonical({"number": number, "text": "x" * 250_000})
        await outbox.put(Draft("RetailTransaction", f"k{number}", "2026-11-22", body))
    batch = await outbox.batch_from(1)
    assert batch is not None
    assert (batch.first_seq, batch.last_seq) == (1, 1)
    outbox._database.close()


async def test_only_the_cores_acknowledgement_marks_and_it_is_cumulative(tmp_path: Path) -> None:
    outbox = an_outbox(money_file(tmp_path))
    for number in range(5):
        await outbox.put(draft(number))
    assert await outbox.acknowledge(outbox.epoch, 3, {2: ("does_not_add_up", "Q-1")}) == 3
    assert await outbox.acknowledge(outbox.epoch, 3, {}) == 0
    states = {row["seq"]: row["state"] for row in outbox._database.read("SELECT seq, state FROM outbox")}
    assert states == {1: "acked", 2: "rejected", 3: "acked", 4: "unacked", 5: "unacked"}
    position = outbox.position()
    assert (position.unacked, position.oldest_unacked_seq) == (2, 4)
    outbox._database.close()


async def test_an_acknowledgement_of_what_was_never_written_is_refused(tmp_path: Path) -> None:
    outbox = an_outbox(money_file(tmp_path))
    await outbox.put(draft(1))
    with pytest.raises(UnknownRecord, match="ends at 1"):
        await outbox.acknowledge(outbox.epoch, 2, {})
    with pytest.raises(UnknownRecord):
        await outbox.acknowledge("01ARZ3NDEKTSV4RRFFQ69G5FAV", 1, {})
    assert outbox.position().unacked == 1
    outbox._database.close()


async def test_a_restored_core_gets_its_missing_records_again(tmp_path: Path) -> None:
    outbox = an_outbox(money_file(tmp_path))
    for number in range(5):
        await outbox.put(draft(number))
    await outbox.acknowledge(outbox.epoch, 5, {4: ("x", "q")})
    assert await outbox.refill(2) == 3
    batch = await outbox.batch_from(0)
    assert batch is not None
    assert (batch.first_seq, batch.last_seq) == (3, 5)
    outbox._database.close()


def test_another_gateways_file_is_not_taken_over(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    an_outbox(database, "S0421-1")
    database.close()
    database = money_file(tmp_path)
    with pytest.raises(QueueError, match="belongs to gateway S0421-1"):
        an_outbox(database, "S0999-1")
    database.close()


def test_a_damaged_file_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "money.sqlite"
    path.write_bytes(b"this is no database, but it may hold sales" * 100)
    with pytest.raises(QueueError, match="keep the file"):
        money_file(tmp_path)
    assert path.read_bytes().startswith(b"this is no database")


async def test_a_full_disk_is_told_to_every_producer_and_nothing_is_half_kept(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await outbox.put(draft(0))
    await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 30").rowcount)
    big = [Draft("RetailTransaction", f"b{n}", "2026-11-22", canonical({"t": "x" * 50_000})) for n in range(6)]
    results = await asyncio.gather(*(outbox.put(one) for one in big), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Exception)]
    assert refused
    assert all(isinstance(error, QueueError | sqlite3.OperationalError) for error in refused)
    await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 100000").rowcount)
    kept = await outbox.put(draft(7))
    seqs = [row["seq"] for row in database.read("SELECT seq FROM outbox ORDER BY seq")]
    assert seqs == list(range(1, kept.seq + 1))
    assert len(seqs) == 2 + len(results) - len(refused)
    database.close()


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.money import an_outbox, draft, money_file

async def main():
    outbox = an_outbox(money_file(Path(sys.argv[1])))
    number = 0
    while True:
        kept = await outbox.put(draft(number, key=f"{sys.argv[2]}-{number}"))
        print(kept.seq, flush=True)
        number += 1

asyncio.run(main())
"""


def test_what_was_confirmed_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    confirmed: list[int] = []
    for attempt in range(3):
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(attempt)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(40 + 13 * attempt):
                confirmed.append(int(process.stdout.readline()))
            os.kill(process.pid, signal.SIGKILL)
            confirmed += [int(line) for line in process.stdout.read().split("\n") if line.strip()]
    database = money_file(tmp_path)
    seqs = [row["seq"] for row in database.read("SELECT seq FROM outbox ORDER BY seq")]
    assert seqs == list(range(1, len(seqs) + 1))
    assert set(confirmed) <= set(seqs)
    assert len(set(confirmed)) == len(confirmed)
    database.close()


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed: make setup installs it")
def test_one_put_costs_exactly_one_sync(tmp_path: Path) -> None:
    counts = [_syncs_of_puts(tmp_path / str(puts), puts) for puts in (10, 40)]
    assert counts[1] - counts[0] == 30


def _syncs_of_puts(folder: Path, puts: int) -> int:
    folder.mkdir()
    # it ends at once after the last put, so that no checkpoint of a resting writer is counted
    script = KILLED.replace("while True", f"while number < {puts}") + "\n"
    script = script.replace("asyncio.run(main())", "").replace(
        "        number += 1", "        number += 1\n    import os\n    os._exit(0)"
    )
    trace = folder / "trace"
    command = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(trace), sys.executable, "-c"]
    subprocess.run([*command, script + "asyncio.run(main())", str(folder), "s"], stdout=subprocess.DEVNULL, check=False)
    return sum("sync(" in line and "resumed" not in line for line in trace.read_text().splitlines())


def test_the_folder_named_queue_hides_nothing() -> None:
    code = "import queue, json; print(json.dumps([hasattr(queue, 'SimpleQueue')]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True]
