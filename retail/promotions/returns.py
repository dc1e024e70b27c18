"""A return pays what the customer really paid: each unit's stored net, whatever deals it was part of.

It reads the priced sale as it was stored (Priced.as_dict() or its JSON); rules play no part any more. The tax that
goes back is what the tax of the units that stay falls short of: unit by unit it adds up to the tax of the sale.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from retail.pricing import included_tax_minor

UnitKey = tuple[int, int]  # number of the line, number of the unit in it


class ReturnRefused(ValueError):
    """The sale has no such unit, or it was returned before; `unit` says which."""

    def __init__(self, unit: UnitKey, text: str) -> None:
        super().__init__(f"line {unit[0]}, unit {unit[1]}: {text}")
        self.unit = unit


@dataclass(frozen=True, slots=True)
class Refund:
    """What to pay back: in all, per unit, and the tax in it per code (where the sale knew the rate)."""

    net: int
    units: dict[UnitKey, int]
    tax: dict[str, int]
    #: discounts that go back with the units, per rule: what the promotion's report takes off again
    discounts: dict[str, int]


def refund(sale: dict[str, Any], units: Iterable[UnitKey], returned: Collection[UnitKey] = ()) -> Refund:
    """The refund for these units; `returned` are those that came back earlier.

    Raises:
        ReturnRefused: a unit is not in the sale, came back already, or is named twice.
    """
    known = {(line["line"], unit["unit"]): (line, unit) for line in sale["lines"] for unit in line["units"]}
    gone = set(returned)
    paid: dict[UnitKey, int] = {}
    discounts: dict[str, int] = {}
    nets: dict[str, int] = {}
    for key in units:
        if key not in known:
            raise ReturnRefused(key, "is not in this sale; look at the receipt's lines")
        if key in gone:
            raise ReturnRefused(key, "came back already; nothing more is paid for it")
        gone.add(key)
        line, unit = known[key]
        paid[key] = unit["net"]
        nets[line["tax_code"]] = nets.get(line["tax_code"], 0) + unit["net"]
        for given in unit["discounts"]:
            discounts[given["rule"]] = discounts.get(given["rule"], 0) + given["amount"]
    return Refund(sum(paid.values()), paid, _tax(sale, nets, returned, known), discounts)


def _tax(
    sale: dict[str, Any],
    nets: dict[str, int],
    returned: Collection[UnitKey],
    known: dict[UnitKey, tuple[dict[str, Any], dict[str, Any]]],
) -> dict[str, int]:
    answer = {}
    for code in sale["tax"]:
        if code["code"] in nets and "rate" in code:
            earlier = sum(known[key][1]["net"] for key in returned if known[key][0]["tax_code"] == code["code"])
            before = code["net"] - earlier
            after = before - nets[code["code"]]
            answer[code["code"]] = included_tax_minor(before, code["rate"]) - included_tax_minor(after, code["rate"])
    return answer
