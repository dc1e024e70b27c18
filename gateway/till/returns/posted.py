"""Goods that came back at a shop's own POS: checked against the sale that they came from, if this box keeps it.

A receipt that it does not keep is the POS's own word. Points and vouchers that its sale used are noted beside them, so
that this box's own lanes do not spend them again; the sale itself is over, and is not refused for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from gateway.errors import SaleRefused
from gateway.till import uses
from gateway.till.returns.originals import Original, Originals
from gateway.till.returns.reckoning import units_of
from gateway.till.uses import UnitUse, Use
from retail.lines import ReturnLine, SaleLine
from retail.sale import Fault, RetailTransaction


class PostedReturns:
    def __init__(self, originals: Originals) -> None:
        self._originals = originals

    def faults(self, sale: RetailTransaction) -> list[Fault]:
        """Units that the sale they name never had, or that came back already."""
        found: list[Fault] = []
        mine: dict[tuple[str, int, int], int] = {}
        for index, back in enumerate(sale.line_items):
            if not isinstance(back, ReturnLine) or back.void_flag:
                continue
            path = f"line_items[{index}]"
            for original, line in self._of(back):
                if line is None:
                    text = "the receipt did not sell this article on that line"
                    found.append(Fault(field=f"{path}.original.line_number", message=text))
                    continue
                left = original.reckoning.left(line)
                for units in back.net_units:
                    key = (original.key, line.line_number, units.net_minor)
                    mine[key] = mine.get(key, 0) + units.count
                    if mine[key] > left.get(units.net_minor, 0):
                        there = left.get(units.net_minor, 0)
                        text = f"{mine[key]} units of {units.net_minor} come back; {there} are still with the customer"
                        found.append(Fault(field=f"{path}.net_units", message=text))
        return found

    def booking(self, key: str, sale: RetailTransaction) -> Callable[[sqlite3.Connection], None] | None:
        """What belongs into the sale's own SQL transaction; None where it uses nothing."""
        used: dict[tuple[str, str], Use] = {}
        most: dict[str, int] = {}
        for use, there in self._uses(sale):
            known = used.get((use.kind, use.code))
            used[use.kind, use.code] = use if known is None else known.with_more(use)
            if there is not None:
                most[use.code] = there
        if not used and not any(tender.amount_minor < 0 for tender in sale.tenders()):
            return None

        def work(connection: sqlite3.Connection) -> None:
            for use in used.values():
                if use.code in most:
                    uses.must_be_left(connection, key, use.kind, use.code, use.amount, most[use.code], ever=True)
            uses.hold(connection, key, used.values())
            uses.book(connection, key, sale.currency, sale.tenders())

        return work

    def _uses(self, sale: RetailTransaction) -> Iterator[tuple[Use, int | None]]:
        """Each with what there was of it in all, where that is known."""
        points = -sum(line.points for line in sale.loyalty() if line.points < 0)
        for back in sale.returns():
            for original, line in self._of(back):
                if line is None:
                    continue
                sold = {units.net_minor: 0 for units in units_of(line)}
                for units in units_of(line):
                    sold[units.net_minor] += units.count
                for at, units in enumerate(back.net_units):
                    code = UnitUse.code(original.key, line.line_number, units.net_minor)
                    facts = {"tax": back.tax_amount_minor, "points": points} if at == 0 else {}
                    points = 0 if at == 0 else points
                    use = Use("unit", code, units.count, of_sale=original.key, facts=facts)
                    yield use, sold.get(units.net_minor, 0)
        for tender in sale.tenders():
            if tender.points and sale.member_id:
                yield Use("points", sale.member_id, tender.points), None
            if tender.tender_type == "Voucher" and tender.voucher_id and tender.amount_minor > 0:
                yield Use("voucher", tender.voucher_id, tender.amount_minor), None

    def _of(self, back: ReturnLine) -> Iterator[tuple[Original, SaleLine | None]]:
        """The sale that it names and its line there, None if that is another article; nothing where it is not kept."""
        at = back.original
        if at is None:
            return
        try:
            original = self._originals.find(f"{at.store_id}/{at.workstation_id}/{at.sequence_number}")
        except SaleRefused:
            return
        lines = [one for one in original.sale.sales() if one.line_number == at.line_number]
        yield original, lines[0] if lines and lines[0].item_id == back.item_id else None
