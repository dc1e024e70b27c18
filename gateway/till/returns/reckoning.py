"""What goes back for units of a sale: what was paid for each, the tax in it, the points that it earned.

Which units: of a line whose units cost differently the cheapest first, so that a deal is not taken apart at the shop's
cost; the line itself is the customer's choice.
Tax, points: what those of the sale fall short of once these units are gone, less what went back before: however a sale
comes back in pieces, the parts add up to the whole (retail/promotions/returns.py says the same of a priced basket).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import SaleRefused
from gateway.till.uses import UnitUse
from retail.lines import NetUnits, SaleLine
from retail.pricing import included_tax_minor
from retail.sale import RetailTransaction
from retail.units import divide_half_up


@dataclass(frozen=True, slots=True)
class Back:
    """net_units: what is paid back, unit by unit; tax in it; points that are taken back with it."""

    net_units: list[NetUnits]
    tax_minor: int
    points: int

    @property
    def net_minor(self) -> int:
        return sum(units.count * units.net_minor for units in self.net_units)


class Reckoning:
    """One sale as it was kept, and what of it came back so far."""

    def __init__(self, sale: RetailTransaction, gone: Sequence[UnitUse]) -> None:
        self._sale, self._gone = sale, gone

    def left(self, line: SaleLine) -> dict[int, int]:
        """net of a unit -> how many of them are still with the customer, the cheapest first."""
        left = {units.net_minor: 0 for units in units_of(line)}
        for units in units_of(line):
            left[units.net_minor] += units.count
        for use in self._gone:
            if use.line_number == line.line_number and use.net_minor in left:
                left[use.net_minor] -= use.count
        return {net: count for net, count in sorted(left.items()) if count > 0}

    def back(self, line: SaleLine, count: int) -> Back:
        """So many units of this line.

        Raises:
            SaleRefused: there are not so many left.
        """
        chosen = self._chosen(line, count)
        net = sum(units.count * units.net_minor for units in chosen)
        return Back(chosen, min(self._tax(line, net), net), self._points(net))

    def _chosen(self, line: SaleLine, count: int) -> list[NetUnits]:
        left = self.left(line)
        there = sum(left.values())
        if count > there:
            came = line.units - there
            text = f"{line.description}: {line.units} sold, {came} came back already, {there} can still come back"
            raise SaleRefused(text, reason="already_returned", field="quantity")
        chosen = []
        for net, many in left.items():
            if take := min(many, count):
                chosen.append(NetUnits(count=take, net_minor=net))
                count -= take
        return chosen

    def _tax(self, line: SaleLine, net: int) -> int:
        rate = rate_of(self._sale, line.tax_code)
        numbers = {sold.line_number for sold in self._sale.sales() if sold.tax_code == line.tax_code}
        sold = sum(one.net_minor for one in self._sale.sales() if one.tax_code == line.tax_code)
        gone = [use for use in self._gone if use.line_number in numbers]
        after = sold - sum(use.count * use.net_minor for use in gone) - net
        before = included_tax_minor(sold, rate) - sum(use.tax_minor for use in gone)
        return max(0, before - included_tax_minor(after, rate))

    def _points(self, net: int) -> int:
        earned = sum(line.points for line in self._sale.loyalty() if line.points > 0)
        sold = sum(line.net_minor for line in self._sale.sales())
        if not earned or not sold:
            return 0
        after = sold - sum(use.count * use.net_minor for use in self._gone) - net
        return max(0, earned - sum(use.points for use in self._gone) - divide_half_up(earned * after, sold))


def units_of(line: SaleLine) -> list[NetUnits]:
    """What was paid for each unit; a line without discounts has units of one price, a weighed one is one unit."""
    if line.net_units:
        return line.net_units
    each = line.net_minor if line.weight_grams is not None else line.unit_price_minor
    return [NetUnits(count=line.units, net_minor=each)]


def rate_of(sale: RetailTransaction, tax_code: str) -> int:
    """In basis points; 0 where the sale does not say, as of one that a shop's own POS posted without its tax."""
    return next((tax.rate_basis_points for tax in sale.taxes() if tax.tax_code == tax_code), 0)
