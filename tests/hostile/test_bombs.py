"""Compression bombs: what inflates to more than a limit costs the limit and little more, however large it becomes."""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any

import pytest

from framegate.codec import deflate
from framegate.codec.deflate import Inflater, TooLong
from tests.hostile.kit import KIB, MIB, at_length, keep, measured, on_linux, sides, traced
from tests.kit import raw
from tests.kit.deflated import DEFLATE, FIELD, OFFER, RSV1, TAIL, compressed
from tests.kit.frames import BINARY, TEXT, Frame, binary, close, ping

LIMITS = {"client": 1 * MIB, "upstream": 16 * MIB}

COPIES = 2 if deflate.zlib is zlib else 1
"""How often the limit is in memory: Python's own zlib puts its output together from parts, and has both at once."""

READING: dict[str, dict[str, Any]] = {
    "terminated": {"compression": "terminate"},
    "read by a hook": {"on_frame": keep},
    "joined": {"aggregate_fragments": True},
}
reading = pytest.mark.parametrize("options", READING.values(), ids=READING)


@cache
def bomb(size: int) -> bytes:
    """So many zeros, compressed to less than a thousandth."""
    encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(MIB)
    parts = [encoder.compress(zeros) for _ in range(size // MIB)]
    return (b"".join(parts) + encoder.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


@pytest.mark.parametrize("limit", [1, 64 * KIB, 1 * MIB])
def test_a_bomb_of_64_mib_is_inflated_to_its_limit_in_that_memory_and_a_chunk(limit: int) -> None:
    data = bomb(64 * MIB)
    with traced() as grown:
        with pytest.raises(TooLong):
            Inflater().inflate(data, True, limit)
        # What is left of the compressed data is held as well.
        assert grown.peak < COPIES * limit + len(data) + 64 * KIB


@sides
@reading
async def test_a_bomb_of_256_mib_is_1009_to_its_sender_and_nothing_of_it_is_relayed(
    side: str, options: dict[str, Any]
) -> None:
    async with compressed(**options) as talk:
        offender, innocent = talk.ends(side)
        offender.peer.send(Frame(BINARY, bomb(256 * MIB), True, RSV1), ping("behind it"))
        assert await offender.peer.recv_close(15) == (1009, "Payload Too Large")
        assert await innocent.peer.recv() == close(1001)


@sides
async def test_a_bomb_in_a_thousand_fragments_is_1009_at_the_limit_of_the_message(side: str) -> None:
    async with compressed(aggregate_fragments=True, **{f"{side}_max_frame_size": 500_000}) as talk:
        offender, innocent = talk.ends(side)
        offender.says(*[bytes(1000)] * 1000)
        assert await offender.peer.recv_close() == (1009, "Payload Too Large")
        assert await innocent.peer.recv() == close(1001)


@sides
async def test_a_bomb_that_is_a_text_without_end_in_utf_8_is_1007_or_1009_and_never_relayed(side: str) -> None:
    async with compressed(keep) as talk:
        offender, innocent = talk.ends(side)
        encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = encoder.compress(b"\xe2\x82" * MIB) + encoder.flush(zlib.Z_SYNC_FLUSH)
        offender.peer.send(Frame(TEXT, data.removesuffix(TAIL), True, RSV1))
        assert (await offender.peer.recv_close(10))[0] in (1007, 1009)
        assert await innocent.peer.recv() == close(1001)


@at_length
@on_linux
@pytest.mark.patience(60)
@sides
async def test_a_bomb_of_1_gib_in_1_mib_raises_rss_by_less_than_the_limit_and_8_mib(side: str) -> None:
    data = bomb(1024 * MIB)
    assert len(data) < 1.1 * MIB
    async with raw.raw_upstream(raw.accept(extra=((FIELD, DEFLATE),))) as origin:
        async with measured(origin.url, hook=True) as gate:
            async with raw.connected(gate.port, extra=((FIELD, OFFER),)) as client:
                upstream = await origin.accepted()
                sender, other = (client, upstream) if side == "client" else (upstream, client)
                sender.send(binary(b"warm up"))
                await other.recv()
                before = await gate.look()
                sender.send(Frame(BINARY, data, True, RSV1))
                assert await sender.recv_close(20) == (1009, "Payload Too Large")
                assert await other.recv() == close(1001)
                after = await gate.look()
                assert after["peak"] - before["rss"] < COPIES * LIMITS[side] + 8 * MIB
