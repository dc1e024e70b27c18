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
