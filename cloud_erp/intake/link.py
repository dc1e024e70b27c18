"""The MQTT 5 connection of headquarters, and the only file of the core that imports the MQTT library (paho-mqtt).

Each connection has a client of its own with a clean start, so nothing waits in the library across a reconnect: what was
lost on the way is sent again by the stores. Messages are acknowledged to the broker only once they were handled, and at
most RECEIVE_MAXIMUM are in hand, so a slow database fills the broker and not this process. That PUBACK is flow control
only; a sale counts as booked by the ack of retail/wire/ack.py alone.
"""

from __future__ import annotations

import logging
import secrets
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

KEEPALIVE_S = 30
RECEIVE_MAXIMUM = 64
CONNACK_WITHIN_S = 10.0
#: a PUBACK that is later than this is taken for lost, and the connection for broken
PUBACK_WITHIN_S = 30.0
LOOK_EVERY_S = 5.0
BACK_OFF_FIRST_S = 0.5
BACK_OFF_MOST_S = 30.0
GOODBYE_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class LinkSettings:
    host: str
    port: int
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message from the broker; call `done()` once it was handled, whatever came of it."""

    topic: str
    payload: bytes
    retained: bool
    done: Callable[[], object]


class Connection:
    """One client's life, from connect to the end."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.reason = "no answer from the broker"
        self._sent: deque[tuple[float, MQTTMessageInfo]] = deque()

    def sent(self, publication: MQTTMessageInfo) -> None:
        self._sent.append((time.monotonic(), publication))

    def is_stuck(self) -> bool:
        """A publish waits for its PUBACK beyond all patience: as many of these as may be in flight would silence us."""
        while self._sent and self._sent[0][1].is_published():
            self._sent.popleft()
        return bool(self._sent) and time.monotonic() - self._sent[0][0] > PUBACK_WITHIN_S


class Link:
    """Keeps one connection to the broker, for ever; `on_message` and `on_ready` run in the library's thread."""

    def __init__(
        self,
        settings: LinkSettings,
        filters: Sequence[tuple[str, int]],
        on_message: Callable[[Message], None],
        on_ready: Callable[[], None],
    ) -> None:
        self.settings = settings
        self._filters = list(filters)
        self._on_message = on_message
        self._on_ready = on_ready
        self._client_id = f"backroom-core-{secrets.token_hex(6)}"
        self._random = Random(secrets.randbits(64))  # noqa: S311  jitter is no secret
        self._stopping = threading.Event()
        self._current: Connection | None = None
        self._complained = False
        self._thread = threading.Thread(target=self._run, name="mqtt-link", daemon=True)

    @property
    def connected(self) -> bool:
        """Connected, with all subscriptions standing."""
        current = self._current
        return current is not None and current.ready.is_set() and not current.ended.is_set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._current is not None:
            self._current.ended.set()
        if self._thread.is_alive():
            self._thread.join(GOODBYE_WITHIN_S + 2)

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:
        """Hand a message to the broker; False: not connected, and the message is dropped.

        Nothing here needs keeping: acks and heads are made anew from the database.
        """
        current = self._current
        if current is None or not self.connected:
            return False
        sent = current.client.publish(topic, payload, qos=1, retain=retain)
        current.sent(sent)
        return sent.rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            connection = self._connection()
            self._current = connection
            try:
                self._live(connection)
            except (OSError, ValueError) as error:
                connection.reason = str(error)
            self._end(connection)
            if self._stopping.is_set():
                return
            attempt = 0 if connection.ready.is_set() else attempt + 1
            if not self._complained:
                log.warning("broker away: %s:%d: %s", self.settings.host, self.settings.port, connection.reason)
                self._complained = True
            self._stopping.wait(self._random.uniform(0, min(BACK_OFF_MOST_S, BACK_OFF_FIRST_S * 2 ** min(attempt, 10))))

    def _live(self, connection: Connection) -> None:
        """From connect until the connection ends."""
        self._secure(connection.client)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.SessionExpiryInterval = 0
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        connection.client.connect(
            self.settings.host, self.settings.port, KEEPALIVE_S, clean_start=True, properties=properties
        )
        connection.client.loop_start()
        deadline = CONNACK_WITHIN_S
        while not connection.ready.wait(0.05):
            deadline -= 0.05
            if connection.ended.is_set() or deadline <= 0:
                return
        while not connection.ended.wait(LOOK_EVERY_S):
            if connection.is_stuck():
                connection.reason = f"no PUBACK within {PUBACK_WITHIN_S:.0f} s"
                return

    def _end(self, connection: Connection) -> None:
        connection.ended.set()
        connection.client.disconnect()
        connection.client.loop_stop()

    def _connection(self) -> Connection:
        settings = self.settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        connection = Connection(client)
        client.connect_timeout = CONNACK_WITHIN_S / 2
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password)
        self._listen(client, connection)
        return connection

    def _secure(self, client: Client) -> None:
        """Set TLS up from the files as they are now, so that a renewed certificate counts from the next connection."""
        settings = self.settings
        if settings.ca_file is None:
            return
        context = ssl.create_default_context(cafile=str(settings.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.cert_file is not None and settings.key_file is not None:
            context.load_cert_chain(str(settings.cert_file), str(settings.key_file))
        client.tls_set_context(context)

    def _listen(self, client: Client, connection: Connection) -> None:
        """Join the library's callbacks to this connection."""

        def on_connect(_c: Client, _u: Any, _f: ConnectFlags, reason: ReasonCode, _p: Properties | None) -> None:
            if reason.is_failure:
                connection.reason = f"the broker refused: {reason}; see [mqtt] username and password_file"
                connection.ended.set()
            else:
                client.subscribe(self._filters)

        def on_subscribe(_c: Client, _u: Any, _m: int, reasons: list[ReasonCode], _p: Properties | None) -> None:
            refused = [name for (name, _), code in zip(self._filters, reasons, strict=False) if code.is_failure]
            if refused:
                connection.reason = f"the broker refused the subscription to {', '.join(refused)}; see its access rules"
                connection.ended.set()
                return
            connection.ready.set()
            self._complained = False
            log.info("broker connected: %s:%d", self.settings.host, self.settings.port)
            self._on_ready()

        def on_disconnect(_c: Client, _u: Any, _f: DisconnectFlags, reason: ReasonCode, _p: Properties | None) -> None:
            if not connection.ended.is_set():
                connection.reason = f"connection lost: {reason}"
                connection.ended.set()

        def on_message(_c: Client, _u: Any, message: MQTTMessage) -> None:
            def done() -> object:
                return client.ack(message.mid, message.qos) if not connection.ended.is_set() else None

            self._on_message(Message(message.topic, bytes(message.payload), message.retain, done))

        def on_socket_open(_c: Client, _u: Any, line: Any) -> None:
            # An ack is one small packet: it must not wait for the acknowledgement of the one before (Nagle).
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        client.on_socket_open = on_socket_open
        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_disconnect = on_disconnect
        client.on_message = on_message
