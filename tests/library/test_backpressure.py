"""A slow reader slows its sender down, and the memory between them stays bounded."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import pytest

from tests.kit import frames
from tests.kit.frames import binary, close, cont, frame, ping, text
from tests.kit.gateway import proxied
from tests.kit.raw import RawPeer

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("side", ["client", "upstream"])

MIB = 1 << 20
TOTAL = 48 * MIB
"""More than the system's own buffers of both connections hold."""


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


def change(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload + b"!"


async def later(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    await asyncio.sleep(0)
    return payload


READERS: dict[str, dict[str, Any]] = {
    "nothing reads": {},
    "a hook keeps": {"on_frame": keep},
    "a hook changes": {"on_frame": change},
    "a hook is awaited": {"on_frame": later},
    "fragments are joined": {"aggregate_fragments": True},
}


def flood(peer: RawPeer, total: int = TOTAL, size: int = 1 << 16) -> int:
    """Send binary frames of one size, and say how many."""
    octets = peer.encode(binary(bytes(size)))
    for _ in range(total // size):
        peer.send_raw(octets)
    return total // size


async def drained(peer: RawPeer, octets: int) -> None:
    """Read and forget so many bytes."""
    async with asyncio.timeout(15):
        while octets > 0:
            octets -= len(await peer.recv_octets(min(octets, 1 << 16), 15))


@sides
@pytest.mark.parametrize("options", READERS.values(), ids=READERS)
async def test_a_peer_that_does_not_read_stops_the_other_from_sending(side: str, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        flood(source)
        left = await source.stalled()
        assert left > TOTAL // 2, f"{TOTAL - left} bytes were taken though nobody reads them"


@sides
async def test_the_other_direction_flows_while_one_is_stopped(side: str) -> None:
    async with proxied(keep) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        flood(source)
        await source.stalled()
        for number in range(20):
            target.send(text(f"{number}"))
            assert await source.recv() == text(f"{number}")


@sides
async def test_all_of_it_arrives_once_the_peer_reads_again(side: str) -> None:
    async with proxied(keep) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        count = flood(source, 24 * MIB)
        source.send(text("the end"))
        await source.stalled()
        target.read_on()
        size = len(target.encode(binary(bytes(1 << 16)))) + (4 if source.is_client else -4)
        await drained(target, count * size)
        assert await target.recv() == text("the end")


@sides
async def test_one_huge_frame_is_held_back_as_well(side: str) -> None:
    async with proxied() as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        source.send_raw(frame(frames.BINARY, b"", mask=source.is_client, announced=TOTAL) + bytes(TOTAL))
        left = await source.stalled()
        assert left > TOTAL // 2


@sides
async def test_the_memory_of_a_stopped_session_is_bounded(side: str) -> None:
    async with proxied(change, write_high_water=1 << 16) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        source.send(binary(b"warm up"))
        await asyncio.sleep(0.05)
        octets = source.encode(binary(bytes(1 << 14)))
        tracemalloc.start()
        try:
            # The peers' own buffers are allocated in this process too, and are taken off.
            for _ in range(TOTAL >> 14):
                source.send_raw(octets)
                if source.unsent > MIB:
                    break
                await asyncio.sleep(0)
            await source.stalled()
            held = tracemalloc.get_traced_memory()[0] - source.unsent
        finally:
            tracemalloc.stop()
        assert held < 8 * MIB, f"{held} bytes held"


@sides
async def test_write_high_water_is_how_much_is_queued_before_reading_stops(side: str) -> None:
    async with proxied(keep, write_high_water=256 * MIB) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        flood(source)
        assert await source.stalled() == 0


@sides
async def test_max_buffered_ends_a_session_that_would_queue_more(side: str) -> None:
    async with proxied(keep, write_high_water=256 * MIB, max_buffered=2 * MIB) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        flood(source)
        assert (await source.recv_close(10))[0] == 1009


@sides
async def test_max_buffered_is_no_limit_for_what_flows(side: str) -> None:
    async with proxied(keep, max_buffered=512 * 1024) as conv:
        source, target = conv.ends(side)
        for _ in range(64):
            source.send(binary(bytes(1 << 17)))
            assert await target.recv() == binary(bytes(1 << 17))


@sides
async def test_an_unfinished_message_counts_as_buffered(side: str) -> None:
    async with proxied(aggregate_fragments=True, max_buffered=100_000) as conv:
        source, target = conv.ends(side)
        source.send(binary(bytes(60_000), fin=False), cont(bytes(60_000), fin=False))
        assert (await source.recv_close())[0] == 1009
        assert await target.recv_close() == (1001, "")


@sides
async def test_a_control_frame_of_a_stopped_direction_arrives_in_its_turn(side: str) -> None:
    async with proxied() as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        count = flood(source, 16 * MIB)
        source.send(ping("last"))
        await asyncio.sleep(0.2)
        target.read_on()
        size = len(target.encode(binary(bytes(1 << 16)))) + (4 if source.is_client else -4)
        await drained(target, count * size)
        assert await target.recv() == ping("last")


@sides
async def test_a_stopped_session_can_be_closed(side: str) -> None:
    async with proxied(keep, lingering_timeout=0.3, lingering_time=0.6) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        flood(source, 16 * MIB)
        await asyncio.sleep(0.3)
        conv.proxy.close(1008, "enough")
        expected = (1008, "enough") if side == "client" else (1001, "")
        assert await source.recv_close() == expected
        source.send(close(expected[0]))
        await conv.finished()


@sides
async def test_a_stopped_session_ends_when_the_slow_side_is_gone(side: str) -> None:
    async with proxied(keep) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        flood(source, 16 * MIB)
        await asyncio.sleep(0.3)
        target.reset()
        value = await source.recv_close()
        assert value == ((1014, "upstream connection lost") if side == "client" else (1001, ""))
        source.reset()
        record = await conv.finished()
        assert record.why == "eof"


@sides
@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("hook", [None, keep], ids=["no hook", "a hook"])
async def test_a_stopped_session_ends_when_both_sides_vanish(side: str, how: str, hook: Any) -> None:
    async with proxied(hook) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        flood(source, 16 * MIB)
        await asyncio.sleep(0.3)
        getattr(source, how)()
        target.reset()
        record = await conv.finished(3)
        assert record.why == "eof"
