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
from retail.sale import RetailTransaction, SaleLine, Shape, faults
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.log import Epoch, Record, Sha256
from retail.wire.payload import PayloadError, unpack

#: what an integer column holds
MOST = 2**63 - 1
#: a total beyond this is a mistake, and sums of such would overflow
MOST_TOTAL = 10**13
MOST_RECORDS = 10_000
RETAIL_TRANSACTION = "RetailTransaction"


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
    """Why a record cannot be booked: one machine word, and a reason a person can act on."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a batch as it came. `record` is None where it cannot be read."""

    seq: int
    raw: str
    body: str
    body_sha256: str
    key: str
    record: Record | None
    sale: RetailTransaction | None
    poison: Poison | None

    @property
    def content(self) -> tuple[str, str]:
        """What must be equal for a record to be a mere repetition."""
        return self.body_sha256, self.key


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
    text = json.dumps(raw, sort_keys=True)
    try:
        record = Record.model_validate(raw)
        body = canonical(record.body)
    except (ValidationError, ValueError) as error:
        return _unreadable(seq, text, error)
    digest = sha256_hex(body)
    poison = _doubt(seq, record, digest)
    sale = None
    if poison is None:
        sale, poison = _sale(record)
    return Item(seq, text, body.decode(), digest, record.idempotency_key, record, sale, poison)


def _unreadable(seq: int, text: str, error: Exception) -> Item:
    poison = Poison("unreadable", f"the record cannot be read: {first_fault(error)}")
    return Item(seq, text, text, sha256_hex(text.encode()), "", None, None, poison)


def _doubt(seq: int, record: Record, digest: str) -> Poison | None:
    """What is wrong with the record, whatever its body says."""
    if record.seq != seq:
        return Poison("wrong_seq", f"the record says seq {record.seq} but stands in the place of {seq}")
    if record.body_sha256 != digest:
        return Poison("hash_mismatch", f"body_sha256 says {record.body_sha256}; the body hashes to {digest}")
    if "\x00" in record.idempotency_key:
        return Poison("unreadable", "idempotency_key holds a NUL character")
    if record.type != RETAIL_TRANSACTION:
        return Poison("unknown_type", f"records of type {record.type!r} are not known here; a newer core may know them")
    return None


def _sale(record: Record) -> tuple[RetailTransaction | None, Poison | None]:
    try:
        sale = RetailTransaction.model_validate(record.body)
    except ValidationError as error:
        return None, Poison("unreadable", f"the transaction cannot be read: {first_fault(error)}")
    found = faults(sale)
    if found:
        text = "; ".join(f"{fault.field} {fault.message}" for fault in found[:5])
        return None, Poison("does_not_add_up", f"the transaction does not add up: {text}")
    if sale.total_minor > MOST_TOTAL or sale.sequence_number > MOST:
        return None, Poison("out_of_range", "total_minor or sequence_number is larger than any real one")
    return sale, None


def unfit(sale: RetailTransaction, store_id: str, currency: str, units: dict[str, str]) -> Poison | None:
    """Why this sale cannot be one of that gateway's, or of this catalogue's items; None where it can."""
    if sale.store_id != store_id:
        return Poison("wrong_store", f"the sale is of store {sale.store_id}; its gateway belongs to {store_id}")
    if sale.currency != currency:
        return Poison("wrong_currency", f"the sale is in {sale.currency}; its gateway sells in {currency}")
    for line in sale.sales():
        unit = units.get(line.item_id)
        if unit is None:
            return Poison("unknown_item", f"line {line.line_number}: item {line.item_id} is not in the catalogue")
        if unit != _unit(line):
            return Poison(
                "unit_mismatch",
                f"line {line.line_number}: item {line.item_id} is sold by {unit}, the line counts by {_unit(line)}",
            )
    return None


def _unit(line: SaleLine) -> str:
    return "kg" if line.weight_grams is not None else "each"


def first_fault(error: Exception) -> str:
    """One line of a pydantic error, without the value, which may be long."""
    if not isinstance(error, ValidationError):
        return str(error)[:300]
    what = error.errors(include_input=False, include_url=False, include_context=False)
    more = f" (and {len(what) - 1} more)" if len(what) > 1 else ""
    return f"{'.'.join(str(part) for part in what[0]['loc']) or 'record'}: {what[0]['msg']}{more}"[:300]
