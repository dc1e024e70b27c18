"""A shop's own POS posts finished transactions: checked, kept, answered after the commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import QueueFull
from gateway.queue.outbox import Kept
from gateway.till.lane import Store
from gateway.till.ledger import Ledger
from gateway.till.returns.posted import PostedReturns
from retail.sale import Fault, RetailTransaction, faults


@dataclass(frozen=True, slots=True)
class Posted:
    """Either kept, or the faults by field; never both."""

    kept: Kept | None
    faults: list[Fault]


class Posting:
    """returns: what its returned units are checked against; None: they are taken at the POS's word."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        printers: dict[str, str],
        receipt_waiting: Callable[[str], None],
        no_room: Callable[[], str | None] = lambda: None,
        returns: PostedReturns | None = None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._printers = printers
        self._receipt_waiting = receipt_waiting
        self._no_room = no_room
        self._returns = returns

    async def post(self, idempotency_key: str, sale: RetailTransaction, print_receipt: bool) -> Posted:
        """Keep a finished sale. The same key with the same content gives the first answer again.

        Raises:
            KeyReused: the key is known with other content.
            SaleRefused: another lane was quicker to take a unit back.
            QueueFull: no room for one more; nothing was written.
            QueueError: it could not be put on disk; post it again under the same key.
        """
        found = faults(sale)
        if sale.store_id != self._store.store_id:
            found.append(
                Fault(field="store_id", message=f"is {sale.store_id}; this gateway serves {self._store.store_id}")
            )
        if sale.currency != self._store.currency:
            found.append(
                Fault(field="currency", message=f"is {sale.currency}; this store sells in {self._store.currency}")
            )
        if not found and self._returns is not None and not self._ledger.is_kept(idempotency_key):
            found = self._returns.faults(sale)
        if found:
            return Posted(None, found)
        if (why := self._no_room()) and not self._ledger.is_kept(idempotency_key):
            raise QueueFull(why)
        printer = self._printers.get(sale.workstation_id) if print_receipt else None
        also = self._returns.booking(idempotency_key, sale) if self._returns is not None else None
        kept = await self._ledger.finish(idempotency_key, sale, "api", printer, clear_basket=False, also=also)
        if printer is not None and not kept.repeated:
            self._receipt_waiting(printer)
        return Posted(kept, [])
