"""Which keys a place in a rule or a basket takes, and what to say of one that it does not."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from retail.promotions.basket import Manual
from retail.promotions.rules import Nth, Reward, Tier

#: keys that a model takes besides its fields and turns into them
SHORT: dict[type[BaseModel], tuple[str, ...]] = {
    Reward: ("percent",),
    Tier: ("percent", "price"),
    Nth: ("percent",),
    Manual: ("percent",),
}
#: a key this much like another is taken for a slip of it: `qty` for `quantity`, but not `name` for `line`
ALIKE = 0.53


def advice(root: type[BaseModel], path: list[Any]) -> str:
    """What to do about the unknown key at the end of this path: the right key of that place, or the key's right place.

    path: as in pydantic's errors, from `root` down.
    """
    wrong, place = str(path[-1]), _place(root, path[:-1])
    known = keys(place)
    near = difflib.get_close_matches(wrong, known, 1, ALIKE)
    below = [name for name, model in _parts(place) if wrong in keys(model)]
    if below:
        return f"it belongs under {' or '.join(map(repr, below))}"
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known here: {', '.join(known)}"


def keys(model: type[BaseModel]) -> list[str]:
    """As they are written in JSON, sorted."""
    return sorted([*(field.alias or name for name, field in model.model_fields.items()), *SHORT.get(model, ())])


def _place(root: type[BaseModel], path: list[Any]) -> type[BaseModel]:
    """The model at that path."""
    place, chosen = root, False
    for step in path:
        # A number leads into a list; a name that somebody chose, such as a set's, leads into a table.
        if isinstance(step, int) or chosen:
            chosen = False
            continue
        field = next(field for name, field in place.model_fields.items() if step == (field.alias or name))
        place = next(_models(field.annotation))
        chosen = get_origin(field.annotation) is dict
    return place


def _parts(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Its keys that hold a model, a list or a table of models."""
    for name, field in model.model_fields.items():
        for part in _models(field.annotation):
            yield field.alias or name, part


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
