"""The relay that one would write in an afternoon, to compare with: a table, a loop, one message at a time.

Sender:    SQLite, WAL, synchronous=FULL; polls each 100 ms; one row, QoS 1, waits for its PUBACK, deletes it.
Receiver:  one message, one transaction: INSERT, commit.
No TLS, no validation, no chain, no acknowledgement by the receiver: what the broker took counts as delivered.

python -m bench.ordinary_relay send FILE PORT USER PASSWORD TOPIC
python -m bench.ordinary_relay receive DSN PORT USER PASSWORD TOPIC
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

POLL_S = 0.1
TABLE = "CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)"
RECEIVED = "CREATE TABLE IF NOT EXISTS ordinary_sale (id bigserial PRIMARY KEY, key text UNIQUE, body jsonb NOT NULL)"


def opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(TABLE)
    return connection


def connected(port: int, user: str, password: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(user, password)
    there = threading.Event()
    client.on_connect = lambda *_: there.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    if not there.wait(10):
        raise RuntimeError("no CONNACK within 10 s")
    return client


def send(file: Path, port: int, user: str, password: str, topic: str) -> None:
    connection = opened(file)
    client = connected(port, user, password)
    while True:
        rows = connection.execute("SELECT id, body FROM queue ORDER BY id LIMIT 100").fetchall()
        for number, body in rows:
            client.publish(topic, body, qos=1).wait_for_publish()
            connection.execute("DELETE FROM queue WHERE id = ?", (number,))
        if not rows:
            time.sleep(POLL_S)  # polling is what makes it the ordinary one


def receive(dsn: str, port: int, user: str, password: str, topic: str) -> None:
    database = psycopg.connect(dsn)
    client = connected(port, user, password)

    def on_message(_client: Client, _data: Any, message: MQTTMessage) -> None:
        sale = json.loads(message.payload)
        database.execute(
            "INSERT INTO ordinary_sale (key, body) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (sale["key"], message.payload.decode()),
        )
        database.commit()

    client.on_message = on_message
    client.subscribe(topic, 1)
    threading.Event().wait()


if __name__ == "__main__":
    role, place, at, *rest = sys.argv[1:]
    if role == "send":
        send(Path(place), int(at), *rest)
    else:
        receive(place, int(at), *rest)
