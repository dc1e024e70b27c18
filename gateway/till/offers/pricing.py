"""The price of one workstation's open sale, after every change: one scan is one step of the engine's session.

The session is kept from change to change and asked for what is different; it is made anew when something changes that
bears on all lines: the customer, a coupon, the tender, a discount by hand, new rules, or the minute at which a rule
begins or ends. The answer depends on what is in the sale alone, never on how it came there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from gateway.till.offers import answer
from gateway.till.offers.rows import ByHand, Offers
from gateway.till.offers.rulebook import RuleBook, Rules

if TYPE_CHECKING:
    from gateway.till.basket import Basket, Line
    from gateway.till.lane import Store
    from retail.promotions import Engine, Priced, Session
    from retail.promotions import Line as EngineLine
    from retail.promotions.compiled import Compiled
    from retail.promotions.prompts import Shelf

log = logging.getLogger(__name__)

#: up to so many lines more or less are steps; more are priced together
MOST_STEPS = 3
#: (member, day of the store's calendar) -> how often rules gave something to him in this store, or are about to
UsedToday = Callable[[str, date], dict[str, int]]


class Pricing:
    """shelf: what the store has besides, for prompts; None: only what is in the sale is prompted for."""

    def __init__(self, book: RuleBook, store: Store, used_today: UsedToday, shelf: Callable[[], Shelf | None]) -> None:
        self._book, self._store, self._used_today, self._shelf = book, store, used_today, shelf
        self._session: Session | None = None
        self._priced: Priced | None = None
        self._about: tuple[Any, ...] = ()
        self._lines: dict[int, tuple[Any, EngineLine]] = {}
        self._steady: tuple[Engine, datetime, datetime] | None = None

    def price(self, basket: Basket, tender: str | None = None) -> None:
        """Write onto the basket what its lines cost now. tender: the kind it is about to be paid with, all of it.

        An engine that fails sells at plain prices: a lane that cannot sell costs more than a deal that was not given.
        """
        rules = self._book.rules
        basket.offers = Offers(
            at=basket.rung_at, rules_version=rules.version if rules else 0, tender=tender, pending=rules is None
        )
        try:
            priced = self.priced(basket, tender)
        except Exception:  # see above
            log.exception("the offers of a sale could not be worked out; it stands at plain prices")
            self.forget()
            priced, basket.offers.failed = None, True
        if priced is None:
            answer.clear(basket)
        else:
            answer.write(priced, basket, basket.offers, self._store.locale)

    def priced(self, basket: Basket, tender: str | None = None) -> Priced | None:
        """The engine's answer for this basket as it stands; None where there is nothing to ask it."""
        rules = self._book.rules
        engine = self._engine(rules, basket)
        if engine is None or not basket.lines:
            self.forget()
            return None
        about = self._occasion(engine, basket, tender)
        wanted = {line.line_number: (_key(line), line) for line in basket.lines if not line.void}
        if self._session is None or about != self._about:
            self._begin(engine, basket, tender, about)
        assert self._session is not None  # noqa: S101  begun before
        gone = [number for number, (key, _) in self._lines.items() if number not in wanted or wanted[number][0] != key]
        new = [number for number, (key, _) in wanted.items() if number not in self._lines or number in gone]
        if len(gone) + len(new) > MOST_STEPS and self._lines:
            self._begin(engine, basket, tender, about)
            gone, new = [], list(wanted)
        self._step(gone, [(number, *wanted[number]) for number in new])
        return self._priced

    def rules_version(self) -> int:
        return self._book.rules.version if self._book.rules is not None else -1

    def rules_by_id(self) -> dict[str, Compiled]:
        rules = self._book.rules
        return rules.engine.index.by_id if rules is not None and rules.engine is not None else {}

    def refuse(self, rule_id: str) -> None:
        if self._session is not None:
            self._session.refuse(rule_id)
            self._priced = self._session.priced()

    def _step(self, gone: list[int], new: list[tuple[int, Any, Line]]) -> None:
        session = self._session
        assert session is not None  # noqa: S101  _step comes after _begin
        for number in gone:
            _, line = self._lines.pop(number)
            self._priced = session.remove(line)
        made = [(number, key, _engine_line(line)) for number, key, line in new]
        if len(made) > 1 and not self._lines:
            self._priced = session.add_all([line for _, _, line in made])
        else:
            for _, _, line in made:
                self._priced = session.add(line)
        self._lines |= {number: (key, line) for number, key, line in made}
        if self._priced is None:
            self._priced = session.priced()

    def _begin(self, engine: Engine, basket: Basket, tender: str | None, about: tuple[Any, ...]) -> None:
        from retail.promotions import Basket as EngineBasket  # noqa: PLC0415  only where there are rules
        from retail.promotions import Member  # noqa: PLC0415

        self.forget()
        member = basket.member
        given = EngineBasket(
            currency=self._store.currency,
            at=basket.rung_at,
            store=self._store.store_id,
            groups=self._store.groups,
            member=Member(id=member.member_id, tier=member.tier) if member else None,
            coupons=tuple(sorted({coupon.trigger for coupon in basket.coupons})),
            tenders=(tender,) if tender else (),
            manual=(_manual(basket.by_hand),) if basket.by_hand else (),
            used=self._used(basket),
            refused=dict(basket.refused_prompts),
        )
        self._session = engine.session(given, shelf=about[1])
        self._about = about

    def forget(self) -> None:
        """The sale is over: nothing of it, nor of the rules it was priced by, is kept in memory."""
        self._session, self._priced, self._about = None, None, ()
        self._lines = {}

    def _engine(self, rules: Rules | None, basket: Basket) -> Engine | None:
        if rules is None:
            return None
        if rules.engine is not None:
            return rules.engine
        by_hand = basket.by_hand is not None or any(line.by_hand is not None for line in basket.lines)
        return self._book.bare() if by_hand else None

    def _occasion(self, engine: Engine, basket: Basket, tender: str | None) -> tuple[Any, ...]:
        """All that bears on every line; the same value means that the session may go on."""
        member = basket.member
        return (
            engine,
            self._shelf(),
            self._since(engine, basket.rung_at),
            (member.member_id, member.tier) if member else None,
            tuple(sorted({coupon.trigger for coupon in basket.coupons})),
            tender,
            basket.by_hand.model_dump_json() if basket.by_hand else None,
            basket.idempotency_key,
            tuple(sorted(self._used(basket).items())),
        )

    def _since(self, engine: Engine, at: datetime | None) -> datetime | None:
        """When the time began in which the same rules hold as at this moment."""
        if at is None:
            return None
        if self._steady is None or self._steady[0] is not engine or not self._steady[1] <= at < self._steady[2]:
            self._steady = (engine, *engine.steady(at))
        return self._steady[1]

    def _used(self, basket: Basket) -> dict[str, int]:
        if basket.member is None or basket.rung_at is None:
            return {}
        return self._used_today(basket.member.member_id, basket.rung_at.date())


def _key(line: Line) -> tuple[Any, ...]:
    """What the engine sees of a line that may change after it was rung."""
    hand = line.by_hand
    by_hand = (hand.basis_points, hand.amount_minor, hand.reason) if hand is not None else None
    return line.item_id, line.quantity, line.weight_grams, line.unit_price_minor, _discountable(line), by_hand


def _discountable(line: Line) -> bool:
    """A price by hand is final."""
    return line.discountable and line.price_override is None


def _engine_line(line: Line) -> EngineLine:
    from retail.promotions import Line as EngineLine  # noqa: PLC0415  only where there are rules

    return EngineLine(
        line=line.line_number,
        item=line.item_id,
        quantity=1 if line.weight_grams is not None else line.quantity or 1,
        grams=line.weight_grams,
        unit_price=line.unit_price_minor,
        tags=tuple(line.tags),
        category=line.category,
        tax_code=line.tax_code,
        cost=line.cost_minor,
        floor=line.floor_minor or 0,
        lot=line.lot or "",
        expiry=line.expiry,
        discountable=_discountable(line),
        manual=_manual(line.by_hand) if line.by_hand else None,
    )


def _manual(hand: ByHand) -> Any:
    from retail.promotions import Manual  # noqa: PLC0415  only where there are rules

    return Manual(value=hand.basis_points, amount=hand.amount_minor, reason=hand.reason)
