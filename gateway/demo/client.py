"""A small HTTP client for the demo's own loopback servers, so that the box needs no library for it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

from gateway.errors import BackroomError


class HttpError(BackroomError):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status
        self.text = text


class Client:
    """base: http://127.0.0.1:8380, without a slash at the end."""

    def __init__(self, base: str, timeout_s: float = 15.0) -> None:
        self.base = base
        self._timeout_s = timeout_s

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        return json.loads(await self.text(path, headers))

    async def text(self, path: str, headers: dict[str, str] | None = None) -> str:
        return await asyncio.to_thread(self._ask, "GET", path, None, headers or {})

    async def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        data = json.dumps(body if body is not None else {}).encode()
        return json.loads(await asyncio.to_thread(self._ask, "POST", path, data, headers or {}))

    def _ask(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> str:
        kind = {"Content-Type": "application/json"} if data is not None else {}
        request = urllib.request.Request(self.base + path, data=data, method=method, headers={**kind, **headers})
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
                text: str = answer.read().decode()
                return text
        except urllib.error.HTTPError as error:
            raise HttpError(error.code, error.read().decode(errors="replace")) from error
        except OSError as error:
            raise BackroomError(f"{self.base}{path}: {error}") from error
