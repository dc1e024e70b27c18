"""Asks the running daemon of this box over its own local API."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from gateway.config import Config


def ask(config: Config, token: str | None, path: str) -> Any:
    """A GET of the running daemon's API; None where it does not answer."""
    host = f"[{config.api.host}]" if ":" in config.api.host else config.api.host
    request = urllib.request.Request(f"http://{host}:{config.api.port}{path}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return json.load(answer)
    except (OSError, ValueError):
        return None
