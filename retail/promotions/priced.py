"""A priced basket: totals at once; lines, units, deals, tax and the trace when somebody asks for them."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retail.pricing import included_tax_minor
from retail.promotions.basketwide import Whole
from retail.promotions.deals import Deal
from retail.promotions.lanes import Entry, Region, Trace
from retail.promotions.occasion import Sale
from retail.promotions.regions import copied, renumbered
from retail.promotions.rules import LANES
from retail.promotions.units import Unit

if TYPE_CHECKING:
    from retail.promotions.session import Session


class Priced:
    """What the customer pays, and why."""

    def __init__(self, session: Session, entries: list[Entry], regions: list[Region], whole: Whole | None) -> None:
        self._session, self.entries, self.regions, self.whole = session, entries, regions, whole
        self.gross = sum(region.gross for region in regions)
        self.net = sum(unit.net for unit in whole.units) if whole else sum(region.net for region in regions)

    @property
    def sale(self) -> Sale:
        """The occasion, and the rules that it was priced by."""
        return self._session.sale

    @property
    def units(self) -> list[Unit]:
        """Every unit in the order of the lines, with what the deals left of its price."""
        return self._parts[0]

    @property
    def discount(self) -> int:
        return self.gross - self.net

    @cached_property
    def _parts(self) -> tuple[list[Unit], list[Deal], list[int]]:
        """Units in order, deals in order, and for every deal of the units its number in that order, from 1."""
        units, deals = (self.whole.units, self.whole.deals) if self.whole else copied(self.regions, self.entries)
        deals = renumbered(deals, units)
        order = sorted(range(len(deals)), key=lambda number: _deal_order(deals[number]))
        numbers = [0] * len(deals)
        for position, number in enumerate(order, 1):
            numbers[number] = position
        return units, [deals[number] for number in order], numbers

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        units, deals, numbers = self._parts
        by_number = dict(zip(sorted(numbers), deals, strict=True))
        per_line: list[list[Unit]] = [[] for _ in self.entries]
        for unit in units:
            per_line[unit.line].append(unit)
        return [
            _line(number, entry, per_line[number - 1], numbers, by_number)
            for number, entry in enumerate(self.entries, 1)
        ]

    @cached_property
    def deals(self) -> list[dict[str, Any]]:
        return [_deal(number, deal) for number, deal in enumerate(self._parts[1], 1)]

    @property
    def gifts(self) -> list[dict[str, Any]]:
        return self.whole.gifts if self.whole else []

    @property
    def points(self) -> list[dict[str, Any]]:
        return self.whole.points if self.whole else []

    @cached_property
    def prompts(self) -> list[dict[str, Any]]:
        return self._session.prompts(self)

    @cached_property
    def tax(self) -> list[dict[str, Any]]:
        """Net per tax code; with a rate also the tax that it contains."""
        nets: dict[str, int] = {}
        for unit in self._parts[0]:
            code = self.entries[unit.line].line.tax_code
            nets[code] = nets.get(code, 0) + unit.net
        rates = self._session.tax_rates
        return [
            {"code": code, "net": net}
            | ({"rate": rates[code], "tax": included_tax_minor(net, rates[code])} if code in rates else {})
            for code, net in sorted(nets.items())
        ]

    @cached_property
    def totals(self) -> dict[str, Any]:
        points = sum(entry["points"] for entry in self.points)
        return {"gross": self.gross, "discount": self.discount, "net": self.net, "points": points}

    @property
    def traces(self) -> list[Trace]:
        return [trace for region in self.regions for trace in region.traces] + (self.whole.traces if self.whole else [])

    @property
    def bounded(self) -> bool:
        return any(trace.bounded for trace in self.traces)

    @cached_property
    def explain(self) -> dict[str, Any]:
        """How the answer came about: searches with what they looked at, and rules that did not hold."""
        traces = sorted(self.traces, key=lambda trace: (trace.lane, -trace.priority, trace.rules, trace.units))
        sale = self._session.sale
        wanted = {rule.place for entry in self.entries for rule, _ in sale.index.hits(entry.line, sale.today)}
        idle = [(sale.index.rules[place].rule.id, sale.refusals.get(place, "")) for place in sorted(wanted)]
        return {
            "bounded": self.bounded,
            "deals": len(self._parts[1]),
            "units": len(self._parts[0]),
            "candidates": sum(trace.candidates for trace in traces),
            "nodes": sum(trace.nodes for trace in traces),
            "searches": [_trace(trace) for trace in traces],
            "not_applicable": [{"rule": rule, "reason": reason} for rule, reason in idle if reason],
        }

    def as_dict(self) -> dict[str, Any]:
        return {
            "currency": self._session.currency,
            "lines": self.lines,
            "deals": self.deals,
            "gifts": self.gifts,
            "points": self.points,
            "prompts": self.prompts,
            "tax": self.tax,
            "totals": self.totals,
            "explain": self.explain,
        }

    def to_json(self) -> str:
        """The same bytes for the same basket and rules: keys sorted, no spaces."""
        return json.dumps(self.as_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _deal_order(deal: Deal) -> tuple[int, int, list[tuple[int, int]], int]:
    return deal.lane, deal.rule.place, [(unit.line, unit.number) for unit in deal.units], deal.saving


def _line(number: int, entry: Entry, units: list[Unit], numbers: list[int], deals: dict[int, Deal]) -> dict[str, Any]:
    line, net = entry.line, sum(unit.net for unit in units)
    gross = sum(unit.gross for unit in units)
    answer: dict[str, Any] = {
        "line": number,
        "item": line.item,
        "unit_price": line.unit_price,
        "gross": gross,
        "discount": gross - net,
        "net": net,
        "tax_code": line.tax_code,
        "units": [_unit(unit, numbers, deals) for unit in units],
    }
    answer |= {"quantity": line.quantity} if line.grams is None else {"grams": line.grams}
    return answer | ({} if line.line is None else {"ref": line.line})


def _unit(unit: Unit, numbers: list[int], deals: dict[int, Deal]) -> dict[str, Any]:
    given = sorted((numbers[number], lane, amount) for lane, number, amount in unit.all_deals())
    return {
        "unit": unit.number,
        "gross": unit.gross,
        "net": unit.net,
        "discounts": [
            {"deal": number, "lane": LANES[lane], "rule": deals[number].rule.rule.id, "amount": amount}
            for number, lane, amount in given
        ],
    }


def _deal(number: int, deal: Deal) -> dict[str, Any]:
    rule = deal.rule.rule
    return {
        "deal": number,
        "rule": rule.id,
        "rev": rule.rev,
        "name": rule.name,
        "kind": rule.kind,
        "lane": LANES[deal.lane],
        "priority": rule.priority,
        "saving": deal.saving,
        "units": [
            {"line": unit.line + 1, "unit": unit.number, "amount": share, "rewarded": rewarded}
            for unit, share, rewarded in zip(deal.units, deal.shares, deal.rewarded, strict=True)
        ],
        **deal.note,
    }


def _trace(trace: Trace) -> dict[str, Any]:
    return {
        "lane": LANES[trace.lane],
        "priority": trace.priority,
        "rules": trace.rules,
        "units": trace.units,
        "candidates": trace.candidates,
        "nodes": trace.nodes,
        "saving": trace.saving,
        "bounded": trace.bounded,
    }
