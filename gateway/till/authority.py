"""Who may do what at a till: the question that the till asks, whoever answers it.

The till asks before it does something that not every cashier may: what it is, how much of it, and who stands at the
till. The answer is the operator who allowed it (None: the cashier's own right), or a refusal that says whose word is
needed. gateway/till/people/ answers by roles and PINs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Act(StrEnum):
    """What somebody wants to do. The word stands in audit records and in refusals."""

    DISCOUNT_LINE = "discount_line"
    DISCOUNT_BASKET = "discount_basket"
    PRICE_OVERRIDE = "price_override"
    VOID_LINE = "void_line"
    VOID_SALE = "void_sale"
    RETURN = "return"
    RETURN_WITHOUT_RECEIPT = "return_without_receipt"
    NO_SALE = "no_sale"
    PAID_IN = "paid_in"
    PAID_OUT = "paid_out"
    PICK_UP = "pick_up"
    TRAINING = "training"
    REPRINT = "reprint"
    RESUME_OTHER = "resume_other"
    OPEN_SESSION = "open_session"
    CLOSE_SESSION = "close_session"
    SEE_EXPECTED = "see_expected"
    ATTEND = "attend"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. Amounts are minor units.

    amount_minor: what it gives away, pays out or moves. of_minor: what it is taken from, so that a limit may be a part
    of it. below_floor: it would go below an item's price floor. reason: what the cashier said. what: in words, for the
    refusal and the audit ("12.00 on Cheese instead of 15.00").
    """

    act: Act
    amount_minor: int = 0
    of_minor: int = 0
    below_floor: bool = False
    reason: str = ""
    what: str = ""

    @property
    def basis_points(self) -> int:
        """The amount as a part of what it is taken from, rounded up: 10,000 is all of it."""
        if self.of_minor <= 0:
            return 10_000 if self.amount_minor > 0 else 0
        return -(-self.amount_minor * 10_000 // self.of_minor)


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody with more rights lent a hand: his number and PIN, keyed at the till. Never stored, never logged."""

    operator_id: str
    pin: str

    def __repr__(self) -> str:
        return f"Approval({self.operator_id!r}, pin=...)"


class Authority(Protocol):
    async def allow(self, asked: Asked, operator_id: str, approval: Approval | None = None) -> str | None:
        """Who allowed it: None where the cashier may do it himself, else the operator of the approval.

        Raises:
            NeedsAuthority: reason `needs_authority`: somebody of at least that `role` must key his number and PIN;
                `not_allowed`: nobody's word helps.
            SaleRefused: `wrong_pin`, `pin_locked`: as they say.
        """
        ...


class Everybody:
    """Everything is allowed to whoever stands there: a till without operators."""

    async def allow(self, asked: Asked, operator_id: str, approval: Approval | None = None) -> str | None:
        return None
