"""A workstation calls for somebody: the help button, or a guard that only an attendant may clear.

The call outlasts a restart. While it blocks, nothing is scanned or paid there; a plain call for help blocks nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from gateway.clock import Clock, rfc3339
from gateway.errors import SaleRefused
from gateway.till.authority import Act, Approval, Asked

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

NOTE = "attention"


Reason = Literal["help", "weight_mismatch", "bag_not_weighed"]


class Call(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason
    text: str
    since: str
    blocks: bool


class Attention:
    def __init__(self, till: Workstation, clock: Clock, note: str | None) -> None:
        self._till, self._clock = till, clock
        self.call: Call | None = Call.model_validate_json(note) if note is not None else None

    def must_not_block(self) -> None:
        if self.call is not None and self.call.blocks:
            raise SaleRefused(f"{self.call.text}: an attendant comes", reason="needs_attendant")

    # --- commands ---------------------------------------------------------------------------------------------------

    async def ask_for_help(self, text: str = "") -> None:
        """The help button. Headquarters hears of it; a second press while somebody is called changes nothing."""
        till = self._till
        async with till.command():
            if self.call is None:
                self.raise_call("help", text or "help was asked for", blocks=False)
                await till.write_change()

    async def answer(self, approval: Approval | None = None, accept_bag: bool = True) -> None:
        """An attendant is there and has seen to it; accept_bag: what lies in the bag is right.

        Raises:
            SaleRefused: nobody called.
            NeedsAuthority: customers do not answer their own calls.
        """
        till = self._till
        async with till.command():
            call = self.call
            if call is None:
                raise SaleRefused("nobody called from here", reason="no_call")
            by = await till.people.allow(Asked(Act.ATTEND, what=call.text), approval=approval)
            if accept_bag and call.reason != "help":
                await till.bagging.accept()
            facts: dict[str, str | int | None] = {
                "workstation_id": till.lane.workstation_id,
                "call": call.reason,
                "answered_by": by or till.people.operator_id(),
            }
            till.change.audit("info", "call_answered", f"workstation {till.lane.workstation_id}: {call.text}", facts)
            till.change.note(NOTE, None)
            self.call = None
            try:
                await till.keep()
            except BaseException:
                self.call = call
                raise

    # --- inside a command -------------------------------------------------------------------------------------------

    def raise_call(self, reason: Reason, text: str, blocks: bool) -> None:
        """It stands with this command's change; headquarters is told with it."""
        till = self._till
        self.call = Call(reason=reason, text=text, since=rfc3339(self._clock.wall()), blocks=blocks)
        till.change.note(NOTE, self.call.model_dump_json())
        facts: dict[str, str | int | None] = {
            "workstation_id": till.lane.workstation_id,
            "call": reason,
            "sale": till.basket.idempotency_key or None,
        }
        till.change.audit("warning", "help_called", f"workstation {till.lane.workstation_id}: {text}", facts)
