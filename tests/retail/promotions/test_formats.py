"""The documented formats are the ones that are read, and `backroom price` keeps to them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.price import price
from retail.promotions.schema import basket_schema, rules_schema, written
from tests.retail.promotions import random_cases
from tests.retail.promotions.shop import line
from tests.retail.promotions.test_any_order import store_rules

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = json.loads("""
{"id": "P-2026-117", "rev": 4, "name": {"en": "Red + Green 59", "zh-TW": "紅配綠 59"}, "kind": "combo", "lane": "unit",
 "priority": 50, "concurrency": "best", "excludes": [], "favour": "customer",
 "when": {"from": "2026-11-20T00:00", "to": "2026-11-30T23:59:59", "days": [1,2,3,4,5], "hours": [["18:00","20:00"]]},
 "where": {"stores": ["grp:north", "S017"], "channels": ["pos", "kiosk", "online"]},
 "who": {"member": "any", "tiers": []}, "trigger": null,
 "match": {"red": {"tags": ["red"]}, "green": {"tags": ["green"]}},
 "slots": [{"set": "red", "qty": 1}, {"set": "green", "qty": 1}],
 "reward": {"type": "bundle_price", "value": 59, "apply_to": "all", "distribute": "all"},
 "limits": {"per_basket": null, "per_member_day": null, "max_discount": null, "floor": "none"},
 "prompt": {"near": 1, "text": {"en": "one {set} more: {saving} off"}}}
""")
BASKET = {
    "currency": "TWD", "store": "S017",
    "lines": [line("R", 40, tags=["red"]), line("G", 45, tags=["green"]), line("R2", 35, tags=["red"])],
}  # fmt: skip
app = typer.Typer()
app.command()(price)


def run(tmp_path: Path, rules: object, basket: object, *options: str) -> tuple[int, str, str]:
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    (tmp_path / "basket.json").write_text(json.dumps(basket))
    files = ["--rules", str(tmp_path / "rules.json"), "--basket", str(tmp_path / "basket.json")]
    answer = CliRunner().invoke(app, [*files, *options])
    return answer.exit_code, answer.stdout, answer.stderr


@pytest.mark.parametrize(("name", "schema"), [("rules", rules_schema), ("basket", basket_schema)])
def test_the_schemas_in_docs_are_those_of_the_models(name: str, schema: object) -> None:
    text = written(schema())  # type: ignore[operator]
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    assert (DOCS / f"promotions-{name}.schema.json").read_text(encoding="utf-8") == text


def test_what_is_read_is_valid_by_the_schema() -> None:
    rules = jsonschema.Draft202012Validator(rules_schema())
    basket = jsonschema.Draft202012Validator(basket_schema())
    rules.validate([EXAMPLE])
    rules.validate({"rules": [EXAMPLE]})
    basket.validate(BASKET)
    for seed in range(40):
        chance = random.Random(seed)
        rules.validate(store_rules(chance))
        basket.validate(random_cases.basket(chance, 5))
    assert not rules.is_valid([{**EXAMPLE, "surprise": 1}])
    assert not basket.is_valid({"lines": [{"item": "A"}]})


def test_the_command_prints_the_priced_basket(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, [EXAMPLE], BASKET, "--at", "2026-11-23T18:30")
    found = json.loads(out)
    assert (code, found["totals"]["net"]) == (0, 120 - 26)
    assert [prompt["saving"] for prompt in found["prompts"]] == [21]
    assert found["deals"][0]["units"] == [
        {"amount": 14, "line": 1, "rewarded": True, "unit": 1},
        {"amount": 12, "line": 2, "rewarded": True, "unit": 1},
    ]
    assert run(tmp_path, [EXAMPLE], BASKET, "--at", "2026-11-23T18:30", "--incremental")[1] == out
    assert "gross 120  off 26  net 94" in run(tmp_path, [EXAMPLE], BASKET, "--at", "2026-11-23T18:30", "--explain")[1]
    assert json.loads(run(tmp_path, [EXAMPLE], BASKET)[1])["explain"]["not_applicable"] == [
        {"rule": "P-2026-117", "reason": "not at this time"}
    ]


def test_the_command_ends_with_2_and_a_sentence_where_it_cannot_read(tmp_path: Path) -> None:
    code, out, error = run(tmp_path, [{**EXAMPLE, "slot": []}], BASKET)
    assert (code, out) == (2, "")
    assert "rule P-2026-117, slot: unknown key 'slot'; did you mean 'slots'?" in error
    assert run(tmp_path, [EXAMPLE], BASKET, "--at", "noon")[0] == 2
    assert run(tmp_path, "x", BASKET)[0] == 2


@pytest.mark.parametrize(
    ("place", "wrong", "said"),
    [
        ((), "slot", "rule P, slot: unknown key 'slot'; did you mean 'slots'?"),
        (
            (),
            "cashback",
            "rule P, cashback: unknown key 'cashback'; known here: basis, concurrency, excludes, favour, id,",
        ),
        ((), "percent", "rule P, percent: unknown key 'percent'; it belongs under 'tiers' or 'nth' or 'reward'"),
        ((), "hours", "rule P, hours: unknown key 'hours'; it belongs under 'when'"),
        (("match", "red"), "tag", "rule P, match.red.tag: unknown key 'tag'; did you mean 'tags'?"),
        (("match", "without"), "tag", "rule P, match.without.tag: unknown key 'tag'; did you mean 'tags'?"),
        (("match", "red", "without"), "lots", "rule P, match.red.without.lots: unknown key 'lots'; known here: categ"),
        (("match",), "tag", "rule P, match.set.tag: unknown key 'tag'; did you mean 'tags'?"),
        (("slots", 0), "quantity", "rule P, slots.1.quantity: unknown key 'quantity'; did you mean 'qty'?"),
        (("tiers", 0), "prize", "rule P, tiers.1.prize: unknown key 'prize'; did you mean 'price'?"),
        (("reward",), "percentage", "rule P, reward.percentage: unknown key 'percentage'; did you mean 'percent'?"),
        (("when",), "form", "rule P, when.form: unknown key 'form'; did you mean 'from'?"),
        (("when",), "from_", "rule P, when.from_: unknown key 'from_'; did you mean 'from'?"),
        (
            ("limits",),
            "per_member",
            "rule P, limits.per_member: unknown key 'per_member'; did you mean 'per_member_day'",
        ),
    ],
)
def test_a_wrong_key_of_a_rule_is_answered_with_one_that_this_place_takes(
    tmp_path: Path, place: tuple[str | int, ...], wrong: str, said: str
) -> None:
    rule: dict[str, object] = {"id": "P", "kind": "combo", "reward": {"type": "bundle_price", "value": 5}}
    there: object = {wrong: ["x"]}
    for step in reversed(place):
        there = [there] if step == 0 else {step: there}
    code, out, error = run(tmp_path, [{**rule, **there}], BASKET)  # type: ignore[dict-item]
    assert (code, out) == (2, "")
    assert said in error


@pytest.mark.parametrize(
    ("basket", "said"),
    [
        ({"lines": [{"item": "A", "unit_price": 1, "qty": 2}]}, "1.qty: unknown key 'qty'; did you mean 'quantity'?"),
        ({"lines": [{"item": "A", "price": 1}]}, "lines.1.price: unknown key 'price'; did you mean 'unit_price'?"),
        ({"lines": [{"itm": "A", "unit_price": 1}]}, "lines.1.itm: unknown key 'itm'; did you mean 'item'?"),
        ({"lines": [{"item": "A", "unit_price": 1, "name": "x"}]}, "1.name: unknown key 'name'; known here: categ"),
        ({"lines": [{"item": "A", "unit_price": 1, "percent": 9}]}, "unknown key 'percent'; it belongs under 'manual'"),
        ({"lines": [], "tier": "gold"}, "basket, tier: unknown key 'tier'; it belongs under 'member'"),
        ({"lines": [], "shop": "S1"}, "basket, shop: unknown key 'shop'; known here: assortment, at, channel,"),
        ({"lines": [], "member": {"number": "M"}}, "member.number: unknown key 'number'; known here: id, tier"),
        ({"lines": [], "manual": [{"percents": 9, "reason": "x"}]}, "1.percents: unknown key 'percents'; did you"),
    ],
)  # fmt: skip
def test_a_wrong_key_of_a_basket_is_answered_with_one_that_this_place_takes(
    tmp_path: Path, basket: object, said: str
) -> None:
    code, out, error = run(tmp_path, [EXAMPLE], basket)
    assert (code, out) == (2, "")
    assert said in error


def test_no_slip_of_a_key_is_answered_with_a_key_that_is_refused(tmp_path: Path) -> None:
    """Keys of a line, each letter once left out."""
    for key in ("item", "quantity", "unit_price", "category", "tax_code", "description", "discountable", "manual"):
        for gone in range(len(key)):
            slip = key[:gone] + key[gone + 1 :]
            line_with: dict[str, object] = {"item": "A", "unit_price": 1, slip: "x"}
            code, _, error = run(tmp_path, [EXAMPLE], [line_with])
            assert code == 2, slip
            assert f"did you mean {key!r}?" in error, error
