"""`backroom probe` speaks to any device on a URL; `backroom simulate` is any device, for somebody else's program."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from gateway import drivers, simulators
from gateway.clock import rfc3339
from gateway.devices.host import Host, PtyHost, TcpHost
from gateway.devices.session import Session
from gateway.devices.snapshot import Entry, Traffic
from gateway.devices.transport import open_transport
from gateway.errors import BackroomError, DeviceError
from gateway.peripherals import CheckHealth, DeviceClass, ReadWeight, Request

#: what probe asks again and again; a scanner speaks by itself
QUESTIONS: dict[DeviceClass, Request] = {
    DeviceClass.SCALE: ReadWeight(),
    DeviceClass.POS_PRINTER: CheckHealth(),
    DeviceClass.CASH_DRAWER: CheckHealth(),
    DeviceClass.LABEL_PRINTER: CheckHealth(),
    DeviceClass.PAYMENT_TERMINAL: CheckHealth(),
}
ASK_EVERY_S = 1.0


def probe(
    driver: Annotated[str, typer.Argument(help="a driver's name, such as scale-toledo-8217")],
    url: Annotated[str, typer.Argument(help="serial:///dev/serial/by-id/..., pty:///path or tcp://HOST:PORT")],
    hexadecimal: Annotated[bool, typer.Option("--hex", help="show the bytes on the line too")] = False,
    seconds: Annotated[float, typer.Option(help="how long; 0 is until Ctrl-C")] = 10.0,
    option: Annotated[list[str] | None, typer.Option(help="an option of the driver, key=value; repeat it")] = None,
) -> None:
    """Speak to one device and print what it says, one JSON object a line.

    A scale is asked for its weight each second, a printer, drawer or terminal for its status; nothing is printed,
    opened or charged.

    Examples:

      backroom probe scale-toledo-8217 "serial:///dev/serial/by-id/usb-X?baud=9600&parity=E&bits=7"

      backroom probe printer-escpos tcp://192.168.1.50:9100 --hex --seconds 3

      backroom probe scanner-line pty:///tmp/scanner --option suffix=tab
    """
    with plain_errors():
        options = {key: typed(value) for key, value in map(pair, option or [])}
        session = Session(
            "probe", drivers.load(driver), options, url, partial(open_transport, line=drivers.load(driver).line)
        )
        until_interrupted(_probe(session, hexadecimal, seconds))


async def _probe(session: Session, hexadecimal: bool, seconds: float) -> None:
    session.listen(lambda _, entry: _show(entry, hexadecimal))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(session.run())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds or None):
                while True:
                    await _question(session)
                    await asyncio.sleep(ASK_EVERY_S)
        running.cancel()


async def _question(session: Session) -> None:
    question = QUESTIONS.get(session.driver.device_class)
    try:
        if question is None:
            await session.connected()
        else:
            await session.ask(question)
    except DeviceError as refused:
        # A refusal that came from the device was shown as its event; one without a line has no event.
        if refused.reason in ("gone", "busy", "forbidden"):
            _line({"at": rfc3339(datetime.now(UTC)), "error": type(refused).__name__, "text": str(refused)})


def _show(entry: Entry, hexadecimal: bool) -> None:
    if isinstance(entry, Traffic):
        if hexadecimal:
            _line({"at": rfc3339(entry.at), "line": entry.direction, "hex": entry.data.hex(" "), "bytes": entry.size})
        return
    _line({"at": rfc3339(entry.at), "event": type(entry.event).__name__} | _facts(dataclasses.asdict(entry.event)))


def _facts(event: dict[str, Any]) -> dict[str, Any]:
    """Without the monotonic second of a weight, which means nothing outside this process."""
    return {key: _facts(value) if isinstance(value, dict) else value for key, value in event.items() if key != "at"}


def _line(facts: dict[str, Any]) -> None:
    typer.echo(json.dumps(facts, ensure_ascii=False, default=_as_json))


def _as_json(value: object) -> str:
    return value.hex(" ") if isinstance(value, bytes) else str(value)


def simulate(
    name: Annotated[str | None, typer.Argument(help="a simulator's name; without one they are listed")] = None,
    listen: Annotated[str | None, typer.Option(help="tcp://127.0.0.1:PORT; port 0 takes a free one")] = None,
    pty: Annotated[Path | None, typer.Option(help="where the pseudo terminal shall stand")] = None,
    knob: Annotated[list[str] | None, typer.Option("--set", help="turn a knob, key=value; repeat it")] = None,
) -> None:
    """Be one device, alone, for any program that wants to speak to it; until Ctrl-C.

    Further key=value lines on standard input turn knobs while it runs; unplug and plug do what they say.

    Examples:

      backroom simulate

      backroom simulate scale-toledo-8217 --pty /tmp/scale --set grams=450

      backroom simulate printer-escpos --listen tcp://127.0.0.1:9100 --set near_end=yes

      echo scan=4711234567899 | backroom simulate scanner-line --pty /tmp/scanner
    """
    with plain_errors():
        if name is None:
            list_simulators()
            return
        simulator = simulators.load(name)
        if (listen is None) == (pty is None):
            raise typer.BadParameter("say where: either --listen tcp://127.0.0.1:PORT or --pty PATH")
        host: Host = PtyHost(simulator.device(), pty) if pty else _tcp(simulator.device(), listen or "")
        until_interrupted(_serve(host, [pair(setting) for setting in knob or []]))


def list_simulators() -> None:
    for name in simulators.names():
        simulator = simulators.load(name)
        typer.echo(f"{name} ({simulator.device_class})")
        for knob, meaning in simulator.knobs.items():
            typer.echo(f"    {knob}: {meaning}")


def _tcp(device: Any, url: str) -> TcpHost:
    parts = urlsplit(url)
    if parts.scheme != "tcp" or not parts.hostname or parts.port is None:
        raise typer.BadParameter(f"--listen {url!r}: write tcp://127.0.0.1:PORT")
    return TcpHost(device, parts.hostname, parts.port)


async def _serve(host: Host, settings: list[tuple[str, str]]) -> None:
    for key, value in settings:
        host.set(key, value)
    async with host:
        typer.echo(f"listening on {host.url}; key=value turns a knob, Ctrl-C stops", err=True)
        async for line in typed_lines():
            await _said(host, line)
        await asyncio.Event().wait()


async def typed_lines() -> AsyncIterator[str]:
    """The lines of standard input as they come, until it ends."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop, descriptor, rest = asyncio.get_running_loop(), sys.stdin.fileno(), bytearray()

    def readable() -> None:
        data = os.read(descriptor, 4096)
        *whole, last = (bytes(rest) + data).split(b"\n")
        rest[:] = last
        for line in whole:
            lines.put_nowait(line.decode(errors="replace").strip())
        if not data:
            loop.remove_reader(descriptor)
            lines.put_nowait(None)

    try:
        loop.add_reader(descriptor, readable)
    except PermissionError:  # epoll watches no plain file and no /dev/null; those can be read at once
        for line in sys.stdin.read().splitlines():
            yield line.strip()
        return
    while (line := await lines.get()) is not None:
        yield line


async def _said(host: Host, line: str) -> None:
    try:
        if line in ("plug", "unplug"):
            await (host.plug() if line == "plug" else host.unplug())
        elif line:
            host.set(*pair(line))
    except (ValueError, typer.BadParameter) as wrong:
        typer.echo(f"not done: {wrong}", err=True)


def pair(setting: str) -> tuple[str, str]:
    key, sign, value = setting.partition("=")
    if not sign:
        raise typer.BadParameter(f"{setting!r}: write it as key=value")
    return key.strip(), value


def typed(value: str) -> Any:
    """As gateway.toml would read it: a whole number, a number, true or false, else text."""
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    return float(value) if re.fullmatch(r"-?[0-9]+\.[0-9]+", value) else value


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Say what is wrong in one line, without a traceback."""
    try:
        yield
    except (BackroomError, ValueError) as wrong:
        typer.echo(f"backroom: {wrong}", err=True)
        raise typer.Exit(2) from wrong


def until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work)
