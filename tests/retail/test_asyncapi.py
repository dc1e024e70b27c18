"""docs/asyncapi.yaml is current, whole, and true to the topics and messages."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

import retail.wire
from retail.sale import Shape
from retail.wire.asyncapi import PARAMETERS, channels, document
from retail.wire.topics import GATEWAY_ID, HQ_STATE, ROOT, GatewayTopics, gateway_of
from tests.retail.examples import ITEM, messages, sale
from tools.wire_document import TARGET, render

DOCUMENT = document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def models_of_the_wire() -> list[type[Shape]]:
    found = []
    for module in pkgutil.iter_modules(retail.wire.__path__, "retail.wire."):
        members = vars(importlib.import_module(module.name)).values()
        found += [
            member
            for member in members
            if inspect.isclass(member) and issubclass(member, Shape) and member.__module__ == module.name
        ]
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_file_in_docs_is_what_the_models_say_now() -> None:
    assert Path(TARGET).read_text(encoding="utf-8") == render(), "run `make docs`"
    assert yaml.safe_load(render()) == DOCUMENT


def test_every_model_of_the_wire_is_in_the_document() -> None:
    found = models_of_the_wire()
    assert len(found) >= 15
    assert {model.__name__ for model in found} <= set(SCHEMAS)


def test_every_message_with_a_schema_of_its_own_has_a_channel() -> None:
    with_schema = {model for model in models_of_the_wire() if "schema_" in model.model_fields}
    assert with_schema == {channel.message for channel in channels()}


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_topic_has_one_channel_and_its_parameters_are_described() -> None:
    for channel in DOCUMENT["channels"].values():
        named = re.findall(r"{(\w+)}", channel["address"])
        assert set(named) == set(channel.get("parameters", {}))
        topic = channel["address"].format(**{name: example for name, (_, example) in PARAMETERS.items()})
        assert re.fullmatch(r"[A-Za-z0-9/-]+", topic)
        assert topic == HQ_STATE or gateway_of(topic) == PARAMETERS["gateway"][1]
    for _, example in PARAMETERS.values():
        assert GATEWAY_ID.fullmatch(example)
    topics = GatewayTopics("+")
    whole = {value for value in vars(topics).values() if value != topics.base}
    assert {address.replace("+", "{gateway}") for address in whole} <= {
        channel["address"] for channel in DOCUMENT["channels"].values()
    }
    assert DOCUMENT["info"]["version"].startswith(ROOT.rpartition("/v")[2])


def test_the_gateway_writes_up_and_its_own_state_and_reads_down_and_headquarters() -> None:
    for channel in channels():
        below = channel.address.removeprefix("edge/v1/{gateway}/")
        if channel.action == "send":
            assert re.match(r"state$|birth$|dev/|up/", below)
        else:
            assert re.match(r"down/", below) or channel.address == HQ_STATE


@pytest.mark.parametrize("key", ["state", "birth", "device", "ack", "feedHead", "hqState"])
def test_what_a_newcomer_must_find_is_retained(key: str) -> None:
    assert {channel.key for channel in channels() if channel.retained} >= {key}


def test_every_operation_has_qos_1() -> None:
    assert len(DOCUMENT["operations"]) == len(DOCUMENT["channels"])
    assert {operation["bindings"]["mqtt"]["qos"] for operation in DOCUMENT["operations"].values()} == {1}


def test_every_message_is_described_in_words() -> None:
    for message in DOCUMENT["components"]["messages"].values():
        assert len(message["description"]) > 20
        assert message["contentType"] == "application/json"


@pytest.mark.parametrize("message", [*messages(), ITEM, sale()], ids=lambda message: type(message).__name__)
def test_a_message_fits_the_schema_that_the_document_gives_for_it(message: Shape) -> None:
    schema = {"$ref": f"#/components/schemas/{type(message).__name__}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft7Validator(schema).validate(json.loads(message.model_dump_json()))


def test_nothing_in_the_document_needs_more_than_draft_7() -> None:
    for schema in SCHEMAS.values():
        jsonschema.Draft7Validator.check_schema(schema)
        assert "discriminator" not in json.dumps(schema)
