"""The uplink against a core that is played by the test: it believes acknowledgements, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest

from gateway.mqtt.link import LinkDown, Publication
from gateway.mqtt.uplink import ANEW_MOST_S, PAUSE_MOST_S, Uplink
from gateway.queue.outbox import Outbox
from retail.wire.ack import Ack, Rejected
from retail.wire.log import Batch
from retail.wire.payload import pack, unpack
from retail.wire.presence import HqState
from tests.money import an_outbox, draft, money_file

INCARNATION = "core-a"
NOON = "2026-11-22T12:00:00.000Z"


class Core:
    """Takes what is published and acknowledges when the test says so."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.batches: list[tuple[int, int]] = []
        self.puback = 0x00
        self.down = False
        self.now = 1000.0
        self.uplink = Uplink(outbox, "edge/v1/S0421-1/up/log", self.publish, lambda: self.now, Random(7))

    async def publish(self, publication: Publication) -> int:
        if self.down:
            raise LinkDown("down")
        batch = Batch.model_validate_json(unpack(publication.payload))
        self.batches.append((batch.first_seq, batch.first_seq + batch.count - 1))
        return self.puback

    def acknowledge(
        self, seq: int, credit: int = 4, incarnation: str = INCARNATION, rejected: list[Rejected] | None = None
    ) -> None:
        ack = Ack(
            epoch=self.outbox.epoch,
            contiguous_seq=seq,
            credit=credit,
            core_incarnation=incarnation,
            rejected=rejected or [],
        )
        self.uplink.on_ack("edge/v1/S0421-1/down/ack", pack(ack))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    database = money_file(tmp_path)
    core = Core(an_outbox(database))
    running = asyncio.create_task(core.uplink.run())
    yield core
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    database.close()


async def sell(core: Core, count: int) -> None:
    start = core.outbox.position().next_seq
    await asyncio.gather(*(core.outbox.put(draft(start + number)) for number in range(count)))


async def test_a_sale_goes_up_at_once_and_a_puback_marks_nothing(core: Core) -> None:
    core.uplink.link_up()
    await sell(core, 1)
    await until(lambda: core.batches == [(1, 1)])
    assert core.outbox.position().unacked == 1
    core.acknowledge(1)
    await until(lambda: core.outbox.position().unacked == 0)


async def test_nothing_is_sent_while_the_link_is_down(core: Core) -> None:
    await sell(core, 3)
    await asyncio.sleep(0)
    assert core.batches == []
    core.uplink.link_up()
    await until(lambda: bool(core.batches))
    assert core.batches[0] == (1, 3)


async def test_only_so_many_batches_are_in_flight_as_the_core_gives_credit_for(core: Core) -> None:
    core.uplink.link_up()
    core.acknowledge(0, credit=2)
    await until(lambda: core.outbox.recall("core_incarnation") == INCARNATION)
    await sell(core, 1000)
    await until(lambda: len(core.batches) >= 2)
    for _ in range(20):
        await asyncio.sleep(0)
    sent = core.batches[-1][1]
    assert len(core.batches) == 2
    core.acknowledge(sent, credit=2)
    await until(lambda: len(core.batches) == 4)


async def test_a_new_connection_begins_at_the_first_record_not_acknowledged(core: Core) -> None:
    core.uplink.link_up()
    await sell(core, 5)
    await until(lambda: bool(core.batches))
    core.acknowledge(2)
    await until(lambda: core.outbox.position().unacked == 3)
    core.uplink.link_down()
    core.batches.clear()
    core.uplink.link_up()
    await until(lambda: bool(core.batches))
    assert core.batches[0] == (3, 5)


async def test_a_second_acknowledgement_with_the_same_mark_means_a_hole(core: Core) -> None:
    await sell(core, 300)
    core.uplink.link_up()
    core.acknowledge(0)
    await until(lambda: core.batches[-1:] != [] and core.batches[-1][1] == 300)
    core.batches.clear()
    core.acknowledge(0)
    await until(lambda: core.batches[-1:] != [] and core.batches[-1][1] == 300)
    assert core.batches[0][0] == 1
    core.batches.clear()
    core.acknowledge(0)
    for _ in range(200):
        await asyncio.sleep(0)
    assert core.batches == [], "an echo of the resend is no second hole"


async def test_silence_is_answered_by_sending_again_after_a_while(core: Core) -> None:
    core.uplink.link_up()
    await sell(core, 1)
    await until(lambda: core.batches == [(1, 1)])
    core.now += 301
    await sell(core, 1)  # wakes it; the timer has run out
    await until(lambda: (1, 2) in core.batches)


def hq(core: Core, intake: str) -> None:
    state = HqState.model_validate({"intake": intake, "core_incarnation": INCARNATION, "since": NOON})
    core.uplink.on_hq("edge/v1/hq/state", pack(state))


async def test_what_nobody_heard_is_sent_again_soon_after_intake_opens(core: Core) -> None:
    core.puback = 0x10
    core.uplink.link_up()
    await sell(core, 1)
    await until(lambda: core.batches == [(1, 1)])
    core.puback = 0x00
    hq(core, "open")
    core.now += ANEW_MOST_S
    hq(core, "open")
    await until(lambda: core.batches == [(1, 1)] * 2)


async def test_a_paused_intake_gets_no_more_for_a_while_and_is_not_waited_for_for_ever(core: Core) -> None:
    core.uplink.link_up()
    core.acknowledge(0)
    await until(lambda: core.outbox.recall("core_incarnation") == INCARNATION)
    await core.outbox.remember("seen", "")  # behind it in the file's queue: the uplink is through with that one
    hq(core, "paused")
    await sell(core, 1)
    for _ in range(50):
        await asyncio.sleep(0)
    assert core.batches == []
    core.now += PAUSE_MOST_S
    await sell(core, 1)
    await until(lambda: core.batches == [(1, 2)])
    hq(core, "paused")
    hq(core, "open")
    await sell(core, 1)
    await until(lambda: core.batches[-1] == (3, 3))


async def test_a_state_of_headquarters_that_cannot_be_read_changes_nothing(core: Core) -> None:
    core.uplink.link_up()
    core.uplink.on_hq("edge/v1/hq/state", b"{}")
    core.uplink.on_hq("edge/v1/hq/state", b"\x28\xb5\x2f\xfdnonsense")
    await sell(core, 1)
    await until(lambda: core.batches == [(1, 1)])


async def test_a_core_restored_from_a_backup_is_refilled(core: Core) -> None:
    core.uplink.link_up()
    await sell(core, 4)
    core.acknowledge(4)
    await until(lambda: core.outbox.position().unacked == 0)
    core.batches.clear()
    core.acknowledge(1, incarnation="core-b")
    await until(lambda: core.batches == [(2, 4)])
    assert core.outbox.position().unacked == 3
    core.acknowledge(4, incarnation="core-b")
    await until(lambda: core.outbox.position().unacked == 0)


async def test_a_rejected_record_blocks_nothing_and_is_known_here(core: Core) -> None:
    core.uplink.link_up()
    await sell(core, 2)
    core.acknowledge(2, rejected=[Rejected(seq=1, code="does_not_add_up", quarantine_id="Q-7")])
    await until(lambda: core.outbox.position().unacked == 0)
    row = core.outbox.state_of("key-1")
    assert row is not None
    assert (row["state"], row["rejected_code"], row["quarantine_id"]) == ("rejected", "does_not_add_up", "Q-7")


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\x28\xb5\x2f\xfdgarbage", b'{"epoch": 5}', b"null", b"\xff\xfe"],
)
async def test_an_unreadable_acknowledgement_marks_nothing_and_ends_nothing(core: Core, payload: bytes) -> None:
    core.uplink.link_up()
    await sell(core, 1)
    core.uplink.on_ack("edge/v1/S0421-1/down/ack", payload)
    assert core.outbox.position().unacked == 1
    core.acknowledge(1)
    await until(lambda: core.outbox.position().unacked == 0)


async def test_an_acknowledgement_of_another_epoch_marks_nothing(core: Core) -> None:
    core.uplink.link_up()
    await sell(core, 1)
    other = Ack(epoch="01ARZ3NDEKTSV4RRFFQ69G5FAV", contiguous_seq=1, core_incarnation=INCARNATION)
    core.uplink.on_ack("edge/v1/S0421-1/down/ack", pack(other))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert core.outbox.position().unacked == 1
    core.acknowledge(1)
    await until(lambda: core.outbox.position().unacked == 0)


@pytest.mark.parametrize("clash", ["of the future", "of other content"])
async def test_an_acknowledgement_that_cannot_be_ours_begins_a_new_epoch_and_loses_nothing(
    core: Core, clash: str
) -> None:
    core.uplink.link_up()
    await sell(core, 3)
    core.acknowledge(1)
    await until(lambda: core.outbox.position().unacked == 2)
    former = core.outbox.epoch
    if clash == "of the future":
        core.acknowledge(50)
    else:
        foreign = Ack(epoch=former, contiguous_seq=3, core_incarnation=INCARNATION, chain="0" * 64)
        core.uplink.on_ack("edge/v1/S0421-1/down/ack", pack(foreign))
    await until(lambda: core.outbox.epoch != former)
    rows = core.outbox._database.read("SELECT seq, type, idempotency_key, state FROM outbox ORDER BY seq")
    assert [(row["seq"], row["state"]) for row in rows] == [(1, "unacked"), (2, "unacked"), (3, "unacked")]
    assert [row["type"] for row in rows] == ["AuditRecord", "RetailTransaction", "RetailTransaction"]
    assert [row["idempotency_key"] for row in rows[1:]] == ["key-2", "key-3"]
    assert len(core.outbox._database.read(f'SELECT seq FROM "outbox_{former}"')) == 3
    await until(lambda: core.batches[-1:] == [(1, 3)])
    core.acknowledge(3)
    await until(lambda: core.outbox.position().unacked == 0)


async def test_a_batch_too_large_for_the_broker_is_split_until_it_goes(core: Core) -> None:
    await sell(core, 40)
    core.puback = 0x95
    core.uplink.link_up()
    await until(lambda: (1, 1) in core.batches)
    sizes = [last - first + 1 for first, last in core.batches]
    assert sizes[:6] == [40, 20, 10, 5, 2, 1]
    assert core.outbox.position().unacked == 40


async def test_a_record_too_large_by_itself_is_told_once_and_goes_once_there_is_room(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    core.puback = 0x95
    core.uplink.link_up()
    await sell(core, 1)
    await until(lambda: core.batches == [(1, 1)])
    for _ in range(3):
        core.now += 301
        core.outbox._moved()
        await until(lambda: len(core.batches) > 1)
        core.batches.clear()
        core.batches.append((1, 1))
    told = [record.getMessage() for record in caplog.records if "record 1, of" in record.getMessage()]
    assert len(told) == 1
    assert "max_packet_size" in told[0]
    core.puback = 0x00
    core.uplink.link_up()
    await until(lambda: core.batches[-1:] == [(1, 1)])
    assert core.outbox.position().unacked == 1
    core.acknowledge(1)
    await until(lambda: core.outbox.position().unacked == 0)


@pytest.mark.parametrize("code", [0x10, 0x97, 0x87])
async def test_a_broker_that_asks_for_less_gets_less_and_nothing_is_marked(core: Core, code: int) -> None:
    await sell(core, 500)
    core.uplink.link_up()
    core.acknowledge(0)
    await until(lambda: len(core.batches) >= 4)
    core.batches.clear()
    core.puback = code
    core.uplink.link_down()
    core.uplink.link_up()
    await until(lambda: core.uplink._pause_until > core.now)
    sent = len(core.batches)
    await sell(core, 1)
    for _ in range(100):
        await asyncio.sleep(0.001)
    assert len(core.batches) == sent, "nothing new follows at once"
    assert core.outbox.position().unacked == 501
    core.puback = 0x00
    core.acknowledge(core.batches[-1][1])
    await until(lambda: len(core.batches) > sent)


async def test_a_core_restored_from_before_the_kept_window_gets_all_that_is_left_in_a_new_epoch(core: Core) -> None:
    core.uplink.link_up()
    await sell(core, 6)
    core.acknowledge(6)
    await until(lambda: core.outbox.position().unacked == 0)
    await core.outbox._database.write(
        lambda connection: connection.execute("DELETE FROM record WHERE seq < 4").rowcount
    )
    former = core.outbox.epoch
    core.batches.clear()
    core.acknowledge(1, incarnation="core-b")
    await until(lambda: core.batches == [(1, 4)])
    assert core.outbox.epoch != former
    rows = core.outbox._database.read("SELECT type, idempotency_key FROM outbox ORDER BY seq")
    assert rows[0]["type"] == "AuditRecord"
    assert [row["idempotency_key"] for row in rows[1:]] == ["key-4", "key-5", "key-6"]
    core.acknowledge(4, incarnation="core-b")
    await until(lambda: core.outbox.position().unacked == 0)
