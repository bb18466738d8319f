"""A client of the npm package ``ws``, framegate, and a server of ``ws``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import framegate
from tests.interop.node import Node, echo, missing, node

pytestmark = [
    pytest.mark.usefixtures("loop_kind"),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

MIB = 1 << 20


def shout(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
    return payload.upper() if typ == "text" and origin == "upstream" else payload


@asynccontextmanager
async def through(*protocols: str, path: str = "/", **options: Any) -> AsyncIterator[tuple[Node, Node]]:
    """A client and an upstream, both of Node, whose opening handshakes are done."""
    async with echo() as (upstream, url), framegate.reverse_proxy(url, "127.0.0.1", 0, **options) as server:
        async with node("client", f"ws://127.0.0.1:{server.port}{path}", *protocols) as client:
            opened = await client.event()
            assert opened["event"] == "open"
            assert opened["protocol"] == ("superchat" if "superchat" in protocols else "")
            assert (await upstream.event())["event"] == "open"
            yield client, upstream


HOOKS: dict[str, dict[str, Any]] = {
    "no hook": {},
    "a hook": {"on_frame": lambda *args: args[2]},
    "aggregating": {"aggregate_fragments": True},
}


@pytest.fixture(params=HOOKS)
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return HOOKS[request.param]


async def test_texts_and_binaries_are_echoed(options: dict[str, Any]) -> None:
    async with through(**options) as (client, _):
        for data in ("hello", "", "grün €", "x" * 20_000):
            client.do("text", data=data)
            assert await client.event() == {"event": "text", "data": data}
        for octets in (b"", bytes(range(256))):
            client.do("binary", hex=octets.hex())
            assert await client.event() == {"event": "binary", "hex": octets.hex()}


async def test_fragments_pass_in_both_directions(options: dict[str, Any]) -> None:
    async with through(**options) as (client, _):
        client.do("fragments", parts=["a", "", "€", "b"])
        assert await client.event() == {"event": "text", "data": "a€b"}
        client.do("text", data="fragments")
        assert await client.event() == {"event": "text", "data": "one two"}


async def test_pings_and_pongs_pass_in_both_directions(options: dict[str, Any]) -> None:
    async with through(**options) as (client, upstream):
        client.do("ping", data="from client")
        assert await client.event() == {"event": "pong", "data": "from client"}
        client.do("text", data="ping me")
        assert await client.event() == {"event": "ping", "data": "from upstream"}
        assert await upstream.event() == {"event": "pong", "data": "from upstream"}


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1000, "done"), (4321, "grün €"), (3000, "x" * 123)])
async def test_the_clients_close_code_and_reason_pass(code: int, reason: str, options: dict[str, Any]) -> None:
    async with through(**options) as (client, upstream):
        client.do("close", code=code, reason=reason)
        assert await upstream.event() == {"event": "close", "code": code, "reason": reason}
        assert (await client.event())["code"] == code


async def test_the_upstreams_close_code_and_reason_pass(options: dict[str, Any]) -> None:
    async with through(**options) as (client, upstream):
        client.do("text", data="close me")
        assert await client.event() == {"event": "close", "code": 4002, "reason": "as asked"}
        assert (await upstream.event())["code"] == 4002


async def test_a_client_that_is_torn_down_is_1001_to_the_upstream() -> None:
    async with through() as (client, upstream):
        client.do("terminate")
        assert await upstream.event() == {"event": "close", "code": 1001, "reason": ""}


async def test_messages_of_one_mebibyte_pass(options: dict[str, Any]) -> None:
    async with through(**options) as (client, _):
        client.do("large", size=MIB, fill=7)
        assert await client.event() == {"event": "large", "size": MIB, "same": True}


async def test_a_message_over_a_limit_is_1009_to_the_client_and_1001_to_the_upstream() -> None:
    async with through(client_max_frame_size=1000) as (client, upstream):
        client.do("large", size=1001, fill=7)
        assert await client.event() == {"event": "close", "code": 1009, "reason": "Payload Too Large"}
        assert await upstream.event() == {"event": "close", "code": 1001, "reason": ""}


async def test_a_hook_changes_what_the_upstream_says() -> None:
    async with through(on_frame=shout, aggregate_fragments=True) as (client, _):
        client.do("fragments", parts=["a", "b"])
        assert await client.event() == {"event": "text", "data": "AB"}
        client.do("text", data="fragments")
        assert await client.event() == {"event": "text", "data": "ONE TWO"}


async def test_the_upstream_chooses_the_subprotocol() -> None:
    async with through("chat", "superchat") as (client, _):
        client.do("text", data="chosen")
        assert await client.event() == {"event": "text", "data": "chosen"}


async def test_path_query_and_origin_reach_the_upstream() -> None:
    async with echo() as (upstream, url), framegate.reverse_proxy(url + "/base", "127.0.0.1", 0) as server:
        async with node("client", f"ws://127.0.0.1:{server.port}/room?name=x%20y"):
            opened = await upstream.event()
            assert (opened["url"], opened["origin"]) == ("/base/room?name=x%20y", "https://app.test")


async def test_a_client_is_told_the_status_of_an_upstream_that_is_not_there() -> None:
    async with framegate.reverse_proxy("ws://127.0.0.1:1", "127.0.0.1", 0) as server:
        async with node("client", f"ws://127.0.0.1:{server.port}") as client:
            refused = await client.event()
            assert (refused["event"], refused["status"]) == ("refused", 502)


async def test_a_drain_is_1001_to_both_sides() -> None:
    async with echo() as (upstream, url):
        async with framegate.reverse_proxy(url, "127.0.0.1", 0) as server:
            async with node("client", f"ws://127.0.0.1:{server.port}") as client:
                assert (await client.event())["event"] == (await upstream.event())["event"] == "open"
                await server.drain()
                assert await client.event() == {"event": "close", "code": 1001, "reason": ""}
                assert await upstream.event() == {"event": "close", "code": 1001, "reason": ""}
