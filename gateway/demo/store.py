"""The pretend devices of one store, each on a line of its own.

A scanner, a scale and a customer display on pseudo terminals; a printer with its drawer and a card terminal on TCP.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.devices.host import Host, PtyHost, TcpHost
from gateway.simulators import load


class PretendStore:
    """start() plugs everything in; the knobs are methods; unplug and plug act on one device by name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.scanner = PtyHost(load("scanner-line").device(), folder / "scanner-1")
        self.scale = PtyHost(load("scale-toledo-8217").device(), folder / "scale-1")
        self.printer = TcpHost(load("printer-escpos").device())
        self.terminal = TcpHost(load("terminal-zvt").device())
        self.display = PtyHost(load("display-cd5220").device(), folder / "display-1")
        self.hosts: dict[str, Host] = {
            "scanner": self.scanner,
            "scale": self.scale,
            "printer": self.printer,
            "terminal": self.terminal,
            "display": self.display,
        }

    async def start(self) -> None:
        for host in self.hosts.values():
            await host.plug()
        self.scanner.set("aim", "]E0")

    async def stop(self) -> None:
        for host in self.hosts.values():
            await host.close()

    def scan(self, code: str) -> None:
        self.scanner.set("scan", code)

    def weigh(self, grams: int) -> None:
        """Put goods of that weight on the scale; 0 takes them off."""
        self.scale.set("grams", str(grams))

    @property
    def paper(self) -> Any:
        """The printer itself: its lines(), cuts, pulses and png()."""
        return self.printer.device

    @property
    def charges(self) -> Any:
        """The card terminal itself, with its ledger."""
        return self.terminal.device

    def reads(self) -> list[str]:
        """What the customer reads on the display."""
        screen: Any = self.display.device
        return [str(row) for row in screen.rows]

    def receipts(self) -> list[str]:
        """The text of each receipt that was cut off, oldest first."""
        return ["\n".join(mark.text for mark in marks if hasattr(mark, "text")) for marks in self.paper.receipts]

    def tables(self) -> str:
        """The [device] and [workstation] tables of this store's gateway.toml."""
        return f"""
[workstation.1]
scanners = ["scanner-1"]
scale = "scale-1"
printer = "printer-1"
drawer = "drawer-1"
terminal = "terminal-1"
display = "display-1"

[workstation.2]
kind = "self-checkout"
scale = "scale-1"
terminal = "terminal-1"

[device.scanner-1]
driver = "scanner-line"
url = "{self.scanner.url}"

[device.scale-1]
driver = "scale-toledo-8217"
url = "{self.scale.url}"

[device.printer-1]
driver = "printer-escpos"
url = "{self.printer.url}"

[device.drawer-1]
driver = "drawer-kick"
url = "via://printer-1"

[device.terminal-1]
driver = "terminal-zvt"
url = "{self.terminal.url}"

[device.display-1]
driver = "display-cd5220"
url = "{self.display.url}"
"""
