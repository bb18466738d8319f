"""What an attack costs a gateway in a process of its own: its memory, its descriptors, its tasks.

The peers are in the process of the test, so that nothing of theirs is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.kit import KIB, MIB, Measured, allow_descriptors, at_length, eventually, measured, on_linux, sides
from tests.kit import frames, raw, tls
from tests.kit.frames import binary, close, cont, frame, ping
from tests.kit.heads import upgrade_request
from tests.kit.raw import RawPeer

pytestmark = [at_length, on_linux, pytest.mark.patience(120)]

HOOKS = pytest.mark.parametrize("hook", [False, True], ids=["relayed", "read by a hook"])


@asynccontextmanager
async def session(side: str, **options: Any) -> AsyncIterator[tuple[Measured, RawPeer, RawPeer]]:
    """A gateway that has served a session, and one session more: its attacker on ``side``, and the other peer."""
    secure = {"ssl": tls.client_context(), "server_hostname": "localhost"} if "certificate" in options else {}
    async with raw.raw_upstream() as origin, measured(origin.url, **options) as gate:
        async with raw.connected(gate.port, **secure) as client:
            upstream = await origin.accepted()
            await warmed_up(client, upstream)
        await upstream.release()
        async with raw.connected(gate.port, **secure) as client:
            upstream = await origin.accepted()
            yield (gate, client, upstream) if side == "client" else (gate, upstream, client)


async def warmed_up(client: RawPeer, upstream: RawPeer) -> None:
    for sender, receiver in ((client, upstream), (upstream, client)):
        for _ in range(16):
            sender.send(binary(bytes(64 * KIB)))
            await receiver.recv()


@sides
@HOOKS
async def test_a_slow_reader_of_500_mb_raises_rss_by_less_than_16_mib(side: str, hook: bool) -> None:
    total, size = 500_000_000, 64 * KIB
    await fed_slowly(side, total, size, hook=hook)


@sides
async def test_a_slow_reader_of_200_mb_raises_rss_by_less_than_16_mib_where_the_client_speaks_tls(
    side: str, tmp_path: Path
) -> None:
    file = tmp_path / "certificate.pem"
    file.write_bytes(tls.authority().issue_cert("localhost").private_key_and_cert_chain_pem.bytes())
    await fed_slowly(side, 200_000_000, 64 * KIB, certificate=str(file))


async def fed_slowly(side: str, total: int, size: int, **options: Any) -> None:
    """One side sends so much in frames of one size, and the other one reads slowly at first."""
    async with session(side, **options) as (gate, sender, slow):
        before = await gate.look()
        slow.stop_reading()
        octets = sender.encode(binary(bytes(size)))
        left = asyncio.create_task(sending(sender, octets, total // size))
        for _ in range(20):
            await asyncio.sleep(0.1)
            slow.read_on()
            await slow.recv_octets(size)
            slow.stop_reading()
        assert not left.done()
        slow.read_on()
        wanted = (total // size) * len(octets) - 20 * size
        while wanted:
            wanted -= len(await slow.recv_octets(min(wanted, MIB), 20))
        await left
        after = await gate.look()
        assert after["peak"] - before["rss"] < 16 * MIB


async def sending(peer: RawPeer, octets: bytes, times: int) -> None:
    for _ in range(times):
        peer.send_raw(octets)
        await peer._writer.drain()


@sides
@HOOKS
async def test_200_mb_of_pings_at_a_peer_that_answers_none_raise_rss_by_less_than_16_mib(side: str, hook: bool) -> None:
    async with session(side, hook=hook, ping_interval=1) as (gate, sender, other):
        before = await gate.look()
        octets = sender.encode(ping(b"x" * 125)) * 500
        reading = asyncio.create_task(discarding(other))
        await sending(sender, octets, 200_000_000 // len(octets))
        after = await gate.look()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert after["peak"] - before["rss"] < 16 * MIB


async def discarding(peer: RawPeer) -> None:
    while await peer._reader.read(MIB):
        pass


@sides
async def test_two_million_empty_fragments_that_are_joined_raise_rss_by_less_than_4_mib(side: str) -> None:
    async with session(side, aggregate_fragments=True) as (gate, sender, other):
        before = await gate.look()
        sender.send(binary(b"", fin=False))
        await sending(sender, sender.encode(cont(b"", fin=False)) * 1000, 2000)
        sender.send(ping("done"))
        assert await other.recv(30) == ping("done")
        after = await gate.look()
        assert after["peak"] - before["rss"] < 4 * MIB


@sides
async def test_one_hundred_announcements_of_what_never_comes_raise_rss_by_less_than_8_mib(side: str) -> None:
    async with raw.raw_upstream() as origin, measured(origin.url, hook=True) as gate:
        async with raw.connected(gate.port) as client:
            upstream = await origin.accepted()
            await warmed_up(client, upstream)
            before = await gate.look()
            clients, upstreams = [client], [upstream]
            for _ in range(99):
                context = raw.dialled(gate.port)
                peer = await context.__aenter__()
                await raw.upgraded(peer)
                clients.append(peer)
                upstreams.append(await origin.accepted())
            for peer in clients if side == "client" else upstreams:
                peer.send_raw(frame(frames.BINARY, b"", mask=peer.is_client, announced=1 * MIB) + bytes(100))
            await asyncio.sleep(0.3)
            after = await gate.look()
            assert after["peak"] - before["rss"] < 8 * MIB
            for peer in clients[1:]:
                await peer.release()


async def abandoned(port: int, number: int) -> None:
    """One of six ways in which a client goes without a close frame."""
    async with raw.dialled(port) as client:
        if number % 6 == 0:
            return
        if number % 6 == 1:
            client.send_raw(upgrade_request()[:50])
            return
        client.send_raw(upgrade_request())
        if number % 6 == 2:
            client.reset()
            return
        assert (await client.recv_head(30)).status == 101
        if number % 6 == 3:
            client.reset()
        elif number % 6 == 4:
            client.send_raw(frame(frames.BINARY, bytes(32 * KIB), mask=True)[: 20 * KIB])
            client.reset()
        else:
            client.send(binary(b"x", fin=False), close(1000))


async def test_3000_aborted_connections_leave_no_descriptor_no_task_and_under_20_mib_behind() -> None:
    allow_descriptors(4000)
    async with raw.raw_upstream(raw.polite) as origin:
        async with measured(origin.url, lingering_timeout=1, lingering_time=2, hook=True) as gate:
            for number in range(12):
                await abandoned(gate.port, number)
            await asyncio.sleep(1.5)
            before = await gate.look()
            for start in range(0, 3000, 100):
                await asyncio.gather(*(abandoned(gate.port, number) for number in range(start, start + 100)))
                await origin.release()
                origin._peers.clear()

            async def all_are_gone() -> bool:
                now = await gate.look()
                return all(now[name] <= before[name] for name in ("descriptors", "tasks", "sessions"))

            await eventually(all_are_gone, 20)
            after = await gate.look()
            assert after["rss"] - before["rss"] < 20 * MIB
            async with raw.connected(gate.port):
                pass


async def test_a_process_out_of_descriptors_goes_on_and_serves_again_when_the_crowd_has_left() -> None:
    async with raw.raw_upstream(raw.polite) as origin, measured(origin.url, files=64, handshake_timeout=20) as gate:
        crowd = []
        for _ in range(200):
            crowd.append(await asyncio.open_connection("127.0.0.1", gate.port))
        await asyncio.sleep(0.5)
        for _, writer in crowd:
            writer.transport.abort()

        async def one_is_let_in() -> bool:
            async with raw.dialled(gate.port) as client:
                client.send_raw(upgrade_request())
                try:
                    return (await client.recv_head()).status == 101
                except (EOFError, OSError, TimeoutError):
                    return False

        await eventually(one_is_let_in, 10)
