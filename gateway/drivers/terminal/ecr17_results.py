"""What the replies of an ECR17 terminal mean: the one result of a payment, totals, the terminal's state.

Source: developer.nexigroup.com/traditionalpos, "Payment with extended result", "Reversal", "Send last result", "Close
        session", "Terminal totals", "Terminal status". The words of progress messages are those that Italian terminals
        are commonly seen to show [MEM]: the manual prints none, so an unknown one only means "please wait".
"""

from __future__ import annotations

import re

from gateway.drivers.terminal.ecr17_messages import number, value
from gateway.drivers.terminal.masking import cleaned, masked
from gateway.peripherals import (
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentPhase,
    PaymentReceipt,
    PaymentResult,
    ResolvePayment,
)

OK, REFUSED = "00", ("01", "05", "09")
CARD_TYPES = {"1": "PagoBANCOMAT", "2": "credit card", "3": "other card"}
STATES = {
    "0": ("not_configured", "the terminal is not configured; call its help desk"),
    "1": ("no_dll", "the terminal has no parameters yet; start a DLL at the terminal"),
    "3": ("not_aligned", "the terminal is not aligned; start a first DLL at the terminal"),
    "4": ("key_corrupted", "the terminal's keys are damaged; start a first DLL or call its help desk"),
}
_WORDS = (
    (re.compile("ERRAT", re.IGNORECASE), PaymentPhase.WRONG_PIN),
    (re.compile("PIN", re.IGNORECASE), PaymentPhase.ENTER_PIN),
    (re.compile("ESTRA|RIMUOV|TOGLI|RITIR", re.IGNORECASE), PaymentPhase.REMOVE_CARD),
    (re.compile("INSER|AVVICIN|STRISC|CARTA", re.IGNORECASE), PaymentPhase.INSERT_CARD),
    (re.compile("STORN", re.IGNORECASE), PaymentPhase.REVERSING),
    (re.compile("NEGAT|RIFIUT|ANNULL", re.IGNORECASE), PaymentPhase.DECLINED),
    (re.compile("APPROV|ESEGUIT|ACCETT", re.IGNORECASE), PaymentPhase.APPROVED),
    (re.compile("COLLEG|CHIAM|CONNES|TRASM|RICEZ|AUTORIZ|ATTESA HOST", re.IGNORECASE), PaymentPhase.CONTACTING_HOST),
)


def phase(text: str) -> PaymentPhase:
    return next((phase for words, phase in _WORDS if words.search(text)), PaymentPhase.PLEASE_WAIT)


def result(
    asked: Pay | ResolvePayment,
    outcome: PaymentOutcome,
    reply: bytes = b"",
    *,
    reason: str = "",
    receipts: tuple[PaymentReceipt, ...] = (),
) -> PaymentResult:
    """The reference (STAN) goes only with money that moved: the last one known is what ResolvePayment compares with."""
    good = value(reply, "payment 00", "result") == OK
    approved = outcome is PaymentOutcome.APPROVED
    approval = value(reply, "payment 00", "approval") if approved else ""
    return PaymentResult(
        payment_id=asked.payment_id,
        outcome=outcome,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        reference=stan_of(reply) if approved else "",
        approval_code="" if approval == "000000" else approval,
        card=masked(value(reply, "payment 00", "pan").lstrip("0")) if good else "",
        card_scheme=CARD_TYPES.get(value(reply, "payment ko", "card_type"), ""),
        terminal_id=value(reply, "payment ko", "terminal"),
        reason=reason,
        receipts=receipts,
    )


def stan_of(reply: bytes) -> str:
    """Six digits, "" for a reply that has none: a refusal before the host was asked."""
    stan = value(reply, "payment ko", "stan")
    return stan if re.fullmatch("[0-9]{6}", stan) and stan != "000000" else ""


def paid(pay: Pay, reply: bytes, receipts: tuple[PaymentReceipt, ...]) -> PaymentResult | None:
    """The result of a payment or reversal; None if the reply says neither yes nor no."""
    code = value(reply, "payment ko", "result")
    if code in REFUSED:
        return result(pay, PaymentOutcome.DECLINED, reply, reason=_why_not(code, reply), receipts=receipts)
    if code != OK or not stan_of(reply):
        return None
    amount = number(reply, "payment 00", "amount")
    if pay.kind is PaymentKind.SALE and amount not in (None, 0, pay.amount_minor):
        reason = "the terminal reports another amount; look at its journal, reverse the payment there if it is wrong"
        return result(pay, PaymentOutcome.UNKNOWN, reply, reason=reason, receipts=receipts)
    return result(pay, PaymentOutcome.APPROVED, reply, receipts=receipts)


def _why_not(code: str, reply: bytes) -> str:
    if code == "05":
        return "no card was in the terminal; insert it first, then try again"
    if code == "09":
        return "the terminal refused a field of the message; send us its model and software version"
    said = cleaned(value(reply, "payment ko", "description"))
    return f"{said or 'refused'}; try again or take another card"


def resolved(asked: ResolvePayment, reply: bytes) -> PaymentResult:
    """Compare the last stored result (G) with the last one known before the payment: STAN, then the amount."""
    unknown = PaymentOutcome.UNKNOWN
    code, stan, before = value(reply, "payment ko", "result"), stan_of(reply), asked.last_reference
    if not stan or (code != OK and code not in REFUSED):
        return result(asked, unknown, reason="the terminal names no last payment; look at its journal")
    if not re.fullmatch("[0-9]{6}", before):
        return result(asked, unknown, reason="no earlier payment to compare with; look at the terminal's journal")
    if stan == before:
        return result(
            asked, PaymentOutcome.NOT_DONE, reason="the terminal has booked nothing; the payment may be repeated"
        )
    if not 0 < (int(stan) - int(before)) % 1_000_000 < 500_000:
        return result(asked, unknown, reason="the terminal was exchanged or reset; look at its journal")
    if not _same(asked, reply, code):
        return result(asked, unknown, reason="the terminal's last payment is another one; look at its journal")
    if code != OK:
        return result(asked, PaymentOutcome.DECLINED, reply, reason=_why_not(code, reply))
    return result(asked, PaymentOutcome.APPROVED, reply)


def _same(asked: ResolvePayment, reply: bytes, code: str) -> bool:
    """The amount is right; a reversal's reply has none, and zeros in place of the approval code."""
    amount = number(reply, "payment ko", "amount")
    if asked.kind is PaymentKind.REVERSAL:
        return not amount and (code != OK or value(reply, "payment 00", "approval") == "000000")
    return amount == asked.amount_minor


def closing(totals: bytes, reply: bytes) -> tuple[bool, str]:
    """Whether the day was closed, and what is said about it. totals: the reply to T before it."""
    if value(reply, "close 00", "result") != OK:
        return False, cleaned(value(reply, "close ko", "description")) or "refused"
    terminal, host = (number(reply, "close 00", name) or 0 for name in ("terminal_total", "host_total"))
    lines = [f"terminal {_money(terminal)}", f"host {_money(host)}"]
    if (before := number(totals, "totals", "terminal_total")) is not None and before != terminal:
        lines.insert(0, f"terminal before {_money(before)}")
    if terminal != host:
        lines.append("the totals differ: look at the terminal's journal")
    return True, "\n".join(lines)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
