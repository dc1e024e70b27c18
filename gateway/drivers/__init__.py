"""Finds drivers: one file per protocol in a folder per device class, or an entry point `backroom.drivers` of others.

A file is a driver if it declares DRIVER; the driver `scale-toledo-8217` stands in scale/toledo_8217.py. Only the driver
asked for is imported: a box with one scanner does not pay for the printer's library.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import ConfigError
from gateway.peripherals import Driver

ENTRY_POINTS = "backroom.drivers"
_DECLARES = re.compile(r"^DRIVER\b", re.MULTILINE)


def names() -> list[str]:
    """Every driver there is, sorted, without importing one."""
    return sorted({*_files(), *_entry_points()})


def load(name: str) -> Driver:
    """Import one driver by its name.

    Raises:
        ConfigError: there is no such driver; the text suggests the nearest one.
    """
    if module := _files().get(name):
        driver = importlib.import_module(f"{__name__}.{module}").DRIVER
    elif name in (elsewhere := _entry_points()):
        driver = elsewhere[name].load()
    else:
        raise ConfigError(f"unknown driver {name!r}; {_suggestion(name)}")
    if not isinstance(driver, Driver) or driver.name != name:
        raise ConfigError(f"driver {name!r}: its DRIVER is {driver!r}; it must be a Driver with this very name")
    return driver


def _suggestion(name: str) -> str:
    known = names()
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


@functools.cache  # every look-up would read all files again, and they do not change while a process runs
def _files() -> Mapping[str, str]:
    """Driver name -> module name."""
    return {
        f"{path.parent.name}-{path.stem.replace('_', '-')}": f"{path.parent.name}.{path.stem}"
        for path in Path(__file__).parent.glob("*/[a-z]*.py")
        if _DECLARES.search(path.read_text(encoding="utf-8"))
    }


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    # Imported here: it costs more than all drivers together, and a box with our own drivers only never needs it.
    import importlib.metadata

    return {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
