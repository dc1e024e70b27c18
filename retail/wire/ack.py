"""The core's acknowledgement: `edge/v1/<gateway>/down/ack`, retained and cumulative.

It is sent after the core's database committed, and it alone lets a store mark a record as booked. Retained makes a
reconnect one message; cumulative makes a lost one harmless.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retail.sale import Shape
from retail.wire.log import Epoch, Sha256


class Rejected(Shape):
    """A record that HQ holds in quarantine: it counts as received and never blocks the rest."""

    seq: int = Field(ge=1)
    code: str = Field(description="one machine word: why", examples=["does_not_add_up"])
    quarantine_id: str


class Ack(Shape):
    schema_: Literal["backroom.ack/1"] = Field(default="backroom.ack/1", alias="schema")
    epoch: Epoch
    contiguous_seq: int = Field(ge=0, description="every record up to here is booked or in quarantine")
    chain: Sha256 | None = Field(
        default=None,
        description="chain of record contiguous_seq as the core has it; one that differs from the store's own tells"
        " of a copied or restored card, and marks nothing",
    )
    rejected: list[Rejected] = Field(
        default=[], description="what was rejected since what the store can already know, in seq order; at most 400"
    )
    credit: int = Field(default=4, ge=1, le=64, description="batches that may be in flight")
    core_incarnation: str = Field(
        description="changes when the core's database was restored: contiguous_seq may go back"
    )
