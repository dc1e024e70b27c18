"""Rows of headquarters' feeds as the till uses them: one that cannot be is refused by its name and takes no other down.

Headquarters checks what it sends; a row may still be of a newer software, or of an older one that allowed more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError

from gateway.errors import SaleRefused
from retail.lines import Shape

log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=Shape)


def row_of(kind: type[Row], row: Mapping[str, Any], feed: str) -> Row:
    """Raises SaleRefused: it cannot be used; the text names feed, row, field and what is wrong with it."""
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = row.get(next(iter(kind.model_fields)))
        field = ".".join(str(part) for part in first["loc"])
        text = (
            f"row {str(key)[:64]!r} of feed {feed} cannot be used: {field}: {first['msg']}; headquarters must mend it"
        )
        _told(text)
        raise SaleRefused(text, reason="unreadable_row") from None


def rows_of(kind: type[Row], rows: Iterable[Mapping[str, Any]], feed: str) -> list[Row]:
    """Those that can be used; the log names the others."""
    found = []
    for row in rows:
        try:
            found.append(row_of(kind, row, feed))
        except SaleRefused:
            continue
    return found


@lru_cache(maxsize=256)
def _told(text: str) -> None:
    """Once, however often the row is asked for."""
    log.error("%s", text)
