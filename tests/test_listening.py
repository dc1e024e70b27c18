"""Both web servers answer at once: their sockets do not wait for the acknowledgement of the answer before."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from cloud_erp.app import listen
from gateway.api.server import bind


@pytest.mark.parametrize("opened", [bind, listen])
async def test_an_answer_on_a_kept_connection_does_not_wait_for_the_acknowledgement_of_the_last(
    opened: Callable[[str, int], socket.socket],
) -> None:
    """Nagle's algorithm held each of them back for 40 ms, and asyncio ends it only where the protocol is named."""
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = writer.get_extra_info("socket")
        found.set_result(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = opened("127.0.0.1", 0)
    async with await asyncio.start_server(accepted, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await asyncio.wait_for(found, 10) == 1
        writer.close()
