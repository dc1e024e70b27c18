"""A receipt once more: marked as a copy, or for the one who gets the goods as a present."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import SaleRefused
from gateway.peripherals import PrintLine
from gateway.till.authority import Act, Approval, Asked
from gateway.till.paper.beside import ReadBeside
from gateway.till.paper.jobs import ReceiptJobs
from gateway.till.paper.receipt import Look, receipt
from gateway.till.returns.originals import Original, Originals

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation


@dataclass(frozen=True, slots=True)
class Receipts:
    """The receipts of the sales that this box keeps."""

    originals: Originals
    jobs: ReceiptJobs
    look: Look
    beside: ReadBeside

    def lines(self, original: Original, gift: bool = False) -> tuple[PrintLine, ...]:
        """As a copy would print now."""
        beside = self.beside(original.sale)
        return receipt(original.sale, self.look, original.seq, copy=not gift, beside=beside, gift=gift)

    async def again(
        self, till: Workstation, number: str, gift: bool = False, approval: Approval | None = None
    ) -> Original:
        """Print it on this workstation's printer; returns once that is on disk.

        Raises:
            SaleRefused: reason `unknown_receipt`, `no_printer`, or `waits`: it is still to print anyway.
            NeedsAuthority: somebody else must allow it.
        """
        async with till.command():
            original = self.originals.find(number)
            if till.lane.printer is None:
                raise SaleRefused("this workstation has no printer", reason="no_printer")
            await till.people.allow(Asked(Act.REPRINT, what=f"receipt {number} once more"), approval=approval)
            await till.write_change()
            if not await self.jobs.again(original.key, till.lane.printer, gift):
                raise SaleRefused(f"receipt {number} is still to print: look at the printer", reason="waits")
            till.receipt_waiting()
            return original
