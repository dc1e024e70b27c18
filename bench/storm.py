"""A lean simulator of many gateways: `python -m bench.storm` connects them all at once, each with a backlog of sales.

Raw MQTT 5 over asyncio, one small object a gateway; each resends its batch until headquarters' own acknowledgement has
covered it, and comes back with full jitter when a connection breaks. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from ulid import ULID

from retail.wire.ack import Ack
from retail.wire.canonical import canonical
from retail.wire.log import GENESIS, chain_link
from retail.wire.payload import pack, unpack
from retail.wire.presence import Birth, LogPosition, State
from retail.wire.topics import GatewayTopics
from torture.mqtt import (
    CONNACK,
    PUBLISH,
    SUBACK,
    connect,
    publish,
    read_packet,
    subscribe,
)
from torture.sales import Shelf

BUILT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
#: a batch that was not acknowledged is sent again after a random time up to this; so is a connection tried
AGAIN_S = 20.0
RECONNECT_MOST_S = 5.0


@dataclass(slots=True)
class Gateway:
    name: str
    store: str
    epoch: str
    batch: bytes
    head: str
    sales: int
    acked: bool = False
    connects: int = 0
    sent: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)


def gateway_name(number: int) -> str:
    return f"T{number:04d}-1"


def make(number: int, sales: int, shelf: Shelf) -> Gateway:
    """A gateway with its backlog, chained as the real outbox chains it."""
    store, epoch, chain, items = f"T{number:04d}", str(ULID()), GENESIS, []
    for seq in range(1, sales + 1):
        sale = shelf.new(f"w{number}", store)
        chain = chain_link(chain, epoch, seq, bytes.fromhex(sale.sha256))
        record = {"seq": seq, "type": "RetailTransaction", "idempotency_key": sale.key, "body_sha256": sale.sha256}
        record |= {"chain": chain.hex(), "boot_id": "storm", "boottime_ns": seq, "wall_utc": "2026-11-22T09:30:00.000Z"}
        items.append(record | {"clock_state": "synced", "business_date": sale.business_date, "body": sale.kept_as})
    head = {"schema": "backroom.log/1", "epoch": epoch, "first_seq": 1, "count": sales, "prev_chain": GENESIS.hex()}
    return Gateway(gateway_name(number), store, epoch, pack(canonical(head | {"items": items})), chain.hex(), sales)


def presence(one: Gateway, session: int) -> tuple[bytes, bytes]:
    """What a gateway says of itself when it comes back."""
    state = State(state="ready", session=session, boot_id="storm", since=BUILT)
    waiting = 0 if one.acked else one.sales
    position = LogPosition(
        epoch=one.epoch, next_seq=one.sales + 1, oldest_unacked_seq=1 if waiting else None, oldest_unacked_age_s=None,
        unacked=waiting, head_chain=one.head, count_today=one.sales, sum_today_minor=0,
    )  # fmt: skip
    birth = Birth(
        session=session, store_id=one.store, model="storm", serial=one.name, software="0", currency="EUR",
        timezone="Europe/Berlin", clock="synced", certificate_expires=None, feeds={}, log=position, devices=[],
        at=BUILT,
    )  # fmt: skip
    return pack(state), pack(birth)


async def live(one: Gateway, port: int, password: str, random: Random) -> None:
    """Connect and send until headquarters has acknowledged the backlog."""
    while not one.acked:
        try:
            await session(one, port, password, random)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            await asyncio.sleep(random.uniform(0, RECONNECT_MOST_S))


async def session(one: Gateway, port: int, password: str, random: Random) -> None:
    topics = GatewayTopics(one.name)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        one.connects += 1
        writer.write(connect(one.name, one.name, password).encoded())
        await expect(reader, CONNACK)
        writer.write(subscribe(1, topics.ack).encoded())
        await expect(reader, SUBACK)
        state, birth = presence(one, one.connects)
        writer.write(publish(topics.state, state, 2, retain=True).encoded())
        writer.write(publish(topics.birth, birth, 3, retain=True).encoded())
        while not one.acked:
            one.sent += 1
            writer.write(publish(topics.log, one.batch, 3 + one.sent).encoded())
            await writer.drain()
            await hear(one, reader, writer, topics.ack, random.uniform(AGAIN_S / 2, AGAIN_S))
    finally:
        writer.close()


async def expect(reader: asyncio.StreamReader, kind: int) -> None:
    packet = await asyncio.wait_for(read_packet(reader), 60)
    if packet.kind != kind or (kind == CONNACK and packet.rest[1] != 0):
        raise ConnectionError(f"packet {packet.kind} came, {kind} was due: {packet.rest[:4].hex()}")


async def hear(
    one: Gateway, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, topic: str, within_s: float
) -> None:
    """Take what the broker sends until the backlog is acknowledged, or the time to send again has come."""
    try:
        async with asyncio.timeout(within_s):
            while not one.acked:
                packet = await read_packet(reader)
                if packet.kind == PUBLISH and packet.topic == topic:
                    if packet.qos:
                        writer.write(packet.answer().encoded())
                    ack = Ack.model_validate_json(unpack(packet.payload))
                    one.acked = ack.epoch == one.epoch and ack.contiguous_seq == one.sales and ack.chain == one.head
    except TimeoutError:
        pass


async def storm(gateways: list[Gateway], port: int, password: str, random: Random) -> float:
    """All at once; the seconds until the last one was acknowledged."""
    began = time.monotonic()
    await asyncio.gather(*(live(one, port, password, random) for one in gateways))
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--gateways", type=int, default=2000)
    parser.add_argument("--sales", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    random = Random(given.seed)
    shelf = Shelf(random)
    gateways = [make(number, given.sales, shelf) for number in range(given.gateways)]
    took = asyncio.run(storm(gateways, given.port, given.password, random))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {
        "gateways": len(gateways),
        "accepted": sum(one.sales for one in gateways),
        "total_minor": shelf.total_minor,
        "connects": sum(one.connects for one in gateways),
        "batches_sent": sum(one.sent for one in gateways),
        "drained_s": round(took, 2),
        "simulator_peak_mib": round(peak, 1),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
