"""Server-sent events (WHATWG HTML, section 9.2): one stream a listener, the newest state wins, nothing piles up.

A listener says only *that* something changed; the stream then renders the state as it is. A slow browser therefore
skips states, and never makes the till wait.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from starlette.responses import StreamingResponse

KEEP_ALIVE_S = 15.0

Unlisten = Callable[[], None]


class Stopping:
    """Set when the server stops, so that open streams end instead of holding it up."""

    def __init__(self) -> None:
        self.event = asyncio.Event()


def message(event: str, data: str) -> bytes:
    # Only what the stream's own grammar calls a line end: JSON may hold others, such as U+2028.
    lines = "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", data))
    return f"event: {event}\n{lines}\n".encode()


def stream(
    listen: Callable[[Callable[[], None]], Unlisten],
    render: Callable[[], list[tuple[str, str]]],
    stopping: Stopping,
    refresh_s: float = KEEP_ALIVE_S,
) -> StreamingResponse:
    """Send render()'s (event, data) pairs now and after each change; unchanged ones are not sent again.

    refresh_s: render at least so often (ages go on counting); also keeps proxies from closing the stream.
    """

    async def body() -> AsyncIterator[bytes]:
        changed = asyncio.Event()
        unlisten = listen(changed.set)
        sent: dict[str, str] = {}
        try:
            yield b"retry: 1000\n\n"
            while not stopping.event.is_set():
                changed.clear()
                fresh = [(event, data) for event, data in render() if sent.get(event) != data]
                sent.update(fresh)
                yield b"".join(message(event, data) for event, data in fresh) or b": still here\n\n"
                await _either(changed, stopping.event, refresh_s)
        finally:
            unlisten()

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body(), media_type="text/event-stream", headers=headers)


async def _either(changed: asyncio.Event, stopping: asyncio.Event, timeout_s: float) -> None:
    waits = [asyncio.create_task(changed.wait()), asyncio.create_task(stopping.wait())]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*waits, return_exceptions=True)
