"""From a code to a line: which article it means, how much of it, at which price."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.clock import Clock
from gateway.errors import SaleRefused
from gateway.peripherals import ReadWeight, Weight
from gateway.till.basket import Basket, Line
from gateway.till.catalogue import Catalogue
from gateway.till.guards.lots import must_be_sound
from gateway.till.lane import Ask, EntryMethod, Store
from retail.barcode import Kind, Meaning
from retail.pricing import extended_amount
from retail.units import NUMBERS, Money, exponent
from retail.units import Weight as Grams
from retail.wire.rows import Item

#: codes that are read for what they are, and that no line of a sale comes from
NO_ARTICLE = {
    Kind.MEMBER: "this is a member card, not an article; scan the article",
    Kind.COUPON: "this is a coupon, not an article; scan the article",
    Kind.CARRIER: "this is the customer's invoice carrier, not an article; scan the article",
    Kind.DONATION: "this is a donation code, not an article; scan the article",
    Kind.WALLET: "this is the customer's payment code; finish the sale first, then let him pay with it",
}
WEIGH_WITHIN_S = 5.0


def _no_article(kind: Kind) -> SaleRefused:
    return SaleRefused(NO_ARTICLE[kind], reason=f"{kind}_code", field="code")


class Ringing:
    """weighing: told when the scale is asked, and when that is over."""

    def __init__(
        self, store: Store, catalogue: Catalogue, clock: Clock, scale: Ask | None, weighing: Callable[[bool], None]
    ) -> None:
        self._store, self.catalogue, self._clock = store, catalogue, clock
        self._scale, self._weighing = scale, weighing

    def meaning(self, code: str, symbology: str) -> Meaning:
        store = self._store
        return store.codes.read(code, symbology, store.layouts, exponent(store.currency))

    def sells(self, code: str, meaning: Meaning) -> bool:
        """Whether this code is one of the catalogue."""
        return bool(self.catalogue.rows(code, meaning))

    def article(self, code: str, symbology: str) -> tuple[Item, Meaning]:
        """Raises SaleRefused where the code means no article, or none that is known."""
        meaning = self.meaning(code, symbology)
        if meaning.kind in NO_ARTICLE:
            raise _no_article(meaning.kind)
        try:
            return self.catalogue.find(code, meaning), meaning
        except SaleRefused as refused:
            if meaning.otherwise is not None and refused.reason == "unknown_item":
                raise _no_article(meaning.otherwise) from refused
            raise

    async def line(
        self,
        item: Item,
        meaning: Meaning,
        code: str,
        method: EntryMethod,
        basket: Basket,
        lot_checked: bool = False,
    ) -> Line:
        """The line that this article makes in this basket. lot_checked: see lots.must_be_sound().

        Raises:
            SaleRefused: no price, another currency, expired, recalled, or no weight to sell.
            DeviceError: the scale has no stable weight.
        """
        at = self._clock.local()
        regular = self._must_be_for_sale(item, meaning, at)
        must_be_sound(item, meaning, self._clock.local_date(), lot_checked)
        quantity, grams, price, tare = await self._measure(item, meaning, regular, basket)
        period = item.period_at(at)
        return Line(
            line_number=basket.next_line_number(),
            item_id=item.item_id,
            description=item.description,
            scanned_code=code,
            entry_method="weighed" if grams is not None and meaning.weight is None else method,
            quantity=quantity,
            weight_grams=grams,
            unit_price_minor=price,
            tax_code=item.tax_code,
            tax_rate_basis_points=item.tax_rate_basis_points,
            lot=meaning.lot,
            expiry=meaning.expiry,
            category=item.category,
            tags=item.tags,
            cost_minor=item.cost_minor,
            floor_minor=item.floor_minor,
            discountable=not item.not_discountable,
            age_limit=item.age_limit,
            tare_grams=tare or None,
            piece_grams=_piece_grams(item),
            price_valid_from=period.valid_from if period else None,
            price_valid_until=period.valid_until if period else None,
            price_book=self.catalogue.version(),
        )

    def _must_be_for_sale(self, item: Item, meaning: Meaning, at: datetime) -> int:
        """The price of one piece or kilogram at this moment of the store's own time."""
        price = item.price_at(at)
        if price is None:
            raise SaleRefused(
                f"{item.description} has no price: headquarters must set one", reason="no_price", field="code"
            )
        if item.currency != self._store.currency:
            raise SaleRefused(f"{item.description} is priced in {item.currency}", reason="wrong_currency", field="code")
        if meaning.price_currency is not None and NUMBERS.get(meaning.price_currency) != self._store.currency:
            raise SaleRefused(f"the label of {item.description} is priced in another currency", reason="wrong_currency")
        return price

    async def _measure(
        self, item: Item, meaning: Meaning, price_minor: int, basket: Basket
    ) -> tuple[int | None, int | None, int, int]:
        """(pieces, net grams, unit price, tare): of the label where it says so, else of the scale, or as keyed."""
        pieces = basket.pending_quantity
        if meaning.price_minor is not None:
            return pieces or 1, None, meaning.price_minor, 0
        if item.unit == "kg":
            if pieces is not None and pieces != 1:
                raise SaleRefused(f"{item.description} is sold by weight: no quantity", reason="sold_by_weight")
            if meaning.weight is not None:
                return None, meaning.weight.grams, price_minor, 0  # what a label says is net
            tare = item.tare_grams or 0 if basket.pending_tare_grams is None else basket.pending_tare_grams
            grams, taken_off = await self.weigh(item, price_minor, tare)
            return None, grams, price_minor, taken_off
        if meaning.weight is not None:
            raise SaleRefused(
                f"{item.description} is sold by the piece, the label gives a weight", reason="sold_by_piece"
            )
        return (meaning.pieces or 1) * (pieces or 1), None, price_minor, 0

    async def weigh(self, item: Item, price_minor: int, tare_grams: int) -> tuple[int, int]:
        """(net grams, tare taken off): a scale that was tared itself says net, and nothing more is taken off."""
        if self._scale is None:
            raise SaleRefused(
                f"{item.description} must be weighed, and this workstation has no scale", reason="no_scale"
            )
        self._weighing(True)
        try:
            weight = await self._scale(ReadWeight(price_minor, item.description), WEIGH_WITHIN_S)
        finally:
            self._weighing(False)
        if not isinstance(weight, Weight) or not weight.stable or weight.grams is None:
            raise SaleRefused("no stable weight: keep the goods still and try again", reason="weight_unstable")
        if weight.grams <= 0:
            raise SaleRefused(f"nothing on the scale: put {item.description} on it", reason="weight_zero")
        tare = 0 if weight.net else tare_grams
        if weight.grams <= tare:
            text = f"{item.description} weighs {weight.grams} g, its tare {tare} g: put the goods on, or key the tare"
            raise SaleRefused(text, reason="weight_zero")
        if not tare:
            self._must_agree(item, weight, price_minor)  # with a tare of ours it counts for the pot, too
        return weight.grams - tare, tare

    def _must_agree(self, item: Item, weight: Weight, price_minor: int) -> None:
        """A scale that shows the customer a total of its own must show the one that the till books."""
        if weight.price_minor is None or weight.grams is None:
            return
        currency, locale = self._store.currency, self._store.locale
        ours = extended_amount(Money(price_minor, currency), Grams(weight.grams))
        if ours.minor != weight.price_minor:
            theirs, counted = Money(weight.price_minor, currency).shown(locale), ours.shown(locale)
            raise SaleRefused(
                f"the scale shows {theirs} and the till counts {counted} for {item.description}: weigh again;"
                " if it stays so, check the scale's currency and decimals",
                reason="scale_disagrees",
            )


def _piece_grams(item: Item) -> int | None:
    """What a piece weighs in the bag, as far as its row says."""
    if item.unit == "kg" or item.net_content is None or item.net_content_unit != "g":
        return None
    return item.net_content + (item.tare_grams or 0)
