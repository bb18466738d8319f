"""The relay that people write by hand with `picows`: `relay_picows.py ws://HOST:PORT`.

It forwards frames as they come, without joining messages. A side that takes nothing more pauses the other.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

MAX_FRAME = 64 * 1024 * 1024


class Side(WSListener):
    """One of the two connections of a client; `other` is the way on, once it is there."""

    def __init__(self) -> None:
        self.transport: WSTransport | None = None
        self.other: Side | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        other = self.other.transport if self.other is not None else None
        if other is None:
            return
        if frame.msg_type == WSMsgType.CLOSE:
            other.send_close(frame.get_close_code(), frame.get_close_message())
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        else:
            other.send(frame.msg_type, frame.get_payload_as_memoryview(), frame.fin)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.disconnect()

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.underlying_transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.underlying_transport.resume_reading()


class ClientSide(Side):
    def __init__(self, upstream_url: str, dialling: set[asyncio.Task[None]]) -> None:
        super().__init__()
        self._upstream_url = upstream_url
        self._dialling = dialling

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        transport.underlying_transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._dial(transport))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _dial(self, transport: WSTransport) -> None:
        upstream = Side()
        try:
            await ws_connect(lambda: upstream, self._upstream_url, max_frame_size=MAX_FRAME)
        except Exception:
            transport.disconnect()
            raise
        self.other, upstream.other = upstream, self
        transport.underlying_transport.resume_reading()


async def main(upstream_url: str) -> None:
    dialling: set[asyncio.Task[None]] = set()

    def listener(request: WSUpgradeRequest) -> WSListener:
        return ClientSide(upstream_url, dialling)

    server = await ws_create_server(listener, "127.0.0.1", 0, max_frame_size=MAX_FRAME)
    print(f"relay: listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
