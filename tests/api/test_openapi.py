"""The OpenAPI document as a shop's programmer finds it: whole, with examples that its schemas take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from gateway.api.scopes import Scope

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def named(operations: list[tuple[str, str, Any]]) -> list[Any]:
    return [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in operations]


def complaints(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with the value, by a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


WITH_BODY = [one for one in OPERATIONS if "requestBody" in one[2]]


@pytest.mark.parametrize(("method", "path", "operation"), named(WITH_BODY))
def test_each_body_has_an_example_that_its_schema_takes(method: str, path: str, operation: dict[str, Any]) -> None:
    content = operation["requestBody"]["content"]["application/json"]
    assert "example" in content, f"{method} {path} has no example"
    assert complaints(content["schema"], content["example"]) == []


@pytest.mark.parametrize(("method", "path", "operation"), named(WITH_BODY))
def test_a_body_with_a_field_that_nobody_knows_is_refused(method: str, path: str, operation: dict[str, Any]) -> None:
    content = operation["requestBody"]["content"]["application/json"]
    if isinstance(content["example"], dict):
        assert complaints(content["schema"], {**content["example"], "no_such_field": 1}) != []


@pytest.mark.parametrize(("method", "path", "operation"), named(OPERATIONS))
def test_each_operation_says_what_it_is_for_and_who_may(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"], f"{method} {path}"
    if method == "GET":
        assert "requestBody" not in operation
    for one in operation.get("security", []):
        assert set(one.get("token", [])) <= set(Scope)


def test_what_changes_something_is_no_get_and_needs_more_than_reading() -> None:
    for method, path, operation in OPERATIONS:
        assert method in ("GET", "POST", "DELETE"), f"{method} {path}"
        if method != "GET" and path != "/v1/pair":
            assert operation.get("security") not in (None, [{}]), f"{path} changes something and asks for no scope"


def test_the_examples_of_the_models_fit_them() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            for example in described.get("examples", []):
                assert complaints(described, example) == [], f"{name}.{field}"
