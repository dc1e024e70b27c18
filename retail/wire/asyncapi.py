"""The wire as an AsyncAPI 3 document, built from the models and the topics: docs/asyncapi.yaml is this, written out.

It speaks from the gateway's side: `send` is what a gateway publishes, `receive` what it subscribes to.
Source: AsyncAPI 3.0.0; AsyncAPI MQTT bindings 0.2.0. Payload schemas are JSON Schema as pydantic writes them.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from retail.control import ControlTransaction
from retail.sale import Fault, RetailTransaction, Shape
from retail.wire.ack import Ack
from retail.wire.audit import AuditRecord
from retail.wire.feed import FeedHead, FeedPage, FeedPull
from retail.wire.log import Batch
from retail.wire.payload import COMPRESS_OVER_BYTES
from retail.wire.presence import Birth, DeviceState, GatewayEvent, HqState, Metrics, State
from retail.wire.rows import ROWS
from retail.wire.topics import HQ_STATE, ROOT, GatewayTopics

SCHEMA_REF = "#/components/schemas/{model}"
MQTT_BINDING = "0.2.0"
#: id, what it stands for, an example; ids match [A-Za-z0-9-]+
PARAMETERS = {
    "gateway": ("The gateway id: its certificate's common name, by convention <store>-<n>.", "S0421-1"),
    "device_class": ("UnifiedPOS class of the peripheral.", "scale"),
    "device_id": ("The device's name in the gateway's configuration.", "scale-1"),
    "feed": ("The name of a master-data feed.", "items"),
    "severity": ("How urgent.", "warning"),
}
ABOUT = f"""\
How a store's gateway and headquarters talk: MQTT 5 at QoS 1, one JSON object in each message.

Over {COMPRESS_OVER_BYTES} bytes a payload is zstd-compressed and shows it by its first four bytes, 28 B5 2F FD; a plain
payload begins with `{{`. MQTT 3.1.1 tools can read everything: each fact stands in the payload.

A PUBACK only says that the broker has a message. A record counts as booked when `down/ack` says so, not before.
"""
ABOUT_SERVER = "The broker of headquarters: TLS 1.2 or later, client certificates; the common name is the gateway id."


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic: what runs on it, who sends, and whether the broker keeps the last message."""

    key: str
    address: str
    message: type[Shape]
    action: Literal["send", "receive"]
    retained: bool


def channels() -> list[Channel]:
    one = GatewayTopics("+")

    def channel(
        key: str, topic: str, message: type[Shape], action: Literal["send", "receive"], *, retained: bool
    ) -> Channel:
        return Channel(key, topic.replace("+", "{gateway}", 1), message, action, retained)

    return [
        channel("state", one.state, State, "send", retained=True),
        channel("birth", one.birth, Birth, "send", retained=True),
        channel("device", one.device("{device_class}", "{device_id}"), DeviceState, "send", retained=True),
        channel("log", one.log, Batch, "send", retained=False),
        channel("ack", one.ack, Ack, "receive", retained=True),
        channel("metrics", one.metrics, Metrics, "send", retained=False),
        channel("event", one.event("{severity}"), GatewayEvent, "send", retained=False),
        channel("feedHead", one.feed_head("{feed}"), FeedHead, "receive", retained=True),
        channel("feedPull", one.feed_pull("{feed}"), FeedPull, "send", retained=False),
        channel("feedPage", one.feed_page("{feed}"), FeedPage, "receive", retained=False),
        channel("hqState", HQ_STATE, HqState, "receive", retained=True),
    ]


#: what the messages carry inside: rows of feeds, and the body of a record of that type; Fault answers a till
CONTENTS: list[type[Shape]] = [*ROWS.values(), RetailTransaction, ControlTransaction, AuditRecord, Fault]


def document() -> dict[str, Any]:
    """The whole AsyncAPI 3.0.0 document as plain values, in the order a reader wants them."""
    all_channels = channels()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Backroom wire",
            "version": ROOT.rpartition("/v")[2] + ".0.0",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"headquarters": _server()},
        "channels": {channel.key: _channel(channel) for channel in all_channels},
        "operations": {_operation_name(channel): _operation(channel) for channel in all_channels},
        "components": {
            "messages": {channel.message.__name__: _message(channel.message) for channel in all_channels},
            "schemas": schemas([channel.message for channel in all_channels] + CONTENTS),
            "parameters": {
                name: {"description": text, "examples": [example]} for name, (text, example) in PARAMETERS.items()
            },
            "securitySchemes": {"certificate": {"type": "X509", "description": "mTLS: the gateway's own certificate"}},
        },
    }


def schemas(models: list[type[Shape]]) -> dict[str, Any]:
    """JSON Schema of these models and of all that stands inside them, by name."""
    _, built = models_json_schema(
        [(model, "validation") for model in models], ref_template=SCHEMA_REF, schema_generator=_WithoutDiscriminator
    )
    definitions: dict[str, Any] = built["$defs"]
    return dict(sorted(definitions.items()))


class _WithoutDiscriminator(GenerateJsonSchema):
    """AsyncAPI's own `discriminator` is a string, pydantic's an object; the constant `type` of each branch suffices."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        built = super().tagged_union_schema(schema)
        built.pop("discriminator", None)
        return built


def _server() -> dict[str, Any]:
    return {
        "host": "{host}:8883",
        "protocol": "mqtts",
        "protocolVersion": "5",
        "description": ABOUT_SERVER,
        "variables": {"host": {"default": "broker.example.com", "description": "The broker's name."}},
        "security": [{"$ref": "#/components/securitySchemes/certificate"}],
    }


def _channel(channel: Channel) -> dict[str, Any]:
    name = channel.message.__name__
    named = [parameter for parameter in PARAMETERS if f"{{{parameter}}}" in channel.address]
    built: dict[str, Any] = {
        "address": channel.address,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }
    if named:
        built["parameters"] = {parameter: {"$ref": f"#/components/parameters/{parameter}"} for parameter in named}
    return built


def _operation_name(channel: Channel) -> str:
    return channel.action + channel.key[0].upper() + channel.key[1:]


def _operation(channel: Channel) -> dict[str, Any]:
    return {
        "action": channel.action,
        "channel": {"$ref": f"#/channels/{channel.key}"},
        "messages": [{"$ref": f"#/channels/{channel.key}/messages/{channel.message.__name__}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": channel.retained, "bindingVersion": MQTT_BINDING}},
    }


def _message(model: type[Shape]) -> dict[str, Any]:
    # A model without words of its own is the only message of its module: the module's words are about it.
    words = model.__doc__ or inspect.getmodule(model).__doc__ or ""
    return {
        "name": model.__name__,
        "title": str(model.model_fields["schema_"].default),
        "description": inspect.cleandoc(words),
        "contentType": "application/json",
        "payload": {"$ref": SCHEMA_REF.format(model=model.__name__)},
    }
