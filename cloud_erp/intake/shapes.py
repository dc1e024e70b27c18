"""Models as dicts: shapes made of a model's own fields and limits, that take nothing by conversion.

The fields of a shape stand in order of name, and pydantic gives a dict its keys in that order. Times and days stay the
text they came as, and no field takes a float: so writing such a dict out gives its canonical form.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import date
from functools import cache, reduce
from types import GenericAlias, UnionType
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$")]
#: written like a day; no calendar was asked
Written = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]


def _of_the_calendar(text: str) -> str:
    date.fromisoformat(text)
    return text


Day = Annotated[Written, AfterValidator(_of_the_calendar)]


def shape(model: type[BaseModel], **instead: Any) -> Any:
    """The model as a dict with its keys in order of name; `instead`: what to take for a field's own annotation."""
    fields: dict[str, Any] = {}
    for name, field in sorted((field.alias or name, field) for name, field in model.model_fields.items()):
        kind = instead[name] if name in instead else _plain(field.annotation)
        if name not in instead:
            for limit in field.metadata:
                kind = Annotated[kind, limit]
        fields[name] = kind if field.is_required() else NotRequired[kind]
    typed_dict: Any = TypedDict
    made = typed_dict(model.__name__, fields)
    made.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    return made


def some(kind: Any, most: int) -> Any:
    kinds: Any = GenericAlias(list, (kind,))
    return Annotated[kinds, Field(min_length=1, max_length=most)]


def either(kinds: Sequence[Any]) -> Any:
    return reduce(operator.or_, kinds)


@cache
def _nested(model: type[BaseModel]) -> Any:
    return shape(model)


def _plain(kind: Any) -> Any:
    """An annotation with models as their shapes, and a day as the text it comes as."""
    if kind is date:
        return Day
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _nested(kind)
    origin, parts = get_origin(kind), tuple(_plain(part) for part in get_args(kind))
    if origin is list:
        return GenericAlias(list, parts)
    if origin in (Union, UnionType):
        return either(parts)
    return kind
