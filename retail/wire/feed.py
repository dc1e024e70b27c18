"""Master data on its way down: a feed has a monotonic version, a retained head, pages on request, one atomic switch.

The store asks from the version it has (0: everything); the core answers with the rows that changed since, in pages.
The new version is applied in one transaction after the hash of the whole resulting feed was verified, else refused and
asked for again from 0.

    sha256 of a feed = SHA-256 over "<key>\\t<canonical JSON of the row>\\n" for its rows in order of key (UTF-8 bytes)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from retail.lines import Shape
from retail.wire.log import Sha256

PAGE_ROWS = 500


class FeedHead(Shape):
    """`edge/v1/<gateway>/down/feed/<name>/head`, retained."""

    schema_: Literal["backroom.feed-head/1"] = Field(default="backroom.feed-head/1", alias="schema")
    version: int = Field(ge=0)
    sha256: Sha256
    rows: int = Field(ge=0)


class FeedPull(Shape):
    """`edge/v1/<gateway>/up/feed/<name>/pull`."""

    schema_: Literal["backroom.feed-pull/1"] = Field(default="backroom.feed-pull/1", alias="schema")
    request_id: str = Field(min_length=1, max_length=64, description="repeated in every page of the answer")
    from_version: int = Field(ge=0, description="the version the store has; 0 asks for everything")


class FeedRow(Shape):
    key: str = Field(min_length=1, max_length=128)
    row: dict[str, Any] | None = Field(description="null: this key is gone")


class FeedPage(Shape):
    """`edge/v1/<gateway>/down/feed/<name>/page`, zstd-compressed over 1 KiB; pages 1..pages of one version."""

    schema_: Literal["backroom.feed-page/1"] = Field(default="backroom.feed-page/1", alias="schema")
    request_id: str
    from_version: int = Field(ge=0)
    version: int = Field(ge=0)
    page: int = Field(ge=1)
    pages: int = Field(ge=1)
    rows: list[FeedRow]


def feed_sha256(rows: Iterable[tuple[str, bytes]]) -> str:
    """The hash of a whole feed from (key, canonical JSON) pairs in order of key."""
    digest = hashlib.sha256()
    for key, body in rows:
        digest.update(key.encode())
        digest.update(b"\t")
        digest.update(body)
        digest.update(b"\n")
    return digest.hexdigest()
