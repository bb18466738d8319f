"""Other people's WebSocket libraries behind one small face: as an echo upstream, and as a client.

An echo answers pings, sends messages back, and closes with 4002 ``as asked`` when it is told ``close me``.
"""

from __future__ import annotations

import asyncio
import ssl as ssl_module
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import aiohttp
import picows
import websockets.asyncio.client
import websockets.asyncio.server
from aiohttp import web

CLOSE_ME = "close me"
NAMES = ("websockets", "picows", "aiohttp")

Message = str | bytes
TLS = ssl_module.SSLContext | None


class Client(Protocol):
    """What a test does with a client; ``recv`` gives str for a text and bytes for a binary message."""

    async def send(self, message: Message) -> None: ...
    async def send_fragments(self, parts: list[str] | list[bytes]) -> None: ...
    async def recv(self) -> Message: ...
    async def ping(self, payload: bytes) -> None:
        """Send a ping and wait for its pong."""

    async def close(self, code: int, reason: str) -> tuple[int | None, str | None]:
        """Close, and give the code and reason of the answer; None for what the library does not tell."""

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait for the other end's close frame."""


# websockets


@asynccontextmanager
async def _websockets_echo(ssl: TLS) -> AsyncIterator[int]:
    async def echo(connection: websockets.asyncio.server.ServerConnection) -> None:
        async for message in connection:
            if message == CLOSE_ME:
                await connection.close(4002, "as asked")
            else:
                await connection.send(message)

    serving = websockets.asyncio.server.serve(echo, "127.0.0.1", 0, max_size=None, compression=None, ssl=ssl)
    async with serving as server:
        yield server.sockets[0].getsockname()[1]


class _WebsocketsClient:
    def __init__(self, connection: websockets.asyncio.client.ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Message) -> None:
        await self.connection.send(message)

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        await self.connection.send(parts)

    async def recv(self) -> Message:
        return await self.connection.recv()

    async def ping(self, payload: bytes) -> None:
        await (await self.connection.ping(payload))

    async def close(self, code: int, reason: str) -> tuple[int | None, str | None]:
        await self.connection.close(code, reason)
        return self.connection.close_code, self.connection.close_reason

    async def closed(self) -> tuple[int | None, str | None]:
        await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def _websockets_client(url: str, ssl: TLS) -> AsyncIterator[Client]:
    async with websockets.asyncio.client.connect(url, max_size=None, compression=None, ssl=ssl) as connection:
        yield _WebsocketsClient(connection)


# picows


class _PicowsEcho(picows.WSListener):
    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.get_payload_as_bytes() == CLOSE_ME.encode():
            transport.send_close(4002, b"as asked")
        else:
            transport.send(frame.msg_type, frame.get_payload_as_bytes(), frame.fin)


@asynccontextmanager
async def _picows_echo(ssl: TLS) -> AsyncIterator[int]:
    listener = await picows.ws_create_server(
        lambda request: _PicowsEcho(), "127.0.0.1", 0, max_frame_size=1 << 26, ssl=ssl
    )
    async with listener:
        yield listener.sockets[0].getsockname()[1]


class _PicowsClient(picows.WSListener):
    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.farewell: asyncio.Future[tuple[int | None, str | None]] = asyncio.get_running_loop().create_future()
        self.parts: list[bytes] = []
        self.kind = picows.WSMsgType.TEXT

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            if not self.farewell.done():
                self.farewell.set_result((int(frame.get_close_code()), (frame.get_close_message() or b"").decode()))
            if not transport.is_close_frame_sent:
                transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == picows.WSMsgType.PONG:
            self.pongs.put_nowait(frame.get_payload_as_bytes())
        else:
            self._take(frame)

    def _take(self, frame: picows.WSFrame) -> None:
        if frame.msg_type != picows.WSMsgType.CONTINUATION:
            self.kind = frame.msg_type
        self.parts.append(frame.get_payload_as_bytes())
        if frame.fin:
            whole, self.parts = b"".join(self.parts), []
            self.messages.put_nowait(whole.decode() if self.kind == picows.WSMsgType.TEXT else whole)

    async def send(self, message: Message) -> None:
        kind = picows.WSMsgType.TEXT if isinstance(message, str) else picows.WSMsgType.BINARY
        self.transport.send(kind, message.encode() if isinstance(message, str) else message)

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        kind = picows.WSMsgType.TEXT if isinstance(parts[0], str) else picows.WSMsgType.BINARY
        for number, part in enumerate(parts):
            octets = part.encode() if isinstance(part, str) else part
            self.transport.send(picows.WSMsgType.CONTINUATION if number else kind, octets, number == len(parts) - 1)

    async def recv(self) -> Message:
        return await self.messages.get()

    async def ping(self, payload: bytes) -> None:
        self.transport.send_ping(payload)
        assert await self.pongs.get() == payload

    async def close(self, code: int, reason: str) -> tuple[int | None, str | None]:
        self.transport.send_close(code, reason.encode())
        return await self.farewell

    async def closed(self) -> tuple[int | None, str | None]:
        return await self.farewell


@asynccontextmanager
async def _picows_client(url: str, ssl: TLS) -> AsyncIterator[Client]:
    transport, client = await picows.ws_connect(_PicowsClient, url, ssl_context=ssl, max_frame_size=1 << 26)
    try:
        yield client
    finally:
        transport.disconnect()
        await transport.wait_disconnected()


# aiohttp


async def _aiohttp_handler(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=0, compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.data == CLOSE_ME:
            await socket.close(code=4002, message=b"as asked")
        elif message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    return socket


@asynccontextmanager
async def _aiohttp_echo(ssl: TLS) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_get("/{path:.*}", _aiohttp_handler)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


class _AiohttpClient:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: Message) -> None:
        await (self.socket.send_str(message) if isinstance(message, str) else self.socket.send_bytes(message))

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        """aiohttp sends no fragments: the message goes out whole."""
        await self.send("".join(parts) if isinstance(parts[0], str) else b"".join(parts))

    async def recv(self) -> Message:
        return (await self.socket.receive()).data

    async def ping(self, payload: bytes) -> None:
        await self.socket.ping(payload)
        message = await self.socket.receive()
        assert (message.type, bytes(message.data)) == (aiohttp.WSMsgType.PONG, payload)

    async def close(self, code: int, reason: str) -> tuple[int | None, str | None]:
        await self.socket.close(code=code, message=reason.encode())
        return self.socket.close_code, None

    async def closed(self) -> tuple[int | None, str | None]:
        message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.CLOSE, message
        await self.socket.close()
        return message.data, message.extra


@asynccontextmanager
async def _aiohttp_client(url: str, ssl: TLS) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        how: dict[str, Any] = {"ssl": ssl} if ssl is not None else {}
        async with session.ws_connect(url, max_msg_size=0, autoping=False, **how) as socket:
            yield _AiohttpClient(socket)


ECHOES: dict[str, Callable[[TLS], AbstractAsyncContextManager[int]]] = {
    "websockets": _websockets_echo,
    "picows": _picows_echo,
    "aiohttp": _aiohttp_echo,
}
CLIENTS: dict[str, Callable[[str, TLS], AbstractAsyncContextManager[Client]]] = {
    "websockets": _websockets_client,
    "picows": _picows_client,
    "aiohttp": _aiohttp_client,
}


def answer_to(upstream_name: str, code: int) -> int:
    """The code with which this echo answers a close frame; aiohttp's servers always say 1000."""
    return 1000 if upstream_name == "aiohttp" else code
