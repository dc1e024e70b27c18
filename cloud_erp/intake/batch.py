"""Reading a batch without trusting it: the envelope as a whole, each record by itself.

Poison is a record that cannot be booked as it is. It never blocks the others: the envelope gives each record its seq by
its place, so that even one which nobody can read is quarantined and acknowledged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from cloud_erp.errors import UnreadableBatch
from cloud_erp.text import printable
from retail.sale import Fault, RetailTransaction, SaleLine, Shape, faults
from retail.wire.audit import AUDIT_RECORD, AuditRecord
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.log import Epoch, Record, Sha256
from retail.wire.payload import PayloadError, unpack

#: what an integer column holds
MOST = 2**63 - 1
#: a total beyond this is a mistake, and sums of such would overflow
MOST_TOTAL = 10**13
MOST_RECORDS = 10_000
MOST_KEY = 128
#: fields that one answer names
MOST_FAULTS = 20
RETAIL_TRANSACTION = "RetailTransaction"
#: what pydantic calls the kinds of a line
BRANCHES = ("Sale", "Tax", "Tender")


class Envelope(Shape):
    """A batch whose items were not looked at yet."""

    schema_: str = Field(alias="schema", pattern=r"^backroom\.log/1$")
    epoch: Epoch
    first_seq: int = Field(ge=1, le=MOST - MOST_RECORDS)
    count: int = Field(ge=1)
    prev_chain: Sha256
    items: list[Any] = Field(min_length=1, max_length=MOST_RECORDS)


@dataclass(frozen=True, slots=True)
class Poison:
    """Why a record cannot be booked: one machine word, a reason a person can act on, and the fields it lies in."""

    code: str
    reason: str
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a batch as it came. `record` is None where it cannot be read; sale or audit is its content."""

    seq: int
    source: Any
    body: str
    body_sha256: str
    key: str
    record: Record | None
    sale: RetailTransaction | None = None
    audit: AuditRecord | None = None
    poison: Poison | None = None

    @property
    def content(self) -> tuple[str, str]:
        """What must be equal for a record to be a mere repetition."""
        return self.body_sha256, self.key

    def raw(self) -> str:
        """The record as it came, as JSON text of plain ASCII."""
        return json.dumps(self.source, sort_keys=True)


def read_batch(payload: bytes) -> tuple[Envelope, list[Item]]:
    """The envelope and its records.

    Raises:
        UnreadableBatch: nothing in it can be given a seq.
    """
    try:
        envelope = Envelope.model_validate(json.loads(unpack(payload)))
    except (PayloadError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UnreadableBatch(f"a batch of {len(payload)} bytes cannot be read: {reason}") from error
    return envelope, [_item(envelope.first_seq + place, raw) for place, raw in enumerate(envelope.items)]


def _item(seq: int, raw: Any) -> Item:
    try:
        record = Record.model_validate(raw)
        body = canonical(record.body)
    except (ValidationError, ValueError) as error:
        text = json.dumps(raw, sort_keys=True)
        poison = Poison("unreadable", f"the record cannot be read: {first_fault(error)}")
        return Item(seq, raw, text, sha256_hex(text.encode()), key_in(raw), None, poison=poison)
    digest = sha256_hex(body)
    poison_or_none = _doubt(seq, record, digest)
    sale, audit = None, None
    if poison_or_none is None:
        sale, audit, poison_or_none = read_body(record.type, record.body)
    return Item(seq, raw, body.decode(), digest, printable(record.idempotency_key), record, sale, audit, poison_or_none)


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


def read_body(kind: str, body: Any) -> tuple[RetailTransaction | None, AuditRecord | None, Poison | None]:
    """What the body of a record of that type says, or why it cannot be booked."""
    if kind == RETAIL_TRANSACTION:
        sale, poison = _sale(body)
        return sale, None, poison
    if kind == AUDIT_RECORD:
        try:
            return None, AuditRecord.model_validate(body), None
        except ValidationError as error:
            return None, None, _misread("the audit record", error)
    reason = f"records of type {kind!r} are not known here; a newer core may know them"
    return None, None, Poison("unknown_type", printable(reason))


def _sale(body: Any) -> tuple[RetailTransaction | None, Poison | None]:
    try:
        sale = RetailTransaction.model_validate(body)
    except ValidationError as error:
        return None, _misread("the transaction", error)
    found = faults(sale)
    if found:
        text = "; ".join(f"{fault.field} {fault.message}" for fault in found[:5])
        return None, Poison("does_not_add_up", f"the transaction does not add up: {text}", tuple(found))
    for field in ("total_minor", "sequence_number"):
        if getattr(sale, field) > (MOST_TOTAL if field == "total_minor" else MOST):
            fault = Fault(field=field, message="is larger than any real one")
            return None, Poison("out_of_range", f"{field} {fault.message}", (fault,))
    return sale, None


def _misread(what: str, error: ValidationError) -> Poison:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    fields = tuple(Fault(field=_path(fault["loc"]), message=printable(fault["msg"])) for fault in found[:MOST_FAULTS])
    return Poison("unreadable", f"{what} cannot be read: {first_fault(error)}", fields)


def unfit(item: Item, store_id: str, currency: str, units: dict[str, str]) -> Poison | None:
    """Why this cannot be one of that gateway's records, or be of this catalogue's items; None where it can."""
    content = item.sale or item.audit
    if content is not None and content.store_id != store_id:
        return _at("store_id", "wrong_store", f"is of store {content.store_id}; its gateway belongs to {store_id}")
    return None if item.sale is None else _unfit_sale(item.sale, currency, units)


def _unfit_sale(sale: RetailTransaction, currency: str, units: dict[str, str]) -> Poison | None:
    if sale.currency != currency:
        return _at("currency", "wrong_currency", f"the sale is in {sale.currency}; its gateway sells in {currency}")
    for place, line in enumerate(sale.line_items):
        if not isinstance(line, SaleLine) or line.void_flag:
            continue
        field = f"line_items[{place}].item_id"
        unit = units.get(line.item_id)
        if unit is None:
            text = f"line {line.line_number}: item {line.item_id} is not in the catalogue; import it, then re-post"
            return _at(field, "unknown_item", text)
        if unit != _unit(line):
            counted = f"item {line.item_id} is sold by {unit}, the line counts by {_unit(line)}"
            return _at(field, "unit_mismatch", f"line {line.line_number}: {counted}")
    return None


def _at(field: str, code: str, text: str) -> Poison:
    return Poison(code, text, (Fault(field=field, message=text),))


def _unit(line: SaleLine) -> str:
    return "kg" if line.weight_grams is not None else "each"


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
