"""The OpenAPI 3.1 document, made from the operations that are served and the models they take and give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api.operations import Operation
from gateway.api.problems import Problem
from gateway.api.scopes import Scope

MEANINGS = {
    400: "A header is missing",
    401: "No token, or a wrong one",
    403: "A token without the scope that this needs, or a person without the authority: `role` names who may",
    404: "No such thing",
    409: "Not in this state; nothing was changed",
    413: "Larger than is taken",
    422: "The request contradicts itself or the store; `errors` names each field",
    503: "Not possible now; nothing was changed: try again",
    507: "No room on this box's disk; nothing was kept",
    504: "The device did not answer in time",
}


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    models: list[type[BaseModel]] = [Problem]
    for operation in operations:
        models += [model for model in (operation.body, operation.answer) if model is not None and model not in models]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.shown_path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Backroom gateway",
            "version": version,
            "description": "The local API of the box in the store. Amounts are integers in the currency's minor unit,"
            " weights are whole grams, times are RFC 3339 in UTC. Nothing changes state on GET. A token has scopes: "
            + ", ".join(Scope)
            + "; on loopback without a configured token none is asked for. A program of the shop gets its own"
            " by POST /v1/pair, with a code from the technician's page.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    answers: dict[str, Any] = {str(operation.status): _answer(operation)}
    for status in (*operation.problems, 401, 403):
        answers[str(status)] = {
            "description": MEANINGS[status],
            "content": {"application/problem+json": {"schema": _reference(Problem)}},
        }
    described: dict[str, Any] = {
        "operationId": re.sub(r"[^a-z]+", "_", f"{operation.method} {operation.shown_path}".lower()).strip("_"),
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": answers,
    }
    if not operation.needs_token:
        described["security"] = [{}]
    elif operation.scope is not Scope.READ:
        described["security"] = [{}, {"token": [operation.scope.value]}]
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        content: dict[str, Any] = {"schema": _reference(operation.body)}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    text = {"type": "string"}
    in_path = re.findall(r"{(\w+)}", operation.shown_path)
    return [
        *({"name": name, "in": "path", "required": True, "schema": text} for name in in_path),
        *(
            {"name": name, "in": "header", "required": True, "description": words, "schema": text}
            for name, words in operation.headers.items()
        ),
        *(
            {"name": name, "in": "query", "required": False, "description": words, "schema": text}
            for name, words in operation.query.items()
        ),
    ]


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.streams:
        return {"description": "A stream of server-sent events", "content": {"text/event-stream": {}}}
    if operation.answer is None:
        return {"description": "Done"}
    return {"description": operation.summary, "content": {"application/json": {"schema": _reference(operation.answer)}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
