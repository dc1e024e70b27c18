"""Who the customer is: a card, a telephone number or a member number, looked up in feed `members`, offline."""

from __future__ import annotations

from gateway.errors import SaleRefused
from gateway.queue.inbox import Inbox
from gateway.till.feed_rows import row_of
from gateway.till.offers.rows import MemberOnSale
from retail.wire.rows import MEMBERS, MemberRow, member_code


class Members:
    """The feed holds hashes of cards and numbers, so what is looked up is never on this disk in clear."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def knows(self, code: str) -> bool:
        return bool(self._inbox.by_code(MEMBERS, member_code(code)))

    def by_code(self, code: str, field: str = "code") -> MemberOnSale:
        """The member with this card or telephone number.

        Raises:
            SaleRefused: nobody has it, or more than one.
        """
        rows = self._inbox.by_code(MEMBERS, member_code(code))
        if len(rows) > 1:
            raise SaleRefused(
                "several members share this number: ask for the member card", reason="ambiguous_member", field=field
            )
        if not rows:
            raise self._unknown(field)
        return _on_sale(row_of(MemberRow, rows[0], MEMBERS))

    def by_id(self, member_id: str) -> MemberOnSale:
        """Raises SaleRefused: there is no such member."""
        row = self._inbox.row(MEMBERS, member_id)
        if row is None:
            raise self._unknown("member_id")
        return _on_sale(row_of(MemberRow, row, MEMBERS))

    def _unknown(self, field: str) -> SaleRefused:
        if self._inbox.version(MEMBERS) is None:
            return SaleRefused(
                "this store has no list of members yet: sell without, or wait for headquarters", reason="no_members"
            )
        return SaleRefused("no member has this number: check it, or sell without", reason="unknown_member", field=field)


def _on_sale(row: MemberRow) -> MemberOnSale:
    return MemberOnSale(
        member_id=row.member_id,
        name=row.name,
        phone_masked=row.phone_masked,
        tier=row.tier,
        points=row.points,
        recent=row.recent,
    )
