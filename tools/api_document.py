"""docs/openapi.json: the local API's document, made from the operations that a gateway serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from gateway.api import (
    basket_offers,
    baskets,
    devices,
    items,
    labels,
    operators,
    pairing,
    payments,
    status,
    transactions,
)
from gateway.api.events import Stopping
from gateway.api.openapi import document
from gateway.till.paper.shelf_label_template import templates

TARGET = Path("docs/openapi.json")


def render() -> str:
    nothing = cast(Any, None)  # operations are only described here, never called
    stopping = Stopping()
    operations = [
        *status.operations(nothing),
        *baskets.operations({}, stopping),
        *basket_offers.operations({}),
        *operators.operations({}, nothing),
        *items.operations(nothing, {}),
        *transactions.operations(nothing, nothing),
        *payments.operations(nothing, "EUR"),
        *pairing.operations(nothing),
        *devices.operations({}, stopping),
        *labels.operations({}, nothing, templates(), "en", nothing),
    ]
    return json.dumps(document(operations, "0.1.0"), indent=1, ensure_ascii=False) + "\n"
