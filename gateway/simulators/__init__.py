"""Finds simulators: one file per pretend device in a folder per class, or an entry point `backroom.simulators`.

A file is a simulator if it declares SIMULATOR, and it bears the name of the driver that it exercises; it is written
from the maker's manual and never imports that driver.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
import re
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import ConfigError
from gateway.peripherals import Simulator

ENTRY_POINTS = "backroom.simulators"
_DECLARES = re.compile(r"^SIMULATOR\b", re.MULTILINE)


def names() -> list[str]:
    """Every simulator there is, sorted, without importing one."""
    return sorted({*_files(), *_entry_points()})


def load(name: str) -> Simulator:
    """Import one simulator by its name.

    Raises:
        ConfigError: there is no such simulator; the text suggests the nearest one.
    """
    if name in (files := _files()):
        simulator = importlib.import_module(f"{__name__}.{files[name]}").SIMULATOR
    elif name in (elsewhere := _entry_points()):
        simulator = elsewhere[name].load()
    else:
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names())}"
        raise ConfigError(f"unknown simulator {name!r}; {hint}")
    if not isinstance(simulator, Simulator) or simulator.name != name:
        raise ConfigError(f"simulator {name!r}: its SIMULATOR is {simulator!r}; it must be a Simulator of this name")
    return simulator


@functools.cache  # every look-up would read all files again, and they do not change while a process runs
def _files() -> Mapping[str, str]:
    """Simulator name -> module name."""
    return {
        f"{path.parent.name}-{path.stem.replace('_', '-')}": f"{path.parent.name}.{path.stem}"
        for path in Path(__file__).parent.glob("*/[a-z]*.py")
        if _DECLARES.search(path.read_text(encoding="utf-8"))
    }


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
