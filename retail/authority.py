"""Who may do what at a till: roles in order, and the limits of each act.

Roles:  customer (at a self-checkout, signed on as nobody) < cashier < supervisor < manager < nobody.
Limits: an act needs a role at least; two are limited by how much, in per cent of the price before.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from retail.lines import Shape

#: what an operator can be
OperatorRole = Literal["cashier", "supervisor", "manager"]
#: what an act may need: `customer` everybody may, `nobody` no one may
Role = Literal["customer", "cashier", "supervisor", "manager", "nobody"]
ORDER: tuple[Role, ...] = ("customer", "cashier", "supervisor", "manager", "nobody")
OPERATORS: tuple[OperatorRole, ...] = ("cashier", "supervisor", "manager")
_Percent = Annotated[int, Field(ge=0, le=1_000)] | Literal["any"]


def reaches(role: Role, needed: Role) -> bool:
    return needed != "nobody" and ORDER.index(role) >= ORDER.index(needed)


class PercentByRole(Shape):
    """How far each role may go, in per cent; a customer never."""

    cashier: _Percent = 10
    supervisor: _Percent = 30
    manager: _Percent = "any"

    def role_for(self, basis_points: int) -> Role:
        """The least role that may give so much: 10,000 is all of it."""
        for role in OPERATORS:
            most = getattr(self, role)
            if most == "any" or basis_points <= most * 100:
                return role
        return "nobody"


class Limits(Shape):
    """[till.limits]. A word is the least role that may do it without asking another."""

    price_override: PercentByRole = PercentByRole()
    discount: PercentByRole = Field(default=PercentByRole(), description="off a line or the whole sale, by hand")
    below_floor: Role = Field(default="nobody", description="a price under the item's floor")
    void_line: Role = "customer"
    void_sale: Role = "customer"
    resume_other: Role = Field(default="cashier", description="take up a sale that another cashier suspended")
    no_sale: Role = Field(default="cashier", description="open the drawer without a sale")
    open_session: Role = "cashier"
    close_session: Role = "cashier"
    paid_in: Role = "cashier"
    paid_out: Role = "supervisor"
    pick_up: Role = "supervisor"
    see_expected: Role = Field(default="supervisor", description="see what cash the till expects before it is counted")
    see_cost: Role = Field(default="manager", description="see what an article, or a supply of it, costs the shop")
    return_with_receipt: Role = "cashier"
    return_without_receipt: Role = "supervisor"
    reprint: Role = "cashier"
    training: Role = "supervisor"
    attend: Role = Field(default="cashier", description="answer a call of a self-checkout")

    def needed(self, act: str, basis_points: int = 0, below_floor: bool = False) -> Role:
        """The least role for this act (gateway/till/authority.py); basis_points: how much of the whole it is."""
        limit = getattr(self, _NAMES.get(act, act))
        role: Role = limit.role_for(basis_points) if isinstance(limit, PercentByRole) else limit
        return max(role, self.below_floor, key=ORDER.index) if below_floor else role


#: an act whose limit has another name
_NAMES = {"discount_line": "discount", "discount_basket": "discount", "return": "return_with_receipt"}
