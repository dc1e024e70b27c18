"""Which lines belong together: those that share, over any number of steps, a rule through which deals or limits go."""

from __future__ import annotations

from dataclasses import replace

from retail.promotions.deals import Deal
from retail.promotions.lanes import Entry, Region
from retail.promotions.units import Unit


def split(entries: list[Entry]) -> list[list[Entry]]:
    """Lines into regions; each region's lines, and the regions, stand in the order of the lines."""
    parent: dict[int, int] = {}

    def root(key: int) -> int:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for entry in entries:
        links = entry.article.links
        for place in links:
            parent[root(place)] = root(links[0])
    found: dict[int, list[Entry]] = {}
    for number, entry in enumerate(entries):
        links = entry.article.links
        found.setdefault(root(links[0]) if links else -1 - number, []).append(entry)
    return list(found.values())


def copied(regions: list[Region], entries: list[Entry]) -> tuple[list[Unit], list[Deal]]:
    """Units in the order of the basket's lines, to price further, and the regions' deals; regions stay as they are."""
    place = {entry: number for number, entry in enumerate(entries)}
    per_line: list[list[Unit]] = [[] for _ in entries]
    deals: list[Deal] = []
    for region in regions:
        lines = [place[entry] for entry in region.entries]
        offset = len(deals)
        for unit in region.units:
            line = lines[unit.line]
            per_line[line].append(
                Unit(line, unit.number, unit.article, unit.net, [], unit.closed, unit.lane, unit, offset)
            )
        deals += region.deals
    return [unit for units in per_line for unit in units], deals


def renumbered(deals: list[Deal], units: list[Unit]) -> list[Deal]:
    """The deals with the units of the basket in place of those of the regions."""
    copies = {unit.origin: unit for unit in units}
    return [replace(deal, units=[copies.get(unit, unit) for unit in deal.units]) for deal in deals]
