"""Counters of one device, by their UnifiedPOS names, as a fleet's dashboards know them.

Source: UnifiedPOS 1.16, chapter 1, "Device Statistics". Counters that no driver here can see are left out.
"""

from __future__ import annotations

from collections import Counter

from gateway.peripherals import (
    Answer,
    Cut,
    Event,
    Oddity,
    OpenDrawer,
    Power,
    PowerChanged,
    Print,
    PrinterStatus,
    Qr,
    ReadWeight,
    Refusal,
    Request,
    Scan,
)


class Statistics:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._printer = PrinterStatus(online=True)

    def snapshot(self) -> dict[str, int]:
        return dict(sorted(self._counts.items()))

    def line_broke(self) -> None:
        self._counts["CommunicationErrorCount"] += 1

    def saw(self, event: Event) -> None:
        """Count an event that is not the end of a command."""
        match event:
            case Scan():
                self._counts["GoodScanCount"] += 1
            case Oddity():
                self._counts["CommunicationErrorCount"] += 1
            case PowerChanged(power=Power.ONLINE):
                self._counts["OnlineTransitionCount"] += 1
            case PrinterStatus():
                self._counts["ReceiptCoverOpenCount"] += event.cover_open and not self._printer.cover_open
                self._counts["PrinterFaultCount"] += event.error and not self._printer.error
                self._printer = event

    def ended(self, request: Request, end: Answer | Refusal) -> None:
        """Count the end of a command."""
        good = isinstance(end, Answer)
        match request:
            case ReadWeight():
                self._counts["GoodWeightReadCount" if good else "FailedReadCount"] += 1
            case OpenDrawer():
                self._counts["DrawerGoodOpenCount" if good else "DrawerFailedOpenCount"] += 1
            case Print(lines=lines) if good:
                cuts = sum(isinstance(line, Cut) for line in lines)
                codes = sum(isinstance(line, Qr) for line in lines)
                self._counts["ReceiptLinePrintedCount"] += len(lines) - cuts - codes
                self._counts["PaperCutCount"] += cuts
                self._counts["BarcodePrintedCount"] += codes
            case Print():
                self._counts["PrinterFaultCount"] += 1
