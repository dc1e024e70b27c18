"""Headquarters as it really runs: a Mosquitto, the core's own process, and a box that speaks the wire."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from cloud_erp.catalog.item_file import import_items
from cloud_erp.config import load
from cloud_erp.db import open_database
from cloud_erp.fleet import registry
from gateway.demo.broker import CORE_USER, Mosquitto, free_port
from retail.wire.payload import unpack
from retail.wire.topics import GatewayTopics
from tests.cloud_erp.batches import GATEWAY, SAMPLE, STORE

PASSWORD = "only-for-this-test"
Found = TypeVar("Found")


def until(look: Callable[[], Found | None], within_s: float = 15.0) -> Found:
    """The first thing that `look` finds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {within_s} s: {look}")


class Headquarters:
    """core.toml, a registered gateway and the sample catalogue; start() and stop() the process."""

    def __init__(
        self,
        folder: Path,
        broker: Mosquitto,
        port: int | None = None,
        *,
        database_url: str | None = None,
        more: str = "",
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "core.toml"
        (folder / "password").write_text(PASSWORD + "\n")
        kept = 'data_dir = "data"' if database_url is None else f'database_url = "{database_url}"'
        self.config.write_text(
            f'[core]\n{kept}\nname = "Sample Foods"\ntimezone = "Europe/Berlin"\n'
            f'[mqtt]\nport = {broker.port}\nusername = "{CORE_USER}"\npassword_file = "password"\n'
            f"[web]\nport = {self.port}\n{more}"
        )
        database = open_database(load(self.config).database_url)
        with database.write() as connection:
            registry.add(connection, registry.Gateway(GATEWAY, STORE, "Berlin Mitte", "EUR"))
        import_items(database, SAMPLE, dry_run=False)
        database.close()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, healthy: bool = True) -> None:
        """Start the process and wait until its pages answer; `healthy`: until the broker is there too."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        with (self.folder / "core.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cloud_erp", "run", "--config", str(self.config), "--ready-file", str(ready)],
                stderr=log,
            )
        until(ready.exists)
        if healthy:
            until(lambda: self.get("/v1/health", any_status=True)["ok"])

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "cloud_erp", *words, "--config", str(self.config)]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    def get(self, path: str, *, any_status: bool = False) -> Any:
        answer = httpx.get(self.url + path, timeout=10)
        assert any_status or answer.status_code == 200, answer.text
        return answer.json()

    def log(self) -> str:
        return (self.folder / "core.log").read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """(exit code, seconds it took)"""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(how)
        code = self.process.wait(20)
        self.process = None
        return code, time.monotonic() - began

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Box:
    """One gateway's MQTT connection: what came down, by topic."""

    def __init__(self, broker: Mosquitto, gateway: str = GATEWAY) -> None:
        self.topics = GatewayTopics(gateway)
        self.came: list[tuple[str, Any]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(gateway, PASSWORD)
        self._client.on_message = self._on_message
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_connect = self._on_connect
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert subscribed.wait(10)

    def _on_connect(self, client: Client, *_: Any) -> None:
        client.subscribe([(f"{self.topics.base}/down/#", 1), ("edge/v1/hq/state", 1)])

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.came.append((message.topic, json.loads(unpack(bytes(message.payload)))))

    def send(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain)

    def sent_down(self, topic: str) -> list[Any]:
        return [message for name, message in list(self.came) if name == topic]

    def acked(self, seq: int) -> Any:
        """Wait for the acknowledgement of that seq."""
        return until(
            lambda: next((ack for ack in self.sent_down(self.topics.ack) if ack["contiguous_seq"] >= seq), None)
        )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
