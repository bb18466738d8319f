"""The relay that people write by hand with `aiohttp`: `relay_aiohttp.py ws://HOST:PORT`."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, web

Socket = web.WebSocketResponse | ClientWebSocketResponse


async def pump(source: Socket, sink: Socket) -> None:
    try:
        async for message in source:
            if message.type is WSMsgType.TEXT:
                await sink.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await sink.send_bytes(message.data)
    finally:
        await sink.close()


async def main(upstream_url: str) -> None:
    # The connector's default of 100 connections would make the next one wait.
    session = ClientSession(connector=TCPConnector(limit=0))

    async def relay(request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(compress=False, max_msg_size=0)
        async with session.ws_connect(upstream_url, compress=0, max_msg_size=0) as upstream:
            await client.prepare(request)
            await asyncio.gather(pump(client, upstream), pump(upstream, client))
        return client

    application = web.Application()
    application.router.add_get("/{path:.*}", relay)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"relay: listening on ws://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
