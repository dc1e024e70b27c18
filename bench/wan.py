"""A store's line: a TCP proxy that delivers everything later by half a round trip, either way, and in order.

python -m bench.wan PORT TARGET_PORT DELAY_MS
"""

from __future__ import annotations

import asyncio
import sys

CHUNK = 65536


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    try:
        while data := await reader.read(CHUNK):
            under_way.put_nowait((loop.time() + delay_s, data))
    except ConnectionError:
        pass
    under_way.put_nowait((loop.time() + delay_s, b""))
    await asyncio.gather(delivering, return_exceptions=True)


async def main(port: int, target: int, delay_s: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_carry(reader, there_writer, delay_s), _carry(there_reader, writer, delay_s))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
