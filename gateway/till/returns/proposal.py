"""Where money for returned goods goes back to, if nobody wants it otherwise: the way it came, as far as it goes."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.till.returns.rows import Returning
from retail.sale import TenderType

#: in this order; a coupon is not given back, and what nothing else takes is paid in cash
ORDER: tuple[TenderType, ...] = ("Card", "Wallet", "Voucher", "Points", "Cash")


def proposed(returns: Sequence[Returning], owed_minor: int) -> list[tuple[TenderType, int, str]]:
    """(tender, amount, wallet) that sum to what is owed."""
    if owed_minor <= 0:
        return []
    paid: dict[tuple[TenderType, str], int] = {}
    for sale_key in dict.fromkeys(one.sale_key for one in returns if not one.void):
        first = next(one for one in returns if one.sale_key == sale_key and not one.void)
        for tender in first.paid_with:
            of = (tender.tender_type, tender.wallet)
            paid[of] = paid.get(of, 0) + tender.amount_minor
    found: list[tuple[TenderType, int, str]] = []
    for kind in ORDER:
        for (tender_type, wallet), amount in paid.items():
            part = min(amount, owed_minor)
            if tender_type == kind and part > 0 and kind != "Cash":
                found.append((kind, part, wallet))
                owed_minor -= part
    return [*found, ("Cash", owed_minor, "")] if owed_minor else found
