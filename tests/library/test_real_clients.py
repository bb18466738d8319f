"""Other people's clients and servers on both sides of the proxy, each with each."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import framegate
from tests.kit import tls
from tests.kit.libraries import CLIENTS, CLOSE_ME, ECHOES, Client, answer_to

MIB = 1 << 20

each_with_each = [
    pytest.mark.parametrize("upstream_name", ECHOES),
    pytest.mark.parametrize("client_name", CLIENTS),
]


def pairs(test: Any) -> Any:
    """The test, once for each client with each upstream."""
    for mark in each_with_each:
        test = mark(test)
    return test


def shout(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
    """Changes the texts of the client, and marks the binaries of the upstream."""
    if typ == "text" and origin == "client" and payload != CLOSE_ME.encode():
        return payload.upper()
    if typ == "binary" and origin == "upstream":
        return payload + b"!"
    return payload


@asynccontextmanager
async def through(
    client_name: str, upstream_name: str, *, secure: bool = False, **options: Any
) -> AsyncIterator[Client]:
    """A client of one library that talks to an echo of another one through the proxy."""
    server_tls = tls.server_context() if secure else None
    client_tls = tls.client_context() if secure else None
    scheme = "wss" if secure else "ws"
    options = {"client_max_frame_size": None, "upstream_max_frame_size": None, **options}
    async with ECHOES[upstream_name](server_tls) as port:
        options["upstream_options"] = {"ssl": client_tls}
        gateway = framegate.reverse_proxy(f"{scheme}://127.0.0.1:{port}", "127.0.0.1", 0, ssl=server_tls, **options)
        async with (
            gateway as server,
            CLIENTS[client_name](f"{scheme}://127.0.0.1:{server.port}/x", client_tls) as client,
        ):
            yield client


@pairs
async def test_texts_and_binaries_pass(client_name: str, upstream_name: str, loop_kind: str) -> None:
    async with through(client_name, upstream_name) as client:
        for message in ("", "grün €", "x" * 70_000, b"", bytes(range(256)), os.urandom(70_000)):
            await client.send(message)
            assert await client.recv() == message


@pairs
@pytest.mark.parametrize("aggregate", [False, True], ids=["frame by frame", "aggregating"])
async def test_fragments_pass_a_hook_that_changes_them(client_name: str, upstream_name: str, aggregate: bool) -> None:
    async with through(client_name, upstream_name, on_frame=shout, aggregate_fragments=aggregate) as client:
        for _ in range(3):
            await client.send_fragments(["one ", "", "two"])
            # Without aggregation the later fragments are continuations, which this hook leaves alone.
            assert str(await client.recv()).upper() == "ONE TWO"
            await client.send_fragments([b"one ", b"two"])
            assert bytes(await client.recv()).replace(b"!", b"") == b"one two"  # type: ignore[arg-type]


@pairs
async def test_pings_are_answered_by_the_upstream(client_name: str, upstream_name: str) -> None:
    async with through(client_name, upstream_name, on_frame=shout) as client:
        await client.ping(b"one")
        await client.send("between")
        assert await client.recv() == "BETWEEN"
        await client.ping(b"two")


@pairs
async def test_close_codes_pass_in_both_directions(client_name: str, upstream_name: str) -> None:
    async with through(client_name, upstream_name) as client:
        await client.send("hello")
        await client.recv()
        assert (await client.close(4001, "bye"))[0] == answer_to(upstream_name, 4001)
    async with through(client_name, upstream_name) as client:
        await client.send(CLOSE_ME)
        assert await client.closed() == (4002, "as asked")


@pairs
async def test_a_hook_changes_messages_of_one_mebibyte(client_name: str, upstream_name: str) -> None:
    async with through(client_name, upstream_name, on_frame=shout, aggregate_fragments=True) as client:
        await client.send("ab" * (MIB // 2))
        assert await client.recv() == "AB" * (MIB // 2)
        payload = os.urandom(MIB)
        await client.send(payload)
        assert await client.recv() == payload + b"!"


@pairs
async def test_a_hook_changes_messages_of_eight_mebibytes(client_name: str, upstream_name: str) -> None:
    payload = os.urandom(8 * MIB)
    async with through(client_name, upstream_name, on_frame=shout, aggregate_fragments=True) as client:
        await client.send(payload)
        assert await client.recv() == payload + b"!"


@pytest.mark.parametrize("client_name", CLIENTS)
@pytest.mark.parametrize("upstream_name", ECHOES)
async def test_all_of_it_over_tls(client_name: str, upstream_name: str, loop_kind: str) -> None:
    async with through(client_name, upstream_name, secure=True, on_frame=shout, aggregate_fragments=True) as client:
        await client.send("over tls")
        assert await client.recv() == "OVER TLS"
        payload = os.urandom(MIB)
        await client.send(payload)
        assert await client.recv() == payload + b"!"
        await client.ping(b"ping")
        assert (await client.close(4001, "bye"))[0] == answer_to(upstream_name, 4001)


@pytest.mark.parametrize("client_name", CLIENTS)
async def test_subprotocols_and_headers_survive_real_clients(client_name: str, loop_kind: str) -> None:
    seen: list[framegate.Request] = []

    def note(request: framegate.Request) -> str:
        seen.append(request)
        return url

    async with ECHOES["websockets"](None) as port:
        url = f"ws://127.0.0.1:{port}"
        async with framegate.reverse_proxy(note, "127.0.0.1", 0) as server:
            async with CLIENTS[client_name](f"ws://127.0.0.1:{server.port}/a/b?c=d", None) as client:
                await client.send("x")
                assert await client.recv() == "x"
    assert (seen[0].path, seen[0].query, seen[0].headers["Host"]) == ("/a/b", "c=d", f"127.0.0.1:{server.port}")
