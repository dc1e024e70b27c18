"""Writes docs/devices.md from the drivers and simulators themselves, so that it can name none that is not there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path

from gateway import drivers, simulators
from gateway.peripherals import Driver

PATH = Path("docs/devices.md")
HEAD = """# Devices

<!-- Written by tools/device_document.py from the drivers themselves; change those, then `make docs`. -->

A driver is one file in `gateway/drivers/`. `backroom probe DRIVER URL` speaks to a device on any line and prints what
it says as JSON lines. For each driver there is a pretend device, `backroom simulate NAME`, written from the maker's
manual.

| driver | class | line as shipped | in one sentence |
|---|---|---|---|
"""
URLS = """
Lines, as they are written in `gateway.toml` and on the command line:

| URL | what it is |
|---|---|
| `serial:///dev/serial/by-id/NAME?baud=9600&bits=7&parity=E&stop=1` | a serial port or USB adapter, for us alone |
| `tcp://HOST:PORT` | a network printer, or a serial port behind a terminal server |
| `pty:///PATH` | a pseudo terminal, such as a simulator's |
| `via://DEVICE` | through another device: a drawer on a printer's kick connector |
"""


def render() -> str:
    """The whole document."""
    every = [drivers.load(name) for name in drivers.names()]
    rows = "".join(
        f"| [{driver.name}](#{driver.name}) | {driver.device_class} | {line(driver)} | {summary(driver)} |\n"
        for driver in every
    )
    return HEAD + rows + URLS + "".join(section(driver) for driver in every)


def docstring(driver: Driver) -> str:
    return importlib.import_module(driver.codec.__module__).__doc__ or ""


def summary(driver: Driver) -> str:
    return docstring(driver).split("\n\n")[0].replace("\n", " ").strip()


def source(driver: Driver) -> str:
    """The docstring's paragraph that begins with Source, on one line."""
    found = re.search(r"^Source:(.*?)(?:\n\n|\n\S|\Z)", docstring(driver), re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def line(driver: Driver) -> str:
    if driver.line is None:
        return "its own"
    return f"{driver.line.baud} {driver.line.bits}{driver.line.parity}{driver.line.stop}"


def section(driver: Driver) -> str:
    parts = [f"\n## {driver.name}\n", f"{summary(driver)}\n", f"Source: {source(driver)}\n"]
    if driver.options:
        parts.append("| option | meaning |\n|---|---|\n" + table(driver.options))
    if driver.name in simulators.names():
        knobs = simulators.load(driver.name).knobs
        parts.append(f"Try it without the device:\n\n```sh\nbackroom simulate {driver.name} --pty /tmp/{driver.name}")
        parts[-1] += f"\nbackroom probe {driver.name} pty:///tmp/{driver.name} --hex   # in a second terminal\n```\n"
        parts.append("| knob of the simulator | meaning |\n|---|---|\n" + table(knobs))
    return "\n".join(parts)


def table(entries: Mapping[str, str]) -> str:
    return "".join(f"| `{name}` | {escaped(meaning)} |\n" for name, meaning in entries.items())


def escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
