"""What the open sale of a workstation uses, kept on disk with it: units that come back, points, vouchers."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from gateway.till import uses
from retail.sale import RetailTransaction

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation


class Holding:
    """Adds to the workstation's change, so that it is one SQL transaction with the basket; most sales use nothing.

    Training uses nothing at all.
    """

    def __init__(self, till: Workstation) -> None:
        self._till = till

    def keep(self) -> None:
        """With the basket, as it is now."""
        basket = self._till.basket
        key, mine = basket.idempotency_key, basket.uses()
        if (mine or basket.has_used) and not basket.training:
            basket.has_used = True
            self._till.change.add(lambda connection: uses.hold(connection, key, mine))

    def give_up(self) -> None:
        """The sale is void, and what it used is free again."""
        key = self._till.basket.idempotency_key
        if self._till.basket.has_used:
            self._till.change.add(lambda connection: uses.release(connection, key))

    def book(self, sale: RetailTransaction) -> None:
        """With the finished sale."""
        basket = self._till.basket
        key, mine, tenders = basket.idempotency_key, basket.uses(), sale.tenders()
        if not mine and not basket.has_used and not any(tender.amount_minor < 0 for tender in tenders):
            return

        def work(connection: sqlite3.Connection) -> None:
            uses.hold(connection, key, mine)
            uses.book(connection, key, sale.currency, tenders)

        self._till.change.add(work)
