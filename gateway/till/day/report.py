"""Paper of the day, in the look of receipts: X and Z reports, slips of moved cash, tickets of suspended sales."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.peripherals import Columns, Cut, Rule, Text
from gateway.till.lane import Store
from gateway.till.paper.slips import SlipLine
from gateway.till.suspended import Suspended
from gateway.words import Words, message
from retail.control import ControlTransaction, SessionTotals
from retail.units import Money

_TITLES = {
    "X": message("X REPORT"),
    "Z": message("Z REPORT {number}"),
    "PaidIn": message("PAID IN"),
    "PaidOut": message("PAID OUT"),
    "PickUp": message("PICK-UP"),
}
_TENDERS = {
    "Cash": message("Cash"),
    "Card": message("Card"),
    "Wallet": message("Wallet"),
    "Points": message("Points"),
    "Voucher": message("Voucher"),
    "Coupon": message("Coupon"),
}


class _Paper:
    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store, self._zone, self.words = store, zone, Words(store.locale)

    def head(self, title: str, workstation_id: str, at: datetime) -> list[SlipLine]:
        where = self.words.text("Workstation {workstation}", workstation=workstation_id)
        return [
            Text(self._store.name, align="center", bold=True, double=True),
            Text(title, align="center", bold=True, double=True),
            Text(f"{self._store.store_id} · {where}", align="center"),
            Text(f"{at.astimezone(self._zone):%Y-%m-%d %H:%M:%S}", align="center"),
            Rule(),
        ]

    def figure(self, words: str, minor: int, strong: bool = False) -> Columns:
        amount = self.words.amount(Money(minor, self._store.currency))
        return Columns(words, amount, bold=strong, double=strong)

    def count(self, words: str, number: int) -> Columns:
        return Columns(words, str(number))


def session_report(store: Store, zone: ZoneInfo, control: ControlTransaction, kind: str) -> list[SlipLine]:
    """kind X: the figures so far. Z: of the closed session, with what was counted."""
    totals = control.totals
    assert totals is not None  # noqa: S101  a report without figures is asked for nowhere
    paper = _Paper(store, zone)
    words = paper.words
    title = words.text(_TITLES[kind], number=totals.z_number) if kind == "Z" else words.text(_TITLES[kind])
    return [
        *paper.head(title, control.workstation_id, control.at),
        Columns(words.text("Business day"), control.business_day_date.isoformat()),
        Columns(words.text("Opened"), f"{totals.opened_at.astimezone(zone):%Y-%m-%d %H:%M}"),
        Columns(words.text("Cashier"), control.operator_id),
        Rule(),
        *_sold(paper, totals),
        Rule(),
        *_tenders(paper, totals),
        Rule(),
        *_cash(paper, totals, counted=kind == "Z"),
        Cut(),
    ]


def _sold(paper: _Paper, totals: SessionTotals) -> list[SlipLine]:
    words = paper.words
    lines: list[SlipLine] = [
        paper.count(words.text("Sales"), totals.sales_count),
        paper.figure(words.text("Sum of sales"), totals.sales_minor, strong=True),
        paper.figure(words.text("of it returned"), totals.returned_minor),
        paper.figure(words.text("Discounts"), totals.discounts_minor),
        paper.figure(words.text("Cash rounding"), totals.rounding_minor),
        paper.count(words.text("Sales given up"), totals.voids_count),
    ]
    if totals.first_sequence_number is not None:
        numbers = f"{totals.first_sequence_number} - {totals.last_sequence_number}"
        lines.append(Columns(words.text("Receipts"), numbers))
    return lines


def _tenders(paper: _Paper, totals: SessionTotals) -> list[SlipLine]:
    return [
        paper.figure(f"{paper.words.text(_TENDERS[one.tender_type])} ({one.count})", one.amount_minor)
        for one in totals.tenders
    ]


def _cash(paper: _Paper, totals: SessionTotals, counted: bool) -> list[SlipLine]:
    words = paper.words
    lines: list[SlipLine] = [
        paper.figure(words.text("Float"), totals.float_minor),
        paper.figure(words.text("Paid in"), totals.paid_in_minor),
        paper.figure(words.text("Paid out"), -totals.paid_out_minor),
        paper.figure(words.text("Picked up"), -totals.picked_up_minor),
        paper.figure(words.text("Cash expected"), totals.expected_cash_minor),
    ]
    if not counted:
        return lines
    if totals.counted_cash_minor is None or totals.over_short_minor is None:
        return [*lines, Text(words.text("NOT COUNTED: closed by itself"), align="center", bold=True)]
    return [
        *lines,
        paper.figure(words.text("Cash counted"), totals.counted_cash_minor),
        paper.figure(words.text("Over/short"), totals.over_short_minor, strong=True),
    ]


def cash_slip(store: Store, zone: ZoneInfo, control: ControlTransaction) -> list[SlipLine]:
    """For the drawer or the safe: what was moved, why, and a line to sign on."""
    paper = _Paper(store, zone)
    words = paper.words
    lines = paper.head(words.text(_TITLES[control.control]), control.workstation_id, control.at)
    lines.append(paper.figure(control.currency, control.amount_minor or 0, strong=True))
    if control.reason:
        lines.append(Text(control.reason))
    who = control.operator_id + (f" / {control.authorised_by}" if control.authorised_by else "")
    return [*lines, Columns(words.text("Cashier"), who), Text(""), Rule(), Cut()]


def suspended_ticket(store: Store, zone: ZoneInfo, number: int, sale: Suspended) -> list[SlipLine]:
    """For the customer to bring back: the number in large type."""
    paper = _Paper(store, zone)
    words = paper.words
    at = datetime.fromisoformat(sale.suspended_utc)
    lines = paper.head(words.text("SUSPENDED SALE {number}", number=number), sale.workstation_id, at)
    if sale.label:
        lines.append(Text(sale.label, align="center"))
    lines.append(paper.figure(sale.basket.currency, sale.basket.total().minor, strong=True))
    return [*lines, Text(words.text("Nothing is paid yet. This is no receipt."), align="center", bold=True), Cut()]
