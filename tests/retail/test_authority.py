"""The limits of the roles: exact at the edge, and stricter words win."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from retail.authority import Limits, PercentByRole, reaches


@pytest.mark.parametrize(
    ("basis_points", "role"),
    [(0, "cashier"), (1_000, "cashier"), (1_001, "supervisor"), (3_000, "supervisor"), (3_001, "manager")],
)
def test_a_discount_needs_the_role_of_its_size(basis_points: int, role: str) -> None:
    limits = Limits()
    for act in ("discount_line", "discount_basket", "price_override"):
        assert limits.needed(act, basis_points) == role


def test_below_the_floor_nobody_may_unless_the_shop_says_so() -> None:
    assert Limits().needed("price_override", 100, below_floor=True) == "nobody"
    assert Limits(below_floor="manager").needed("price_override", 100, below_floor=True) == "manager"


def test_where_no_role_may_give_so_much_nobody_may() -> None:
    limits = Limits(discount=PercentByRole(cashier=0, supervisor=5, manager=20))
    assert limits.needed("discount_line", 2_001) == "nobody"


def test_roles_are_in_order_and_nobody_is_no_role() -> None:
    assert reaches("manager", "supervisor")
    assert not reaches("cashier", "supervisor")
    assert not reaches("customer", "cashier")
    assert not reaches("manager", "nobody")


def test_a_word_that_is_no_role_is_refused() -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate({"no_sale": "boss"})
    with pytest.raises(ValidationError):
        Limits.model_validate({"discount": {"cashier": -1}})
