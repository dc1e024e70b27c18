"""The link against a real Mosquitto: will, state, reconnects, refusals."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest

from gateway.demo.broker import CORE_USER, Mosquitto
from gateway.mqtt.link import Link, LinkDown, LinkSettings, Publication

GATEWAY = "S0421-1"


async def until(holds: Callable[[], bool], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(tmp_path / "broker", {CORE_USER: "core-secret", GATEWAY: "box-secret"})
    await broker.start()
    yield broker
    broker.stop()


class Box:
    def __init__(self, port: int, password: str = "box-secret") -> None:
        settings = LinkSettings("127.0.0.1", port, GATEWAY, username=GATEWAY, password=password, reconnect_most_s=0.2)
        self.sessions: list[int] = []
        self.heard: list[tuple[str, bytes]] = []
        self.ups: list[int] = []
        self.link = Link(settings, self._next, self._will, Random(1))
        self.link.on_up(self._up)
        self.link.subscribe(f"edge/v1/{GATEWAY}/down/#", lambda topic, payload: self.heard.append((topic, payload)))
        self.task = asyncio.create_task(self.link.run())

    async def _next(self) -> int:
        self.sessions.append(len(self.sessions) + 1)
        return self.sessions[-1]

    def _will(self, session: int) -> Publication:
        return Publication(f"edge/v1/{GATEWAY}/state", json.dumps({"lost": session}).encode(), retain=True)

    async def _up(self, session: int) -> None:
        self.ups.append(session)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def retained(port: int, topic: str) -> str:
    """What a plain MQTT 3.1.1 tool reads from a topic."""
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-u", CORE_USER, "-P", "core-secret"]
    arguments = [*command, "-V", "311", "-t", topic, "-C", "1", "-W", "3"]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    return done.stdout.strip()


def send(port: int, topic: str, payload: str) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-u", CORE_USER, "-P", "core-secret"]
    subprocess.run([*command, "-t", topic, "-m", payload, "-q", "1", "-r"], check=True)


async def test_it_publishes_and_hears_what_is_retained(broker: Mosquitto) -> None:
    send(broker.port, f"edge/v1/{GATEWAY}/down/ack", "hello")
    box = Box(broker.port)
    await until(lambda: box.heard == [(f"edge/v1/{GATEWAY}/down/ack", b"hello")])
    code = await box.link.publish(Publication(f"edge/v1/{GATEWAY}/birth", b"born", retain=True))
    assert code in (0x00, 0x10)
    assert await asyncio.to_thread(retained, broker.port, f"edge/v1/{GATEWAY}/birth") == "born"
    await box.end()


async def test_only_news_leaves_out_what_the_broker_had_kept(broker: Mosquitto) -> None:
    send(broker.port, "edge/v1/hq/state", "of before")
    send(broker.port, f"edge/v1/{GATEWAY}/down/ack", "kept")
    box = Box(broker.port)
    box.link.subscribe("edge/v1/hq/state", lambda topic, payload: box.heard.append((topic, payload)), only_news=True)
    await until(lambda: box.link.connected and bool(box.heard))
    send(broker.port, "edge/v1/hq/state", "news")
    await until(lambda: len(box.heard) == 2)
    assert box.heard == [(f"edge/v1/{GATEWAY}/down/ack", b"kept"), ("edge/v1/hq/state", b"news")]
    await box.end()


class Narrow(Mosquitto):
    """Takes packets of 2,000 bytes at the most, and ends the connection of whoever sends a larger one."""

    def _write_files(self) -> None:
        super()._write_files()
        with (self.folder / "mosquitto.conf").open("a") as file:
            file.write("max_packet_size 2000\n")


async def test_what_is_larger_than_the_broker_takes_is_not_sent_and_the_link_stays(tmp_path: Path) -> None:
    broker = Narrow(tmp_path / "broker", {CORE_USER: "core-secret", GATEWAY: "box-secret"})
    await broker.start()
    box = Box(broker.port)
    topic = f"edge/v1/{GATEWAY}/up/log"
    await until(lambda: box.link.connected)
    assert await box.link.publish(Publication(topic, bytes(1900))) in (0x00, 0x10)
    assert await box.link.publish(Publication(topic, bytes(2001))) == 0x95
    for size in range(1950, 2001):  # around the very limit: sent or not, the connection stands
        await box.link.publish(Publication(topic, bytes(size)))
    assert box.link.connected
    assert box.sessions == [1]
    await box.end()
    broker.stop()


async def test_it_comes_back_with_a_new_session_after_the_broker_was_away(broker: Mosquitto) -> None:
    box = Box(broker.port)
    await until(lambda: box.link.connected)
    broker.kill()
    await until(lambda: not box.link.connected)
    with pytest.raises(LinkDown):
        await box.link.publish(Publication(f"edge/v1/{GATEWAY}/birth", b"x"))
    await broker.start()
    await until(lambda: box.link.connected)
    assert box.ups[0] == 1
    assert box.ups[-1] > 1
    assert box.link.reconnects == 1
    await box.link.publish(Publication(f"edge/v1/{GATEWAY}/birth", b"again"))
    await box.end()


async def test_a_wrong_password_is_said_once_and_tried_again(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    box = Box(broker.port, password="wrong")
    await until(lambda: len(box.sessions) >= 4)
    assert not box.link.connected
    assert "Not authorized" in (box.link.last_error or "")
    lines = [record.message for record in caplog.records if "link down" in record.message]
    assert len(lines) == 1
    assert "wrong" not in lines[0]
    await box.end()


async def test_a_clean_end_publishes_no_will(broker: Mosquitto) -> None:
    box = Box(broker.port)
    await until(lambda: box.link.connected)
    await box.link.publish(Publication(f"edge/v1/{GATEWAY}/state", b"stopped", retain=True))
    await box.end()
    assert await asyncio.to_thread(retained, broker.port, f"edge/v1/{GATEWAY}/state") == "stopped"


async def test_a_topic_of_another_gateway_is_not_ours_to_write(broker: Mosquitto) -> None:
    box = Box(broker.port)
    await until(lambda: box.link.connected)
    code = await box.link.publish(Publication("edge/v1/S9999-1/up/log", b"stolen"))
    assert code == 0x87
    await box.end()


async def test_a_handler_that_fails_does_not_end_the_link(broker: Mosquitto) -> None:
    box = Box(broker.port)

    def fails(_topic: str, _payload: bytes) -> None:
        raise ValueError("bad message")

    box.link.subscribe(f"edge/v1/{GATEWAY}/down/ack", fails)
    await until(lambda: box.link.connected)
    await asyncio.to_thread(send, broker.port, f"edge/v1/{GATEWAY}/down/ack", "x")
    await until(lambda: len(box.heard) >= 1)
    assert box.link.connected
    await box.end()


async def test_a_broker_that_answers_nothing_is_given_up_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.mqtt.link.CONNACK_WITHIN_S", 0.2)
    accepted: list[asyncio.StreamWriter] = []

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        await reader.read()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    box = Box(server.sockets[0].getsockname()[1])
    await until(lambda: len(box.sessions) >= 3)
    assert "CONNACK" in (box.link.last_error or "")
    await box.end()
    server.close()
    for writer in accepted:
        writer.transport.abort()


async def test_a_puback_that_never_comes_breaks_the_connection_instead_of_silencing_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.mqtt.link.PUBACK_WITHIN_S", 0.3)
    connections: list[asyncio.StreamWriter] = []

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read(100)
        writer.write(b"\x20\x03\x00\x00\x00")  # CONNACK, success, no properties
        while await reader.read(1000):
            pass

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    box = Box(server.sockets[0].getsockname()[1])
    await until(lambda: box.link.connected)
    with pytest.raises(LinkDown, match="no PUBACK"):
        await box.link.publish(Publication(f"edge/v1/{GATEWAY}/up/log", b"x"))
    await until(lambda: len(connections) >= 2)
    await box.end()
    server.close()
    for writer in connections:
        writer.transport.abort()
