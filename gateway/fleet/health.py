"""How the box is: model, serial, disk, memory, temperature. Read from Linux; what a machine does not have is None."""

from __future__ import annotations

import ctypes
import gc
import os
import shutil
from pathlib import Path

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
LARGE_BYTES = 128 * 1024

DEVICE_TREE = Path("/sys/firmware/devicetree/base")  # /proc/device-tree is a link to it, and may be hidden
MODEL = DEVICE_TREE / "model"
SERIAL = DEVICE_TREE / "serial-number"
DMI_MODEL = Path("/sys/class/dmi/id/product_name")
MACHINE_ID = Path("/etc/machine-id")
TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")


def model() -> str:
    """`Raspberry Pi 4 Model B Rev 1.4`, or what a PC's firmware calls it."""
    return _first_line(MODEL) or _first_line(DMI_MODEL) or "unknown"


def serial() -> str:
    return _first_line(SERIAL) or _first_line(MACHINE_ID) or "unknown"


def disk_used_percent(folder: Path) -> float:
    """As df(1) reckons it: of what this user may use."""
    usage = shutil.disk_usage(folder)
    return round(100 * usage.used / (usage.used + usage.free), 1)


def memory_rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def cpu_temperature_c() -> float | None:
    text = _first_line(TEMPERATURE)
    return round(int(text) / 1000, 1) if text and text.lstrip("-").isdigit() else None


def keep_memory_together() -> None:
    """One heap for all threads, so that memory can be given back at all; call it before the first thread.

    glibc's default, a heap per thread, held 8 MiB more after the imports of other threads (mallopt(3), M_ARENA_MAX).
    By itself it also learns to keep a large block once one was freed, and then holds the 16 MiB of each PIN that was
    checked (M_MMAP_THRESHOLD).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def give_memory_back() -> None:
    """Hand memory that start-up needed only for a moment back to the system (malloc_trim(3)): about 10 MiB of 80."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _first_line(path: Path) -> str | None:
    try:
        text = path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None
    return text.splitlines()[0] if text else None
