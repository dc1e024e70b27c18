"""Vouchers: settling what was issued and spent, and looking at one.

A voucher spent beyond its worth, or never seen before, was spent all the same: its balance goes below zero, and a case
says so. Stores are told 0 then.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Row, func, select

from cloud_erp.bulk import upsert
from cloud_erp.cases import service as cases
from cloud_erp.feeds import service as feeds
from cloud_erp.feeds import settling
from cloud_erp.feeds.service import CHUNK
from cloud_erp.vouchers.model import voucher, voucher_movement
from retail.units import Money
from retail.wire.rows import VOUCHERS, VoucherRow

IMPORTED, ISSUED, UNKNOWN, GONE = "imported", "issued", "unknown", "gone"
#: what a till can look up; a tender may carry any text
NUMBER = re.compile(r"[A-Za-z0-9._:-]{1,64}")

Account = dict[str, Any]


class Movement(BaseModel):
    """Above 0: issued or topped up; below 0: spent."""

    amount_minor: int
    currency: str
    gateway: str
    epoch: str
    seq: int
    store_id: str
    received_at: datetime


class VoucherView(BaseModel):
    """balance_minor: with all that was booked."""

    voucher_id: str
    currency: str
    balance_minor: int
    valid_until: date | None
    origin: str
    movements: list[Movement]


def settle(connection: Connection) -> int:
    """Take what waits into the balances and into feed `vouchers`; how many movements that were."""
    if not settling.waits(connection, voucher_movement):
        return 0
    feeds.lock(connection, VOUCHERS)
    moved = settling.waiting(connection, voucher_movement)
    ids = sorted({row.voucher_id for row in moved if row.voucher_id})
    known = accounts(connection, ids)
    for row in moved:
        _take(connection, known, row)
    write(connection, list(known.values()))
    settling.mark(connection, voucher_movement, moved)
    return len(moved)


def write(connection: Connection, changed: list[Account]) -> int:
    """Keep these vouchers and tell the stores; the feed is locked. Returns the feed's version."""
    upsert(connection, voucher, sorted(changed, key=lambda account: account["voucher_id"]), key=("voucher_id",))
    return feeds.put(connection, VOUCHERS, {account["voucher_id"]: row_of(account) for account in changed})


def row_of(account: Account) -> dict[str, Any] | None:
    """The row of the feed; None for what was taken away, and for what no till could look up."""
    if account["origin"] == GONE or not NUMBER.fullmatch(account["voucher_id"]):
        return None
    facts = {name: account[name] for name in ("voucher_id", "currency", "valid_until")}
    return VoucherRow(balance_minor=max(0, balance(account)), **facts).model_dump(mode="json")


def balance(account: Account) -> int:
    return int(account["opening_minor"] + account["moved_minor"])


def accounts(connection: Connection, voucher_ids: list[str]) -> dict[str, Account]:
    """voucher -> its row, of those that there are."""
    found: dict[str, Account] = {}
    for start in range(0, len(voucher_ids), CHUNK):
        query = select(voucher).where(voucher.c.voucher_id.in_(voucher_ids[start : start + CHUNK]))
        found |= {row["voucher_id"]: dict(row) for row in connection.execute(query).mappings()}
    return found


def fresh(voucher_id: str, currency: str, origin: str) -> Account:
    return {
        "voucher_id": voucher_id, "currency": currency, "valid_until": None, "origin": origin,
        "opening_minor": 0, "moved_minor": 0,
    }  # fmt: skip


def one(connection: Connection, voucher_id: str) -> VoucherView | None:
    """A voucher with its newest movements; None: neither imported nor issued nor ever spent."""
    account = accounts(connection, [voucher_id]).get(voucher_id)
    mine = voucher_movement.c.voucher_id == voucher_id
    columns = [voucher_movement.c[name] for name in Movement.model_fields]
    newest = connection.execute(select(*columns).where(mine).order_by(voucher_movement.c.id.desc()).limit(100))
    movements = [Movement.model_validate(row) for row in newest.mappings()]
    if account is None and not movements:
        return None
    account = account or fresh(voucher_id, movements[-1].currency, UNKNOWN)
    waits = select(func.coalesce(func.sum(voucher_movement.c.amount_minor), 0)).where(
        mine, ~voucher_movement.c.settled, voucher_movement.c.currency == account["currency"]
    )
    return VoucherView(
        balance_minor=balance(account) + connection.execute(waits).scalar_one(),
        movements=movements,
        **{name: account[name] for name in ("voucher_id", "currency", "valid_until", "origin")},
    )


def _take(connection: Connection, known: dict[str, Account], row: Row[Any]) -> None:
    place = (row.gateway, row.epoch, row.seq)

    def case(code: str, text: str) -> None:
        subject = cases.subject_of(row.voucher_id or "sale", place)
        cases.raise_case(connection, code, subject, row.store_id, text, [place])

    amount = Money(abs(row.amount_minor), row.currency).shown()
    if not row.voucher_id:
        case(cases.VOUCHER_UNNAMED, f"a voucher of {amount} was {_verb(row)} without a number; no balance has it")
        return
    if row.voucher_id not in known:
        known[row.voucher_id] = fresh(row.voucher_id, row.currency, ISSUED if row.amount_minor > 0 else UNKNOWN)
        if row.amount_minor < 0:
            text = f"voucher {row.voucher_id} was spent for {amount} and is not among the imported or issued ones"
            case(cases.VOUCHER_UNKNOWN, text)
    elif known[row.voucher_id]["origin"] == GONE:
        case(cases.VOUCHER_UNKNOWN, f"voucher {row.voucher_id} was {_verb(row)} for {amount} and had been taken away")
    account = known[row.voucher_id]
    if account["currency"] != row.currency:
        text = f"voucher {row.voucher_id} is in {account['currency']} and was {_verb(row)} in {row.currency}: {amount}"
        case(cases.VOUCHER_CURRENCY, f"{text}; its balance stays")
        return
    account["moved_minor"] += row.amount_minor
    if row.amount_minor > 0 and account["origin"] in (ISSUED, UNKNOWN):
        # also where word of it came late
        account |= {"origin": ISSUED, "valid_until": row.valid_until or account["valid_until"]}
    left = balance(account)
    if row.amount_minor < 0 and left < 0 and account["origin"] != UNKNOWN:
        short = Money(-left, row.currency).shown()
        case(cases.VOUCHER_OVERSPENT, f"voucher {row.voucher_id} was spent for {amount}, {short} more than it had")


def _verb(row: Row[Any]) -> str:
    return "issued" if row.amount_minor > 0 else "spent"
