"""permessage-deflate between raw peers: what becomes of messages on their way (RFC 7692, section 7.2)."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.kit.deflated import DEFLATE, RSV1, compressed
from tests.kit.frames import BINARY, TEXT, Frame, close, cont, ping, pong, text

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("side", ["client", "upstream"])
takeovers = pytest.mark.parametrize("takeover", [True, False], ids=["takeover", "no takeover"])

NO_TAKEOVER = f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover"
LONG = b"what is said again and again; " * 20


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


def shout(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload.upper()


class Seen:
    """A hook that notes what it is shown and lets it pass."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, str, bytes, bool]] = []

    def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        self.frames.append((origin, typ, payload, last))
        return payload


# Messages where nothing reads


@sides
@pytest.mark.parametrize("mode", ["auto", "pass"])
async def test_compressed_frames_pass_untouched(mode: str, side: str) -> None:
    async with compressed(compression=mode) as talk:
        source, target = talk.ends(side)
        sent = [
            *source.frames(LONG, b"", LONG),
            text("plain"),
            *source.frames(os.urandom(70_000), opcode=BINARY),
            Frame(TEXT, b"\xff not inflated, not looked at", rsv=RSV1),
        ]
        source.peer.send(*sent)
        assert await target.peer.recv_many(len(sent)) == sent


# Messages where something reads


@sides
async def test_the_hook_sees_plain_payloads(side: str) -> None:
    seen = Seen()
    async with compressed(seen) as talk:
        source, target = talk.ends(side)
        source.says(LONG)
        source.says(b"one ", b"", b"two", opcode=BINARY)
        source.peer.send(text("as it is"))
        source.says(b"")
        for _ in range(6):
            await target.hears()
    assert [frame for frame in seen.frames if frame[1] != "close"] == [
        (side, "text", LONG, True),
        (side, "binary", b"one ", False),
        (side, "continuation", b"", False),
        (side, "continuation", b"two", True),
        (side, "text", b"as it is", True),
        (side, "text", b"", True),
    ]


@sides
@takeovers
async def test_a_changed_message_arrives_compressed_and_right(side: str, takeover: bool) -> None:
    both = DEFLATE if takeover else NO_TAKEOVER
    async with compressed(shout, offer=both, answer=both, takeover=takeover) as talk:
        source, target = talk.ends(side)
        sizes = []
        for _ in range(100):
            source.says(LONG)
            heard = await target.hears()
            assert heard == Frame(TEXT, LONG.upper(), rsv=RSV1)
            sizes.append(len(target.peer.received[-1].payload))
        assert max(sizes) < len(LONG) / 3
        assert (sizes[-1] < sizes[0]) == takeover


@sides
@pytest.mark.parametrize("hook", [keep, shout], ids=["unchanged", "changed"])
async def test_fragments_stay_fragments_and_controls_pass_between_them(side: str, hook: Any) -> None:
    async with compressed(hook) as talk:
        source, target = talk.ends(side)
        for _ in range(3):
            first, second, third = source.frames(LONG, b"", b"and its end")
            source.peer.send(first, ping("1"), second, pong("2"), third)
            heard = [await target.hears() for _ in range(5)]
            assert heard == [
                Frame(TEXT, hook(side, "text", LONG, False, None), False, RSV1),
                ping("1"),
                cont("", fin=False),
                pong("2"),
                cont(hook(side, "continuation", b"and its end", True, None), fin=True),
            ]


@sides
async def test_joined_fragments_arrive_as_one_compressed_message(side: str) -> None:
    async with compressed(shout, aggregate_fragments=True) as talk:
        source, target = talk.ends(side)
        for _ in range(3):
            source.says(LONG, b"", LONG)
            assert await target.hears() == Frame(TEXT, (LONG + LONG).upper(), rsv=RSV1)


@sides
@pytest.mark.parametrize("fragments", [[b""], [b"", b""], [b"", b"", b""]], ids=len)
async def test_empty_messages_pass(side: str, fragments: list[bytes]) -> None:
    async with compressed(keep) as talk:
        source, target = talk.ends(side)
        for _ in range(3):
            source.says(*fragments)
            heard = [await target.hears() for _ in fragments]
            assert [frame.payload for frame in heard] == fragments
            assert [frame.fin for frame in heard] == [False] * (len(fragments) - 1) + [True]
            source.says(LONG)
            assert (await target.hears()).payload == LONG


@sides
async def test_small_and_incompressible_messages_go_out_uncompressed(side: str) -> None:
    noise = os.urandom(5000)
    async with compressed(keep) as talk:
        source, target = talk.ends(side)
        for _ in range(3):
            source.says(b"small")
            assert await target.hears() == text("small")
            source.says(noise + os.urandom(1), opcode=BINARY)
            heard = await target.hears()
            assert (heard.payload[:5000], heard.rsv) == (noise, 0)
            source.says(LONG)
            assert await target.hears() == Frame(TEXT, LONG, rsv=RSV1)


@sides
async def test_uncompressed_messages_may_stand_between_compressed_ones(side: str) -> None:
    async with compressed(keep) as talk:
        source, target = talk.ends(side)
        for _ in range(3):
            source.says(LONG)
            source.peer.send(text(LONG), text("a", fin=False), cont("b", fin=True))
            heard = [await target.hears() for _ in range(4)]
            assert b"".join(frame.payload for frame in heard) == LONG + LONG + b"ab"


@sides
async def test_dropped_messages_and_fragments_leave_what_follows_readable(side: str) -> None:
    def without_drops(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes | None:
        return None if b"drop" in payload else payload

    async with compressed(without_drops) as talk:
        source, target = talk.ends(side)
        for _ in range(3):
            source.says(LONG + b"drop")
            source.says(LONG)
            assert (await target.hears()).payload == LONG
            for fragments in ([b"drop", LONG], [LONG, b"drop", b"end"], [LONG, b"drop"], [b"drop", b"drop"]):
                source.says(*fragments)
            heard = [await target.hears() for _ in range(5)]
            assert [frame.fin for frame in heard] == [True, False, True, False, True]
            assert [frame.payload for frame in heard] == [LONG, LONG, b"end", LONG, b""]


@sides
async def test_injected_messages_are_compressed_too(side: str) -> None:
    async with compressed(keep) as talk:
        source, target = talk.ends(side)
        source.says(LONG)
        await target.hears()
        other = "upstream" if side == "client" else "client"
        await talk.conversation.proxy.inject(other, "text", LONG)
        assert await target.hears() == Frame(TEXT, LONG, rsv=RSV1)
        source.says(LONG)
        assert (await target.hears()).payload == LONG


async def test_what_came_right_behind_the_upstreams_101_is_inflated() -> None:
    early = bytes([0xC1, 7]) + bytes.fromhex("f248cdc9c90700")
    async with compressed(shout, then=early) as talk:
        assert await talk.client.hears() == text("HELLO")


async def test_toward_an_upstream_that_wants_a_window_of_8_bits_nothing_is_compressed() -> None:
    async with compressed(keep, answer=f"{DEFLATE}; client_max_window_bits=8") as talk:
        talk.client.says(LONG)
        assert await talk.upstream.hears() == text(LONG)
        talk.upstream.says(LONG)
        assert await talk.client.hears() == Frame(TEXT, LONG, rsv=RSV1)


@sides
async def test_utf8_may_be_cut_between_compressed_fragments(side: str) -> None:
    octets = "grün €".encode()
    async with compressed(keep) as talk:
        source, target = talk.ends(side)
        source.says(octets[:3], octets[3:-1], octets[-1:])
        assert b"".join([(await target.hears()).payload for _ in range(3)]) == octets


@pytest.mark.parametrize("mode", ["auto", "pass", "terminate"])
async def test_a_close_frame_passes_as_it_is(mode: str) -> None:
    async with compressed(compression=mode) as talk:
        talk.client.says(LONG)
        talk.client.peer.send(close(4001, "done"))
        assert (await talk.upstream.hears()).payload == LONG
        assert await talk.upstream.peer.recv_close() == (4001, "done")
        talk.upstream.peer.send(close(4001, "done"))
        assert await talk.client.peer.recv_close() == (4001, "done")
        assert (await talk.conversation.finished()).why == "close"
