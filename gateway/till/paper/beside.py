"""What a receipt says that its transaction does not hold: read when it is printed."""

from __future__ import annotations

from collections.abc import Callable

from gateway.till.paper.receipt import Beside
from gateway.till.tenders.vouchers import Left
from retail.sale import RetailTransaction


class ReadBeside:
    """slip: the customer's copy of a payment, as its terminal wants it printed; () where it printed its own.

    points: what a member has, less what this box spent; None where he is not known. voucher: what is left on one.
    """

    def __init__(
        self,
        slip: Callable[[str], tuple[str, ...]],
        points: Callable[[str], int | None] = lambda _member: None,
        voucher: Callable[[str], Left | None] = lambda _voucher: None,
    ) -> None:
        self._slip, self._points, self._voucher = slip, points, voucher

    def __call__(self, sale: RetailTransaction) -> Beside:
        payments = [tender.payment_id for tender in sale.tenders() if tender.payment_id]
        return Beside(
            slips=[slip for payment_id in payments if (slip := self._slip(payment_id))],
            points_now=self._points_with(sale),
            left=self._left(sale),
        )

    def _points_with(self, sale: RetailTransaction) -> int | None:
        """As the customer counts: what he had, less what he spent, and what this sale gave him or took back."""
        has = self._points(sale.member_id) if sale.member_id else None
        if has is None:
            return None
        return has + sum(line.points for line in sale.loyalty() if line.member_id == sale.member_id)

    def _left(self, sale: RetailTransaction) -> dict[str, int]:
        left = {}
        for tender in sale.tenders():
            if tender.tender_type == "Voucher" and tender.amount_minor > 0 and tender.voucher_id:
                known = self._voucher(tender.voucher_id)
                if known is not None and known.left_minor > 0:
                    left[tender.voucher_id] = known.left_minor
        return left
