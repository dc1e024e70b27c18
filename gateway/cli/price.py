"""`backroom price`: a basket against a set of rules, for headquarters, support and tests."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from retail.promotions import Basket, Engine, Priced, PromotionError, read_basket, read_rules
from retail.units import Money


def price(
    rules: Annotated[Path, typer.Option("--rules", help="Rules: docs/promotions-rules.schema.json. - is stdin.")],
    basket: Annotated[Path, typer.Option("--basket", help="A basket: docs/promotions-basket.schema.json.")],
    at: Annotated[
        str | None, typer.Option("--at", help="Store-local time, 2026-11-22T10:00; wins over the basket's.")
    ] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="ISO 4217; wins over the basket's.")] = None,
    store: Annotated[str | None, typer.Option("--store", help="Store number; wins over the basket's.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="A table for people instead of JSON.")] = False,
    incremental: Annotated[bool, typer.Option("--incremental", help="Scan line by line; prints the same.")] = False,
) -> None:
    """Price a basket under promotion rules and print it as JSON; amounts are minor units. Exit 2: cannot be read.

    Examples:

      backroom price --rules rules.json --basket basket.json --at 2026-11-22T10:00

      backroom price --rules rules.json --basket basket.json --explain
    """
    try:
        given = _basket(basket, at, currency, store)
        engine = Engine.compile(read_rules(_json(rules)))
    except PromotionError as error:
        print(f"backroom price: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    priced = _line_by_line(engine, given) if incremental else engine.price(given)
    if explain:
        _table(priced, given)
    else:
        print(priced.to_json())


def _json(path: Path) -> Any:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
        return json.loads(text)
    except OSError as error:
        raise PromotionError(str(path), f"cannot be read: {error.strerror}; check the path") from None
    except ValueError as error:
        raise PromotionError(str(path), f"is no JSON: {error}") from None


def _basket(path: Path, at: str | None, currency: str | None, store: str | None) -> Basket:
    data = _json(path)
    if isinstance(data, list):
        data = {"lines": data}
    if not isinstance(data, dict):
        raise PromotionError(str(path), "give a basket object, or a list of lines")
    for name, value in (("at", at), ("currency", currency), ("store", store)):
        if value is not None:
            data[name] = value
    if at is not None:
        try:
            datetime.fromisoformat(at)
        except ValueError:
            raise PromotionError("--at", f"{at!r} is no moment; write 2026-11-22T10:00") from None
    return read_basket(data)


def _line_by_line(engine: Engine, basket: Basket) -> Priced:
    session = engine.session(basket)
    priced = session.priced()
    for line in basket.lines:
        priced = session.add(line)
    return priced


def _table(priced: Priced, basket: Basket) -> None:
    from rich.console import Console
    from rich.table import Table

    def shown(minor: int) -> str:
        return Money(minor, basket.currency).plain()

    lines = Table("line", "item", "quantity", "price", "gross", "off", "net", "why", box=None)
    for line in priced.lines:
        rules = dict.fromkeys(given["rule"] for unit in line["units"] for given in unit["discounts"])
        amount = f"{line['grams']} g" if "grams" in line else str(line["quantity"])
        money = [shown(line[name]) for name in ("unit_price", "gross", "discount", "net")]
        lines.add_row(str(line["line"]), line["item"], amount, *money, ", ".join(rules))
    deals = Table("deal", "rule", "lane", "units", "saving", box=None)
    for deal in priced.deals:
        units = " ".join(f"{unit['line']}.{unit['unit']}" for unit in deal["units"])
        deals.add_row(str(deal["deal"]), deal["rule"], deal["lane"], units, shown(deal["saving"]))
    console = Console()
    console.print(lines, "", deals)
    for gift in priced.gifts:
        console.print(f"gift: {gift['quantity']} x {gift['item']} ({gift['rule']}), {gift['in_basket']} in the basket")
    for entry in priced.points:
        console.print(f"points: {entry['points']} ({entry['rule']})")
    for prompt in priced.prompts:
        console.print(f"prompt: {prompt['rule']} saves {shown(prompt['saving'])}: {prompt['missing']}")
    facts = priced.explain
    for idle in facts["not_applicable"]:
        console.print(f"not applied: {idle['rule']}: {idle['reason']}")
    console.print(f"gross {shown(priced.gross)}  off {shown(priced.discount)}  net {shown(priced.net)}")
    bounded = "; the budget did not suffice everywhere" if facts["bounded"] else ""
    console.print(f"{facts['units']} units, {facts['candidates']} candidates, {facts['nodes']} nodes{bounded}")
