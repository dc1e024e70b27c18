"""The virtual machine: QEMU under software emulation, its console, and QMP for what a hand would do at it.

Source: QEMU 7.2 documentation, "QEMU Machine Protocol", `send-key`, `device_add`, `device_del`; "USB emulation".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from lab.kernel import Kernel

#: what a US keyboard has each character on; enough for bar codes
KEYS = {**{digit: digit for digit in "0123456789"}, **{letter: letter for letter in "abcdefghijklmnopqrstuvwxyz"}}
KEYS |= {"-": "minus", ".": "dot", "/": "slash", "\n": "ret", "]": "bracket_right", " ": "spc"}


class Machine:
    """A running guest. lines(): what it says on its console; do(): a QMP command."""

    def __init__(self, process: asyncio.subprocess.Process, qmp: Path) -> None:
        self._process, self._qmp = process, qmp
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def lines(self) -> AsyncIterator[str]:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            yield line.decode(errors="replace").rstrip()

    async def do(self, command: str, **arguments: Any) -> Any:
        """One QMP command; raises RuntimeError with what QEMU answered."""
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_unix_connection(self._qmp)
            await self._reader.readline()
            await self._ask("qmp_capabilities", {})
        return await self._ask(command, arguments)

    async def _ask(self, command: str, arguments: dict[str, Any]) -> Any:
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        await self._writer.drain()
        while True:
            answer = json.loads(await self._reader.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    async def type(self, text: str, between_s: float = 0.02) -> None:
        """Type on the guest's USB keyboard, as a wedge scanner does: upper case holds shift."""
        for character in text:
            names = [KEYS[character.lower()]]
            if character.isupper():
                names.insert(0, "shift")
            await self.do("send-key", keys=[{"type": "qcode", "data": name} for name in names], **{"hold-time": 5})
            await asyncio.sleep(between_s)


@contextlib.asynccontextmanager
async def running(kernel: Kernel, folder: Path, run: str, adapter_ports: tuple[int, int]) -> AsyncIterator[Machine]:
    """run: the shell command of the guest. adapter_ports: where the far end of its USB serial adapter
    listens, before it is pulled out and after it was plugged in again (QEMU never lets go of the first).
    """
    qmp = folder / "qmp"
    command = [
        "qemu-system-x86_64",
        *("-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024", "-cpu", "max", "-nodefaults", "-no-reboot"),
        *("-display", "none", "-serial", "stdio", "-qmp", f"unix:{qmp},server=on,wait=off"),
        *("-kernel", str(kernel.image), "-initrd", str(kernel.initrd)),
        *("-append", f"console=ttyS0 quiet panic=-1 lab_run=[{run}]"),
        *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "qemu-xhci,id=xhci", "-device", "usb-kbd,bus=xhci.0,id=wedge"),
        *("-chardev", f"socket,id=far0,host=127.0.0.1,port={adapter_ports[0]},reconnect=1"),
        *("-chardev", f"socket,id=far1,host=127.0.0.1,port={adapter_ports[1]},reconnect=1"),
        *("-device", "usb-serial,bus=xhci.0,chardev=far0,always-plugged=on,id=serial0"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        yield Machine(process, qmp)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
