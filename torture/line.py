"""A line that misbehaves: a TCP proxy which knows MQTT packets, between one client and the broker.

A fault is in force while `fault` names it:

delay      every packet comes later
hold       nothing moves, either way; afterwards all of it arrives (a line that hung)
hole       everything is swallowed, either way, and nobody is told; afterwards the connection is reset
reset      the connection breaks in the middle of the next long packet
no_puback  PUBACKs to the client vanish; afterwards the connection is reset, as TCP would have it
lose       batches and acknowledgements vanish, each answered for as if it had arrived
double     they come twice
shuffle    they overtake one another

mute_puback is not among the dice: PUBACKs vanish on a connection that lives on, as only a faulty broker would do it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from gateway.demo.broker import free_port
from torture.mqtt import PUBACK, Packet, read_packet

FAULTS = ("delay", "hold", "hole", "reset", "no_puback", "lose", "double", "shuffle")
ENDS_IN_RESET = ("hole", "no_puback")
DELAY_S = 0.15
OFTEN = 0.5
OVERTAKES_WITHIN_S = 0.4


class Line:
    """One connection: two pumps, client to broker and back."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.client = client
        self.broker = broker
        self._logs: set[int] = set()

    def reset(self) -> None:
        self.client.transport.abort()
        self.broker.transport.abort()

    async def pump(self, reader: asyncio.StreamReader, up: bool) -> None:
        """Carry packets one way until either side ends."""
        forward, back = (self.broker, self.client) if up else (self.client, self.broker)
        late: list[asyncio.Task[None]] = []
        try:
            while True:
                packet = await read_packet(reader)
                await self._carry(packet, up, forward, back, late)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for task in late:
                task.cancel()
            self.reset()

    async def _carry(
        self,
        packet: Packet,
        up: bool,
        forward: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        late: list[asyncio.Task[None]],
    ) -> None:
        proxy, ours = self.proxy, packet.topic.endswith(("/up/log", "/down/ack")) and packet.qos == 1
        fault = proxy.fault
        while proxy.fault == "hold":
            await proxy.changed.wait()
        self._count(packet, up)
        if fault == "hole" or (fault in ("no_puback", "mute_puback") and packet.kind == PUBACK and not up):
            proxy.count[fault] += 1
            return
        if fault == "delay":
            await asyncio.sleep(DELAY_S)
        if fault == "reset" and len(packet.rest) > 40:
            proxy.count[fault] += 1
            data = packet.encoded()
            forward.write(data[: len(data) // 2])
            await forward.drain()
            raise ConnectionResetError
        if ours and fault in ("lose", "double", "shuffle") and proxy.random.random() < OFTEN:
            proxy.count[f"{fault} {packet.topic.rsplit('/', 1)[1]}"] += 1
            if fault == "lose":
                back.write(packet.answer().encoded())
                return
            if fault == "double":
                forward.write(packet.copy_without_id().encoded())
            if fault == "shuffle":
                late.append(asyncio.create_task(self._later(packet, forward)))
                return
        forward.write(packet.encoded())
        await forward.drain()

    def _count(self, packet: Packet, up: bool) -> None:
        """How many batches went up, and for how many the broker has answered."""
        if up and packet.topic.endswith("/up/log"):
            self.proxy.count["log sent"] += 1
            self._logs.add(packet.packet_id)
        elif not up and packet.kind == PUBACK and packet.packet_id in self._logs:
            self.proxy.count["log answered"] += 1
            self._logs.discard(packet.packet_id)

    async def _later(self, packet: Packet, forward: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.proxy.random.uniform(0.05, OVERTAKES_WITHIN_S))
        if not forward.is_closing():
            forward.write(packet.encoded())


class Proxy:
    """`async with Proxy(port, random) as proxy`: clients connect to proxy.port."""

    def __init__(self, broker_port: int, random: Random) -> None:
        self.port = free_port()
        self.random = random
        self.fault: str | None = None
        self.changed = asyncio.Event()
        self.count: Counter[str] = Counter()
        self._broker_port = broker_port
        self._server: asyncio.Server | None = None
        self._lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=2**22)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.mend()
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def break_it(self, fault: str) -> None:
        self.fault = fault
        self.changed.clear()

    def mend(self) -> None:
        """The line is good again from here on."""
        fault, self.fault = self.fault, None
        self.changed.set()
        if fault in ENDS_IN_RESET:
            for line in list(self._lines):
                line.reset()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._broker_port, limit=2**22)
        except OSError:
            writer.transport.abort()
            return
        line = Line(self, writer, there_writer)
        self._lines.add(line)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(line.pump(reader, up=True))
                group.create_task(line.pump(there_reader, up=False))
        except* asyncio.CancelledError:
            pass
        finally:
            line.reset()
            self._lines.discard(line)
