"""The box: QEMU under software emulation with one disk that has the image's own boot loader and kernel.

Emulation only: /dev/kvm may be there and not work, and another architecture never has it.
Source: QEMU 7.2, "-netdev user" (guestfwd, hostfwd, restrict), "Firmware"; systemd, kernel-command-line(7).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from gateway.demo.broker import free_port
from gateway.errors import BackroomError
from lab.machine import Machine

#: where the box finds headquarters' broker; QEMU hands it to a port of this machine
HEADQUARTERS = ("10.0.2.100", 1883)
MACHINE = {
    "amd64": ("qemu-system-x86_64", "-M", "q35", "-cpu", "max"),
    "arm64": ("qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72"),
}
#: (code, variables): UEFI as a PC's, or as an ARM server's, brings it
UEFI = {
    "amd64": (Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),
    "arm64": (Path("/usr/share/AAVMF/AAVMF_CODE.fd"), Path("/usr/share/AAVMF/AAVMF_VARS.fd")),
}
CONSOLE = {"amd64": "ttyS0", "arm64": "ttyAMA0"}
#: on the console these mean that it will never be ready
LOST = re.compile(
    r"emergency mode|emergency\.target|Kernel panic|backroom: (no partition|/dev/\S+ cannot|it could not)"
)
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Lost(BackroomError):
    """The box fell over, or did not do in time what it should."""


class Box:
    """One box of one card; started, cut off and started again. ports: of this machine, to ports of the box."""

    def __init__(self, arch: str, card: Path, folder: Path, broker_port: int, adapter_port: int) -> None:
        self._arch, self._card, self._folder = arch, card, folder
        self._broker_port, self._adapter_port = broker_port, adapter_port
        self.ports = {80: free_port(), 8380: free_port(), 22: free_port()}
        #: the two ends of a cable in its second network port, as datagram ports: a neighbour's, and the box's
        self.cable = (free_port(), free_port())
        self.console: list[str] = []
        self.machine: Machine | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starts = 0
        for code in UEFI[arch]:
            if not code.exists():
                raise BackroomError(f"{code} is missing; 'bash tools/setup.sh image' installs it")
        shutil.copyfile(UEFI[arch][1], self._variables)

    @property
    def _variables(self) -> Path:
        return self._folder / "uefi-variables.fd"

    async def start(self, clock: str = "utc") -> None:
        """clock: what its clock chip says, such as 2001-01-01T00:00:00 where its battery is flat, or there is none."""
        self._starts += 1
        self.console = []
        qmp = self._folder / f"qmp-{self._starts}"
        said = (self._folder / f"qemu-{self._starts}.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            *self._command(qmp, clock), stdout=asyncio.subprocess.PIPE, stderr=said, stdin=asyncio.subprocess.DEVNULL
        )
        said.close()
        self.machine = Machine(self._process, qmp)
        self._reading = asyncio.create_task(self._read(self.machine, self._folder / f"console-{self._starts}.log"))

    def _command(self, qmp: Path, clock: str) -> list[str]:
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{ours}-:{theirs}" for theirs, ours in self.ports.items())
        broker = f"guestfwd=tcp:{HEADQUARTERS[0]}:{HEADQUARTERS[1]}-cmd:socat STDIO TCP4:127.0.0.1:{self._broker_port}"
        return [
            *MACHINE[self._arch],
            *("-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024", "-nodefaults", "-no-reboot", "-display", "none"),
            *("-drive", f"if=pflash,format=raw,readonly=on,file={UEFI[self._arch][0]}"),
            *("-drive", f"if=pflash,format=raw,file={self._variables}"),
            *("-drive", f"file={self._card},format=raw,if=none,id=card", "-device", "virtio-blk-pci,drive=card"),
            *(
                "-netdev",
                f"user,id=net,restrict=on,{broker}{forwards}",
                "-device",
                "virtio-net-pci,netdev=net,romfile=",
            ),
            *("-netdev", f"socket,id=cable,udp=127.0.0.1:{self.cable[0]},localaddr=127.0.0.1:{self.cable[1]}"),
            *("-device", "virtio-net-pci,netdev=cable,romfile="),
            # It is there to be seen, not to bite: an emulated box is starved for longer than 15 s now and then.
            *("-device", "i6300esb", "-action", "watchdog=none"),
            *("-device", "qemu-xhci,id=xhci", "-device", "usb-kbd,bus=xhci.0,id=wedge", "-device", "virtio-rng-pci"),
            *("-chardev", f"socket,id=scale,host=127.0.0.1,port={self._adapter_port},reconnect=1"),
            *("-rtc", f"base={clock}", "-serial", "stdio", "-qmp", f"unix:{qmp},server=on,wait=off"),
        ]

    async def _read(self, machine: Machine, log: Path) -> None:
        with log.open("w", encoding="utf-8") as kept:
            async for line in machine.lines():
                text = COLOURS.sub("", line).strip()
                if text:
                    self.console.append(text)
                    kept.write(text + "\n")
                    kept.flush()

    # --- waiting ----------------------------------------------------------------------------------------------------

    async def until_said(self, pattern: str, within_s: float) -> None:
        """Wait for a line of the console."""
        wanted = re.compile(pattern)

        async def said() -> bool:
            return any(wanted.search(line) for line in self.console)

        await self.until(f"its console says {pattern!r}", said, within_s)

    async def until(self, what: str, holds: Callable[[], Awaitable[bool]], within_s: float) -> None:
        """Wait for a condition; a box that fell over, or a time that ran out, is an error with its last words."""
        try:
            async with asyncio.timeout(within_s):
                while not await holds():
                    self.alive()
                    await asyncio.sleep(0.25)
        except TimeoutError:
            raise Lost(f"after {within_s:.0f} s it does not hold that {what}; {self._last_words()}") from None

    def alive(self) -> None:
        """Raises Lost where it is not."""
        for line in self.console:
            if LOST.search(line):
                raise Lost(f"the box fell over: {line}; {self._last_words()}")
        if self._process is None or self._process.returncode is not None:
            code = None if self._process is None else self._process.returncode
            raise Lost(f"QEMU ended ({code}); {self._last_words()}")

    def _last_words(self) -> str:
        tail = "\n  ".join(self.console[-15:])
        return f"console and QEMU's words are in {self._folder}; the console's last:\n  {tail}"

    # --- ending -----------------------------------------------------------------------------------------------------

    async def cut(self) -> None:
        """Take its power away."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self._ended()

    async def power_off(self, within_s: float) -> None:
        """Press its power button, and wait."""
        assert self.machine is not None
        assert self._process is not None
        await self.machine.do("system_powerdown")
        try:
            await asyncio.wait_for(self._process.wait(), within_s)
        except TimeoutError:
            raise Lost(f"it did not switch off within {within_s:.0f} s; {self._last_words()}") from None
        await self._ended()

    async def _ended(self) -> None:
        if self._process is not None:
            await self._process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)


@contextlib.asynccontextmanager
async def box(arch: str, card: Path, folder: Path, broker_port: int, adapter_port: int) -> AsyncIterator[Box]:
    """A box that is off, and is off again afterwards."""
    made = Box(arch, card, folder, broker_port, adapter_port)
    try:
        yield made
    finally:
        await made.cut()
