"""Canonical JSON: one byte string for one value, so that both sides can hash it.

Sorted keys, no spaces, UTF-8 as it is, no floats (money and weight are integers). A subset of RFC 8785.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
