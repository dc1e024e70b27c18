"""Reading a batch without trusting it: the envelope as a whole, each record by itself.

Poison is a record that cannot be booked as it is. It never blocks the others: the envelope gives each record its seq by
its place, so that even one which nobody can read is quarantined and acknowledged.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from cloud_erp.errors import UnreadableBatch
from cloud_erp.intake import swift
from cloud_erp.intake.envelope import MOST, MOST_TOTAL, Envelope, Parcel
from cloud_erp.intake.item import RETAIL_TRANSACTION, SAID, Item, Poison, booking_of, unit_of
from cloud_erp.journal import service as journal_service
from cloud_erp.text import printable
from retail.control import CONTROL_TRANSACTION, ControlTransaction
from retail.sale import Fault, RetailTransaction, ReturnLine, SaleLine, faults
from retail.wire.audit import AUDIT_RECORD, AuditRecord
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.log import Record
from retail.wire.payload import PayloadError, unpack

MOST_KEY = 128
#: fields that one answer names
MOST_FAULTS = 20
#: what pydantic calls the kinds of a line
BRANCHES = ("Sale", "Return", "Tax", "Tender", "Rounding", "LoyaltyReward", "Coupon")
#: what these must carry: field, and the code where it is missing
NEEDED = {
    "SessionOpen": (("session_id", "no_session"),),
    "SessionClose": (("session_id", "no_session"), ("totals", "no_totals")),
    "PaidIn": (("amount_minor", "no_amount"),),
    "PaidOut": (("amount_minor", "no_amount"),),
    "PickUp": (("amount_minor", "no_amount"),),
}


def read_batch(payload: bytes) -> Parcel:
    """The batch with its records.

    Raises:
        UnreadableBatch: nothing in it can be given a seq.
    """
    try:
        plain = unpack(payload)
        quick = swift.envelope(plain)
        envelope = quick if quick is not None else _envelope(plain)
    except (PayloadError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UnreadableBatch(f"a batch of {len(payload)} bytes cannot be read: {reason}") from error
    first: int = envelope["first_seq"]
    items = []
    for seq, raw in enumerate(envelope["items"], start=first):
        source = raw if quick is not None else swift.record(raw)
        items.append((swift.item(seq, source) if source is not None else None) or read_record(seq, raw))
    return Parcel(envelope["epoch"], first, envelope["count"], items)


def _envelope(plain: bytes) -> dict[str, Any]:
    read = Envelope.model_validate(json.loads(plain))
    return {"epoch": read.epoch, "first_seq": read.first_seq, "count": read.count, "items": read.items}


def read_record(seq: int, raw: Any) -> Item:
    """A record with what is wrong with it, if anything is."""
    try:
        record = Record.model_validate(raw)
        body = canonical(record.body)
    except (ValidationError, ValueError) as error:
        text = json.dumps(raw, sort_keys=True)
        poison = Poison("unreadable", f"the record cannot be read: {first_fault(error)}")
        return Item(seq, raw, text, sha256_hex(text.encode()), key_in(raw), poison=poison)
    item = known(seq, raw, record, body)
    item.poison = _doubt(seq, record, item.body_sha256)
    return item if item.poison else with_content(item, record.type, record.body)


def known(seq: int, source: Any, record: Record, body: bytes) -> Item:
    """An item of what stands around its body; the body is not looked at yet."""
    return Item(
        seq=seq,
        source=source,
        body=body.decode(),
        body_sha256=sha256_hex(body),
        key=printable(record.idempotency_key),
        stated_sha256=record.body_sha256,
        chain=record.chain,
        said=_said(source, record),
    )


def _said(source: Any, record: Record) -> str:
    """As it came; where it did not come whole, as it was filled in."""
    if isinstance(source, dict) and all(name in source for name in SAID):
        return canonical({name: source[name] for name in SAID}).decode()
    return canonical(record.model_dump(mode="json", include=set(SAID))).decode()


def key_in(raw: Any) -> str:
    """The idempotency key of a record that may be unreadable otherwise; empty where there is none to be seen."""
    key = raw.get("idempotency_key") if isinstance(raw, dict) else None
    return printable(key)[:MOST_KEY] if isinstance(key, str) else ""


def _doubt(seq: int, record: Record, digest: str) -> Poison | None:
    """What is wrong with the record, whatever its body says."""
    if record.seq != seq:
        return Poison("wrong_seq", f"the record says seq {record.seq} but stands in the place of {seq}")
    if record.body_sha256 != digest:
        return Poison("hash_mismatch", f"body_sha256 says {record.body_sha256}; the body hashes to {digest}")
    if "\x00" in record.idempotency_key:
        return Poison("unreadable", "idempotency_key holds a NUL character")
    return None


def with_content(item: Item, kind: str, body: Any) -> Item:
    """The item, with what the body of a record of that type says, or with why it cannot be booked."""
    if kind == RETAIL_TRANSACTION:
        sale, item.poison = _sale(body)
        item.booking = booking_of(sale) if sale is not None else None
    elif kind == CONTROL_TRANSACTION:
        item.control, item.poison = _control(body)
    elif kind == AUDIT_RECORD:
        try:
            item.audit = AuditRecord.model_validate(body)
        except ValidationError as error:
            item.poison = _misread("the audit record", error)
    else:
        reason = f"records of type {kind!r} are not known here; a newer core may know them"
        item.poison = Poison("unknown_type", printable(reason))
    return item


def _sale(body: Any) -> tuple[RetailTransaction | None, Poison | None]:
    try:
        sale = RetailTransaction.model_validate(body)
    except ValidationError as error:
        return None, _misread("the transaction", error)
    found = faults(sale)
    if found:
        text = "; ".join(f"{fault.field} {fault.message}" for fault in found[:5])
        return None, Poison("does_not_add_up", f"the transaction does not add up: {text}", tuple(found))
    large = _too_large(sale)
    if large is not None:
        fault = Fault(field=large, message="is larger than any real one")
        return None, Poison("out_of_range", f"{large} {fault.message}", (fault,))
    return sale, None


def _too_large(sale: RetailTransaction) -> str | None:
    """The field whose figure no column can take, or None."""
    entry = journal_service.entry(sale)
    if sale.sequence_number > MOST:
        return "sequence_number"
    if abs(sale.total_minor) > MOST_TOTAL:
        return "total_minor"
    sums = ("returned_minor", "discount_minor", "rounding_minor")
    if any(abs(entry[name] or 0) > MOST_TOTAL for name in sums) or booking_of(sale).effects.most > MOST_TOTAL:
        return "line_items"
    return None


def _control(body: Any) -> tuple[ControlTransaction | None, Poison | None]:
    try:
        control = ControlTransaction.model_validate(body)
    except ValidationError as error:
        return None, _misread("the control transaction", error)
    for field, code in NEEDED.get(control.control, ()):
        if getattr(control, field) is None:
            return None, _at(field, code, f"a {control.control} cannot be booked without {field}")
    if (control.amount_minor or 0) > MOST_TOTAL:
        return None, _at("amount_minor", "out_of_range", "amount_minor is larger than any real one")
    return control, None


def _misread(what: str, error: ValidationError) -> Poison:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    fields = tuple(Fault(field=_path(fault["loc"]), message=printable(fault["msg"])) for fault in found[:MOST_FAULTS])
    return Poison("unreadable", f"{what} cannot be read: {first_fault(error)}", fields)


def unfit(item: Item, store_id: str, currency: str, units: dict[str, str]) -> Poison | None:
    """Why this cannot be one of that gateway's records, or be of this catalogue's items; None where it can."""
    content = item.booking or item.control or item.audit
    if content is not None and content.store_id != store_id:
        return _at("store_id", "wrong_store", f"is of store {content.store_id}; its gateway belongs to {store_id}")
    money = item.booking or item.control
    if money is not None and money.currency != currency:
        return _at(
            "currency", "wrong_currency", f"the transaction is in {money.currency}; its gateway sells in {currency}"
        )
    sale = item.booking
    if sale is None or sale.units <= units.items():
        return None
    return _unfit_lines(RetailTransaction.model_validate(json.loads(item.body)), units)


def _unfit_lines(sale: RetailTransaction, units: dict[str, str]) -> Poison | None:
    for place, line in enumerate(sale.line_items):
        if not isinstance(line, SaleLine | ReturnLine) or line.void_flag:
            continue
        field = f"line_items[{place}].item_id"
        unit = units.get(line.item_id)
        if unit is None:
            text = f"line {line.line_number}: item {line.item_id} is not in the catalogue; import it, then re-post"
            return _at(field, "unknown_item", text)
        if unit != unit_of(line):
            counted = f"item {line.item_id} is sold by {unit}, the line counts by {unit_of(line)}"
            return _at(field, "unit_mismatch", f"line {line.line_number}: {counted}")
    return None


def _at(field: str, code: str, text: str) -> Poison:
    return Poison(code, text, (Fault(field=field, message=text),))


def first_fault(error: Exception) -> str:
    """One line of a pydantic error, without the value, which may be long."""
    if not isinstance(error, ValidationError):
        return printable(str(error))[:300]
    what = error.errors(include_input=False, include_url=False, include_context=False)
    more = f" (and {len(what) - 1} more)" if len(what) > 1 else ""
    return printable(f"{_path(what[0]['loc']) or 'record'}: {what[0]['msg']}{more}")[:300]


def _path(loc: tuple[int | str, ...]) -> str:
    """line_items[0].item_id; the names pydantic gives to the branches of a union are left out."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part not in BRANCHES:
            text += f".{part}" if text else part
    return printable(text)
