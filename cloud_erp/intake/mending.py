"""What a person changes in a record's body: one value by its path, and the difference that is put on record."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from cloud_erp.errors import CoreError

STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def steps(path: str) -> list[str | int]:
    """line_items[0].item_id -> ["line_items", 0, "item_id"].

    Raises:
        CoreError: it is no such path.
    """
    found: list[str | int] = []
    at = 0
    while at < len(path):
        step = STEP.match(path, at)
        if step is None:
            raise CoreError(f"path {path!r}: write it like total_minor or line_items[0].item_id")
        found.append(step[1] if step[1] is not None else int(step[2]))
        at = step.end()
    if not found:
        raise CoreError("path '': name the field, such as total_minor or line_items[0].item_id")
    return found


def with_value(body: Any, path: str, value: str) -> Any:
    """The body with the field at `path` set; `value` is JSON, or else a plain word.

    Raises:
        CoreError: the body has no such place.
    """
    changed = copy.deepcopy(body)
    *way, last = steps(path)
    place: Any = changed
    try:
        for step in way:
            place = place[step]
        holder: type[Any] = list if isinstance(last, int) else dict
        if not isinstance(place, holder):
            raise TypeError(last)
        place[last] = _value(value)
    except (KeyError, IndexError, TypeError) as error:
        raise CoreError(f"path {path!r}: the body has no such place; see `backroom-core quarantine show`") from error
    return changed


def differences(before: Any, after: Any, path: str = "") -> dict[str, list[Any]]:
    """path -> [before, after] of every value that differs; a value that was or is not there is null."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: dict[str, list[Any]] = {}
        for name in sorted(before.keys() | after.keys()):
            found |= differences(before.get(name), after.get(name), f"{path}.{name}" if path else name)
        return found
    if isinstance(before, list) and isinstance(after, list):
        found = {}
        for place in range(max(len(before), len(after))):
            old, new = (side[place] if place < len(side) else None for side in (before, after))
            found |= differences(old, new, f"{path}[{place}]")
        return found
    return {} if before == after and type(before) is type(after) else {path: [before, after]}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
