"""Counters of one device, by their UnifiedPOS names, as a fleet's dashboards know them.

Source: UnifiedPOS 1.16, chapter 1, "Device Statistics". Counters that no driver here can see are left out. It has no
class for terminals and label printers; their counters are ours, in its manner: what became of a payment, as counted at
the end of each request.
"""

from __future__ import annotations

from collections import Counter

from gateway.peripherals import (
    Answer,
    ClearText,
    Cut,
    DisplayText,
    EndOfDay,
    Event,
    LabelPrinterStatus,
    Oddity,
    OpenDrawer,
    Pay,
    PaymentOutcome,
    PaymentResult,
    Power,
    PowerChanged,
    Print,
    PrinterStatus,
    PrintLabels,
    Qr,
    ReadWeight,
    Refusal,
    Request,
    ResolvePayment,
    Scan,
)

PAYMENT_COUNTERS = {
    PaymentOutcome.APPROVED: "PaymentApprovedCount",
    PaymentOutcome.DECLINED: "PaymentDeclinedCount",
    PaymentOutcome.ABORTED: "PaymentAbortedCount",
    PaymentOutcome.REVERSED: "PaymentReversedCount",
    PaymentOutcome.NOT_DONE: "PaymentNotDoneCount",
    PaymentOutcome.UNKNOWN: "PaymentUnknownCount",
}


class Statistics:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._printer = PrinterStatus(online=True)
        self._label_printer = LabelPrinterStatus(online=True)

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
            case LabelPrinterStatus():
                before, self._label_printer = self._label_printer, event
                self._counts["MaximumTempReachedCount"] += event.over_temperature and not before.over_temperature
                self._counts["PrinterFaultCount"] += event.jammed and not before.jammed

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
            case Print() | PrintLabels() if not good:
                self._counts["PrinterFaultCount"] += 1
            case PrintLabels(labels=labels, copies=copies):
                self._counts["LabelPrintedCount"] += len(labels) * copies
            case DisplayText() | ClearText():
                self._counts["GoodWriteCount" if good else "FailedWriteCount"] += 1
            case Pay() | ResolvePayment():
                self._payment_ended(request, end)
            case EndOfDay():
                self._counts["EndOfDayCount" if good else "FailedEndOfDayCount"] += 1

    def _payment_ended(self, request: Pay | ResolvePayment, end: Answer | Refusal) -> None:
        """Pay by what became of it; the question about one only if it was answered: it is asked again and again."""
        if isinstance(end, Answer) and isinstance(end.result, PaymentResult):
            outcome = end.result.outcome
        else:
            outcome = PaymentOutcome.UNKNOWN if isinstance(end, Answer) or end.begun else PaymentOutcome.NOT_DONE
        if isinstance(request, Pay):
            self._counts[PAYMENT_COUNTERS[outcome]] += 1
        elif isinstance(end, Answer) and outcome is not PaymentOutcome.UNKNOWN:
            self._counts["PaymentResolvedCount"] += 1
