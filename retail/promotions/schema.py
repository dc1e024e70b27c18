"""The two file formats as JSON Schema, out of the models, with the shorthands that reading accepts.

tests/retail/promotions/test_formats.py holds docs/promotions-*.schema.json to these.
"""

from __future__ import annotations

import json
from typing import Any

from retail.promotions.basket import Basket
from retail.promotions.rules import Rule

PERCENT = {"type": "integer", "minimum": 0, "maximum": 100, "description": "whole percent, instead of value"}


def rules_schema() -> dict[str, Any]:
    """A list of rules, or an object with the list under "rules"."""
    schema = Rule.model_json_schema(by_alias=True)
    parts = schema.pop("$defs")
    parts["Rule"] = schema
    _with(parts, ("Reward", "Tier", "Nth"), percent=PERCENT)
    _with(parts, ("Tier",), price={"type": "integer", "minimum": 0, "description": "the same as value"})
    parts["Tier"]["required"] = []
    parts["Nth"]["required"] = ["n"]
    parts["Reward"]["required"] = []
    schema["properties"]["match"] = {
        "anyOf": [{"type": "object", "additionalProperties": {"$ref": "#/$defs/Matcher"}}, {"$ref": "#/$defs/Matcher"}]
    }
    schema["properties"]["name"] = {"anyOf": [{"type": "string"}, schema["properties"]["name"], {"type": "null"}]}
    every = {"type": "array", "items": {"$ref": "#/$defs/Rule"}}
    wrapped = {"type": "object", "properties": {"rules": every}, "required": ["rules"], "additionalProperties": False}
    return _finished("Promotion rules", {"anyOf": [every, wrapped], "$defs": parts})


def basket_schema() -> dict[str, Any]:
    """A basket, or its list of lines alone."""
    schema = Basket.model_json_schema(by_alias=True)
    parts = schema.pop("$defs")
    _with(parts, ("Manual",), percent=PERCENT)
    parts["Basket"] = schema
    schema["properties"]["member"]["anyOf"].append({"type": "string"})
    lines = {"type": "array", "items": {"$ref": "#/$defs/Line"}}
    return _finished("A basket to price", {"anyOf": [{"$ref": "#/$defs/Basket"}, lines], "$defs": parts})


def _with(parts: dict[str, Any], names: tuple[str, ...], **properties: Any) -> None:
    for name in names:
        parts[name]["properties"].update(properties)


def _finished(title: str, schema: dict[str, Any]) -> dict[str, Any]:
    loose: dict[str, Any] = _loose(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **loose}


def _loose(node: Any) -> Any:
    """One string where a list of strings is meant; null where a field may be left out; no titles."""
    if isinstance(node, list):
        return [_loose(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    node = {key: _loose(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}
    if node.get("type") == "array" and node.get("items") == {"type": "string"}:
        default = {"default": node["default"]} if "default" in node else {}
        return {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}],
            **default,
        }
    return node


def written(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
