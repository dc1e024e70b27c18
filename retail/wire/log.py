"""The ordered log that a store sends up: `edge/v1/<gateway>/up/log`, batches of records in seq order.

Order and gaps come from seq, never from a clock. Each record is chained to the one before it:

    chain = SHA-256(previous chain | epoch | seq as 8 bytes, big end first | body_sha256), raw bytes throughout

and the chain of an epoch begins from 32 zero bytes. `body` stands in the batch as JSON; its hash is over its canonical
form (retail/wire/canonical.py). Over 1 KiB a payload is zstd-compressed, and shows it by its first four bytes.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field

from retail.sale import Shape, UtcTime

GENESIS = bytes(32)
#: a batch ends at whichever comes first; bytes of plain JSON, of which zstd leaves about an eighth on the wire
BATCH_RECORDS = 100
BATCH_BYTES = 256 * 1024

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Epoch = Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$", description="a ULID, made with the outbox file")]


class Record(Shape):
    """One row of the outbox: a finished sale, a close, a stock count, an audit record."""

    seq: int = Field(ge=1)
    type: str = Field(min_length=1, max_length=64, examples=["RetailTransaction"])
    idempotency_key: str = Field(min_length=1, max_length=128)
    body_sha256: Sha256
    chain: Sha256
    boot_id: str
    boottime_ns: int = Field(description="CLOCK_BOOTTIME at the commit")
    wall_utc: UtcTime
    clock_state: Literal["synced", "holdover", "unset"]
    business_date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    body: dict[str, Any]


class Batch(Shape):
    """Records first_seq, first_seq + 1, ... in order. Items that cannot be read are quarantined one by one at HQ."""

    schema_: Literal["backroom.log/1"] = Field(default="backroom.log/1", alias="schema")
    epoch: Epoch
    first_seq: int = Field(ge=1)
    count: int = Field(ge=1)
    prev_chain: Sha256
    items: list[Record] = Field(min_length=1)


def chain_link(previous: bytes, epoch: str, seq: int, body_sha256: bytes) -> bytes:
    """The chain value of record seq, from the 32 bytes of the one before."""
    return hashlib.sha256(previous + epoch.encode("ascii") + seq.to_bytes(8, "big") + body_sha256).digest()
