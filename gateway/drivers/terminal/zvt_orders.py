"""What a till orders from a ZVT terminal, and how the terminal's last words become the one result of a payment.

Source: PA00P015 13.08 as collected in device-protocols.md 5.1 (service byte of 06 20, configuration byte, commit rule);
        the fields of each order compared with the crate zvt (packets.rs) and Portalum.Zvt. That 06 31 carries the
        password before its amount, and that TLV 26 announces 06 D3 in this form, is general knowledge [MEM].
"""

from __future__ import annotations

import re

from gateway.drivers.terminal import zvt_words
from gateway.drivers.terminal.zvt_apdu import Apdu, StatusInformation, bcd
from gateway.peripherals import (
    EndOfDay,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentReceipt,
    PaymentResult,
    RepeatReceipt,
    ResolvePayment,
    SelfTest,
)

#: ISO 4217 numbers of the currencies where ZVT terminals stand
CURRENCIES = {
    "EUR": 978, "CHF": 756, "GBP": 826, "DKK": 208, "SEK": 752, "NOK": 578, "PLN": 985, "CZK": 203, "HUF": 348,
    "RON": 946, "BGN": 975, "USD": 840,
}  # fmt: skip
LARGEST_AMOUNT = 10**12 - 1
#: bits of the configuration byte
PAYMENT_RECEIPT, ADMIN_RECEIPT, INTERMEDIATE, CONTROLS_PAYMENT, BY_LINES = 0x02, 0x04, 0x08, 0x10, 0x80
PRINTING = {
    "terminal": 0,
    "lines": PAYMENT_RECEIPT | ADMIN_RECEIPT | BY_LINES,
    "blocks": PAYMENT_RECEIPT | ADMIN_RECEIPT,
}
#: TLV 26: the list of messages that this till understands, with 06 D3 in it
UNDERSTANDS_BLOCKS = bytes.fromhex("06 06 26 04 0A 02 06 D3")
ABORT = Apdu(0x06B0)
LOG_OFF = Apdu(0x0602)
YES = Apdu(0x8000)
WAIT = Apdu(0x849C)
#: any 84 xx but 00 and 9C makes the terminal take the payment back
TAKE_BACK = Apdu(0x8466)
CANNOT = Apdu(0x8483)
OPTIONS = {
    "framing": "tcp (bare messages) or serial (frames with check sum and ACK) (default tcp)",
    "password": "six digits, as set in the terminal (default 000000)",
    "currency": "ISO code of the currency that the terminal is set to (default EUR)",
    "print": "who prints receipts: the till from lines or blocks, or terminal (default lines)",
    "config": "configuration byte of the registration in hexadecimal, in place of the one that follows from print",
    "keep_open": "keep a TCP line open between orders; a serial line always is (default false)",
    "log_off": "log off (06 02) after each order (default false)",
}
_REFERENCE = re.compile(r"([0-9]{6,8})/([0-9]{4}|)")


def registration(password: str, currency: str, printing: str, config: str) -> Apdu:
    """06 00. config: the configuration byte in hexadecimal, "" for the one that follows from printing.

    Raises:
        ValueError: one of them is impossible.
    """
    if not re.fullmatch("[0-9]{6}", password):
        raise ValueError("the password is not six digits")
    if currency not in CURRENCIES:
        raise ValueError(f"currency {currency!r} is none of {', '.join(CURRENCIES)}")
    if printing not in PRINTING:
        raise ValueError(f"print {printing!r} is none of {', '.join(PRINTING)}")
    if config and not re.fullmatch("[0-9A-Fa-f]{2}", config):
        raise ValueError(f"config {config!r} is not a byte in hexadecimal")
    byte = int(config, 16) if config else PRINTING[printing] | INTERMEDIATE | CONTROLS_PAYMENT
    tail = UNDERSTANDS_BLOCKS if printing == "blocks" else b""
    return Apdu(0x0600, bytes.fromhex(password) + bytes([byte]) + bcd(CURRENCIES[currency], 2) + tail)


def status_enquiry(password: str) -> Apdu:
    return Apdu(0x0501, bytes.fromhex(password))


def repeat_receipt(password: str) -> Apdu:
    return Apdu(0x0620, bytes.fromhex(password))


def last_result(password: str) -> Apdu:
    """06 20 with a service byte: send the status information again (bit 0), print nothing (bit 1)."""
    return Apdu(0x0620, bytes.fromhex(password) + b"\x03\x03")


def end_of_day(password: str) -> Apdu:
    return Apdu(0x0650, bytes.fromhex(password))


def diagnosis() -> Apdu:
    return Apdu(0x0670)


def todo(request: object, password: str, currency: str) -> list[Apdu]:
    """The messages of an order, one after the other, each sent when the one before it was completed.

    Raises:
        ValueError: this cannot be ordered; the text says why.
    """
    match request:
        case Pay():
            if request.currency != currency:
                raise ValueError(f"the terminal is set to {currency}, not {request.currency}")
            return [payment(request, password)]
        case ResolvePayment():
            return [status_enquiry(password), last_result(password)]
        case RepeatReceipt():
            return [repeat_receipt(password)]
        case EndOfDay():
            return [end_of_day(password)]
        case SelfTest():
            return [diagnosis()]
        case _:
            return [status_enquiry(password)]


def payment(pay: Pay, password: str) -> Apdu:
    """06 01, 06 30 or 06 31.

    Raises:
        ValueError: this cannot be ordered; the text says why.
    """
    if pay.currency not in CURRENCIES:
        raise ValueError(f"the terminal cannot be asked for {pay.currency}; take another way to pay")
    if not 0 < pay.amount_minor <= LARGEST_AMOUNT:
        raise ValueError(f"an amount of {pay.amount_minor} cannot be sent; it must be more than nothing")
    amount = b"\x04" + bcd(pay.amount_minor, 6) + b"\x49" + bcd(CURRENCIES[pay.currency], 2)
    match pay.kind:
        case PaymentKind.SALE:
            return Apdu(0x0601, amount)
        case PaymentKind.REFUND:
            return Apdu(0x0631, bytes.fromhex(password) + amount)
        case PaymentKind.REVERSAL:
            found = _REFERENCE.fullmatch(pay.original)
            if not found or not found[2]:
                raise ValueError("a reversal needs the reference of the payment, trace/receipt; refund it instead")
            return Apdu(0x0630, bytes.fromhex(password) + b"\x87" + bytes.fromhex(found[2]))


def result(
    asked: Pay | ResolvePayment,
    outcome: PaymentOutcome,
    status: StatusInformation | None = None,
    *,
    reason: str = "",
    receipts: tuple[PaymentReceipt, ...] = (),
    held: bool = False,
) -> PaymentResult:
    """The reference goes only with money that moved: the last one known is what ResolvePayment compares with."""
    status = status or StatusInformation()
    moved = outcome in (PaymentOutcome.APPROVED, PaymentOutcome.REVERSED)
    return PaymentResult(
        payment_id=asked.payment_id,
        outcome=outcome,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        reference=status.reference if moved else "",
        approval_code=status.approval if moved else "",
        card=status.card,
        card_scheme=status.scheme,
        terminal_id=status.terminal_id,
        at=status.at,
        reason=reason,
        receipts=receipts,
        held=held,
    )


def refused(asked: Pay, code: int, status: StatusInformation | None) -> PaymentResult:
    """The terminal said that no money moves: declined, or given up by somebody."""
    _, word, text = zvt_words.error(code)
    outcome = PaymentOutcome.ABORTED if word == "aborted" else PaymentOutcome.DECLINED
    said = f" ({status.text})" if status and status.text else ""
    return result(asked, outcome, status, reason=text + said)


def resolved(asked: ResolvePayment, status: StatusInformation | None) -> PaymentResult:
    """Compare the terminal's last transaction with the last one known before the payment.

    The same trace number: the payment left no trace, so it was never booked or taken back. A newer one over the very
    amount: that is the payment. Whatever else stands there, nobody can say by himself.
    """
    unknown = PaymentOutcome.UNKNOWN
    if status is None or not status.trace:
        return result(asked, unknown, reason="the terminal names no last payment; look at its journal")
    before = _REFERENCE.fullmatch(asked.last_reference)
    if not before:
        return result(asked, unknown, reason="no earlier payment to compare with; look at the terminal's journal")
    if status.trace == before[1]:
        if status.receipt and before[2] and status.receipt != before[2]:
            return result(asked, unknown, reason="trace numbers began anew; look at the terminal's journal")
        return result(
            asked, PaymentOutcome.NOT_DONE, reason="the terminal has booked nothing; the payment may be repeated"
        )
    if not newer(status.trace, before[1]):
        return result(asked, unknown, reason="the terminal was exchanged or reset; look at its journal")
    same_currency = status.currency in ("", f"{CURRENCIES.get(asked.currency, 0):03d}")
    if status.amount != asked.amount_minor or not same_currency:
        return result(asked, unknown, reason="the terminal's last payment is another one; look at its journal")
    if status.result not in (0, None):
        return refused_before(asked, status)
    return result(asked, PaymentOutcome.APPROVED, status)


def refused_before(asked: ResolvePayment, status: StatusInformation) -> PaymentResult:
    _, word, text = zvt_words.error(status.result or 0)
    outcome = PaymentOutcome.ABORTED if word == "aborted" else PaymentOutcome.DECLINED
    return result(asked, outcome, status, reason=text)


def newer(trace: str, than: str) -> bool:
    """Six-digit trace numbers begin anew behind 999999; eight-digit ones hold a batch and only grow."""
    if len(trace) != len(than):
        return False
    ahead = int(trace) - int(than)
    return ahead > 0 if len(trace) > 6 else 0 < ahead % 1_000_000 < 500_000


def terminal_status(data: bytes) -> int:
    """The terminal status code in the completion of a status enquiry; 0 if there is none.

    A software version with three length digits may stand before it.
    """
    if len(data) > 3 and all(figure >> 4 == 0xF and figure & 0xF < 10 for figure in data[:3]):
        data = data[3 + int("".join(str(figure & 0xF) for figure in data[:3])) :]
    return data[0] if data else 0
