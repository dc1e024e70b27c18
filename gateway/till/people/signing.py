"""Who stands at one workstation, and what he may do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import NeedsAuthority, SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.people.operators import Operators
from gateway.till.people.pin_desk import PinDesk
from retail.authority import Limits, Role, reaches
from retail.wire.rows import OperatorRow

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

#: who sells where no operators are known, and where customers serve themselves
ANYBODY, NO_ONE = "cashier", "self-checkout"
NOTE = "operator"


@dataclass(frozen=True, slots=True)
class People:
    """What all workstations of a store share."""

    operators: Operators
    pins: PinDesk
    limits: Limits


class LanePeople:
    """Also the Authority of its workstation. people None: a till without operators, where everybody is a cashier."""

    def __init__(self, till: Workstation, people: People | None, note: str | None) -> None:
        self._till, self._people = till, people
        self._signed_on = note
        self.limits = people.limits if people is not None else Limits()

    def needs_sign_on(self) -> bool:
        return not self._till.lane.self_checkout and self._people is not None and self._people.operators.are_known()

    def known(self) -> list[OperatorRow]:
        """Who may sign on here."""
        return self._people.operators.active() if self._people is not None and self.needs_sign_on() else []

    def operator(self) -> OperatorRow | None:
        """Who is signed on, as the list has him now; None: nobody, or he is no longer in it."""
        if self._signed_on is None or self._people is None or not self.needs_sign_on():
            return None
        return self._people.operators.find(self._signed_on)

    def operator_id(self) -> str:
        """What stands on a sale."""
        if self._till.lane.self_checkout:
            return NO_ONE
        operator = self.operator()
        return operator.operator_id if operator is not None else ANYBODY

    def role(self) -> Role:
        if self._till.lane.self_checkout:
            return "customer"
        operator = self.operator()
        if operator is not None:
            return operator.role
        return "customer" if self.needs_sign_on() else "cashier"

    def must_be_signed_on(self) -> None:
        if self.needs_sign_on() and self.operator() is None:
            text = "sign on first: operator and PIN"
            if self._signed_on is not None:
                text = f"operator {self._signed_on} may no longer work here: another must sign on"
            raise SaleRefused(text, reason="not_signed_on")

    # --- commands ---------------------------------------------------------------------------------------------------

    async def sign_on(self, operator_id: str, pin: str) -> OperatorRow:
        """In the place of whoever was signed on.

        Raises:
            SaleRefused: wrong PIN, locked, a sale is open, or this workstation has no operators.
        """
        till = self._till
        async with till.command():
            if till.lane.self_checkout:
                raise SaleRefused("customers serve themselves here: nobody signs on", reason="self_checkout")
            if self._people is None or not self._people.operators.are_known():
                text = "no operators are known here: headquarters sends a list, or gateway.toml has [operator.<id>]"
                raise SaleRefused(text, reason="no_operators")
            self._must_be_between_sales("sign on")
            operator = await self._people.pins.check(operator_id, pin)
            await self._note(operator.operator_id)
            return operator

    async def sign_off(self) -> None:
        async with self._till.command():
            self._must_be_between_sales("sign off")
            await self._note(None)

    def _must_be_between_sales(self, what: str) -> None:
        if self._till.basket.state != "idle":
            raise SaleRefused(f"finish, suspend or void the open sale, then {what}", reason="sale_open")

    async def _note(self, operator_id: str | None) -> None:
        till, before = self._till, self._signed_on
        self._signed_on = operator_id
        try:
            till.change.note(NOTE, operator_id)
            await till.begin_anew()
        except BaseException:
            self._signed_on = before
            raise

    # --- authority --------------------------------------------------------------------------------------------------

    async def allow(self, asked: Asked, operator_id: str | None = None, approval: Approval | None = None) -> str | None:
        """See Authority.allow. What took more than a cashier's role is audited with this command's change."""
        needed = self.limits.needed(asked.act, asked.basis_points, asked.below_floor)
        if reaches(self.role(), needed):
            if needed not in ("customer", "cashier"):
                self._audit(asked, needed, self.operator_id())
            return None
        what = asked.what or asked.act.replace("_", " ")
        if needed == "nobody":
            reason = "below_floor" if asked.below_floor else "not_allowed"
            raise NeedsAuthority(f"{what}: nobody may allow that here", role=needed, reason=reason)
        if approval is None or self._people is None:
            raise NeedsAuthority(f"{what}: a {needed} must allow it with his PIN{self._how()}", role=needed)
        other = await self._people.pins.check(approval.operator_id, approval.pin)
        if not reaches(other.role, needed):
            raise NeedsAuthority(f"{what}: {other.name} may not allow it; it takes a {needed}", role=needed)
        self._audit(asked, needed, other.operator_id)
        return other.operator_id

    def _how(self) -> str:
        if self._people is not None and self._people.operators.are_known():
            return ""
        return "; no operators are known here: gateway.toml takes [operator.<id>] and [till.limits]"

    def _audit(self, asked: Asked, needed: Role, authorised_by: str) -> None:
        till, what = self._till, asked.what or asked.act.replace("_", " ")
        if till.day.training.on and asked.act is not Act.TRAINING:
            return
        facts: dict[str, str | int | None] = {
            "act": asked.act.value,
            "needed": needed,
            "amount_minor": asked.amount_minor,
            "of_minor": asked.of_minor,
            "reason": asked.reason,
            "operator_id": self.operator_id(),
            "authorised_by": authorised_by,
            "workstation_id": till.lane.workstation_id,
            "sale": till.basket.idempotency_key or None,
        }
        till.change.audit("info", "authority_used", f"{what}: allowed by {authorised_by}", facts)
