"""Floods of frames: tiny and empty fragments, sizes that are only announced, pings, close frames."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import framegate
from tests.hostile.kit import KIB, MIB, keep, sides, traced, until_gone
from tests.kit import frames
from tests.kit.frames import binary, close, cont, frame, ping, pong, text
from tests.kit.gateway import proxied
from tests.kit.raw import RawPeer
from tests.kit.stage import Play

LIMITS = {"client": 1 * MIB, "upstream": 16 * MIB}


def fragments(peer: Any, payload: bytes, count: int) -> bytes:
    """So many continuations that end nothing."""
    return peer.wire(cont(payload, fin=False)) * count


# Tiny fragments


@sides
async def test_20_000_one_byte_fragments_are_joined_in_twice_their_bytes_and_one_more_than_the_limit_is_1009(
    side: str,
) -> None:
    play = Play(keep, aggregate_fragments=True, **{f"{side}_max_frame_size": 20_000})
    sender, other = play.side(side), play.other(play.side(side))
    window = fragments(sender, b"x", 1000)
    with traced() as grown:
        sender.says(binary(b"x", fin=False))
        for _ in range(19):
            sender.says_raw(window)
        sender.says_raw(fragments(sender, b"x", 999))
        assert sender.leg.incoming.buffered() == 20_000
        assert grown.now < 40_000
        play.silence()
        sender.says(cont(b"x", fin=True))
        assert sender.leg.incoming.buffered() == 0
    assert (sender.got()[0], other.got()[0]) == (close(1009, "Payload Too Large"), close(1001))


@sides
@pytest.mark.parametrize("options", [{}, {"aggregate_fragments": True}], ids=["frame by frame", "joined"])
@pytest.mark.parametrize("hook", [None, keep], ids=["no hook", "hook"])
async def test_empty_fragments_without_end_are_held_in_no_memory(side: str, options: Any, hook: Any) -> None:
    play = Play(hook, **options)
    sender = play.side(side)
    window = fragments(sender, b"", 1000)
    sender.says(binary(b"", fin=False))
    sender.says_raw(window)
    play.other(sender).got()
    with traced() as grown:
        for _ in range(10):
            sender.says_raw(window)
            play.other(sender).got()
        assert grown.now < 64 * KIB
    assert sender.leg.incoming.buffered() == 0


@sides
@pytest.mark.parametrize("payload", [b"", b"x"], ids=["empty", "one byte"])
@pytest.mark.parametrize("joined", [False, True], ids=["frame by frame", "joined"])
async def test_a_flood_of_fragments_ends_at_max_fragments_with_1009_over_sockets(
    side: str, payload: bytes, joined: bool
) -> None:
    limits = {f"{side}_max_fragments": 1000, "aggregate_fragments": joined}
    async with proxied(keep, **limits) as conv:
        sender, other = conv.ends(side)
        sender.send(binary(payload, fin=False), *[cont(payload, fin=False)] * 998, cont(payload, fin=True))
        sender.send(binary(payload, fin=False), *[cont(payload, fin=False)] * 5000)
        relayed = await other.recv_many(1 if joined else 2000)
        assert relayed[0].payload == (payload * 1000 if joined else payload)
        assert await other.recv_close() == (1001, "")
        assert await sender.recv_close() == (1009, "Payload Too Large")


# Sizes that are only announced


@sides
@pytest.mark.parametrize("options", [{"on_frame": keep}, {"aggregate_fragments": True}], ids=["hook", "joined"])
@pytest.mark.parametrize("announced", ["limit + 1", 1 << 31, 1 << 32, 1 << 62, (1 << 63) - 1])
async def test_an_announcement_over_the_limit_is_1009_from_its_header_and_allocates_under_64_kib(
    side: str, options: Any, announced: Any
) -> None:
    length = LIMITS[side] + 1 if announced == "limit + 1" else announced
    play = Play(options.get("on_frame"), **{k: v for k, v in options.items() if k != "on_frame"})
    sender = play.side(side)
    key = b"\1\2\3\4" if side == "client" else False
    # Without the masking key: the length alone decides.
    header = frame(frames.BINARY, b"", mask=key, announced=length)[: 10 if length > 0xFFFF else 4]
    with traced() as grown:
        sender.says_raw(header)
        assert grown.peak < 64 * KIB
    assert sender.got()[0] == close(1009, "Payload Too Large")
    assert play.other(sender).got()[0] == close(1001)


@sides
@pytest.mark.parametrize("announced", [1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("limit", [None, 10])
async def test_an_announcement_of_2_to_the_63_and_more_is_1002(side: str, announced: int, limit: int | None) -> None:
    play = Play(keep, **{f"{side}_max_frame_size": limit})
    sender = play.side(side)
    key = b"\1\2\3\4" if side == "client" else False
    sender.says_raw(frame(frames.BINARY, b"", mask=key, announced=announced))
    assert sender.got()[0].code == 1002
    assert play.other(sender).got()[0] == close(1001)


@sides
async def test_without_a_limit_an_announcement_of_2_to_the_63_less_one_costs_what_has_really_come(side: str) -> None:
    play = Play(keep, **{f"{side}_max_frame_size": None})
    sender = play.side(side)
    key = b"\1\2\3\4" if side == "client" else False
    with traced() as grown:
        sender.says_raw(frame(frames.BINARY, b"", mask=key, announced=(1 << 63) - 1))
        for _ in range(16):
            sender.says_raw(bytes(4 * KIB))
        assert 64 * KIB <= sender.leg.incoming.buffered() < 65 * KIB
        assert grown.now < 256 * KIB
    play.silence()


@sides
async def test_a_running_total_over_the_limit_is_1009_from_the_last_fragments_header(side: str) -> None:
    async with proxied(aggregate_fragments=True, **{f"{side}_max_frame_size": 1000}) as conv:
        sender, other = conv.ends(side)
        sender.send(text("x" * 1000, fin=False))
        sender.send_raw(frame(frames.CONTINUATION, b"", mask=sender.is_client, announced=1))
        assert await sender.recv_close() == (1009, "Payload Too Large")
        assert await other.recv_close() == (1001, "")


# max_buffered


@sides
@pytest.mark.parametrize("over", [0, 1])
async def test_max_buffered_holds_exactly_that_much_of_an_unfinished_message_and_not_a_byte_more(
    side: str, over: int
) -> None:
    async with proxied(aggregate_fragments=True, max_buffered=100_000) as conv:
        sender, other = conv.ends(side)
        sender.send(binary(bytes(60_000), fin=False))
        sender.send(binary(b"")._replace(opcode=frames.CONTINUATION, payload=bytes(40_000 + over), fin=False))
        if not over:
            sender.send(ping("still there"))
            assert await other.recv() == ping("still there")
        else:
            assert (await sender.recv_close())[0] == 1009
            assert await other.recv_close() == (1001, "")


# Pings


@sides
async def test_ten_thousand_pings_are_relayed_and_their_pongs_relayed_back_each_once_and_in_order(side: str) -> None:
    async with proxied() as conv:
        sender, other = conv.ends(side)
        for start in range(0, 10_000, 1000):
            sent = [ping(f"{number}") for number in range(start, start + 1000)]
            sender.send(*sent)
            got = await other.recv_many(1000)
            assert got == sent
            other.send(*(pong(one.payload) for one in got))
            assert await sender.recv_many(1000) == [pong(one.payload) for one in sent]


@sides
@pytest.mark.parametrize("hook", [None, keep], ids=["no hook", "hook"])
async def test_a_ping_flood_at_a_peer_that_reads_nothing_stops_its_sender_and_is_queued_to_the_mark_only(
    side: str, hook: Any
) -> None:
    total = 48 * MIB
    async with proxied(hook) as conv:
        sender, other = conv.ends(side)
        other.stop_reading()
        sender.send_raw(sender.encode(ping(b"x" * 125)) * (total // 127))
        assert await sender.stalled() > total // 2
        driver = conv.proxy._driver
        assert max(driver.client.transport.queued, driver.upstream.transport.queued) < 64 * KIB + 512 * KIB


@sides
async def test_pongs_that_nobody_asked_for_are_relayed_and_kept_by_nobody(side: str) -> None:
    play = Play(keep, ping_interval=5)
    sender, other = play.side(side), play.other(play.side(side))
    window = sender.wire(*[pong(b"x" * 100)] * 500)
    sender.says_raw(window)
    assert len(other.got()) == 500
    with traced() as grown:
        for _ in range(20):
            sender.says_raw(window)
            other.got()
        # Of 1 MiB that has passed: the last read, which is still in its buffer.
        assert grown.now < 128 * KIB


# Close frames


@sides
@pytest.mark.parametrize("hook", [None, keep], ids=["no hook", "hook"])
async def test_of_ten_thousand_close_frames_and_the_data_between_them_one_close_frame_passes(
    side: str, hook: Any
) -> None:
    async with proxied(hook) as conv:
        sender, other = conv.ends(side)
        sender.send_raw((sender.encode(close(1000, "first")) + sender.encode(text("after"))) * 10_000)
        assert await other.recv_close() == (1000, "first")
        await other.silent()
        other.send(close(1000, "answer"))
        assert await sender.recv_close() == (1000, "answer")
        await other.ended()
        await sender.ended()
        await conv.finished()


async def test_close_storms_of_both_sides_at_once_end_the_session_with_one_close_frame_each() -> None:
    async with proxied() as conv:
        for peer in (conv.client, conv.upstream):
            peer.send_raw(peer.encode(close(1001)) * 5000)
        assert await conv.client.recv_close() == (1001, "")
        assert await conv.upstream.recv_close() == (1001, "")
        await conv.client.ended()
        await conv.upstream.ended()
        record = await conv.finished()
        assert record.why == "close"
        await until_gone(conv.server)


@sides
async def test_a_storm_that_goes_on_behind_the_close_frames_is_cut_off_at_the_lingering_time(side: str) -> None:
    async with proxied(lingering_timeout=0.2, lingering_time=0.6) as conv:
        sender, other = conv.ends(side)
        sender.send(close(1000))
        assert await other.recv_close() == (1000, "")
        other.send(close(1000))
        assert await sender.recv_close() == (1000, "")
        other.close()
        assert await storming(sender) < 5
        record = await conv.finished()
        assert isinstance(record, framegate.SessionRecord)
        await until_gone(conv.server)


async def storming(peer: RawPeer) -> float:
    """Send until the connection is refused; how long that took, in seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    left = asyncio.ensure_future(peer.gone(10))
    while not (left.done() and peer._writer.transport.is_closing()) and loop.time() - began < 10:
        peer.send(close(1000), text("x" * 1000))
        await asyncio.sleep(0.02)
    await left
    return loop.time() - began
