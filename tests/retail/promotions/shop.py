"""Short ways to write rules and baskets in tests."""

from __future__ import annotations

from typing import Any

from retail.promotions import Engine, Priced, read_basket, read_rules

Json = dict[str, Any]
ALL: Json = {"all": True}


def line(item: str, unit_price: int, quantity: int = 1, **more: Any) -> Json:
    return {"item": item, "unit_price": unit_price, "quantity": quantity, **more}


def weighed(item: str, unit_price: int, grams: int, **more: Any) -> Json:
    return {"item": item, "unit_price": unit_price, "grams": grams, **more}


def priced(rules: list[Json], lines: list[Json], **basket: Any) -> Priced:
    """Rules without an id get R1, R2, ..."""
    named = [{"id": f"R{number}", **rule} for number, rule in enumerate(rules, 1)]
    return Engine.compile(read_rules(named)).price(read_basket({"lines": lines, **basket}))


def savings(answer: Priced) -> list[int]:
    return [deal["saving"] for deal in answer.deals]


def shares(answer: Priced) -> dict[str, int]:
    return {line["item"]: line["discount"] for line in answer.lines}


def prices(*amounts: int, **more: Any) -> list[Json]:
    return [line(f"I{number}", amount, **more) for number, amount in enumerate(amounts)]
