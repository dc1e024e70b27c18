"""All devices of the box: their sessions by id, run side by side so that none pulls down another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from gateway.devices.hotplug import Hotplug
from gateway.devices.plugged import wanted
from gateway.devices.session import BackOff, Listener, Session, utc_now
from gateway.devices.snapshot import Snapshot
from gateway.devices.transport import SCHEMES, Transport, line_of, open_transport
from gateway.devices.via import open_via
from gateway.errors import ConfigError, DeviceGone
from gateway.peripherals import Driver, ErrorCode, Line, Request, Result

log = logging.getLogger(__name__)

#: a session ends only by being cancelled; one that does otherwise is a mistake of ours, and starts again after this
RESTART_S = 5.0


class Manager:
    """Add devices, then run; sessions may be added while it runs.

    open_line: opens any URL but via://; tests and adapters hand in their own.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        wall: Callable[[], datetime] = utc_now,
        open_line: Callable[[str, Line | None], Any] = open_transport,
        back_off: BackOff = BackOff(),  # noqa: B008 -- frozen
    ) -> None:
        self._monotonic, self._wall, self._open_line, self._back_off = monotonic, wall, open_line, back_off
        self._sessions: dict[str, Session] = {}
        self._listeners: list[Listener] = []
        self._group: asyncio.TaskGroup | None = None

    @property
    def sessions(self) -> Mapping[str, Session]:
        return MappingProxyType(self._sessions)

    def add(self, device_id: str, driver: Driver, url: str, options: Mapping[str, Any] | None = None) -> Session:
        """Put one more device under its id.

        Raises:
            ConfigError: the id is taken, the URL is not one, or an option is unknown.
        """
        if device_id in self._sessions:
            raise ConfigError(f"device {device_id!r} stands twice in the configuration; rename one")
        _check_url(device_id, url)
        session = Session(
            device_id,
            driver,
            options or {},
            url,
            partial(self._open, device_id),
            self._monotonic,
            wall=self._wall,
            back_off=self._back_off,
        )
        self._sessions[device_id] = session
        session.listen(self._heard)
        if self._group is not None:
            self._group.create_task(self._look_after(session), name=device_id)
        return session

    def session(self, device_id: str) -> Session:
        """The session under this id.

        Raises:
            DeviceGone: there is none; the text names those there are.
        """
        if device_id not in self._sessions:
            text = f"no device {device_id!r}; there are {', '.join(sorted(self._sessions)) or 'none'}"
            raise DeviceGone(text, reason="unknown_device", code=ErrorCode.NOEXIST)
        return self._sessions[device_id]

    async def ask(self, device_id: str, request: Request, timeout_s: float | None = None) -> Result | None:
        return await self.session(device_id).ask(request, timeout_s)

    def snapshots(self) -> list[Snapshot]:
        return [session.snapshot() for session in self._sessions.values()]

    def listen(self, callback: Listener) -> Callable[[], None]:
        """As Session.listen, for every device there is or will be."""
        self._listeners.append(callback)

        def unlisten() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return unlisten

    def _heard(self, device_id: str, entry: Any) -> None:
        for listener in list(self._listeners):
            try:
                listener(device_id, entry)
            except Exception:  # one listener's mistake must not keep the event from the others
                log.exception("a listener failed at an event of %s", device_id, extra={"device": device_id})

    async def settled(self, within_s: float) -> list[str]:
        """Wait until each device is claimed or known to be absent; return those of which neither is known in time."""
        tries = {name: asyncio.create_task(session.tried()) for name, session in self._sessions.items()}
        if tries:
            await asyncio.wait(tries.values(), timeout=within_s)
        late = [name for name, task in tries.items() if not task.done()]
        for name in late:
            tries[name].cancel()
        return late

    async def run(self) -> None:
        """Run every session until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(Hotplug(self._plugged).run(), name="hotplug")
                for device_id, session in self._sessions.items():
                    group.create_task(self._look_after(session), name=device_id)
                await asyncio.Event().wait()
        finally:
            self._group = None

    def _plugged(self) -> None:
        for session in self._sessions.values():
            session.plugged()

    async def _look_after(self, session: Session) -> None:
        while True:
            try:
                await session.run()
            except Exception:  # a mistake of ours in one session must not end the others; it starts again
                log.exception("session failed: %s", session.device_id, extra={"device": session.device_id})
            await asyncio.sleep(RESTART_S)

    async def _open(self, device_id: str, url: str) -> Transport:
        if others := self.rivals(device_id):
            text = f"{url} is also claimed by {', '.join(others)}; nobody gets it until the configuration names one"
            raise DeviceGone(text, reason="claimed_twice", code=ErrorCode.CLAIMED)
        if url.startswith("via://"):
            host = urlsplit(url).netloc
            return await open_via(host, self.session(host))
        line: Transport = await self._open_line(url, self._sessions[device_id].driver.line)
        return line

    def rivals(self, device_id: str) -> list[str]:
        """Other devices configured on this one's line, under whatever name. Two drawers may share a printer."""
        mine = claim(self._sessions[device_id].url)
        if mine.startswith("via://"):
            return []
        return [other for other, session in self._sessions.items() if other != device_id and claim(session.url) == mine]


def claim(url: str) -> str:
    """What a URL lays claim to: the device file behind all its links, or the host and port.

    A USB device named by its numbers is its device file while it is plugged in, and its numbers while it is not.
    """
    parts = urlsplit(url)
    if parts.scheme in ("serial", "pty", "lp"):
        return os.path.realpath(parts.path)
    if parts.scheme in ("hid", "evdev"):
        with contextlib.suppress(DeviceGone):
            return os.path.realpath(_path_of(url))
    if parts.scheme in ("hid", "evdev", "usb"):
        return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}?{parts.query}"
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _path_of(url: str) -> str:
    """The device file that a hid:// or evdev:// URL means now; the modules load only where there is such a device."""
    if url.startswith("hid:"):
        from gateway.devices import hid  # noqa: PLC0415

        return hid.path_of(url)
    from gateway.devices import evdev  # noqa: PLC0415

    return evdev.path_of(url)


def _check_url(device_id: str, url: str) -> None:
    """Raises ConfigError, naming the device, where the URL could never be opened."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ConfigError(
            f"{device_id}: {url!r} is no line; write serial:///dev/serial/by-id/..., tcp://HOST:PORT, ..."
        )
    try:
        match parts.scheme:
            case "serial":
                line_of(url)
            case "tls":
                from gateway.devices.tls import far_of  # noqa: PLC0415

                far_of(url)
            case "usb":
                from gateway.devices.usb import ids_of  # noqa: PLC0415

                ids_of(url)
            case "hid" | "evdev":
                wanted(url)
        complete = bool(parts.hostname and parts.port) if parts.scheme == "tcp" else bool(parts.netloc or parts.path)
    except ConfigError as problem:
        raise ConfigError(f"{device_id}: {problem}") from problem
    except ValueError:
        complete = False
    needs_path = parts.scheme in ("serial", "pty", "lp")
    if not complete or (needs_path and not parts.path) or (parts.scheme == "via" and not parts.netloc):
        raise ConfigError(f"{device_id}: {url!r} is incomplete")
