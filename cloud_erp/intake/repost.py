"""Quarantine: a person mends a record's body and re-posts it, or discards it. What came is kept as it came, for ever.

A re-posted record is booked under its own idempotency key, so that however often and by whomever it is re-posted, and
in whichever epoch its store sends it again, the journal has it once. Its place in the journal is its own (epoch, seq);
where another record was received under that number (a copied card), it stands under its quarantine id instead of the
epoch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, insert, select, update

from cloud_erp.catalog import service as catalog
from cloud_erp.db import now_utc
from cloud_erp.errors import NotInQuarantine, Settled, StillUnfit
from cloud_erp.fleet import alarms, registry
from cloud_erp.intake.batch import key_in, known, unfit, with_content
from cloud_erp.intake.item import RETAIL_TRANSACTION, Item, Poison
from cloud_erp.intake.known import booked_keys
from cloud_erp.intake.mending import differences
from cloud_erp.intake.model import inbox
from cloud_erp.intake.service import lock_store
from cloud_erp.intake.work import BOOKED, REPEATED, Work
from cloud_erp.journal import horizon, partitions
from cloud_erp.journal.model import quarantine, quarantine_change
from cloud_erp.text import printable
from retail.sale import Fault
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.log import Record

OPEN, DISCARDED = "open", "discarded"


@dataclass(frozen=True, slots=True)
class Held:
    """A record in quarantine, its store locked until the transaction ends."""

    row: Row[Any]
    gateway: registry.Gateway
    source: Any

    @property
    def body(self) -> Any:
        """As a person mended it, or as it came."""
        if self.row.mended is not None:
            return json.loads(self.row.mended)
        return self.source.get("body") if isinstance(self.source, dict) else None


def body_of(connection: Connection, quarantine_id: str) -> Any:
    """The body to begin from.

    Raises:
        NotInQuarantine, Settled: there is nothing to mend.
    """
    return _hold(connection, quarantine_id).body


def mend(connection: Connection, quarantine_id: str, body: Any, by: str) -> None:
    """Keep another body for the record, if it could be booked so.

    Raises:
        NotInQuarantine, Settled: there is nothing to mend.
        StillUnfit: with the fields at fault; nothing was changed.
    """
    held = _hold(connection, quarantine_id)
    _item(connection, held, body)
    changed = differences(held.body, body)
    if not changed:
        return
    where = quarantine.c.id == quarantine_id
    connection.execute(update(quarantine).where(where).values(mended=canonical(body).decode()))
    _note(connection, quarantine_id, by, "mended", json.dumps(changed, ensure_ascii=False))


def repost(connection: Connection, quarantine_id: str, by: str) -> str:
    """Book the record; `booked`, or `repeated` where its key was booked with this content before.

    Raises:
        NotInQuarantine, Settled: there is nothing to book.
        StillUnfit: it cannot be booked as it is, with the fields at fault.
    """
    held = _hold(connection, quarantine_id)
    item = _item(connection, held, held.body)
    booked = booked_keys(connection, held.gateway.store_id, [item.key]).get(item.key)
    if booked is None:
        _book(connection, held, item)
        outcome = BOOKED
    elif booked in (item.body_sha256, _digest(held.source)):
        outcome = REPEATED
    else:
        reason = f"idempotency key {item.key} was booked with other content; discard this one if that is right"
        raise StillUnfit(Poison("equivocation", reason).reason, "equivocation", [])
    _settle(connection, held, outcome)
    _note(connection, quarantine_id, by, "reposted", outcome)
    return outcome


def discard(connection: Connection, quarantine_id: str, by: str, reason: str) -> None:
    """Close the case without booking; the record stays.

    Raises:
        NotInQuarantine, Settled: there is nothing to discard.
        StillUnfit: no reason was given.
    """
    held = _hold(connection, quarantine_id)
    if not reason.strip():
        fault = Fault(field="reason", message="say why this is not to be booked")
        raise StillUnfit(f"reason: {fault.message}", "no_reason", [fault])
    _settle(connection, held, DISCARDED)
    _note(connection, quarantine_id, by, "discarded", reason.strip())


def _hold(connection: Connection, quarantine_id: str) -> Held:
    query = select(quarantine).where(quarantine.c.id == quarantine_id)
    row = connection.execute(query).one_or_none()
    gateway = registry.find(connection, row.gateway) if row is not None else None
    if row is None or gateway is None:
        raise NotInQuarantine(f"nothing is in quarantine under {quarantine_id}")
    lock_store(connection, gateway.store_id)
    row = connection.execute(query).one()
    if row.state != OPEN:
        raise Settled(f"{quarantine_id} was settled before: {row.state}", row.state)
    return Held(row, gateway, json.loads(row.raw))


def _item(connection: Connection, held: Held, body: Any) -> Item:
    """The record with that body, as if it had come so.

    Raises:
        StillUnfit: it could not be booked.
    """
    try:
        text = canonical(body)
    except ValueError as error:
        raise StillUnfit(printable(f"the body cannot be written: {error}"), "unreadable", []) from error
    record = _record(held, body if isinstance(body, dict) else {}, sha256_hex(text))
    item = with_content(known(held.row.seq, held.source, record, text), record.type, body)
    wanted = sorted({item_id for item_id, _ in item.booking.units}) if item.booking else []
    units = catalog.units(connection, wanted)
    poison = item.poison or unfit(item, held.gateway.store_id, held.gateway.currency, units)
    if poison is not None:
        raise StillUnfit(poison.reason, poison.code, list(poison.faults))
    return item


def _record(held: Held, body: dict[str, Any], digest: str) -> Record:
    """What came of the record's own figures; what could not be read is filled in with what is known here."""
    raw = held.source if isinstance(held.source, dict) else {}
    kind = raw.get("type")
    received = held.row.received_at
    plain: dict[str, Any] = {
        "type": kind if isinstance(kind, str) and kind else RETAIL_TRANSACTION,
        "idempotency_key": key_in(raw) or f"quarantine-{held.row.id}",
        "chain": "0" * 64,
        "boot_id": "",
        "boottime_ns": 0,
        "wall_utc": received,
        "clock_state": "unset",
        "business_date": received.date().isoformat(),
    }
    sure = {"seq": held.row.seq, "body_sha256": digest, "body": body, "idempotency_key": plain["idempotency_key"]}
    came = {name: raw[name] for name in plain if name in raw}
    try:
        return Record.model_validate({**plain, **came, **sure})
    except ValidationError:
        return Record.model_validate({**plain, **sure})


def _book(connection: Connection, held: Held, item: Item) -> None:
    row = held.row
    here = (inbox.c.gateway == row.gateway) & (inbox.c.epoch == row.epoch) & (inbox.c.seq == row.seq)
    own = connection.execute(select(inbox.c.quarantine_id).where(here)).scalar() == row.id
    now = now_utc()
    work = Work(held.gateway, row.epoch if own else row.id, now)
    # In the inbox stands the hash of the body as it came: so a repetition of it is still known for what it is.
    if own:
        connection.execute(update(inbox).where(here).values(fate=BOOKED, idempotency_key=item.key))
    else:
        work.receive(replace(item, body_sha256=_digest(held.source) or item.body_sha256), BOOKED, row.id)
    work.book(item)
    partitions.ensure(connection, now)
    horizon.announce(connection)
    work.write(connection)


def _digest(source: Any) -> str | None:
    """The hash of the body as it came."""
    try:
        return sha256_hex(canonical(source["body"]))
    except (TypeError, KeyError, ValueError):
        return None


def _settle(connection: Connection, held: Held, state: str) -> None:
    connection.execute(update(quarantine).where(quarantine.c.id == held.row.id).values(state=state))
    alarms.mended(connection, held.row.gateway, alarms.EQUIVOCATION, f"{held.row.epoch}/{held.row.seq}")


def _note(connection: Connection, quarantine_id: str, by: str, action: str, detail: str) -> None:
    row = {"quarantine_id": quarantine_id, "at": now_utc(), "by": printable(by)[:64] or "unnamed"}
    connection.execute(insert(quarantine_change).values(**row, action=action, detail=printable(detail)))
