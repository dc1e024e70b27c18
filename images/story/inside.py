"""A shell in the box, by the key that the technician put on its card."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gateway.errors import BackroomError

GADGETS = Path(__file__).parents[2] / "lab" / "gadgets.py"
PRINTER = Path(__file__).parent / "guest_printer.py"
#: the application's own libraries, with Debian's Python
RUN = "cd /run/image-test && PYTHONPATH=/opt/backroom/current/lib exec python3 -B guest_printer.py"


class Inside:
    """root on the box. folder: for the key."""

    def __init__(self, folder: Path, port: int) -> None:
        self._key = folder / "key"
        self._port = port
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(self._key)], check=True)

    @property
    def public(self) -> str:
        return self._key.with_suffix(".pub").read_text()

    def _ssh(self, command: str) -> list[str]:
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=120",
                   "ServerAliveInterval=60", "ServerAliveCountMax=10")  # fmt: skip
        words = [word for option in options for word in ("-o", option)]
        return ["ssh", "-i", str(self._key), "-p", str(self._port), *words, "root@127.0.0.1", command]

    async def run(self, command: str, stdin: bytes = b"", within_s: float = 240) -> str:
        """Its output; raises BackroomError where it fails."""
        process = await asyncio.create_subprocess_exec(
            *self._ssh(command),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin), within_s)
        except TimeoutError:
            process.kill()
            raise BackroomError(f"ssh: {command!r} did not end within {within_s:.0f} s") from None
        if process.returncode:
            raise BackroomError(f"ssh: {command!r} ended with {process.returncode}: {err.decode(errors='replace')}")
        return out.decode(errors="replace")

    async def refused(self, command: str) -> bool:
        """Whether the box lets even root not do it."""
        try:
            await self.run(command)
        except BackroomError:
            return True
        return False

    @contextlib.asynccontextmanager
    async def printer(self) -> AsyncIterator[Printer | None]:
        """Plug a pretend USB printer in; None where the kernel offers no dummy_hcd."""
        await self.run("mkdir -p /run/image-test")
        for file in (GADGETS, PRINTER):
            await self.run(f"cat >/run/image-test/{file.name}", file.read_bytes())
        process = await asyncio.create_subprocess_exec(
            *self._ssh(RUN),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printer = Printer(process)
        try:
            first = await printer.next(240)
            yield printer if first["offered"] else None
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 60)
            except TimeoutError:
                process.kill()
                await process.wait()


class Printer:
    """What comes out of it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def next(self, within_s: float) -> dict[str, Any]:
        """The next line that it says of itself."""
        said: list[str] = []
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(within_s):
                while line := (await self._process.stdout.readline()).decode(errors="replace"):
                    if line.startswith("{"):
                        facts: dict[str, Any] = json.loads(line)
                        return facts
                    said.append(line)
        except TimeoutError:
            raise BackroomError(
                f"the printer said nothing within {within_s:.0f} s; before: {''.join(said)[-500:]}"
            ) from None
        raise BackroomError(f"the printer ended: {''.join(said)[-800:]}")

    async def receipt_of(self, number: str, within_s: float) -> str:
        """The receipt that shows this number; those before it are of earlier sales."""
        while True:
            text = str((await self.next(within_s))["receipt"])
            if number in text:
                return text
