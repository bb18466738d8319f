"""permessage-deflate with other people's clients and servers, each with each, in every mode."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import pytest
import websockets.asyncio.client
import websockets.asyncio.server
from aiohttp import web
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

import framegate
from tests.kit.deflated import DEFLATE, FIELD
from tests.kit.libraries import CLIENTS, ECHOES

pytestmark = pytest.mark.usefixtures("loop_kind")

Message = str | bytes
MOST = 1 << 26

MESSAGES: list[Message] = [
    "",
    b"",
    "x",
    "grün €",
    "what is said again and again; " * 50,
    bytes(range(256)) * 300,
    os.urandom(70_000),
    "a" * (1 << 20),
    "what is said again and again; " * 50,
]


class Leg(NamedTuple):
    """A library's end of a leg.

    Attributes:
        said: what it has written into Sec-WebSocket-Extensions, if anything, of each handshake.
    """

    port: int
    said: list[str | None]


# Echoes


@asynccontextmanager
async def websockets_echo(**window: Any) -> AsyncIterator[Leg]:
    said: list[str | None] = []

    async def echo(connection: websockets.asyncio.server.ServerConnection) -> None:
        assert connection.response is not None
        said.append(connection.response.headers.get(FIELD))
        async for message in connection:
            await connection.send(message)

    how: dict[str, Any] = {"extensions": [ServerPerMessageDeflateFactory(**window)]} if window else {}
    async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0, max_size=MOST, **how) as server:
        yield Leg(server.sockets[0].getsockname()[1], said)


@asynccontextmanager
async def aiohttp_echo() -> AsyncIterator[Leg]:
    said: list[str | None] = []

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=MOST)
        await socket.prepare(request)
        said.append(socket.headers.get(FIELD))
        async for message in socket:
            await (socket.send_str if message.type is aiohttp.WSMsgType.TEXT else socket.send_bytes)(message.data)
        return socket

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Leg(runner.addresses[0][1], said)
    finally:
        await runner.cleanup()


# Clients


class Client(NamedTuple):
    selected: str | None
    send: Callable[[Message], Any]
    recv: Callable[[], Any]


@asynccontextmanager
async def websockets_client(url: str, **window: Any) -> AsyncIterator[Client]:
    how: dict[str, Any] = {"extensions": [ClientPerMessageDeflateFactory(**window)]} if window else {}
    async with websockets.asyncio.client.connect(url, max_size=MOST, **how) as connection:
        assert connection.response is not None
        yield Client(connection.response.headers.get(FIELD), connection.send, connection.recv)


@asynccontextmanager
async def aiohttp_client(url: str, compress: int = 15) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, compress=compress, max_msg_size=MOST) as socket:

            async def send(message: Message) -> None:
                await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))

            async def recv() -> Message:
                return (await socket.receive()).data

            yield Client(socket._response.headers.get(FIELD), send, recv)


ECHO: dict[str, Callable[[], AbstractAsyncContextManager[Leg]]] = {
    "websockets": websockets_echo,
    "aiohttp": aiohttp_echo,
}
CLIENT: dict[str, Callable[[str], AbstractAsyncContextManager[Client]]] = {
    "websockets": websockets_client,
    "aiohttp": aiohttp_client,
}
clients = pytest.mark.parametrize("client_name", CLIENT)
upstreams = pytest.mark.parametrize("upstream_name", ECHO)


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


def shout(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload.upper() if origin == "client" and typ in ("text", "continuation") else payload


MODES: dict[str, dict[str, Any]] = {
    "auto": {},
    "pass": {"compression": "pass"},
    "off": {"compression": "off"},
    "terminate": {"compression": "terminate"},
    "auto and a hook": {"on_frame": keep},
    "terminate, a hook, joined": {"compression": "terminate", "on_frame": keep, "aggregate_fragments": True},
    "off and a hook": {"compression": "off", "on_frame": keep},
}
modes = pytest.mark.parametrize("mode", MODES)


@asynccontextmanager
async def gateway(port: int, **options: Any) -> AsyncIterator[str]:
    async with framegate.reverse_proxy(f"ws://127.0.0.1:{port}", "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.port}"


def off(mode: str) -> bool:
    return mode.startswith("off")


@clients
@upstreams
@modes
async def test_messages_are_echoed_in_every_mode(client_name: str, upstream_name: str, mode: str) -> None:
    async with ECHO[upstream_name]() as leg, gateway(leg.port, **MODES[mode]) as url:
        async with CLIENT[client_name](url) as client:
            for message in MESSAGES:
                await client.send(message)
                assert await client.recv() == message
            assert [str(end).startswith(DEFLATE) for end in (client.selected, leg.said[0])] == [not off(mode)] * 2


@clients
@upstreams
@pytest.mark.parametrize("options", [{}, {"aggregate_fragments": True}], ids=["frame by frame", "joined"])
async def test_a_hook_changes_what_both_ends_compress(
    client_name: str, upstream_name: str, options: dict[str, Any]
) -> None:
    async with ECHO[upstream_name]() as leg, gateway(leg.port, on_frame=shout, **options) as url:
        async with CLIENT[client_name](url) as client:
            for number in range(100):
                await client.send(f"said again and again, for the {number}th time")
                assert await client.recv() == f"SAID AGAIN AND AGAIN, FOR THE {number}TH TIME"


@clients
@pytest.mark.parametrize("mode", ["auto", "pass"])
async def test_where_nothing_reads_the_client_hears_the_upstreams_own_answer(client_name: str, mode: str) -> None:
    async with websockets_echo(server_max_window_bits=10, server_no_context_takeover=True) as leg:
        async with gateway(leg.port, compression=mode) as url, CLIENT[client_name](url) as client:
            assert client.selected == leg.said[0]
            assert "server_no_context_takeover" in str(client.selected)
            for message in MESSAGES:
                await client.send(message)
                assert await client.recv() == message


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("takeover", [True, False], ids=["takeover", "no takeover"])
async def test_each_leg_has_its_own_parameters_where_something_reads(bits: int, takeover: bool) -> None:
    asked = {"server_max_window_bits": bits, "server_no_context_takeover": not takeover}
    theirs: dict[str, Any] = {
        "client_max_window_bits": 24 - bits,
        "client_no_context_takeover": not takeover,
        "server_max_window_bits": 11,
    }
    async with websockets_echo(**theirs) as leg, gateway(leg.port, on_frame=shout) as url:
        async with websockets_client(url, client_max_window_bits=True, **asked) as client:
            assert f"server_max_window_bits={bits}" in str(client.selected)
            assert ("server_no_context_takeover" in str(client.selected)) == (not takeover)
            assert f"client_max_window_bits={24 - bits}" in str(leg.said[0])
            for message in MESSAGES * 2:
                await client.send(message)
                heard = await client.recv()
                assert heard == (message.encode().upper().decode() if isinstance(message, str) else message)


@pytest.mark.parametrize("compress", range(9, 16))
async def test_aiohttps_clients_may_ask_for_any_window(compress: int) -> None:
    async with aiohttp_echo() as leg, gateway(leg.port, on_frame=keep) as url:
        async with aiohttp_client(url, compress) as client:
            for message in MESSAGES:
                await client.send(message)
                assert await client.recv() == message


@clients
async def test_an_upstream_without_the_extension_does_not_matter_to_a_terminated_client(client_name: str) -> None:
    async with ECHOES["picows"](None) as port, gateway(port, compression="terminate") as url:
        async with CLIENT[client_name](url) as client:
            assert str(client.selected).startswith(DEFLATE)
            for message in MESSAGES:
                await client.send(message)
                assert await client.recv() == message


@clients
async def test_an_upstream_without_the_extension_leaves_the_client_without(client_name: str) -> None:
    async with ECHOES["picows"](None) as port, gateway(port) as url, CLIENT[client_name](url) as client:
        assert client.selected is None
        await client.send("plain" * 100)
        assert await client.recv() == "plain" * 100


@upstreams
@pytest.mark.parametrize("client_name", ["picows", "websockets"])
async def test_a_client_without_the_extension_does_not_matter_to_a_terminated_upstream(
    client_name: str, upstream_name: str
) -> None:
    async with ECHO[upstream_name]() as leg, gateway(leg.port, compression="terminate") as url:
        async with CLIENTS[client_name](url, None) as client:
            for message in MESSAGES:
                await client.send(message)
                assert await client.recv() == message
        assert str(leg.said[0]).startswith(DEFLATE)


@pytest.mark.parametrize("aggregate", [False, True], ids=["frame by frame", "joined"])
async def test_fragments_of_a_compressed_message_are_changed_and_put_together_again(aggregate: bool) -> None:
    async with websockets_echo() as leg, gateway(leg.port, on_frame=shout, aggregate_fragments=aggregate) as url:
        async with websockets_client(url) as client:
            for _ in range(20):
                await client.send(["one again ", "", "two again ", "three"])  # type: ignore[arg-type]
                assert await client.recv() == "ONE AGAIN TWO AGAIN THREE"


async def test_a_message_that_inflates_to_more_than_the_limit_is_1009_to_the_library() -> None:
    async with websockets_echo() as leg, gateway(leg.port, client_max_frame_size=1000) as url:
        async with websockets_client(url) as client:
            await client.send("a" * 1000)
            assert await client.recv() == "a" * 1000
            await client.send("a" * 1001)
            with pytest.raises(ConnectionClosedError) as caught:
                await client.recv()
            assert caught.value.rcvd is not None
            assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1009, "Payload Too Large")
