"""The outside of a batch, and the limits beyond which nothing in it is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from cloud_erp.intake.item import Item
from retail.sale import Shape
from retail.wire.log import Epoch, Sha256

#: what an integer column holds
MOST = 2**63 - 1
#: a total beyond this is a mistake, and sums of such would overflow
MOST_TOTAL = 10**13
MOST_RECORDS = 10_000


class Envelope(Shape):
    """A batch whose items were not looked at yet."""

    schema_: str = Field(alias="schema", pattern=r"^backroom\.log/1$")
    epoch: Epoch
    first_seq: int = Field(ge=1, le=MOST - MOST_RECORDS)
    count: int = Field(ge=1)
    prev_chain: Sha256
    items: list[Any] = Field(min_length=1, max_length=MOST_RECORDS)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch that was read. count: how many records it says that it holds."""

    epoch: str
    first_seq: int
    count: int
    items: list[Item]

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self.items) - 1
