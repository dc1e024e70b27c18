"""What a sale does beside its money and its goods: points earned and spent, coupons used up, vouchers issued and spent.

Each is kept as a movement, in the transaction that books the sale, and so exactly once. What a movement means for a
balance is worked out afterwards (settle() of members, coupons and vouchers): a sale stands whatever the balance was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cloud_erp.text import printable


@dataclass(frozen=True, slots=True)
class Effects:
    """place: which of the sale's lines it was, from 0.

    points: (place, member, points; below 0 where spent). A member of "" is not known to the sale.
    coupons: (place, coupon), each coupon once.
    vouchers: (place, voucher, amount in minor units, its last day). Above 0: issued. A voucher of "" has no number.
    """

    points: tuple[tuple[int, str, int], ...] = ()
    coupons: tuple[tuple[int, str], ...] = ()
    vouchers: tuple[tuple[int, str, int, date | None], ...] = ()

    @property
    def most(self) -> int:
        """The largest figure, whatever its sign."""
        amounts = [abs(points) for _, _, points in self.points] + [abs(minor) for _, _, minor, _ in self.vouchers]
        return max(amounts, default=0)


NOTHING = Effects()


def effects(lines: Sequence[dict[str, Any]], member_id: str | None) -> Effects:
    """The effects of a sale's lines, as dicts with the names of retail/lines.py. A training sale has none."""
    points: list[tuple[int, str, int]] = []
    coupons: dict[str, int] = {}
    vouchers: list[tuple[int, str, int, date | None]] = []
    for place, line in enumerate(lines):
        kind = line["type"]
        if kind == "LoyaltyReward":
            points.append((place, line["member_id"], line["points"]))
        elif kind == "Coupon":
            coupons.setdefault(line["coupon_id"], place)
        elif kind == "Tender":
            number = printable(line.get("voucher_id") or "")
            amount = line["amount_minor"] - line.get("change_minor", 0)
            tender = line.get("tender_type", "Cash")
            if tender == "Points":
                points.append((place, member_id or "", -(line.get("points") or 0)))
            elif tender == "Voucher":
                vouchers.append((place, number, -amount, _day(line.get("valid_until"))))
            elif tender == "Coupon" and number and amount > 0:
                coupons.setdefault(number, place)
    return Effects(tuple(points), tuple((place, coupon) for coupon, place in coupons.items()), tuple(vouchers))


def _day(given: date | str | None) -> date | None:
    return date.fromisoformat(given) if isinstance(given, str) else given
