"""The operators of this store: headquarters' feed, or the tables of gateway.toml where headquarters sends none."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.queue.inbox import Inbox
from gateway.till.feed_rows import rows_of
from retail.wire.rows import OPERATORS, OperatorRow


class Operators:
    """of_the_shop: those of gateway.toml. They count only while the feed is empty: who left stays out."""

    def __init__(self, inbox: Inbox, of_the_shop: Mapping[str, OperatorRow]) -> None:
        self._inbox, self._of_the_shop = inbox, of_the_shop

    def are_known(self) -> bool:
        """Whether anybody is; where nobody is, the till sells without signing on."""
        return self._from_headquarters() or bool(self._of_the_shop)

    def find(self, operator_id: str) -> OperatorRow | None:
        """The operator, if active now."""
        if self._from_headquarters():
            row = self._inbox.row(OPERATORS, operator_id)
            known = next(iter(rows_of(OperatorRow, [row] if row else [], OPERATORS)), None)
        else:
            known = self._of_the_shop.get(operator_id)
        return known if known is not None and known.active else None

    def active(self) -> list[OperatorRow]:
        if self._from_headquarters():
            known = rows_of(OperatorRow, self._inbox.rows(OPERATORS), OPERATORS)
        else:
            known = list(self._of_the_shop.values())
        return [one for one in known if one.active]

    def _from_headquarters(self) -> bool:
        version = self._inbox.version(OPERATORS)
        return version is not None and version.rows > 0
