"""What is asked of the box over the network, with the token that the technician gave it, and the waiting for it."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.demo.client import Client
from gateway.errors import BackroomError

#: an emulated box beside other work takes its time
ANSWER_S = 120.0


class Till:
    """The API of the box's workstation 1. Every refusal of the box rises as an error with its words."""

    def __init__(self, port: int, token: str) -> None:
        self._client = Client(f"http://127.0.0.1:{port}", timeout_s=ANSWER_S)
        self._token = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> Any:
        return await self._client.get(path, self._token)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self._client.post(path, body, self._token)

    # --- conditions -------------------------------------------------------------------------------------------------

    async def answers(self) -> bool:
        try:
            await self.get("/v1/status")
        except BackroomError:
            return False
        return True

    async def has_prices(self) -> bool:
        """It is connected to headquarters and has its price book."""
        status = await self.get("/v1/status")
        return bool(status["online"] and status["price_book_version"] > 0)

    async def all_acknowledged(self) -> bool:
        return bool((await self.get("/v1/status"))["unacked"] == 0)

    async def offline(self) -> bool:
        return not (await self.get("/v1/status"))["online"]

    async def lines(self) -> list[dict[str, Any]]:
        basket = await self.get("/v1/baskets/1")
        if basket["notice"] and basket["notice"].get("kind") == "error":
            raise BackroomError(f"the till refused: {basket['notice']['text']}")
        found: list[dict[str, Any]] = basket["lines"]
        return found

    async def power(self, device: str) -> str:
        devices = (await self.get("/v1/devices"))["devices"]
        return str(next(one["power"] for one in devices if one["id"] == device))

    # --- acts -------------------------------------------------------------------------------------------------------

    async def weigh(self) -> int:
        """Grams."""
        return int((await self.post("/v1/devices/scale-1/weigh"))["grams"])

    async def key(self, code: str) -> None:
        await self.post("/v1/baskets/1/scan", {"code": code, "method": "keyed"})

    async def pay_cash(self, amount_minor: int) -> dict[str, Any]:
        """Finish the open sale; its number and its total."""
        basket = await self.post("/v1/baskets/1/tender", {"tender_type": "Cash", "amount_minor": amount_minor})
        finished: dict[str, Any] = basket["finished"]
        return finished


async def page(port: int) -> tuple[int, str]:
    """(status, text) of what a browser without a token gets; status 0: nobody answers."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: backroom.local\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
        await writer.drain()
        async with asyncio.timeout(20):
            answer = (await reader.read()).decode(errors="replace")
        writer.close()
    except (OSError, TimeoutError):
        return 0, ""
    head, _, text = answer.partition("\r\n\r\n")
    return (int(head.split()[1]) if head.startswith("HTTP/") else 0), text


async def greeting(port: int) -> str:
    """The first line that a server says by itself; empty: nobody is there."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(20):
            line = (await reader.readline()).decode(errors="replace").strip()
        writer.close()
    except (OSError, TimeoutError):
        return ""
    return line
