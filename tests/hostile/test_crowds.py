"""Crowds of connections: each limit lets in exactly as many as it says, and a place that was left can be taken."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.hostile.kit import until_gone
from tests.kit import raw
from tests.kit.gateway import serving
from tests.kit.handlers import Handler
from tests.kit.heads import upgrade_request


async def statuses(port: int, count: int, stack: AsyncExitStack) -> Counter[int]:
    """What so many clients are answered that come at once and stay."""
    clients = [await stack.enter_async_context(raw.dialled(port)) for _ in range(count)]
    for client in clients:
        client.send_raw(upgrade_request())
    return Counter([(await client.recv_head()).status for client in clients])


@pytest.mark.parametrize(
    ("limits", "refused"),
    [({"max_connections": 20}, 503), ({"max_connections_per_address": 20}, 429)],
    ids=["max_connections", "max_connections_per_address"],
)
async def test_of_60_clients_at_once_20_are_let_in_where_20_is_the_limit(limits: dict[str, int], refused: int) -> None:
    async with raw.raw_upstream(raw.polite) as origin, serving(Handler(origin.url), **limits) as server:
        for _ in range(2):
            # The second crowd finds the places of the first free again.
            async with AsyncExitStack() as stack:
                assert await statuses(server.port, 60, stack) == {101: 20, refused: 40}
            await until_gone(server)


async def test_of_60_handshakes_that_an_upstream_keeps_waiting_20_wait_and_the_others_are_503() -> None:
    limits = {"max_pending_handshakes": 20}
    async with raw.raw_upstream(raw.say_nothing) as origin:
        async with serving(Handler(origin.url, {"connect_timeout": 0.7}), **limits) as server:
            async with AsyncExitStack() as stack:
                assert await statuses(server.port, 60, stack) == {504: 20, 503: 40}
                assert origin.connections == 20
            await until_gone(server)


@pytest.mark.parametrize(
    ("limits", "make", "status"),
    [
        ({"max_request_line": 64}, lambda over: upgrade_request("/" + "a" * (50 + over)), 414),
        ({"max_headers": 9}, lambda over: upgrade_request(extra=[("X", "y")] * (4 + over)), 431),
    ],
    ids=["max_request_line", "max_headers"],
)
async def test_a_head_of_exactly_the_limit_passes_and_one_more_does_not(
    limits: dict[str, int], make: Any, status: int
) -> None:
    async with raw.raw_upstream(raw.polite) as origin, serving(Handler(origin.url), **limits) as server:
        for over, expected in ((0, 101), (1, status)):
            async with raw.dialled(server.port) as client:
                client.send_raw(make(over))
                assert (await client.recv_head()).status == expected
        await until_gone(server)


async def test_one_thousand_clients_that_come_and_go_at_once_leave_nothing_and_reach_no_upstream() -> None:
    async with raw.raw_upstream(raw.polite) as origin, serving(Handler(origin.url)) as server:
        for _ in range(10):
            async with AsyncExitStack() as stack:
                peers = [await stack.enter_async_context(raw.dialled(server.port)) for _ in range(100)]
                for number, peer in enumerate(peers):
                    peer.send_raw(b"" if number % 2 else b"GET /")
                    peer.reset()
        await asyncio.sleep(0)
        await until_gone(server)
        assert origin.connections == 0
