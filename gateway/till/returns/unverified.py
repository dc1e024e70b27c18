"""Goods without a receipt that this box can look up: what is paid back for them.

The lowest price of the last 30 days, as far as the price book knows it: nobody gains by bringing back at today's price
what was bought in last week's offer. Deals are not known; somebody's authority stands for that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.errors import SaleRefused
from retail.barcode import Meaning
from retail.lines import NetUnits, ReturnLine
from retail.pricing import included_tax_minor, weighed_minor
from retail.wire.rows import Item

if TYPE_CHECKING:
    from gateway.till.returns.returning import Wanted
    from gateway.till.workstation import Workstation

DAYS = 30


class Unverified:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def line(self, till: Workstation, item: Item, meaning: Meaning, wanted: Wanted) -> tuple[ReturnLine, int]:
        """The line and its tax rate in basis points; what is sold by weight is weighed, unless the label says it.

        Raises:
            SaleRefused: no price, another currency, or a weight for what is sold by the piece.
            DeviceError: the scale has no stable weight.
        """
        price = self._price(item, till.store.currency)
        grams = None
        if item.unit == "kg" and meaning.price_minor is None:
            label = meaning.weight.grams if meaning.weight is not None else wanted.weight_grams
            grams = label if label is not None else await till.weigh(item, price)
        elif wanted.weight_grams is not None:
            raise SaleRefused(f"{item.description} is sold by the piece", reason="sold_by_piece", field="weight_grams")
        if meaning.price_minor is not None:
            price = meaning.price_minor
        pieces = wanted.quantity * (meaning.pieces or 1)
        amount = weighed_minor(price, grams) if grams is not None else price * pieces
        units = NetUnits(count=1, net_minor=amount) if grams is not None else NetUnits(count=pieces, net_minor=price)
        line = ReturnLine(
            line_number=till.basket.next_line_number(),
            item_id=item.item_id,
            description=item.description,
            scanned_code=wanted.code,
            quantity=None if grams is not None else pieces,
            weight_grams=grams,
            unit_price_minor=price,
            extended_amount_minor=amount,
            tax_code=item.tax_code,
            lot=meaning.lot,
            expiry=meaning.expiry,
            net_units=[units],
            tax_amount_minor=included_tax_minor(amount, item.tax_rate_basis_points),
            reason_code=wanted.reason_code,
            reason=wanted.reason or None,
        )
        return line, item.tax_rate_basis_points

    def _price(self, item: Item, currency: str) -> int:
        now = self._clock.local()
        price = item.lowest_price(now - timedelta(days=DAYS), now)
        if price is None:
            raise SaleRefused(f"{item.description} has no price to pay back", reason="no_price", field="code")
        if item.currency != currency:
            raise SaleRefused(f"{item.description} is priced in {item.currency}", reason="wrong_currency", field="code")
        return price
