"""Events of devices in words for a technician."""

from __future__ import annotations

from gateway.peripherals import (
    Answer,
    DisplayStatus,
    DrawerStatus,
    Event,
    Forwarded,
    LabelPrinterStatus,
    Oddity,
    PaymentProgress,
    PaymentResult,
    PowerChanged,
    PrinterStatus,
    Refusal,
    Result,
    Scan,
    TerminalReport,
    Weight,
)


def printable(data: bytes) -> str:
    """The bytes as a person reads them: ASCII as it is, a dot for the rest."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in data)


def in_words(event: Event) -> str:
    """One line for the technician."""
    match event:
        case Scan():
            return f"scan {event.data!r} {event.symbology or '(no AIM identifier)'}"
        case Answer(number=number, result=result):
            return f"command {number} done" + (f": {in_words(result)}" if result is not None else "")
        case Refusal():
            return f"command {event.number} failed: {event.text} ({event.reason}, {int(event.code)} {event.code.name})"
        case PowerChanged(power=power):
            return f"power: {power.value}"
        case Oddity(text=text, data=data):
            return f"not understood: {text}" + (f" ({data[:32].hex(' ')})" if data else "")
        case Forwarded(data=data):
            return f"passed on: {data[:32].hex(' ')}"
        case PaymentProgress(phase=phase, text=text):
            return f"payment: {phase.value.replace('_', ' ')}" + (f" ({text})" if text else "")
        case _:
            return _status_in_words(event)


def _status_in_words(status: Result) -> str:
    match status:
        case Weight(grams=grams):
            shown = f"{grams} g" if grams is not None else "no legal weight"
            return f"weight: {shown}, {status.status.value.replace('_', ' ')}{', net' if status.net else ''}"
        case PrinterStatus():
            return f"printer: {printer_in_words(status)}"
        case DrawerStatus(opened=opened):
            return "drawer: " + {True: "open", False: "closed", None: "has no sensor"}[opened]
        case DisplayStatus(rows=rows):
            return "display: " + (" | ".join(rows) or "clear")
        case LabelPrinterStatus():
            return f"label printer: {label_printer_in_words(status)}"
        case PaymentResult():
            return payment_in_words(status)
        case TerminalReport(receipts=receipts, text=text):
            return f"terminal: {text or 'report'} ({sum(len(one.lines) for one in receipts)} lines to print)"


def printer_in_words(status: PrinterStatus) -> str:
    """Everything that is wrong with it, or that it is ready."""
    wrong = [
        word
        for word, is_so in (
            ("cover open", status.cover_open),
            ("paper out", status.paper_out),
            ("paper near its end", status.paper_near_end),
            ("knife or head error", status.error),
            ("offline", not status.online),
        )
        if is_so
    ]
    return ", ".join(wrong) or "ready"


def label_printer_in_words(status: LabelPrinterStatus) -> str:
    """Everything that is wrong with it, or that it is ready."""
    wrong = [
        word
        for word, is_so in (
            ("head open", status.head_open),
            ("labels out", status.media_out),
            ("ribbon out", status.ribbon_out),
            ("jammed", status.jammed),
            ("paused", status.paused),
            ("too hot", status.over_temperature),
            ("offline", not status.online),
        )
        if is_so
    ]
    if status.labels_left:
        wrong.append(f"{status.labels_left} labels left to print")
    return ", ".join(wrong) or "ready"


def payment_in_words(result: PaymentResult) -> str:
    """One line: what became of the money, and how the terminal finds it again."""
    facts = [f"{result.amount_minor} {result.currency} (minor units)", result.card, result.reference, result.reason]
    return f"payment {result.outcome.value.replace('_', ' ')}: " + ", ".join(fact for fact in facts if fact)
