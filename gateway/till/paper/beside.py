"""What a receipt says that its transaction does not hold: read when it is printed."""

from __future__ import annotations

from collections.abc import Callable

from gateway.till.paper.receipt import Beside
from retail.sale import RetailTransaction


class ReadBeside:
    """slip: the customer's copy of a payment, as its terminal wants it printed; () where it printed its own."""

    def __init__(self, slip: Callable[[str], tuple[str, ...]]) -> None:
        self._slip = slip

    def __call__(self, sale: RetailTransaction) -> Beside:
        payments = [tender.payment_id for tender in sale.tenders() if tender.payment_id]
        return Beside(slips=[slip for payment_id in payments if (slip := self._slip(payment_id))])
