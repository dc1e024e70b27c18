"""Byte lines to devices, by URL. Opened fresh for each connection, closed for good when it breaks.

    serial:///dev/serial/by-id/usb-...?baud=9600&parity=E&bits=7&stop=1     by pyserial, exclusive
    pty:///run/backroom/scale                                               a pseudo terminal, such as a simulator's
    tcp://192.168.1.50:9100                                                 with keep-alive
    tls://192.168.1.60:8443?ca=/etc/backroom/terminal-ca.pem                tcp, encrypted and verified; see tls.py
    hid://0c2e:0b61/SERIAL, hid:///dev/hidraw0                              reports of a HID device; see hid.py
    evdev:///dev/input/by-id/usb-...-event-kbd                              keys of a scanner, grabbed; see evdev.py
    usb://04b8:0202/SERIAL, lp:///dev/usb/lp0                               a printer without a serial port; see usb.py
    via://printer-1                                                         through another device; see via.py

Whatever goes wrong comes out as DeviceGone with a text that says what to do; reading from a line whose far end has gone
raises it too. Nothing here blocks: descriptors are non-blocking and watched by the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import re
import socket
import stat
import termios
import tty
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from gateway.errors import ConfigError, DeviceGone
from gateway.peripherals import ErrorCode, Line

SCHEMES = ("serial", "pty", "tcp", "tls", "hid", "evdev", "usb", "lp", "via")
READ_AT_MOST = 4096
CONNECT_S = 3.0
PTY_MAJORS = range(136, 144)  # Unix98 pty slaves, Linux Documentation/admin-guide/devices.txt
#: who may open a device file, where it is not dialout; Debian gives hidraw to nobody, so our udev rule does
GROUPS = {"/dev/hidraw": "plugdev", "/dev/input/": "input", "/dev/usb/": "lp"}
SERIAL_OPTIONS = {
    "baud": re.compile(r"[1-9][0-9]{2,6}", re.ASCII),
    "bits": re.compile(r"[5-8]", re.ASCII),
    "parity": re.compile(r"[NEO]"),
    "stop": re.compile(r"[12]", re.ASCII),
}


class Transport(Protocol):
    #: a TCP line may be half open: if the device stops answering, the session closes it and connects again
    reopen_when_silent: bool

    async def read(self) -> bytes:
        """The next bytes, at least one.

        Raises:
            DeviceGone: the line is broken.
        """
        ...

    async def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


async def open_transport(url: str, line: Line | None = None) -> Transport:
    """Open one line; `line` is what the maker ships, and the URL's own settings win over it.

    Raises:
        DeviceGone: it is not there, or somebody else has it (reason `busy`).
        ConfigError: the URL is none of the forms above.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "serial":
            return open_serial(parts.path, line_of(url, line))
        case "pty":
            return open_pty(parts.path)
        case "tcp":
            if not parts.hostname or not parts.port:
                raise ConfigError(f"{url}: write it as tcp://HOST:PORT")
            return await open_tcp(parts.hostname, parts.port)
        case "tls" | "hid" | "evdev" | "usb" | "lp":
            return await _open_seldom_used(url, parts.scheme)
        case _:
            text = f"{url}: a line is serial:///dev/serial/by-id/..., pty:///..., one of {', '.join(SCHEMES)}"
            raise ConfigError(text)


async def _open_seldom_used(url: str, scheme: str) -> Transport:
    """Each of these has a module of its own, which a box without such a device does not load."""
    match scheme:
        case "tls":
            from gateway.devices.tls import open_tls  # noqa: PLC0415

            return await open_tls(url)
        case "hid":
            from gateway.devices.hid import open_hid  # noqa: PLC0415

            return open_hid(url)
        case "evdev":
            from gateway.devices.evdev import open_evdev  # noqa: PLC0415

            return open_evdev(url)
        case "usb":
            from gateway.devices.usb import open_usb  # noqa: PLC0415

            return await open_usb(url)
        case _:
            from gateway.devices.usb import open_lp  # noqa: PLC0415

            return await open_lp(urlsplit(url).path)


def line_of(url: str, line: Line | None = None) -> Line:
    """baud, bits, parity and stop: from the URL, else from the maker's line, else 9600 8N1."""
    line = line or Line(9600)
    for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name not in SERIAL_OPTIONS:
            raise ConfigError(f"{url}: unknown setting {name!r}; there are {', '.join(SERIAL_OPTIONS)}")
        if not SERIAL_OPTIONS[name].fullmatch(value):
            raise ConfigError(f"{url}: {name} cannot be {value!r}")
        match name:
            case "baud":
                line = replace(line, baud=int(value))
            case "bits":
                line = replace(line, bits=int(value))
            case "parity":
                line = replace(line, parity=value)
            case "stop":
                line = replace(line, stop=int(value))
    return line


def gone(what: str, problem: OSError) -> DeviceGone:
    """The operating system's complaint in words for the shop's floor."""
    match problem.errno:
        case errno.EBUSY | errno.EAGAIN:
            text = f"{what}: another program has it open; stop that program"
            return DeviceGone(text, reason="busy", code=ErrorCode.CLAIMED)
        case errno.EACCES | errno.EPERM:
            group = next((group for begin, group in GROUPS.items() if what.startswith(begin)), "dialout")
            text = f"{what}: not allowed to open it; add the user to the group {group}"
            return DeviceGone(text, reason="forbidden", code=ErrorCode.NOHARDWARE)
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            text = f"{what}: not plugged in; plug it in"
        case errno.ECONNREFUSED:
            text = f"{what}: nobody listens there, or another till is printing; check the address"
        case _:
            text = f"{what}: {problem.strerror or problem}; check cable and power"
    return DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE)


class DescriptorTransport:
    """A terminal, real or pseudo. Watches its descriptor only while somebody waits for it."""

    reopen_when_silent = False

    def __init__(self, what: str, descriptor: int) -> None:
        self.what = what
        self._descriptor = descriptor
        self._waits: set[asyncio.Future[None]] = set()

    async def read(self) -> bytes:
        while True:
            self._must_be_open()
            try:
                data = self._take(self._descriptor)
            except BlockingIOError:
                await self._ready(for_writing=False)
                continue
            except OSError as problem:
                raise gone(self.what, problem) from problem
            if data == b"":
                raise DeviceGone(f"{self.what}: unplugged; plug it in", reason="gone", code=ErrorCode.NOHARDWARE)
            if data is not None:
                return data

    def _take(self, descriptor: int) -> bytes | None:
        """What there is now; b"" at the end of the line, None for something that is not worth a word."""
        return os.read(descriptor, READ_AT_MOST)

    async def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._must_be_open()
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                await self._ready(for_writing=True)
            except OSError as problem:
                raise gone(self.what, problem) from problem

    async def _ready(self, for_writing: bool) -> None:
        loop = asyncio.get_running_loop()
        watch, unwatch = (loop.add_writer, loop.remove_writer) if for_writing else (loop.add_reader, loop.remove_reader)
        ready: asyncio.Future[None] = loop.create_future()

        def is_ready() -> None:
            if not ready.done():
                ready.set_result(None)

        watch(self._descriptor, is_ready)
        self._waits.add(ready)
        try:
            await ready
        finally:
            self._waits.discard(ready)
            if self._descriptor >= 0:
                unwatch(self._descriptor)

    def _must_be_open(self) -> None:
        if self._descriptor < 0:
            raise DeviceGone(f"{self.what}: closed", reason="gone", code=ErrorCode.CLOSED)

    def close(self) -> None:
        if self._descriptor < 0:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._descriptor)
        loop.remove_writer(self._descriptor)
        descriptor, self._descriptor = self._descriptor, -1
        # Closing waits up to 30 s for unsent bytes if the device holds its handshake line down.
        with contextlib.suppress(termios.error):
            termios.tcflush(descriptor, termios.TCOFLUSH)
        self._release(descriptor)
        self._wake()

    def _release(self, descriptor: int) -> None:
        """Give it back to the system, for nobody here uses it any more."""
        os.close(descriptor)

    def _wake(self) -> None:
        """Let whoever waits look again."""
        for ready in self._waits:
            if not ready.done():
                ready.set_result(None)


def open_serial(path: str, line: Line) -> Transport:
    """A serial port by pyserial, which sets the line and takes the exclusive lock; we keep its descriptor only."""
    if is_pty(path):
        # A pty takes 7E1 once and then says EINVAL, and it has no parity anyway.
        return open_pty(path)
    import serial  # noqa: PLC0415 -- 2 MiB that a box without serial ports does not pay

    try:
        port = serial.Serial(
            path,
            baudrate=line.baud,
            bytesize=line.bits,
            parity=line.parity,
            stopbits=line.stop,
            timeout=0,
            exclusive=True,
        )
    except serial.SerialException as problem:
        number = getattr(problem, "errno", None)
        raise gone(path, OSError(number or errno.EIO, str(problem))) from problem
    except (termios.error, ValueError) as problem:
        raise gone(
            path, OSError(errno.EINVAL, f"it does not take {line.baud} baud {line.bits}{line.parity}{line.stop}")
        ) from problem
    # pyserial would keep four pipes open beside it. The lock belongs to the open file and lives on in the duplicate.
    descriptor = os.dup(port.fileno())
    port.close()
    # pyserial leaves VMIN at 0, with which a read of an idle line returns nothing at all, as if it were unplugged.
    attributes = termios.tcgetattr(descriptor)
    attributes[6][termios.VMIN] = 1
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
    return DescriptorTransport(path, descriptor)


def is_pty(path: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) in PTY_MAJORS


def open_pty(path: str) -> Transport:
    """The slave side of a pseudo terminal: raw, 8 bits, locked as pyserial locks a port, old input thrown away."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise gone(path, problem) from problem
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tty.setraw(descriptor)
        termios.tcflush(descriptor, termios.TCIFLUSH)
    except OSError as problem:
        os.close(descriptor)
        raise gone(path, problem) from problem
    except termios.error as problem:
        os.close(descriptor)
        raise gone(path, OSError(problem.args[0], str(problem.args[1]))) from problem
    return DescriptorTransport(path, descriptor)


class TcpTransport:
    reopen_when_silent = True

    def __init__(self, what: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.what = what
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(READ_AT_MOST)
        except OSError as problem:
            raise gone(self.what, problem) from problem
        if not data:
            text = f"{self.what}: closed the connection; check whether another till uses it"
            raise DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE)
        return data

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as problem:
            raise gone(self.what, problem) from problem

    def close(self) -> None:
        # Abort, not close: a printer whose cable was pulled would else keep the socket and its unsent bytes alive.
        self._writer.transport.abort()


async def open_tcp(host: str, port: int) -> Transport:
    what = f"tcp://{host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=READ_AT_MOST * 4)
    except TimeoutError as late:
        text = f"{what}: no connection within {CONNECT_S:.0f} s; check power, cable and address"
        raise DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE) from late
    except OSError as problem:
        raise gone(what, problem) from problem
    keep_alive(writer.get_extra_info("socket"))
    # drain() then means that the system took every byte, and not that they wait in a buffer which close() throws away.
    writer.transport.set_write_buffer_limits(high=0)
    return TcpTransport(what, reader, writer)


def keep_alive(line: socket.socket) -> None:
    """Find out within half a minute that the far end lost its power; send at once what is written."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
