"""What points are worth, and what a member has: both as this store has them, and integers only."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.till.feed_rows import row_of
from gateway.till.tenders.vouchers import Feeds
from gateway.till.uses import Uses
from retail.wire.rows import MEMBERS, MemberRow


@dataclass(frozen=True, slots=True)
class PointsRule:
    """So many points are worth so many minor units. worth_minor 0: points do not pay here."""

    points: int = 1
    worth_minor: int = 0

    def worth(self, points: int) -> int:
        """What these points pay."""
        return points * self.worth_minor // self.points

    def needed(self, amount_minor: int) -> int:
        """The points that pay this amount: the fraction of one counts as one."""
        return -(-amount_minor * self.points // self.worth_minor)


class PointsBalance:
    def __init__(self, feeds: Feeds, uses: Uses) -> None:
        self._feeds, self._uses = feeds, uses

    def of(self, member_id: str, besides: str = "") -> int | None:
        """As headquarters said last, less what this box spent since and headquarters has not yet; None: no such member.

        besides: the key of a basket that does not count.
        """
        row = self._feeds.row(MEMBERS, member_id)
        if row is None:
            return None
        return row_of(MemberRow, row, MEMBERS).points - self._uses.used("points", member_id, besides)
