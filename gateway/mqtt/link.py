"""The MQTT 5 connection, and the only file that imports the MQTT library (paho-mqtt).

The library is a pipe here, not a queue: each connection has a client of its own, nothing waits in it across a
reconnect, and at most 16 publishes (or the server's Receive Maximum) are inside it. What must arrive is in the outbox.
Reconnects wait a random time between nothing and an exponential limit (full jitter), so that a broker which comes back
is not stormed.

The library runs its own network thread; every callback is handed to the event loop before it touches anything.
Source: MQTT 5.0 (OASIS, 2019): 3.1.2.11.2 session expiry, 3.1.3.2.2 will delay, 3.1.2.11.3 receive maximum,
3.2.2.3.6 maximum packet size.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.errors import BackroomError, QueueError

log = logging.getLogger(__name__)

INSIDE_MOST = 16
CONNACK_WITHIN_S = 10.0
#: long enough for all that may be inside over the slowest line
PUBACK_WITHIN_S = 60.0
WILL_DELAY_S = 30
#: what the protocol itself allows, where the broker names no limit of its own
PACKET_MOST_BYTES = 268_435_455
#: of a PUBLISH: header, length, packet id and what stands before topic and payload
AROUND_BYTES = 16
PACKET_TOO_LARGE = 0x95
#: longer than the will delay, or the server would publish the will the moment the connection breaks
SESSION_EXPIRY_S = 120

Handler = Callable[[str, bytes], None]


class LinkDown(BackroomError):
    """Not connected, or the connection broke before the broker answered."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    ca_file: str
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class LinkSettings:
    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None
    tls: TlsFiles | None = None
    keepalive_s: int = 30
    reconnect_most_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Publication:
    topic: str
    payload: bytes
    retain: bool = False


class Link:
    """run() keeps the connection; publish() while connected; subscribe() before run().

    next_session: numbers this connection (it is on disk before the CONNECT goes out)
    will:         what the broker says of us when we vanish, given the session number
    on_up:        awaited after each connect, once subscribed; given the session number
    on_down:      called when a connection that was up has broken
    """

    def __init__(
        self,
        settings: LinkSettings,
        next_session: Callable[[], Awaitable[int]],
        will: Callable[[int], Publication],
        random: Random,
    ) -> None:
        self._settings = settings
        self._next_session = next_session
        self._will = will
        self._random = random
        self._handlers: list[tuple[str, Handler]] = []
        self._filters: list[tuple[str, SubscribeOptions]] = []
        self._on_up: list[Callable[[int], Awaitable[None]]] = []
        self._on_down: list[Callable[[], None]] = []
        self._client: Client | None = None
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._room = asyncio.Semaphore(INSIDE_MOST)
        self._ended = asyncio.Event()
        self._answered: asyncio.Future[tuple[int, int]] | None = None
        self._packet_most = PACKET_MOST_BYTES
        self.connected = False
        self.reconnects = 0
        self.last_error: str | None = None

    def subscribe(self, topic_filter: str, handler: Handler, only_news: bool = False) -> None:
        """only_news: not what the broker had kept of it from before this connection."""
        self._handlers.append((topic_filter, handler))
        kept = SubscribeOptions.RETAIN_DO_NOT_SEND if only_news else SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
        self._filters.append((topic_filter, SubscribeOptions(qos=1, retainHandling=kept)))

    def on_up(self, heard: Callable[[int], Awaitable[None]]) -> None:
        self._on_up.append(heard)

    def on_down(self, heard: Callable[[], None]) -> None:
        self._on_down.append(heard)

    async def publish(self, publication: Publication) -> int:
        """Hand one message to the broker (QoS 1); return the PUBACK's reason code, 0x00 or 0x10 when it has it.

        A PUBACK says that the broker has the message: it books nothing. One that is larger than the broker said it
        takes is not sent, for it would end the connection; the code is then 0x95 all the same.

        Raises:
            LinkDown: not connected, or the connection broke before the PUBACK.
        """
        async with self._room:
            client = self._client
            if client is None or not self.connected:
                raise LinkDown("not connected to the broker")
            if len(publication.payload) + len(publication.topic) + AROUND_BYTES > self._packet_most:
                return PACKET_TOO_LARGE
            sent = client.publish(publication.topic, publication.payload, qos=1, retain=publication.retain)
            answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._waiting[sent.mid] = answer
            try:
                async with asyncio.timeout(PUBACK_WITHIN_S):
                    return await answer
            except TimeoutError:
                # Without this, as many lost PUBACKs as may be inside would silence a link that looks up for ever.
                why = f"no PUBACK within {PUBACK_WITHIN_S:.0f} s"
                if client is self._client:
                    self._broke(why)
                raise LinkDown(why) from None
            finally:
                self._waiting.pop(sent.mid, None)

    async def run(self) -> None:
        """Connect and stay connected, until cancelled; a cancelled link says goodbye (no will is published)."""
        attempt = 0
        try:
            while True:
                was_up = await self._one_connection()
                attempt = 0 if was_up else attempt + 1
                limit = min(self._settings.reconnect_most_s, 0.5 * 2**attempt)
                await asyncio.sleep(self._random.uniform(0, limit))
        finally:
            await self._goodbye()

    async def _one_connection(self) -> bool:
        """One connection from CONNECT to its end; True if it was ever up."""
        try:
            session = await self._next_session()
        except QueueError as error:
            self._broke(f"the number of this connection cannot be kept: {error}")
            return False
        self._ended.clear()
        self._answered = asyncio.get_running_loop().create_future()
        client = self._make_client(session)
        self._client = client
        threading.Thread(target=self._connect, args=(client,), name="mqtt-connect", daemon=True).start()
        try:
            async with asyncio.timeout(CONNACK_WITHIN_S):
                receive_maximum, self._packet_most = await self._answered
        except (TimeoutError, LinkDown) as error:
            self._broke(str(error) or f"no CONNACK within {CONNACK_WITHIN_S:.0f} s")
            return False
        self._room = asyncio.Semaphore(min(INSIDE_MOST, receive_maximum))
        self.connected = True
        self._mended()
        try:
            for heard in self._on_up:
                await heard(session)
        except LinkDown:
            pass
        await self._ended.wait()
        return True

    def _make_client(self, session: int) -> Client:
        settings = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = 5.0
        client.max_inflight_messages_set(INSIDE_MOST)
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password)
        if settings.tls is not None:
            context = ssl.create_default_context(cafile=settings.tls.ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if settings.tls.cert_file:
                context.load_cert_chain(settings.tls.cert_file, settings.tls.key_file)
            client.tls_set_context(context)
        will = self._will(session)
        delay = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        delay.WillDelayInterval = WILL_DELAY_S
        client.will_set(will.topic, will.payload, qos=1, retain=will.retain, properties=delay)
        loop = asyncio.get_running_loop()

        def in_loop(call: Callable[..., None], *arguments: Any) -> None:
            try:
                loop.call_soon_threadsafe(call, client, *arguments)
            except RuntimeError:
                pass  # the loop has closed: nobody is left to be told

        def on_connect(_c: Client, _u: Any, _f: ConnectFlags, code: ReasonCode, properties: Properties | None) -> None:
            limits = (
                getattr(properties, "ReceiveMaximum", 65535),
                getattr(properties, "MaximumPacketSize", PACKET_MOST_BYTES),
            )
            in_loop(self._connack, code.value, str(code), limits)

        def on_disconnect(_c: Client, _u: Any, _f: DisconnectFlags, code: ReasonCode, _p: Properties | None) -> None:
            in_loop(self._disconnected, str(code))

        def on_publish(_c: Client, _u: Any, mid: int, code: ReasonCode, _p: Properties) -> None:
            in_loop(self._puback, mid, code.value)

        def on_message(_c: Client, _u: Any, message: MQTTMessage) -> None:
            in_loop(self._message, message.topic, message.payload)

        def on_socket_open(_c: Client, _u: Any, line: Any) -> None:
            # A lone sale is one small packet: it must not wait for the acknowledgement of the one before (Nagle).
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        client.on_socket_open = on_socket_open
        client.on_connect = on_connect
        client.on_disconnect = on_disconnect
        client.on_publish = on_publish
        client.on_message = on_message
        self._in_loop = in_loop
        return client

    def _connect(self, client: Client) -> None:
        """In a thread of its own: name look-up, TCP and TLS may each block for seconds."""
        expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        expiry.SessionExpiryInterval = SESSION_EXPIRY_S
        settings = self._settings
        try:
            client.connect(settings.host, settings.port, settings.keepalive_s, clean_start=True, properties=expiry)
            client.loop_start()
        except (OSError, ValueError) as error:
            self._in_loop(self._connect_failed, str(error))

    # --- in the event loop, each told which client it is about ------------------------------------------------------

    def _connect_failed(self, client: Client, error: str) -> None:
        if client is self._client and self._answered is not None and not self._answered.done():
            self._answered.set_exception(LinkDown(error))

    def _connack(self, client: Client, code: int, words: str, limits: tuple[int, int]) -> None:
        if client is not self._client or self._answered is None or self._answered.done():
            return
        if code != 0:
            self._answered.set_exception(LinkDown(f"the broker refused us: {words}"))
            return
        if self._filters:
            client.subscribe(self._filters)
        self._answered.set_result(limits)

    def _disconnected(self, client: Client, words: str) -> None:
        if client is self._client:
            self._broke(words)

    def _puback(self, client: Client, mid: int, code: int) -> None:
        answer = self._waiting.get(mid) if client is self._client else None
        if answer is not None and not answer.done():
            answer.set_result(code)

    def _message(self, client: Client, topic: str, payload: bytes) -> None:
        if client is not self._client:
            return
        for topic_filter, handler in self._handlers:
            if topic_matches_sub(topic_filter, topic):
                try:
                    handler(topic, payload)
                except Exception:
                    # one bad message must not end the link; it stays out, and the traceback says why
                    log.exception("message on %s was not taken", topic, extra={"topic": topic})

    def _broke(self, why: str) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(LinkDown(why))
        was_up = self.connected
        if was_up or self.last_error is None:
            where = f"{self._settings.host}:{self._settings.port}"
            log.warning("link down: %s: %s; sales go on and wait in the outbox", where, why)
        self.last_error = why
        self.connected = False
        client, self._client = self._client, None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LinkDown(why))
        self._waiting.clear()
        self._ended.set()
        if client is not None:
            client.disconnect()
        if was_up:
            for heard in self._on_down:
                heard()

    def _mended(self) -> None:
        if self.last_error is not None:
            self.reconnects += 1
        log.info("link up: %s:%d", self._settings.host, self._settings.port)
        self.last_error = None

    async def _goodbye(self) -> None:
        """A normal DISCONNECT, so that the broker forgets the will."""
        client, self._client = self._client, None
        self.connected = False
        if client is not None:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)
