"""Why a line costs what it costs, from the other side: the rules that it belongs to and that gave it nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retail.promotions.compiled import Compiled
from retail.promotions.rules import Threshold, Tier
from retail.promotions.units import Free
from retail.promotions.whole import counted_sets, in_sets, measured, needed

if TYPE_CHECKING:
    from retail.promotions.lanes import Entry
    from retail.promotions.priced import Priced

NOT_REACHED = "not complete yet"
OTHERS_SAVE_MORE = "other offers save more, or have these units"


def without_effect(priced: Priced, ref: str | int) -> list[tuple[Compiled, str]]:
    """(rule, why) of the rules with a set that the line of this `line` is in, and that took nothing off it."""
    entry = next((entry for entry in priced.entries if entry.line.line == ref), None)
    if entry is None:
        return []
    sale, place = priced.sale, priced.entries.index(entry)
    mine = {deal["rule"] for deal in priced.deals for unit in deal["units"] if unit["line"] - 1 == place}
    mine |= {one["rule"] for one in [*priced.points, *priced.gifts]}
    found = []
    for rule, _ in sale.index.hits(entry.line, sale.today):
        if rule.rule.id in mine or rule.rule.kind == "manual_discount":
            continue
        reason = sale.refusals.get(rule.place, "")
        found.append((rule, reason or (OTHERS_SAVE_MORE if _reached(priced, rule) else NOT_REACHED)))
    return found


def _reached(priced: Priced, rule: Compiled) -> bool:
    """Whether the basket has enough for the rule, if nobody else took anything."""
    if rule.by_pattern:
        return any(_complete(priced.entries, rule, number) for number in range(len(rule.patterns)))
    units = Free(in_sets(rule, counted_sets(rule), priced.units))
    steps: list[Tier | Threshold] = [
        *rule.rule.tiers,
        *([rule.rule.threshold] if rule.rule.threshold is not None else []),
    ]
    return any(measured(rule, step, units) >= needed(step) for step in steps) if steps else bool(units.units)


def _complete(entries: list[Entry], rule: Compiled, number: int) -> bool:
    """Whether there are units for every slot, and enough in all."""
    pattern = rule.patterns[number]
    pieces = [(entry.pieces, entry.article.bits.get(rule.place, 0)) for entry in entries]
    in_all = sum(count for count, bits in pieces if bits)
    return in_all >= pattern.size and all(
        sum(count for count, bits in pieces if bits & slot.bit) >= slot.qty for slot in pattern.slots
    )
