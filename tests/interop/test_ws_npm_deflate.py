"""permessage-deflate with a client and a server of the npm package ``ws``."""

from __future__ import annotations

import json
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

DEFLATE = "permessage-deflate"
MIB = 1 << 20
SAID = "what is said again and again; " * 100

PLAIN: dict[str, Any] = {"threshold": 0}
NO_TAKEOVER: dict[str, Any] = {"threshold": 0, "serverNoContextTakeover": True, "clientNoContextTakeover": True}
SMALL_WINDOWS: dict[str, Any] = {"threshold": 0, "serverMaxWindowBits": 9, "clientMaxWindowBits": 10}


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


def shout(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload.upper() if origin == "upstream" and typ in ("text", "continuation") else payload


MODES: dict[str, dict[str, Any]] = {
    "auto": {},
    "pass": {"compression": "pass"},
    "terminate": {"compression": "terminate"},
    "a hook": {"on_frame": keep},
    "joined": {"aggregate_fragments": True},
}
modes = pytest.mark.parametrize("options", MODES.values(), ids=MODES)
peers = pytest.mark.parametrize(
    "deflate", [PLAIN, NO_TAKEOVER, SMALL_WINDOWS], ids=["defaults", "no takeover", "small windows"]
)


def flag(deflate: dict[str, Any] | None) -> list[str]:
    return [] if deflate is None else [f"--deflate={json.dumps(deflate)}"]


@asynccontextmanager
async def through(
    client_deflate: dict[str, Any] | None, upstream_deflate: dict[str, Any] | None, **options: Any
) -> AsyncIterator[tuple[Node, dict[str, Any], dict[str, Any]]]:
    """A client, and what both ends tell of their opening handshakes."""
    async with echo(*flag(upstream_deflate)) as (upstream, url):
        async with framegate.reverse_proxy(url, "127.0.0.1", 0, **options) as server:
            async with node("client", f"ws://127.0.0.1:{server.port}", *flag(client_deflate)) as client:
                yield client, await client.event(), await upstream.event()


async def echoes(client: Node) -> None:
    for _ in range(3):
        for data in (SAID, "", "x", "grün €"):
            client.do("text", data=data)
            assert await client.event() == {"event": "text", "data": data}
        client.do("binary", hex=bytes(range(256)).hex())
        assert await client.event() == {"event": "binary", "hex": bytes(range(256)).hex()}
        client.do("large", size=MIB, fill=7)
        assert await client.event() == {"event": "large", "size": MIB, "same": True}


@modes
@peers
async def test_messages_are_echoed(options: dict[str, Any], deflate: dict[str, Any]) -> None:
    async with through(deflate, deflate, **options) as (client, opened, accepted):
        assert opened["extensions"] == accepted["extensions"] == DEFLATE
        await echoes(client)


@modes
@peers
async def test_fragments_pass_in_both_directions(options: dict[str, Any], deflate: dict[str, Any]) -> None:
    async with through(deflate, deflate, **options) as (client, _, _):
        for parts in (["a", "", "€", "b"], [SAID, SAID], ["", SAID, ""], ["", ""]) * 2:
            client.do("fragments", parts=parts)
            assert await client.event() == {"event": "text", "data": "".join(parts)}
            client.do("text", data="fragments")
            assert await client.event() == {"event": "text", "data": "one two"}


@peers
@pytest.mark.parametrize("aggregate", [False, True], ids=["frame by frame", "joined"])
async def test_a_hook_changes_what_the_upstream_says(deflate: dict[str, Any], aggregate: bool) -> None:
    async with through(deflate, deflate, on_frame=shout, aggregate_fragments=aggregate) as (client, _, _):
        for number in range(100):
            client.do("text", data=f"{SAID} {number}")
            assert await client.event() == {"event": "text", "data": f"{SAID} {number}".upper()}


@pytest.mark.parametrize(
    ("mode", "seen_by_client", "offered"),
    [("auto", "", True), ("pass", "", True), ("terminate", DEFLATE, True), ("off", "", False)],
)
async def test_an_upstream_that_declines(mode: str, seen_by_client: str, offered: bool) -> None:
    async with through(PLAIN, None, compression=mode) as (client, opened, accepted):
        assert (opened["extensions"], accepted["extensions"]) == (seen_by_client, "")
        assert (accepted["offered"] is not None) == offered
        await echoes(client)


@pytest.mark.parametrize(
    ("mode", "seen_by_upstream"), [("auto", ""), ("pass", ""), ("terminate", DEFLATE), ("off", "")]
)
async def test_a_client_that_does_not_offer(mode: str, seen_by_upstream: str) -> None:
    async with through(None, PLAIN, compression=mode) as (client, opened, accepted):
        assert (opened["extensions"], accepted["extensions"]) == ("", seen_by_upstream)
        await echoes(client)


async def test_off_is_off_on_both_legs() -> None:
    async with through(PLAIN, PLAIN, compression="off") as (client, opened, accepted):
        assert (opened["extensions"], accepted["extensions"], accepted["offered"]) == ("", "", None)
        await echoes(client)


async def test_a_limit_counts_plain_bytes() -> None:
    async with through(PLAIN, PLAIN, client_max_frame_size=100_000) as (client, _, _):
        client.do("large", size=100_000, fill=7)
        assert await client.event() == {"event": "large", "size": 100_000, "same": True}
        client.do("large", size=100_001, fill=7)
        assert await client.event() == {"event": "close", "code": 1009, "reason": "Payload Too Large"}


async def test_a_close_passes_behind_compressed_messages() -> None:
    async with through(PLAIN, PLAIN, on_frame=keep) as (client, _, _):
        client.do("text", data=SAID)
        client.do("close", code=4321, reason="grün €")
        assert await client.event() == {"event": "text", "data": SAID}
        assert (await client.event())["code"] == 4321
