"""Who is here: retained state (also the will), birth, one retained message per device, and metrics each minute.

Metrics also go out soon after something moved (a sale, an acknowledgement, a device), at most every half second, so
that headquarters sees a queue grow while it grows.
Contract: retail/wire/presence.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from gateway.mqtt.link import LinkDown, Publication
from retail.wire.payload import pack
from retail.wire.presence import Birth, DeviceState, Metrics, State
from retail.wire.topics import GatewayTopics

METRICS_EVERY_S = 60.0
METRICS_LEAST_S = 0.5

StateWord = Literal["init", "ready", "degraded", "stopped", "lost"]


class Presence:
    """facts are functions, asked at the moment they are sent.

    state: makes a State message from its word and the session number.
    """

    def __init__(
        self,
        topics: GatewayTopics,
        publish: Callable[[Publication], Awaitable[int]],
        state: Callable[[StateWord, int], State],
        birth: Callable[[int], Birth],
        metrics: Callable[[int], Metrics],
        devices: Callable[[], list[DeviceState]],
    ) -> None:
        self._topics = topics
        self._publish = publish
        self._state = state
        self._birth = birth
        self._metrics = metrics
        self._devices = devices
        self._moved = asyncio.Event()
        self._up = asyncio.Event()
        self._session = 0
        self._told: dict[str, DeviceState] = {}

    def will(self, session: int) -> Publication:
        return Publication(self._topics.state, pack(self._state("lost", session)), retain=True)

    def moved(self) -> None:
        """Something worth a look has changed."""
        self._moved.set()

    async def link_up(self, session: int) -> None:
        self._session = session
        self._told.clear()
        await self._publish(Publication(self._topics.state, pack(self._state("ready", session)), retain=True))
        await self._publish(Publication(self._topics.birth, pack(self._birth(session)), retain=True))
        self._up.set()
        self._moved.set()

    def link_down(self) -> None:
        self._up.clear()

    async def stopping(self) -> None:
        """The last word before a clean goodbye."""
        if self._up.is_set():
            try:
                async with asyncio.timeout(2.0):
                    word = pack(self._state("stopped", self._session))
                    await self._publish(Publication(self._topics.state, word, retain=True))
            except (LinkDown, TimeoutError):
                pass

    async def run(self) -> None:
        while True:
            await self._up.wait()
            try:
                async with asyncio.timeout(METRICS_EVERY_S):
                    await self._moved.wait()
            except TimeoutError:
                pass
            self._moved.clear()
            try:
                await self._tell()
            except LinkDown:
                continue
            await asyncio.sleep(METRICS_LEAST_S)

    async def _tell(self) -> None:
        for device in self._devices():
            if self._told.get(device.id) != device:
                topic = self._topics.device(device.device_class, device.id)
                await self._publish(Publication(topic, pack(device), retain=True))
                self._told[device.id] = device
        await self._publish(Publication(self._topics.metrics, pack(self._metrics(self._session))))
