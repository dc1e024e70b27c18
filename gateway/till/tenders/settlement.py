"""What is due, in cash and otherwise; the change and the cash rounding; and the rows that a finished sale gets of it.

Only the part that is paid in cash is rounded, to the smallest coin, half away from zero: so a refund is never rounded
in the shop's favour where a sale is not. In which order the tenders came makes no difference.
All amounts are minor units; below 0 the shop owes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.till.tenders.rows import Tendered
from retail.lines import RoundingLine, TenderLine
from retail.pricing import rounded_to_step


@dataclass(frozen=True, slots=True)
class Settlement:
    """step: the smallest coin."""

    total: int
    tenders: Sequence[Tendered]
    step: int = 1

    @property
    def _cash(self) -> list[Tendered]:
        return [tender for tender in self.tenders if tender.tender_type == "Cash"]

    @property
    def _in_cash(self) -> int:
        """The part of the total that no other tender pays."""
        return self.total - sum(one.amount_minor for one in self.tenders if one.tender_type != "Cash")

    @property
    def due(self) -> int:
        """What is still to pay by anything but cash."""
        return self.total - sum(tender.amount_minor for tender in self.tenders)

    @property
    def cash_due(self) -> int:
        """What is still to pay in cash."""
        return rounded_to_step(self._in_cash, self.step) - sum(tender.amount_minor for tender in self._cash)

    @property
    def covered(self) -> bool:
        """Whether nothing is due any more; cash may have been given too much, and nothing else."""
        if not self._cash:
            return self.due == 0
        return self.cash_due <= 0 if self._in_cash >= 0 else self.cash_due == 0

    @property
    def rounding(self) -> int:
        return rounded_to_step(self._in_cash, self.step) - self._in_cash if self._cash else 0

    @property
    def change(self) -> int:
        return max(0, -self.cash_due) if self._in_cash >= 0 and self._cash else 0

    def rows(self, first_number: int) -> list[RoundingLine | TenderLine]:
        """A row each; what was given too much goes back out of the last cash."""
        rounding = [RoundingLine(line_number=first_number, amount_minor=self.rounding)] if self.rounding else []
        last_cash = max((at for at, one in enumerate(self.tenders) if one.tender_type == "Cash"), default=None)
        return [
            *rounding,
            *(
                _row(tender, first_number + len(rounding) + at, self.change if at == last_cash else 0)
                for at, tender in enumerate(self.tenders)
            ),
        ]


def _row(tender: Tendered, number: int, change: int) -> TenderLine:
    return TenderLine(
        line_number=number,
        tender_type=tender.tender_type,
        amount_minor=tender.amount_minor,
        change_minor=change,
        payment_id=tender.payment_id or None,
        card=tender.card or None,
        card_scheme=tender.card_scheme or None,
        approval_code=tender.approval_code or None,
        reference=tender.reference or None,
        terminal_id=tender.terminal_id or None,
        wallet=tender.wallet or None,
        voucher_id=tender.voucher_id or None,
        points=tender.points or None,
        valid_until=tender.valid_until,
    )
