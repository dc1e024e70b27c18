"""Whether a unit belongs to a set, and under which keys the index finds the set."""

from __future__ import annotations

from datetime import date

from retail.promotions.basket import Line
from retail.promotions.rules import Matcher

#: the key of what matches everything
EVERYTHING = "*"


def keys_of_set(matcher: Matcher) -> list[str]:
    """The keys to file a set under: of its lists the one that says most."""
    for prefix, names in (
        ("i:", matcher.items),
        ("l:", matcher.lots),
        ("t:", matcher.tags),
        ("t:", matcher.all_tags[:1]),
        ("c:", matcher.categories),
    ):
        if names:
            return [prefix + name for name in names]
    return [EVERYTHING]


def is_plain(matcher: Matcher) -> bool:
    """Whether being found under one of its keys is all that the set asks for."""
    alone = Matcher.model_construct(
        all=matcher.all, items=matcher.items, tags=matcher.tags, categories=matcher.categories, lots=matcher.lots
    )
    lists = sum(1 for names in (matcher.items, matcher.tags, matcher.categories, matcher.lots) if names)
    return matcher == alone and lists <= 1


def keys_of_line(line: Line) -> list[str]:
    """The keys to look a line up under; a category `food/fruit` is in `food` as well."""
    keys = [EVERYTHING, f"i:{line.item}", *(f"t:{tag}" for tag in line.tags)]
    if line.lot:
        keys.append(f"l:{line.lot}")
    return keys + [f"c:{name}" for name in with_parents(line.category)]


def with_parents(category: str) -> list[str]:
    parts = category.split("/") if category else []
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def belongs(matcher: Matcher, line: Line, today: date | None) -> bool:
    """Every list that the set gives must have a hit; what it leaves out must have none."""
    tags = line.tags
    left_out = matcher.without
    if line.item in left_out.items or any(tag in left_out.tags for tag in tags):
        return False
    if left_out.categories and any(name in left_out.categories for name in with_parents(line.category)):
        return False
    return (
        (not matcher.items or line.item in matcher.items)
        and (not matcher.tags or any(tag in matcher.tags for tag in tags))
        and all(tag in tags for tag in matcher.all_tags)
        and (not matcher.categories or any(name in matcher.categories for name in with_parents(line.category)))
        and (not matcher.lots or line.lot in matcher.lots)
        and (matcher.price_from is None or line.unit_price >= matcher.price_from)
        and (matcher.price_to is None or line.unit_price <= matcher.price_to)
        and _expires(matcher, line.expiry, today)
    )


def _expires(matcher: Matcher, expiry: date | None, today: date | None) -> bool:
    if matcher.expires_until is not None and (expiry is None or expiry > matcher.expires_until):
        return False
    if matcher.expires_within_days is None:
        return True
    return expiry is not None and today is not None and (expiry - today).days <= matcher.expires_within_days
