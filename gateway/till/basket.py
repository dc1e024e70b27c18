"""An open transaction: its lines, its tenders and the states it may be in.

States:  idle -> selling -> tendering -> finished (the transaction is in the outbox, and the lane is idle again).
         suspended: set aside under a number, until a lane of the store takes it up. voided: given up.
         paying: a payment is with the terminal. unknown: its answer was lost; nothing else goes on until it is known.
A voided line stays and counts nothing. All amounts are integers of the store's currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from uuid6 import uuid7

from gateway.errors import SaleRefused
from gateway.till.line import Line
from gateway.till.offers.rows import ByHand, CouponOnSale, MemberOnSale, Offers
from gateway.till.returns.rows import Returning
from gateway.till.tenders.rows import OpenPayment, Tendered
from gateway.till.tenders.settlement import Settlement
from gateway.till.uses import Use
from retail.sale import TenderType, UtcTime
from retail.units import Money

__all__ = ["Action", "Basket", "Line", "State"]

Either = TypeVar("Either", bound=Line | Returning)
State = Literal["idle", "selling", "tendering", "paying", "unknown", "suspended", "finished", "voided"]
Action = Literal[
    "add",
    "change_line",
    "void_line",
    "void_all",
    "offer",
    "suspend",
    "resume",
    "tender",
    "untender",
    "pay",
    "reverse",
    "payment_lost",
    "payment_ended",
    "reopen",
    "finish",
]

#: (state, action) -> state; what does not stand here is refused. docs/till-states.md is drawn from this table.
TRANSITIONS: dict[tuple[State, Action], State] = {
    ("idle", "add"): "selling",
    ("selling", "add"): "selling",
    ("selling", "change_line"): "selling",
    ("selling", "void_line"): "selling",
    ("idle", "offer"): "idle",
    ("selling", "offer"): "selling",
    ("selling", "void_all"): "voided",
    ("selling", "suspend"): "suspended",
    ("suspended", "resume"): "selling",
    ("selling", "tender"): "tendering",
    ("selling", "pay"): "paying",
    ("tendering", "tender"): "tendering",
    ("tendering", "untender"): "tendering",
    ("tendering", "pay"): "paying",
    ("tendering", "reverse"): "paying",
    ("tendering", "reopen"): "selling",
    ("tendering", "void_all"): "voided",
    ("tendering", "finish"): "finished",
    ("paying", "payment_ended"): "tendering",
    ("paying", "payment_lost"): "unknown",
    ("unknown", "payment_ended"): "tendering",
}

#: what goes on while nothing was given yet, though a card was asked for
WHILE_SELLING: tuple[Action, ...] = ("add", "change_line", "void_line", "offer", "suspend")
_PAYING = "the card terminal is at it: wait for its end, or abort it"
_UNKNOWN = "nobody knows yet whether the card was charged: wait for the terminal, or look at it and decide"
REFUSALS: dict[tuple[State, Action], str] = {
    ("idle", "suspend"): "there is no open sale to suspend",
    ("tendering", "suspend"): "this sale is being paid: take back what was given, or finish it",
    ("paying", "suspend"): _PAYING,
    ("unknown", "suspend"): _UNKNOWN,
    ("idle", "change_line"): "there is no line to change: scan an item first",
    ("tendering", "change_line"): "this sale is being paid: take back what was given, then change the line",
    ("paying", "change_line"): _PAYING,
    ("unknown", "change_line"): _UNKNOWN,
    ("idle", "void_line"): "nothing to void: scan an item first",
    ("idle", "void_all"): "there is no open sale to void",
    ("idle", "tender"): "nothing to pay: scan an item first",
    ("idle", "pay"): "nothing to pay: scan an item first",
    ("idle", "untender"): "nothing was given yet",
    ("selling", "untender"): "nothing was given yet",
    ("tendering", "add"): "this sale is being paid: finish or void it, then scan",
    ("tendering", "void_line"): "this sale is being paid: void the whole sale or finish it",
    ("paying", "add"): _PAYING,
    ("tendering", "offer"): "this sale is being paid: its prices do not change any more; finish or void it",
    ("paying", "offer"): _PAYING,
    ("unknown", "offer"): _UNKNOWN,
    ("paying", "void_line"): _PAYING,
    ("paying", "void_all"): _PAYING,
    ("paying", "tender"): _PAYING,
    ("paying", "untender"): _PAYING,
    ("paying", "reverse"): _PAYING,
    ("paying", "pay"): _PAYING,
    ("unknown", "add"): _UNKNOWN,
    ("unknown", "void_line"): _UNKNOWN,
    ("unknown", "void_all"): _UNKNOWN,
    ("unknown", "tender"): _UNKNOWN,
    ("unknown", "untender"): _UNKNOWN,
    ("unknown", "reverse"): _UNKNOWN,
    ("unknown", "pay"): _UNKNOWN,
}


class Basket(BaseModel):
    """What a workstation has open. Kept on disk after each change, so that a power cut loses no line.

    rung_at: the store's own time when the last article was rung: the rules of that moment hold for the whole sale.
    by_hand: a discount on the whole sale. age_seen: how old the customer is at least. bag_offset_grams: what lies in
    the bag besides, as an attendant saw; bag_unchecked: he has to watch it himself. has_used: units that come back,
    points or a voucher stood in it once, so that the money file may hold some for it.
    """

    model_config = ConfigDict(extra="forbid")

    currency: str
    state: State = "idle"
    idempotency_key: str = ""
    begin: UtcTime | None = None
    operator_id: str = "cashier"
    pending_quantity: int | None = None
    lines: list[Line] = []
    tenders: list[Tendered] = []
    payment: OpenPayment | None = None
    cash_step_minor: int = 1
    returns: list[Returning] = []
    has_used: bool = False
    rung_at: datetime | None = None
    member: MemberOnSale | None = None
    coupons: list[CouponOnSale] = []
    by_hand: ByHand | None = None
    refused_prompts: dict[str, int] = {}
    offers: Offers | None = None
    training: bool = False
    age_seen: int | None = None
    pending_tare_grams: int | None = None
    bag_offset_grams: int = 0
    bag_unchecked: bool = False

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, stored: Any) -> Any:
        """Baskets on disk once held the cash as one sum."""
        if isinstance(stored, dict) and "tendered_minor" in stored:
            stored = dict(stored)
            cash = stored.pop("tendered_minor")
            stored["tenders"] = [{"tender_type": "Cash", "amount_minor": cash}] if cash else []
        return stored

    @property
    def tendered_minor(self) -> int:
        return sum(tender.amount_minor for tender in self.tenders)

    def step(self, action: Action) -> None:
        """Move to the next state, or refuse in words for the cashier."""
        if self.state == "tendering" and action in WHILE_SELLING and not self.tenders:
            self.state = TRANSITIONS["tendering", "reopen"]  # a card was declined and nothing was given: sell on
        following = TRANSITIONS.get((self.state, action))
        if following is None:
            text = REFUSALS.get((self.state, action), f"cannot {action} while {self.state}")
            raise SaleRefused(text, reason=f"not_while_{self.state}")
        self.state = following

    def begin_if_idle(self, now: datetime) -> None:
        """A new transaction gets its key here: what is posted under it can be booked only once."""
        if self.state == "idle":
            self.lines, self.tenders, self.returns = [], [], []
            self.take_key()
            self.begin = now

    def take_key(self) -> str:
        """Its key; a coupon that is scanned before the first article is reserved under it, too."""
        self.idempotency_key = self.idempotency_key or str(uuid7())
        return self.idempotency_key

    def gross(self) -> Money:
        return sum((line.amount(self.currency) for line in self.lines if not line.void), Money(0, self.currency))

    def total(self) -> Money:
        """What is sold less what is paid back for goods that come back; below 0 the shop owes."""
        sold = sum((line.net(self.currency) for line in self.lines if not line.void), Money(0, self.currency))
        return sold - self.returned()

    def returned(self) -> Money:
        return sum((back.amount(self.currency) for back in self.returns if not back.void), Money(0, self.currency))

    def next_line_number(self) -> int:
        if self.state == "idle":
            return 1
        sold, back = [line.line_number for line in self.lines], [one.line_number for one in self.returns]
        return 1 + max([*sold, *back], default=0)

    def points_earned(self) -> int:
        """What the member gets for this sale; nothing without one."""
        return sum(one.points for one in self.offers.points) if self.offers and self.member else 0

    def has_customer_only(self) -> bool:
        """No article yet, but a customer or coupons that must not stay for the next one."""
        return self.state == "idle" and (self.member is not None or bool(self.coupons))

    def has_goods(self) -> bool:
        """Whether there is anything to pay or to pay out for, if only nothing: an article that is free."""
        return any(not line.void for line in self.lines) or any(not back.void for back in self.returns)

    def settlement(self) -> Settlement:
        return Settlement(self.total().minor, self.tenders, self.cash_step_minor)

    def due(self) -> Money:
        """What is still to pay, by anything but cash; below 0 the shop owes."""
        return Money(self.settlement().due, self.currency)

    def take(self, tender: Tendered) -> None:
        """Cash on top of cash is one tender."""
        if tender.tender_type == "Cash" and self.tenders and self.tenders[-1].tender_type == "Cash":
            self.tenders[-1].amount_minor += tender.amount_minor
        else:
            self.tenders.append(tender)

    def electronic_tenders(self) -> list[Tendered]:
        """Those that a terminal or a wallet's own device took: each stands in the payment journal."""
        return [tender for tender in self.tenders if tender.payment_id]

    def paid_by(self, tender_type: TenderType) -> str:
        """The payment that had paid for goods that come back now; "" if none is known."""
        paid = [one for back in self.returns if not back.void for one in back.paid_with]
        return next((one.payment_id for one in paid if one.tender_type == tender_type), "")

    def holds(self, payment_id: str) -> bool:
        """Whether this payment is one of this basket's: under way, or one of its tenders."""
        mine = [tender.payment_id for tender in self.tenders] + ([self.payment.payment_id] if self.payment else [])
        return payment_id in mine

    def uses(self) -> list[Use]:
        """What this sale uses of things that there is only so much of, one a thing."""
        found: dict[tuple[str, str], Use] = {}
        mine = [use for back in self.returns if not back.void for use in back.uses()]
        for tender in self.tenders:
            if tender.points and self.member is not None:
                mine.append(Use("points", self.member.member_id, tender.points))
            if tender.tender_type == "Voucher" and tender.amount_minor > 0:
                mine.append(Use("voucher", tender.voucher_id, tender.amount_minor))
        for use in mine:
            known = found.get((use.kind, use.code))
            found[use.kind, use.code] = use if known is None else known.with_more(use)
        return list(found.values())

    def void_line(self, line_number: int | None) -> Line | Returning:
        """Take a line back, or a return: the last one where no number is given."""
        both: list[Line | Returning] = [*self.lines, *self.returns]
        line = self._not_void(both, line_number)
        self.step("void_line")
        line.void = True
        return line

    def open_line(self, line_number: int | None) -> Line:
        """The line of this number, or the last one; raises SaleRefused where it is not there or void."""
        return self._not_void(self.lines, line_number)

    def _not_void(self, lines: Sequence[Either], line_number: int | None) -> Either:
        open_lines = sorted((line for line in lines if not line.void), key=lambda line: line.line_number)
        wanted = [line for line in open_lines if line_number is None or line.line_number == line_number]
        if not wanted:
            raise SaleRefused(
                f"line {line_number} is not there or already void", reason="no_such_line", field="line_number"
            )
        return wanted[-1]

    def coupons_used(self) -> list[CouponOnSale]:
        """Those that the rules gave something for; the others stay good for another day."""
        effective = self.offers.effective if self.offers is not None else []
        return [one for one in self.coupons if one.trigger in effective]
