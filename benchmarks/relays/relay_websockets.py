"""The relay that people write by hand with `websockets`: `relay_websockets.py ws://HOST:PORT [--deflate]`."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)


async def pump(source: Connection, sink: Connection) -> None:
    try:
        async for message in source:
            await sink.send(message)
    finally:
        await sink.close()


async def main(upstream_url: str, deflate: bool) -> None:
    # The upstream of the benchmarks agrees to no context takeover alone.
    offers = [ClientPerMessageDeflateFactory(True, True)] if deflate else None
    accepts = [ServerPerMessageDeflateFactory()] if deflate else None

    async def relay(client: ServerConnection) -> None:
        async with connect(upstream_url, extensions=offers, compression=None, max_size=None, proxy=None) as upstream:
            await asyncio.gather(pump(client, upstream), pump(upstream, client))

    async with serve(relay, "127.0.0.1", 0, extensions=accepts, compression=None, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"relay: listening on ws://127.0.0.1:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], "--deflate" in sys.argv))
