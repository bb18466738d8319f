"""Sizes and fragment counts: exactly the limit passes, one more is 1009 to the offender and 1001 to the other."""

from __future__ import annotations

from typing import Any

import pytest

import framegate
from tests.kit import frames
from tests.kit.frames import Frame, binary, close, cont, frame, ping, pong, text
from tests.kit.gateway import Conversation, proxied
from tests.kit.raw import RawPeer

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("side", ["client", "upstream"])
either = pytest.mark.parametrize("aggregate", [False, True], ids=["frame by frame", "aggregating"])

MIB = 1 << 20


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


async def refused(conv: Conversation, side: str) -> framegate.SessionRecord:
    """The offender is told 1009, the other side 1001, and the record says why."""
    offender, other = conv.ends(side)
    assert await offender.recv_close() == (1009, "Payload Too Large")
    assert await other.recv_close() == (1001, "")
    offender.send(close(1009))
    other.send(close(1001))
    record = await conv.finished()
    assert (record.ended_by, record.why) == (side, "limit")
    assert isinstance(record.error, framegate.LimitExceeded)
    assert (record.error.side, record.error.close_code) == (side, 1009)
    return record


def header(peer: RawPeer, length: int, *, opcode: int = frames.BINARY, fin: bool = True) -> bytes:
    """The header alone of a frame of this length."""
    return frame(opcode, b"", fin, mask=peer.is_client, announced=length, length_form=64 if length > 0xFFFF else None)


@sides
@either
@pytest.mark.parametrize("hook", [None, keep], ids=["no hook", "a hook"])
@pytest.mark.parametrize("limit", [1, 125, 126, 65535, 65536])
async def test_a_frame_of_exactly_the_limit_passes_and_one_byte_more_does_not(
    side: str, aggregate: bool, hook: Any, limit: int
) -> None:
    async with proxied(hook, aggregate_fragments=aggregate, **{f"{side}_max_frame_size": limit}) as conv:
        source, target = conv.ends(side)
        for _ in range(3):
            source.send(binary(b"x" * limit))
            assert await target.recv() == binary(b"x" * limit)
        source.send(binary(b"x" * (limit + 1)))
        await refused(conv, side)


@sides
@either
async def test_the_limit_of_one_side_is_none_for_the_other(side: str, aggregate: bool) -> None:
    async with proxied(aggregate_fragments=aggregate, **{f"{side}_max_frame_size": 10}) as conv:
        source, target = conv.ends(side)
        target.send(text("x" * 1000))
        assert await source.recv() == text("x" * 1000)


@sides
@either
@pytest.mark.parametrize("announced", [11, 126, 65536, 1 << 32, (1 << 63) - 1])
async def test_a_limit_is_decided_from_the_header_before_the_payload_is_read(
    side: str, aggregate: bool, announced: int
) -> None:
    async with proxied(aggregate_fragments=aggregate, **{f"{side}_max_frame_size": 10}) as conv:
        source, target = conv.ends(side)
        source.send_raw(header(source, announced))
        await refused(conv, side)


@sides
async def test_the_close_frame_survives_a_sender_that_goes_on_sending(side: str) -> None:
    async with proxied(**{f"{side}_max_frame_size": 10}) as conv:
        source, target = conv.ends(side)
        source.send_raw(header(source, 4 * MIB) + bytes(MIB))
        assert await target.recv_close() == (1001, "")
        source.send_raw(bytes(3 * MIB))
        await source.drained()
        assert await source.recv_close() == (1009, "Payload Too Large")


@sides
@either
async def test_control_frames_are_not_subject_to_max_frame_size(side: str, aggregate: bool) -> None:
    async with proxied(keep, aggregate_fragments=aggregate, **{f"{side}_max_frame_size": 2}) as conv:
        source, target = conv.ends(side)
        sent = [ping("test-1"), pong("test-1" * 20), text("ok"), close(1001, "test-1")]
        source.send(*sent)
        assert await target.recv_many(4) == sent


@sides
async def test_aggregated_fragments_count_together_and_control_frames_do_not(side: str) -> None:
    async with proxied(aggregate_fragments=True, **{f"{side}_max_frame_size": 10}) as conv:
        source, target = conv.ends(side)
        parts = [text("12", fin=False), *(cont("34", fin=False) for _ in range(4))]
        source.send(*parts, ping("overtakes"), cont("", fin=True))
        assert await target.recv_many(2) == [ping("overtakes"), text("1234343434")]
        source.send(*parts, ping("again"))
        assert await target.recv() == ping("again")
        source.send(cont("5", fin=False))
        await refused(conv, side)


@sides
async def test_a_running_total_is_decided_from_the_fragments_header(side: str) -> None:
    async with proxied(aggregate_fragments=True, **{f"{side}_max_frame_size": 10}) as conv:
        source, target = conv.ends(side)
        source.send(text("1234567", fin=False))
        source.send_raw(header(source, 4, opcode=frames.CONTINUATION))
        await refused(conv, side)


@sides
async def test_without_aggregation_each_frame_has_the_limit_to_itself(side: str) -> None:
    async with proxied(keep, **{f"{side}_max_frame_size": 10}) as conv:
        source, target = conv.ends(side)
        sent = [text("x" * 10, fin=False), *(cont("y" * 10, fin=False) for _ in range(5)), cont("z" * 10, fin=True)]
        source.send(*sent)
        assert await target.recv_many(7) == sent
        source.send(text("x", fin=False), cont("y" * 11, fin=True))
        assert await target.recv() == text("x", fin=False)
        await refused(conv, side)


@sides
async def test_auto_is_unlimited_while_frames_stream_through_unread(side: str) -> None:
    async with proxied() as conv:
        source, target = conv.ends(side)
        source.send_raw(header(source, 1 << 40) + bytes(100_000))
        await target.recv_octets(100_000)


@pytest.mark.parametrize("options", [{"on_frame": keep}, {"aggregate_fragments": True}], ids=["a hook", "aggregating"])
@pytest.mark.parametrize(("side", "limit"), [("client", MIB), ("upstream", 16 * MIB)])
async def test_auto_is_a_limit_where_payloads_are_read_or_joined(options: Any, side: str, limit: int) -> None:
    async with proxied(**options) as conv:
        source, target = conv.ends(side)
        source.send(binary(bytes(limit)))
        assert await target.recv(15) == binary(bytes(limit))
        source.send_raw(header(source, limit + 1))
        await refused(conv, side)


@pytest.mark.parametrize(("side", "limit"), [("client", MIB), ("upstream", 16 * MIB)])
async def test_auto_counts_a_joined_message_as_a_whole(side: str, limit: int) -> None:
    async with proxied(aggregate_fragments=True) as conv:
        source, _ = conv.ends(side)
        source.send(binary(bytes(limit // 2), fin=False), cont(bytes(limit // 2), fin=False))
        source.send_raw(header(source, 1, opcode=frames.CONTINUATION))
        await refused(conv, side)


@sides
@either
async def test_none_is_unlimited_with_a_hook_too(side: str, aggregate: bool) -> None:
    payload = bytes(3 * MIB if side == "client" else 17 * MIB)
    async with proxied(keep, aggregate_fragments=aggregate, **{f"{side}_max_frame_size": None}) as conv:
        source, target = conv.ends(side)
        source.send(binary(payload))
        assert await target.recv(15) == binary(payload)


def message(count: int) -> list[Frame]:
    """A message of so many frames."""
    if count == 1:
        return [text("0")]
    middle = [cont(f"{number}", fin=False) for number in range(1, count - 1)]
    return [text("0", fin=False), *middle, cont("e", fin=True)]


@sides
@either
@pytest.mark.parametrize("hook", [None, keep], ids=["no hook", "a hook"])
@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_a_message_of_exactly_max_fragments_passes_and_one_more_does_not(
    side: str, aggregate: bool, hook: Any, limit: int
) -> None:
    async with proxied(hook, aggregate_fragments=aggregate, **{f"{side}_max_fragments": limit}) as conv:
        source, target = conv.ends(side)
        for _ in range(2):
            source.send(*message(limit))
            joined = b"".join(value.payload for value in message(limit))
            assert await target.recv_many(1 if aggregate else limit) == (
                [text(joined)] if aggregate else message(limit)
            )
        source.send(*message(limit + 1))
        if not aggregate:
            assert await target.recv_many(limit) == message(limit + 1)[:limit]
        await refused(conv, side)


@sides
@either
async def test_control_frames_are_no_fragments(side: str, aggregate: bool) -> None:
    async with proxied(aggregate_fragments=aggregate, **{f"{side}_max_fragments": 2}) as conv:
        source, target = conv.ends(side)
        source.send(text("a", fin=False), ping("1"), ping("2"), pong("3"), cont("b", fin=True))
        arrived = await target.recv_many(4 if aggregate else 5)
        assert [value for value in arrived if value.opcode in (frames.PING, frames.PONG)] == [
            ping("1"),
            ping("2"),
            pong("3"),
        ]


@sides
async def test_dropped_fragments_count_as_well(side: str) -> None:
    def nothing(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes | None:
        return payload if typ == "close" else None

    async with proxied(nothing, **{f"{side}_max_fragments": 3}) as conv:
        source, _ = conv.ends(side)
        source.send(*message(4))
        await refused(conv, side)


@sides
@either
async def test_nothing_is_forwarded_of_what_follows_the_breach(side: str, aggregate: bool) -> None:
    async with proxied(keep, aggregate_fragments=aggregate, **{f"{side}_max_frame_size": 5}) as conv:
        source, target = conv.ends(side)
        source.send(text("good"), text("too long"), text("late"), ping("late"))
        assert await target.recv() == text("good")
        assert await target.recv_close() == (1001, "")
        await target.ended()


@sides
@pytest.mark.parametrize("options", [{"aggregate_fragments": True}, {"on_frame": keep}], ids=["joined", "whole"])
async def test_max_buffered_bounds_what_a_session_holds(side: str, options: Any) -> None:
    async with proxied(max_buffered=100_000, **options) as conv:
        source, target = conv.ends(side)
        source.send(binary(bytes(50_000)))
        assert await target.recv() == binary(bytes(50_000))
        if "on_frame" in options:
            source.send(binary(bytes(200_000)))
        else:
            source.send(binary(bytes(60_000), fin=False), cont(bytes(60_000), fin=False))
        assert (await source.recv_close())[0] == 1009
        assert await target.recv_close() == (1001, "")
