"""Gift and credit vouchers: what is left on one, and the numbers of those that this box gives out.

The feed has every voucher that headquarters knows; what this box gave out itself is known here before. A voucher is
money to whoever holds it, so a new number cannot be guessed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from gateway.errors import SaleRefused
from gateway.till.feed_rows import row_of
from gateway.till.uses import Uses
from retail.wire.rows import VOUCHERS, VoucherRow

#: Crockford's letters: none of them is taken for another
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_LETTERS = 15


class Feeds(Protocol):
    """What this needs of gateway.queue.inbox.Inbox."""

    def row(self, feed: str, key: str) -> dict[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Left:
    """What a voucher is still good for. whole: what it was before this box used it; ever: of one that HQ never sent."""

    voucher_id: str
    left_minor: int
    whole_minor: int
    currency: str
    valid_until: date | None
    ever: bool


class Vouchers:
    def __init__(self, feeds: Feeds, uses: Uses) -> None:
        self._feeds, self._uses = feeds, uses

    def left(self, voucher_id: str, besides: str = "") -> Left | None:
        """besides: the key of a basket that does not count. None: nobody knows this voucher."""
        row = self._feeds.row(VOUCHERS, voucher_id)
        if row is not None:
            known = row_of(VoucherRow, row, VOUCHERS)
            used = self._uses.used("voucher", voucher_id, besides)
            left = known.balance_minor - used
            return Left(voucher_id, left, known.balance_minor, known.currency, known.valid_until, ever=False)
        issued = self._uses.issued(voucher_id)
        if issued is None:
            return None
        left = issued.amount_minor - self._uses.used("voucher", voucher_id, besides, ever=True)
        return Left(voucher_id, left, issued.amount_minor, issued.currency, issued.valid_until, ever=True)

    def good(self, voucher_id: str, currency: str, today: date, besides: str = "") -> Left:
        """The same, if it pays here and now.

        Raises:
            SaleRefused: reason `unknown_voucher`, `wrong_currency`, `voucher_expired` or `voucher_empty`.
        """
        left = self.left(voucher_id, besides)
        if left is None:
            raise _refused("unknown_voucher", f"there is no voucher {voucher_id[:64]}: check the number")
        if left.currency != currency:
            raise _refused("wrong_currency", f"voucher {voucher_id} is in {left.currency}")
        if left.valid_until is not None and left.valid_until < today:
            raise _refused("voucher_expired", f"voucher {voucher_id} was valid until {left.valid_until}")
        if left.left_minor <= 0:
            raise _refused("voucher_empty", f"nothing is left on voucher {voucher_id}")
        return left


def new_number() -> str:
    """V and fifteen letters, 75 bits of chance: Code 128 has room for it and a person can key it."""
    return "V" + "".join(secrets.choice(LETTERS) for _ in range(RANDOM_LETTERS))


def _refused(reason: str, text: str) -> SaleRefused:
    return SaleRefused(text, reason=reason, field="voucher_id")
