"""permessage-deflate: limits, and what breaks RFC 7692; the offender is told why, the other side 1001."""

from __future__ import annotations

import os
import zlib
from typing import Any

import pytest

import framegate
from tests.kit.deflated import OFFER, RSV1, TAIL, Deflated, compressed
from tests.kit.frames import BINARY, CLOSE, PING, PONG, TEXT, Frame, close, cont, ping, text

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("side", ["client", "upstream"])
LONG = b"what is said again and again; " * 20


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


MODES: dict[str, dict[str, Any]] = {
    "pass": {"compression": "pass"},
    "auto": {},
    "terminate": {"compression": "terminate"},
    "a hook": {"on_frame": keep},
    "joined fragments": {"aggregate_fragments": True},
}
modes = pytest.mark.parametrize("options", MODES.values(), ids=MODES)
reading = pytest.mark.parametrize("options", list(MODES.values())[2:], ids=list(MODES)[2:])


async def refused(talk: Deflated, side: str, expected: tuple[int, str | None]) -> framegate.SessionRecord:
    """The offender is told this code and reason (None for any), and the other side 1001."""
    offender, other = talk.ends(side)
    code, reason = await offender.peer.recv_close()
    assert (code, reason if expected[1] is not None else None) == expected
    while (frame := await other.peer.recv()).opcode != CLOSE:
        pass
    assert frame == close(1001)
    offender.peer.send(close(code))
    other.peer.send(close(1001))
    record = await talk.conversation.finished()
    assert record.ended_by == side
    assert isinstance(record.error, framegate.PeerError)
    assert (record.error.side, record.error.close_code) == (side, code)
    return record


# Limits


@sides
@pytest.mark.parametrize("limit", [1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("content", [b"a", os.urandom(9973)], ids=["runs", "noise"])
@pytest.mark.parametrize("aggregate", [False, True], ids=["frame by frame", "joined"])
async def test_a_limit_counts_plain_bytes(side: str, limit: int, content: bytes, aggregate: bool) -> None:
    exact = (content * (limit // len(content) + 1))[:limit]
    async with compressed(aggregate_fragments=aggregate, **{f"{side}_max_frame_size": limit}) as talk:
        source, target = talk.ends(side)
        for _ in range(3):
            source.says(exact, opcode=BINARY)
            assert (await target.hears()).payload == exact
        source.says(exact + b"!", opcode=BINARY)
        record = await refused(talk, side, (1009, "Payload Too Large"))
        assert record.why == "limit"


@sides
async def test_frame_by_frame_the_limit_is_each_frames(side: str) -> None:
    async with compressed(keep, **{f"{side}_max_frame_size": 600}) as talk:
        source, target = talk.ends(side)
        source.says(LONG, LONG, LONG)
        assert [(await target.hears()).payload for _ in range(3)] == [LONG] * 3
        source.says(LONG, LONG + b"!")
        await refused(talk, side, (1009, "Payload Too Large"))


@sides
async def test_joined_the_limit_is_the_messages(side: str) -> None:
    async with compressed(keep, aggregate_fragments=True, **{f"{side}_max_frame_size": 1200}) as talk:
        source, target = talk.ends(side)
        for _ in range(2):
            source.says(LONG, b"", LONG)
            assert (await target.hears()).payload == LONG + LONG
        source.says(LONG, b"", LONG + b"!")
        await refused(talk, side, (1009, "Payload Too Large"))


@pytest.mark.parametrize(("side", "limit"), [("client", 1 << 20), ("upstream", 16 << 20)])
@reading
async def test_a_bomb_is_refused(side: str, limit: int, options: dict[str, Any]) -> None:
    async with compressed(**options) as talk:
        source, target = talk.ends(side)
        source.says(bytes(limit), opcode=BINARY)
        heard = await target.hears()
        assert (len(heard.payload), heard.payload.count(0)) == (limit, limit)
        source.says(bytes(limit * 4), opcode=BINARY)
        await refused(talk, side, (1009, "Payload Too Large"))


@sides
async def test_a_bomb_in_many_fragments_is_refused(side: str) -> None:
    async with compressed(keep, aggregate_fragments=True, **{f"{side}_max_frame_size": 100_000}) as talk:
        source, _ = talk.ends(side)
        source.says(*[bytes(10_000)] * 11)
        await refused(talk, side, (1009, "Payload Too Large"))


@sides
async def test_what_a_frame_inflates_to_counts_as_buffered(side: str) -> None:
    async with compressed(keep, max_buffered=1 << 20, **{f"{side}_max_frame_size": None}) as talk:
        source, _ = talk.ends(side)
        source.says(bytes(8 << 20), opcode=BINARY)
        assert (await source.peer.recv_close(patience=1))[0] == 1009


@sides
async def test_a_compressed_frame_that_is_far_larger_than_the_limit_is_refused_by_its_header(side: str) -> None:
    async with compressed(keep, **{f"{side}_max_frame_size": 1000}) as talk:
        source, _ = talk.ends(side)
        octets = source.peer.encode(Frame(BINARY, bytes(1 << 20), rsv=RSV1))
        source.peer.send_raw(octets[:14])
        await refused(talk, side, (1009, "Payload Too Large"))


# Reserved bits


@sides
@pytest.mark.parametrize(
    "how",
    [
        {"compression": "off", "answer": None},
        {"compression": "pass", "answer": None},
        {"compression": "auto", "answer": None},
        {"compression": "auto", "offer": None, "answer": None},
        {"compression": "off", "answer": None, "on_frame": keep},
    ],
    ids=["off", "declined and passed", "declined", "not offered", "off and a hook"],
)
async def test_rsv1_without_the_extension_is_1002(side: str, how: dict[str, Any]) -> None:
    async with compressed(**how) as talk:
        source, _ = talk.ends(side)
        source.says(LONG)
        assert (await refused(talk, side, (1002, None))).why == "protocol"


async def test_rsv1_on_the_leg_that_has_not_agreed_is_1002() -> None:
    async with compressed(keep, offer=None) as talk:
        talk.upstream.says(LONG)
        assert await talk.client.hears() == text(LONG)
        talk.client.says(LONG)
        await refused(talk, "client", (1002, None))
    async with compressed(keep, answer=None) as talk:
        talk.client.says(LONG)
        assert await talk.upstream.hears() == text(LONG)
        talk.upstream.says(LONG)
        await refused(talk, "upstream", (1002, None))


@sides
@modes
@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
async def test_rsv1_on_a_control_frame_is_1002(side: str, options: dict[str, Any], opcode: int) -> None:
    async with compressed(**options) as talk:
        source, _ = talk.ends(side)
        source.says(LONG)
        source.peer.send(Frame(opcode, b"\x03\xe8", rsv=RSV1))
        await refused(talk, side, (1002, None))


@sides
@modes
@pytest.mark.parametrize("compresses", [True, False], ids=["of a compressed message", "of a plain message"])
async def test_rsv1_on_a_continuation_is_1002(side: str, options: dict[str, Any], compresses: bool) -> None:
    async with compressed(**options) as talk:
        source, _ = talk.ends(side)
        first, second = source.frames(LONG, LONG) if compresses else [text(LONG, fin=False), cont(LONG, fin=True)]
        source.peer.send(first, second._replace(rsv=RSV1))
        await refused(talk, side, (1002, None))


@sides
@modes
@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
async def test_the_other_reserved_bits_are_1002(side: str, options: dict[str, Any], rsv: int) -> None:
    async with compressed(**options) as talk:
        source, _ = talk.ends(side)
        (message,) = source.frames(LONG)
        source.peer.send(message._replace(rsv=rsv))
        await refused(talk, side, (1002, None))


# Data


CORRUPT = {
    "a reserved block type": b"\xff" * 20,
    "a reference before the beginning": bytes.fromhex("f200110000"),
    "plain text": b"what is said, but not compressed",
    "a zlib header": zlib.compress(LONG),
    "a tail that becomes data": bytes.fromhex("000500faff48"),
}


@sides
@reading
@pytest.mark.parametrize("data", CORRUPT.values(), ids=CORRUPT)
async def test_data_that_cannot_be_inflated_is_1007(side: str, options: dict[str, Any], data: bytes) -> None:
    async with compressed(**options) as talk:
        source, _ = talk.ends(side)
        source.peer.send(Frame(BINARY, data, rsv=RSV1))
        assert (await refused(talk, side, (1007, None))).why == "protocol"


@sides
@reading
async def test_data_that_goes_wrong_in_a_later_message_is_1007(side: str, options: dict[str, Any]) -> None:
    async with compressed(**options) as talk:
        source, target = talk.ends(side)
        source.says(LONG)
        assert (await target.hears()).payload == LONG
        first, second = source.frames(LONG, LONG)
        source.peer.send(first, ping(), second._replace(payload=b"\xff" * 9))
        await refused(talk, side, (1007, None))


@sides
async def test_many_streams_in_one_frame_are_1007(side: str) -> None:
    async with compressed(keep) as talk:
        source, _ = talk.ends(side)
        source.peer.send(Frame(BINARY, b"\x03\x00" * (1 << 19), rsv=RSV1))
        await refused(talk, side, (1007, None))


@sides
@pytest.mark.parametrize("options", list(MODES.values())[3:], ids=list(MODES)[3:])
@pytest.mark.parametrize("fragments", [[b"\xff"], [LONG, b"\xc3", b"("], ["€".encode()[:2]], [LONG, b"\xe2", b""]])
async def test_compressed_text_that_is_not_utf8_is_1007(
    side: str, options: dict[str, Any], fragments: list[bytes]
) -> None:
    async with compressed(**options) as talk:
        source, _ = talk.ends(side)
        source.says(*fragments)
        await refused(talk, side, (1007, None))


@sides
async def test_senders_that_leave_the_tail_or_end_with_an_empty_fragment_are_understood(side: str) -> None:
    async with compressed(keep) as talk:
        source, target = talk.ends(side)
        for _ in range(3):
            first, last = source.frames(LONG, b"")
            assert first.payload.endswith(TAIL)
            source.peer.send(first, last._replace(payload=b""))
            assert [(await target.hears()).payload for _ in range(2)] == [LONG, b""]
            source.says(LONG, opcode=TEXT)
            assert (await target.hears()).payload == LONG


async def test_an_upstream_that_compresses_before_it_has_agreed_is_1002() -> None:
    early = bytes([0xC1, 7]) + bytes.fromhex("f248cdc9c90700")
    async with compressed(answer=None, then=early) as talk:
        assert talk.offered() == OFFER
        await refused(talk, "upstream", (1002, None))
