"""Clients that never finish their request, and requests that never end: each costs a bounded time and memory."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.hostile.kit import KIB, MIB, allow_descriptors, at_length, eventually, measured, on_linux, traced, until_gone
from tests.kit import raw
from tests.kit.gateway import serving
from tests.kit.handlers import Handler, asked
from tests.kit.heads import lines, switching, upgrade_request
from tests.kit.raw import RawPeer


async def dripping(port: int, pause: float) -> int:
    """Send a request byte by byte; the status that it comes to."""
    async with raw.dialled(port) as client:
        answered = asyncio.ensure_future(client.recv_head(60))
        for octet in upgrade_request(extra=[("X", "y" * 4000)]):
            if answered.done():
                break
            client.send_raw(bytes([octet]))
            await asyncio.sleep(pause)
        return (await answered).status


async def test_one_hundred_dripping_clients_are_408_at_the_handshake_timeout_and_have_cost_no_task() -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url), handshake_timeout=0.6) as server:
        tasks = len(asyncio.all_tasks())
        began = asyncio.get_running_loop().time()
        drips = [asyncio.create_task(dripping(server.port, 0.05)) for _ in range(100)]
        await asyncio.sleep(0.3)
        assert len(server._pending) == 100
        # The raw clients have two tasks each; the server has none.
        assert len(asyncio.all_tasks()) <= tasks + 200
        assert not server._handling
        assert await asyncio.gather(*drips) == [408] * 100
        assert asyncio.get_running_loop().time() - began < 3
        await until_gone(server)
        assert origin.connections == 0


async def test_drips_at_the_limit_of_pending_handshakes_turn_one_more_away_and_end_at_the_timeout() -> None:
    limits = {"max_pending_handshakes": 20, "handshake_timeout": 0.6}
    async with raw.raw_upstream(raw.polite) as origin, serving(Handler(origin.url), **limits) as server:
        drips = [asyncio.create_task(dripping(server.port, 0.05)) for _ in range(20)]
        await asyncio.sleep(0.2)
        assert (await asked(server))[0].status == 503
        assert await asyncio.gather(*drips) == [408] * 20
        async with raw.connected(server.port):
            pass
        await until_gone(server)


@at_length
@on_linux
@pytest.mark.patience(60)
async def test_one_thousand_dripping_clients_cost_under_16_mib_and_keep_no_honest_one_out() -> None:
    allow_descriptors(4000)
    async with raw.raw_upstream(raw.polite) as origin, measured(origin.url, handshake_timeout=6) as gate:
        async with raw.connected(gate.port):
            pass
        before = await gate.look()
        drips = [asyncio.create_task(dripping(gate.port, 0.5)) for _ in range(1000)]
        await asyncio.sleep(3)
        during = await gate.look()
        assert during["descriptors"] > 1000
        assert during["tasks"] <= before["tasks"] + 2
        assert during["rss"] - before["rss"] < 16 * MIB
        async with asyncio.timeout(2), raw.connected(gate.port):
            pass
        assert set(await asyncio.gather(*drips)) == {408}

        async def no_descriptor_is_left() -> bool:
            return (await gate.look())["descriptors"] <= before["descriptors"]

        await eventually(no_descriptor_is_left)


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET /" + b"a" * 8 * MIB, 414),
        (upgrade_request()[:-2] + b"X: " + b"y" * 8 * MIB, 431),
        (upgrade_request()[:-2] + b"X: y\r\n" * 1_000_000, 431),
        (upgrade_request()[:-2] + b"X" * 8 * MIB, 431),
        (b"\r\n" * 1_000_000, 400),
        (b"\0" * 8 * MIB, 400),
    ],
    ids=["request line", "one header", "a million headers", "a name", "line ends", "zeros"],
)
async def test_a_head_of_8_mib_is_refused_within_the_limits_in_under_1_mib_of_memory(
    octets: bytes, status: int
) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server:
        async with raw.dialled(server.port) as client:
            with traced() as grown:
                for start in range(0, len(octets), 64 * KIB):
                    client.send_raw(octets[start : start + 64 * KIB])
                    await client.drained()
                assert (await client.recv_head()).status == status
                # The client's own buffer, and what it sent last, are in this process too.
                assert grown.peak < MIB
        await until_gone(server)
        assert origin.connections == 0


async def test_one_hundred_refused_clients_that_do_not_leave_are_let_go_after_the_linger() -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(raw.dialled(server.port)) for _ in range(100)]
        for client in clients:
            client.send_raw(b"POST / HTTP/1.1\r\n\r\n")
        assert [(await client.recv_head()).status for client in clients] == [405] * 100
        await until_gone(server)


async def test_clients_over_a_limit_are_told_so_256_at_a_time_and_the_others_are_cut_off() -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url), max_connections=1) as server:
        async with raw.connected(server.port), AsyncExitStack() as stack:
            crowd = [await stack.enter_async_context(raw.dialled(server.port)) for _ in range(300)]
            answers = await asyncio.gather(*(client.gone() for client in crowd))
            told = [octets for octets in answers if octets.startswith(b"HTTP/1.1 503 ")]
            assert len(told) == 256
            assert set(answers) - set(told) == {b""}


# The upstream's side


async def test_an_upstream_that_drips_its_101_is_504_at_the_connect_timeout() -> None:
    async def drip(peer: RawPeer) -> None:
        left = asyncio.ensure_future(peer.gone())
        for octet in switching(peer.head, extra=[("X", "y" * 1000)]):
            if left.done():
                break
            peer.send_raw(bytes([octet]))
            await asyncio.sleep(0.05)

    async with raw.raw_upstream(drip) as origin:
        async with serving(Handler(origin.url, {"connect_timeout": 0.5})) as server, asyncio.timeout(3):
            assert (await asked(server))[0].status == 504
            await until_gone(server)


@pytest.mark.parametrize(("count", "status"), [(8, 403), (9, 502)])
async def test_eight_interim_answers_are_skipped_and_a_ninth_is_502(count: int, status: int) -> None:
    octets = lines("HTTP/1.1 103 Early Hints", [("Link", "</x>")]) * count + lines("HTTP/1.1 403 No", [])
    async with raw.raw_upstream(raw.answer(octets)) as origin, serving(Handler(origin.url)) as server:
        assert (await asked(server))[0].status == status


@pytest.mark.parametrize(
    "octets",
    [
        lines("HTTP/1.1 100 Continue", []) * 300_000,
        lines("HTTP/1.1 103 Early Hints", [("X", "y" * 60_000)]) * 100,
        b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 1_000_000,
        b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"y" * 8 * MIB,
        b"HTTP/1.1 101 " + b"y" * 8 * MIB,
    ],
    ids=["interim answers", "large interim answers", "headers", "one header", "a reason"],
)
async def test_an_answer_of_6_mib_before_any_101_is_502_and_read_for_its_first_mebibyte_at_most(octets: bytes) -> None:
    taken: list[int] = []

    async def flood(peer: RawPeer) -> None:
        for start in range(0, len(octets), 64 * KIB):
            peer.send_raw(octets[start : start + 64 * KIB])
            try:
                await peer.drained()
            except (OSError, TimeoutError):
                return
            taken.append(64 * KIB)

    async with raw.raw_upstream(flood) as origin, serving(Handler(origin.url)) as server:
        with traced() as grown:
            assert (await asked(server))[0].status == 502
            assert grown.peak < 2 * MIB
        await until_gone(server)


async def test_a_refusal_without_an_end_is_cut_at_max_refusal_body_and_its_connection_dropped() -> None:
    async def endless(peer: RawPeer) -> None:
        peer.send_raw(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        for _ in range(1000):
            peer.send_raw(b"x" * 64 * KIB)
            try:
                await peer.drained()
            except (OSError, TimeoutError):
                return
        raise AssertionError("62 MiB of a refusal were read")

    async with raw.raw_upstream(endless) as origin, serving(Handler(origin.url)) as server:
        head, body = await asked(server)
        assert (head.status, len(body)) == (403, 64 * KIB)
        await until_gone(server)
