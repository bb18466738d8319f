"""How sessions end, seen from each side (RFC 6455, sections 5.5.1 and 7)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.kit import frames
from tests.kit.frames import Frame, binary, close, cont, frame, ping, text
from tests.kit.gateway import proxied

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("side", ["client", "upstream"])

SHORT: dict[str, Any] = {"lingering_timeout": 0.25, "lingering_time": 1.0}


# Close frames of the peers


@sides
@pytest.mark.parametrize("first", [close(1000, "a reason"), close(4321), close()], ids=repr)
@pytest.mark.parametrize("answer", [close(1000, "a reason"), close(1001, "another"), close()], ids=repr)
async def test_a_close_frame_is_forwarded_and_its_answer_is_forwarded_back(
    side: str, first: Frame, answer: Frame
) -> None:
    async with proxied() as conv:
        closer, other = conv.ends(side)
        closer.send(first)
        assert await other.recv() == first
        other.send(answer)
        assert await closer.recv() == answer
        await asyncio.gather(closer.ended(), other.ended())
        record = await conv.finished()
        assert (record.ended_by, record.why, record.error) == (side, "close", None)


@sides
async def test_what_is_under_way_still_passes_between_close_and_answer(side: str) -> None:
    async with proxied() as conv:
        closer, other = conv.ends(side)
        closer.send(close(1000))
        assert await other.recv() == close(1000)
        sent = [text("in flight"), binary(b"1", fin=False), ping("p"), cont("2", fin=True), close(1000, "done")]
        other.send(*sent)
        assert await closer.recv_many(5) == sent


@sides
async def test_nothing_is_taken_from_a_side_after_its_close_frame(side: str) -> None:
    async with proxied() as conv:
        closer, other = conv.ends(side)
        closer.send(close(1000), text("late"), ping("late"), Frame(3, b"wrong and late"))
        assert await other.recv() == close(1000)
        await other.silent()
        other.send(close(1000))
        assert await closer.recv() == close(1000)
        await asyncio.gather(closer.ended(), other.ended())
        assert (await conv.finished()).why == "close"


@sides
@pytest.mark.parametrize("first", [close(1000, "hello?"), close(4321), close()], ids=repr)
async def test_without_an_answer_the_code_is_echoed_and_the_silent_side_aborted(side: str, first: Frame) -> None:
    async with proxied(**SHORT) as conv:
        closer, silent = conv.ends(side)
        closer.send(first)
        assert await silent.recv() == first
        assert await closer.recv_close() == (first.code, "")
        await closer.ended()
        await silent.gone()
        record = await conv.finished()
        assert (record.ended_by, record.why) == (side, "close")


@sides
async def test_each_frame_of_the_other_side_starts_the_lingering_timeout_again(side: str) -> None:
    async with proxied(lingering_timeout=0.4, lingering_time=5) as conv:
        closer, other = conv.ends(side)
        closer.send(close(1000))
        await other.recv()
        for number in range(8):
            await asyncio.sleep(0.1)
            other.send(text(f"{number}"))
            assert await closer.recv() == text(f"{number}")
        other.send(close(1000, "at last"))
        assert await closer.recv() == close(1000, "at last")


@sides
async def test_the_lingering_time_ends_even_a_busy_other_side(side: str) -> None:
    async with proxied(lingering_timeout=0.3, lingering_time=0.5) as conv:
        closer, other = conv.ends(side)
        closer.send(close(1000, "enough"))
        await other.recv()

        async def chatter() -> None:
            while True:
                other.send(text("blah"))
                await asyncio.sleep(0.05)

        chattering = asyncio.create_task(chatter())
        try:
            async with asyncio.timeout(5):
                while (value := await closer.recv()) == text("blah"):
                    pass
        finally:
            chattering.cancel()
        assert value == close(1000)
        await closer.ended()


async def test_close_frames_that_cross_each_other_answer_each_other() -> None:
    async with proxied() as conv:
        conv.client.send(close(1000, "from the client"))
        conv.upstream.send(close(1001, "from the upstream"))
        assert await conv.client.recv() == close(1001, "from the upstream")
        assert await conv.upstream.recv() == close(1000, "from the client")
        await asyncio.gather(conv.client.ended(), conv.upstream.ended())
        record = await conv.finished()
        assert record.client.close_received == record.upstream.close_sent == (1000, "from the client")
        assert record.upstream.close_received == record.client.close_sent == (1001, "from the upstream")


# The TCP connections


@sides
async def test_framegate_ends_the_clients_tcp_without_waiting_for_the_upstreams(side: str) -> None:
    async with proxied() as conv:
        closer, other = conv.ends(side)
        closer.send(close(1000))
        assert await other.recv() == close(1000)
        other.send(close(1000))
        assert await closer.recv() == close(1000)
        await conv.client.ended()


@sides
async def test_reading_goes_on_after_the_last_close_frame_so_that_no_reset_destroys_it(side: str) -> None:
    async with proxied(lingering_timeout=2, lingering_time=4) as conv:
        closer, other = conv.ends(side)
        closer.send(close(1000))
        await other.recv()
        other.send(close(1000, "x" * 120))
        for peer in (closer, other):
            for _ in range(20):
                peer.send(binary(bytes(1 << 14)))
                await peer.drained()
                await asyncio.sleep(0.005)
        assert await closer.recv_close() == (1000, "x" * 120)
        await asyncio.gather(closer.ended(), other.ended())


LOST = {"client": (1001, ""), "upstream": (1014, "upstream connection lost")}
"""What the other side is told when the TCP of this side ends without a close frame."""


@sides
@pytest.mark.parametrize("how", ["close", "half_close", "reset"])
@pytest.mark.parametrize("after", ["nothing", "half a header", "half a message"])
async def test_a_tcp_end_without_a_close_frame_is_told_to_the_other_side(side: str, how: str, after: str) -> None:
    async with proxied() as conv:
        gone, left = conv.ends(side)
        if after == "half a header":
            gone.send_raw(frame(frames.TEXT, b"x" * 200, mask=gone.is_client)[:3])
        elif after == "half a message":
            gone.send(text("half", fin=False))
            assert await left.recv() == text("half", fin=False)
        getattr(gone, how)()
        assert await left.recv_close() == LOST[side]
        left.send(close(LOST[side][0]))
        await left.ended()
        record = await conv.finished()
        assert (record.ended_by, record.why) == (side, "eof")
        assert record.client.close_received is None or side == "upstream"


@sides
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_tcp_end_in_a_frame_that_a_hook_waits_for_is_told_to_the_other_side(side: str, how: str) -> None:
    async with proxied(lambda origin, typ, payload, last, code: payload) as conv:
        gone, left = conv.ends(side)
        gone.send_raw(frame(frames.BINARY, b"x" * 1000, mask=gone.is_client, announced=2000))
        await left.silent(0.05)
        getattr(gone, how)()
        assert await left.recv_close() == LOST[side]


@sides
async def test_a_tcp_end_in_a_frame_that_streams_through_ends_the_other_side_without_a_close_frame(side: str) -> None:
    """What follows the frame's beginning is its payload, so no close frame can be sent any more."""
    async with proxied() as conv:
        gone, left = conv.ends(side)
        octets = frame(frames.BINARY, b"x" * 1000, mask=gone.is_client, announced=2000)
        gone.send_raw(octets)
        gone.close()
        assert await left.gone() == octets
        record = await conv.finished()
        assert (record.ended_by, record.why) == (side, "eof")


@sides
@pytest.mark.parametrize("size", [10, 60_000])
async def test_a_reset_right_behind_data_ends_the_session(side: str, size: int) -> None:
    async with proxied() as conv:
        gone, left = conv.ends(side)
        conv.proxy.pause(side)
        await asyncio.sleep(0.02)
        gone.send_and_reset(gone.encode(binary(bytes(size))))
        await asyncio.sleep(0.05)
        conv.proxy.resume(side)
        value = await left.recv()
        assert value == binary(bytes(size)) or (value.code, value.reason) == LOST[side]
        record = await conv.finished()
        assert (record.ended_by, record.why) == (side, "eof")


@sides
async def test_what_came_before_the_tcp_end_is_delivered(side: str) -> None:
    async with proxied(lambda origin, typ, payload, last, code: payload) as conv:
        gone, left = conv.ends(side)
        gone.send(*(binary(b"%d" % number + bytes(1000)) for number in range(200)))
        await gone.drained()
        gone.close()
        assert [value.payload[:-1000] for value in await left.recv_many(200)] == [b"%d" % n for n in range(200)]
        assert await left.recv_close() == LOST[side]


@sides
async def test_a_half_close_after_the_close_frame_still_gets_the_answer(side: str) -> None:
    async with proxied() as conv:
        closer, other = conv.ends(side)
        closer.send(close(1000, "bye"))
        closer.half_close()
        assert await other.recv() == close(1000, "bye")
        await asyncio.sleep(0.1)
        other.send(text("one more"), close(1000, "bye"))
        assert await closer.recv_many(2) == [text("one more"), close(1000, "bye")]
        record = await conv.finished()
        assert (record.ended_by, record.why) == (side, "close")


@sides
async def test_an_end_of_tcp_instead_of_an_answer_echoes_the_code_to_the_closer(side: str) -> None:
    async with proxied() as conv:
        closer, other = conv.ends(side)
        closer.send(close(4000, "bye"))
        assert await other.recv() == close(4000, "bye")
        other.close()
        assert (await closer.recv_close())[0] == 4000
        assert (await conv.finished()).why == "close"


async def test_both_sides_may_vanish_at_once() -> None:
    async with proxied() as conv:
        conv.client.reset()
        conv.upstream.reset()
        assert (await conv.finished()).why == "eof"


@sides
async def test_a_peer_that_answers_no_close_and_keeps_tcp_open_is_let_go(side: str) -> None:
    async with proxied(**SHORT) as conv:
        offender, other = conv.ends(side)
        offender.send(Frame(3))
        assert (await offender.recv_close())[0] == 1002
        await conv.finished()
        await offender.gone()


# Dropped close frames


def swallowing(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes | None:
    return None if (typ, code) == ("close", 4004) else payload


@sides
async def test_a_dropped_close_frame_lets_data_flow_to_its_sender(side: str) -> None:
    async with proxied(swallowing) as conv:
        closer, other = conv.ends(side)
        closer.send(close(4004, "swallowed"))
        await other.silent()
        other.send(text("still flowing"), ping("and pings"))
        assert await closer.recv_many(2) == [text("still flowing"), ping("and pings")]


@sides
async def test_nothing_more_is_taken_from_the_sender_of_a_dropped_close_frame(side: str) -> None:
    async with proxied(swallowing, **SHORT) as conv:
        closer, other = conv.ends(side)
        closer.send(close(4004), text("late"), ping("late"), close(1000))
        await other.silent()


@sides
async def test_after_a_dropped_close_frame_the_other_side_may_end_the_session(side: str) -> None:
    async with proxied(swallowing, **SHORT) as conv:
        closer, other = conv.ends(side)
        closer.send(close(4004))
        await other.silent(0.1)
        other.send(close(1000, "done"))
        assert await closer.recv_close() == (1000, "done")
        assert (await other.recv_close())[0] == 1000
        await asyncio.gather(closer.ended(), other.ended())
        await conv.finished()


@sides
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_after_a_dropped_close_frame_the_end_of_tcp_is_one_without_a_close_frame(side: str, how: str) -> None:
    async with proxied(swallowing) as conv:
        closer, other = conv.ends(side)
        closer.send(close(4004))
        await other.silent(0.05)
        getattr(closer, how)()
        assert await other.recv_close() == LOST[side]
