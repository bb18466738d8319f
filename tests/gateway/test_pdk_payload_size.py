"""``set_max_payload_size()``: what it counts, on which side, and from when on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tests.kit.frames import Frame, binary, close, cont, ping, pong, text
from tests.kit.served import SIDES, Served, Talk, plugin, served

both_loops = pytest.mark.usefixtures("loop_kind")

KIB, MIB = 1024, 1024 * 1024
DEFAULT = {"client": 1 * MIB, "upstream": 16 * MIB}
OTHER = {"client": "upstream", "upstream": "client"}
TOO_LARGE = (1009, "Payload Too Large")


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    """Whose messages are limited; each rule holds for both."""
    return request.param


def limit(side: str, size: object, **more: Any) -> str:
    return plugin(ws_handshake=f"kong.websocket.{side}.set_max_payload_size({size})", **more)


async def passes(talk: Talk, side: str, *sent: Frame, got: Frame | None = None) -> None:
    end, other = talk.ends(side)
    end.send(*sent)
    assert await other.recv() == (got or sent[-1])


async def is_too_large(talk: Talk, side: str, *sent: Frame) -> None:
    end, other = talk.ends(side)
    end.send(*sent)
    assert await end.recv_close() == TOO_LARGE
    assert await other.recv_close() == (1001, ""), "and nothing of the message"


def announced(end: object, payload: bytes, length: int) -> bytes:
    """The beginning of a binary frame of a client or an upstream that says how long it will be."""
    masked = getattr(end, "is_client", False)
    return bytes([0x82, 0xFF if masked else 0x7F]) + length.to_bytes(8, "big") + bytes(4) * masked + payload


# What is limited


@pytest.mark.parametrize("size", [1, 2, 125, 126, 65535, 65536, 65537])
async def test_exactly_the_limit_passes_and_one_byte_more_does_not(side: str, size: int, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": limit(side, size)}) as gate, gate.talk() as talk:
        await passes(talk, side, text("x" * size))
        await passes(talk, side, binary(os.urandom(size)))
        await is_too_large(talk, side, binary(b"x" * (size + 1)))


async def test_bytes_are_counted_not_characters(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": limit(side, 4)}) as gate, gate.talk() as talk:
        await passes(talk, side, text("üü"))
        await is_too_large(talk, side, text("üüü"))


async def test_the_fragments_of_a_message_count_together(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": limit(side, 6)}) as gate, gate.talk() as talk:
        joined = text("aabbcc")
        await passes(talk, side, text("aa", fin=False), cont("bb", fin=False), cont("cc", fin=True), got=joined)
        await passes(talk, side, text("aa", fin=False), cont("bbcc", fin=True), got=joined)
        await is_too_large(talk, side, text("aaa", fin=False), cont("bbb", fin=False), cont("c", fin=False))


async def test_control_frames_are_never_limited(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": limit(side, 1)}) as gate, gate.talk() as talk:
        for sent in (ping("p" * 125), pong("p" * 125), close(1000, "r" * 123)):
            await passes(talk, side, sent)


@both_loops
async def test_a_message_over_the_limit_is_refused_before_its_payload_has_come(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": limit(side, 1000)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send_raw(announced(end, b"only the beginning", 1 << 40))
        assert await end.recv_close() == TOO_LARGE
        assert await other.recv_close() == (1001, "")


@pytest.mark.parametrize("payload", ["x", "x" * 4 * KIB])
async def test_the_two_sides_are_limited_apart(side: str, payload: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": limit(side, 10)}) as gate, gate.talk() as talk:
        await passes(talk, OTHER[side], text(payload * 10))
        await is_too_large(talk, side, text("x" * 11))


async def test_each_side_can_have_a_limit_of_its_own(tmp_path: Path) -> None:
    body = "kong.websocket.client.set_max_payload_size(5)\nkong.websocket.upstream.set_max_payload_size(7)"
    async with served(tmp_path, {"one": plugin(ws_handshake=body)}) as gate:
        async with gate.talk() as talk:
            await passes(talk, "client", text("12345"))
            await passes(talk, "upstream", text("1234567"))
            await is_too_large(talk, "client", text("123456"))
        async with gate.talk() as talk:
            await is_too_large(talk, "upstream", text("12345678"))


async def test_a_limit_holds_for_one_connection_alone(tmp_path: Path) -> None:
    body = "if kong.request.get_path() == '/small':\n    kong.websocket.client.set_max_payload_size(1)"
    async with served(tmp_path, {"one": plugin(ws_handshake=body)}) as gate:
        async with gate.talk("/small") as talk:
            await is_too_large(talk, "client", text("xx"))
        async with gate.talk("/") as talk:
            await passes(talk, "client", text("xx"))


async def test_the_last_of_several_limits_holds(side: str, tmp_path: Path) -> None:
    plugins = {"first": limit(side, 1, priority=2), "second": limit(side, 5, priority=1)}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        await passes(talk, side, text("12345"))
        await is_too_large(talk, side, text("123456"))


# Joining


@both_loops
async def test_a_limit_alone_joins_the_messages_of_that_side_and_of_that_side_only(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": limit(side, 100)}) as gate, gate.talk() as talk:
        await passes(talk, side, text("a", fin=False), cont("b", fin=True), got=text("ab"))
        await passes(talk, OTHER[side], text("a", fin=False))
        await passes(talk, OTHER[side], cont("b", fin=True))


@both_loops
async def test_frames_of_an_unread_side_stream_without_a_limit(side: str, tmp_path: Path) -> None:
    size = 17 * MIB
    async with served(tmp_path, {"one": plugin(**{f"ws_{side}_frame": "pass"})}) as gate, gate.talk() as talk:
        receiver, sender = talk.ends(side)
        sender.send(binary(bytes(size)))
        begin = await receiver.recv_octets(64 * KIB)
        assert begin[:1] == b"\x82"
        header = 14 if sender.is_client else 10
        # The header of a frame toward the upstream has the client's masking key; toward the client it has none.
        await receiver.recv_octets(size + header - 64 * KIB)
        await passes(talk, OTHER[side], text("unjoined", fin=False))
        await passes(talk, OTHER[side], cont("", fin=True))


@both_loops
async def test_a_route_without_a_frame_phase_or_limit_relays_as_it_comes(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": plugin(ws_handshake="pass", ws_close="pass")}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("un", fin=False), ping("p"), cont("joined", fin=True))
        assert await other.recv_many(3) == [text("un", fin=False), ping("p"), cont("joined", fin=True)]
        end.send_raw(announced(end, b"begun", 1 << 33))
        await other.recv_octets(10)


# Zero, and the bounds


@pytest.mark.parametrize("frame_phase", [True, False], ids=["read", "unread"])
async def test_zero_is_the_default_limit_on_every_route(side: str, frame_phase: bool, tmp_path: Path) -> None:
    more = {f"ws_{side}_frame": "pass"} if frame_phase else {}
    async with served(tmp_path, {"one": limit(side, 0, **more)}) as gate:
        await _holds_the_default(gate, side)


async def test_a_frame_phase_alone_has_the_default_limit(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": plugin(**{f"ws_{side}_frame": "pass"})}) as gate:
        await _holds_the_default(gate, side)


async def _holds_the_default(gate: Served, side: str) -> None:
    async with gate.talk() as talk:
        end, other = talk.ends(side)
        end.send_raw(announced(end, b"begun", DEFAULT[side]))
        await asyncio.sleep(0.01)
        await end.silent(0.01)
    async with gate.talk() as talk:
        end, other = talk.ends(side)
        end.send_raw(announced(end, b"begun", DEFAULT[side] + 1))
        assert await end.recv_close() == TOO_LARGE
        assert await other.recv_close() == (1001, "")


@pytest.mark.parametrize("size", [16 * MIB + 1, 32 * MIB])
async def test_the_default_can_be_exceeded_up_to_32_mib(side: str, size: int, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": limit(side, size)}) as gate:
        async with gate.talk() as talk:
            end, _ = talk.ends(side)
            end.send_raw(announced(end, b"begun", size))
            await end.silent(0.02)
        async with gate.talk() as talk:
            end, other = talk.ends(side)
            end.send_raw(announced(end, b"begun", size + 1))
            assert await end.recv_close() == TOO_LARGE


@pytest.mark.parametrize("size", ["-1", str(32 * MIB + 1), str(1 << 70), "'10'", "10.0", "None", "True", "b'1'"])
@pytest.mark.parametrize("phase", ["ws_handshake", "its own frame phase"])
async def test_other_sizes_are_refused_and_change_nothing(side: str, phase: str, size: str, tmp_path: Path) -> None:
    phase = phase if phase == "ws_handshake" else f"ws_{side}_frame"
    body = f"attempt(lambda: kong.websocket.{side}.set_max_payload_size({size}))"
    async with served(tmp_path, {"one": plugin(**{phase: body})}) as gate, gate.talk() as talk:
        await passes(talk, side, text("as ever"))
    (said,) = gate.notes
    rule = "size must be an int from 0 to 33554432 (32 MiB), not "
    assert said == f"kong.websocket.{side}.set_max_payload_size: {rule}{eval(size)!r}"


# While the session runs

CHANGED = """\
data = kong.websocket.{side}.get_frame()[0]
if data.startswith("limit "):
    kong.websocket.{side}.set_max_payload_size(int(data.split()[1]))
"""


async def test_a_limit_changes_from_the_next_frame_on(side: str, tmp_path: Path) -> None:
    plugins = {"one": plugin(**{f"ws_{side}_frame": CHANGED.format(side=side)})}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        await passes(talk, side, text("x" * 100))
        await passes(talk, side, text("limit 10"))
        await passes(talk, side, text("x" * 10))
        await passes(talk, side, text("limit 20"))
        await passes(talk, side, text("x" * 20))
        await is_too_large(talk, side, text("x" * 21))


@both_loops
async def test_a_limit_changes_for_a_frame_in_the_same_packet(side: str, tmp_path: Path) -> None:
    plugins = {"one": plugin(**{f"ws_{side}_frame": CHANGED.format(side=side)})}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("limit 10"), text("x" * 11))
        assert await other.recv_many(2) == [text("limit 10"), close(1001)]
        assert await end.recv_close() == TOO_LARGE


async def test_a_limit_set_between_fragments_counts_those_before_it(side: str, tmp_path: Path) -> None:
    body = f"if kong.websocket.{side}.get_frame()[1] == 'ping':\n    kong.websocket.{side}.set_max_payload_size(9)"
    async with served(tmp_path, {"one": plugin(**{f"ws_{side}_frame": body})}) as gate, gate.talk() as talk:
        await passes(talk, side, text("12345678", fin=False), ping("now"))
        await passes(talk, side, cont("9", fin=True), got=text("123456789"))
        await passes(talk, side, text("12345678", fin=False), ping("now"))
        await is_too_large(talk, side, cont("9a", fin=True))


async def test_zero_restores_the_default_while_the_session_runs(side: str, tmp_path: Path) -> None:
    plugins = {"one": limit(side, 10, **{f"ws_{side}_frame": CHANGED.format(side=side)})}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        await passes(talk, side, text("limit 0"))
        await passes(talk, side, text("x" * 11))
        end, other = talk.ends(side)
        end.send_raw(announced(end, b"begun", DEFAULT[side] + 1))
        assert await end.recv_close() == TOO_LARGE


@both_loops
async def test_a_limit_that_an_async_plugin_sets_holds_for_what_waits_behind_it(side: str, tmp_path: Path) -> None:
    body = "await asyncio.sleep(0.005)\n" + CHANGED.format(side=side)
    async with served(tmp_path, {"one": plugin(**{f"ws_{side}_frame": body})}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("limit 10"), text("x" * 11))
        assert await other.recv_many(2) == [text("limit 10"), close(1001)]
        assert await end.recv_close() == TOO_LARGE


async def test_a_plugin_may_make_a_message_longer_than_the_limit(side: str, tmp_path: Path) -> None:
    plugins = {"one": limit(side, 1, **{f"ws_{side}_frame": f"kong.websocket.{side}.set_frame_data('long')"})}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        await passes(talk, side, text("x"), got=text("long"))


async def test_the_record_names_the_side_that_broke_the_limit(side: str, tmp_path: Path) -> None:
    close_note = "r = kong.websocket.session()\nnote(r.ended_by, r.why, r.error.side, r.error.close_code)"
    async with served(tmp_path, {"one": limit(side, 1, ws_close=close_note)}) as gate:
        async with gate.talk() as talk:
            await is_too_large(talk, side, text("xx"))
    assert gate.notes == [(side, "limit", side, 1009)]
