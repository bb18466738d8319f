"""What passes unseen: only the side that a plugin reads or limits is joined, checked and bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kit import frames
from tests.kit.frames import Frame, binary, close, cont, frame, ping, text
from tests.kit.raw import RawPeer
from tests.kit.served import SIDES, Served, Talk, plugin, served

sides = pytest.mark.parametrize("side", SIDES)

MIB = 1 << 20
NOT_UTF8 = b"\xff\xfe no text \xc3"
FRAGMENTS = (text("one ", fin=False), ping("between"), cont(b"\xffmess", fin=False), cont("age", fin=True))

BLIND: dict[str, dict[str, Any]] = {
    "no plugin": {},
    "handshake and close": {
        "plugins": {"blind": plugin(rewrite="pass", ws_handshake="pass", ws_close="pass", certificate="pass")}
    },
    "an auth plugin": {"use": [{"name": "ip-restriction", "config": {"allow": ["127.0.0.1"]}}]},
    "a plugin of another route": {
        "plugins": {"reading": plugin(ws_client_frame="1/0", ws_upstream_frame="1/0")},
        "use": [{"name": "reading", "route": "other"}],
        "service": {"routes": [{"name": "main", "paths": ["/"]}, {"name": "other", "paths": ["/other"]}]},
    },
    "a disabled plugin": {
        "plugins": {"reading": plugin(ws_client_frame="1/0", ws_upstream_frame="1/0")},
        "use": [{"name": "reading", "enabled": False}],
    },
}
blind = pytest.mark.parametrize("how", BLIND.values(), ids=BLIND)


def reading(side: str) -> dict[str, str]:
    """A plugin that looks at what one side sends."""
    return {"reading": plugin(**{f"ws_{side}_frame": f"note(kong.websocket.{side}.get_frame()[0])"})}


async def passes(source: RawPeer, target: RawPeer, *values: Frame) -> None:
    """Frames come through one by one, as they are."""
    source.send(*values)
    assert await target.recv_many(len(values)) == list(values)


# Routes that nobody reads


@sides
@blind
async def test_fragments_are_not_joined_and_texts_not_checked(side: str, how: dict[str, Any], tmp_path: Path) -> None:
    async with served(tmp_path, **how) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        await passes(source, target, *FRAGMENTS, text(NOT_UTF8), binary(b"\x00"), text(""))


@sides
async def test_a_frame_arrives_before_it_is_whole(side: str, tmp_path: Path) -> None:
    async with served(tmp_path) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        octets = frame(frames.TEXT, bytes(MIB), mask=source.is_client)
        source.send_raw(octets[: MIB // 2])
        await target.recv_octets(MIB // 4)
        source.send_raw(octets[MIB // 2 :])
        source.send(close(1000))
        rest = await target.recv_octets(MIB - MIB // 4)
        assert len(rest) == MIB - MIB // 4


@sides
@blind
async def test_a_message_of_20_mib_has_no_limit(side: str, how: dict[str, Any], tmp_path: Path) -> None:
    async with served(tmp_path, **how) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        message = binary(b"\xa5" * (20 * MIB))
        source.send(message)
        assert await target.recv(15) == message


# Routes where a plugin reads one side


@sides
async def test_the_side_that_is_read_is_joined_and_the_other_is_not(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, reading(side)) as gate, gate.talk() as talk:
        read, other = talk.ends(side)
        read.send(text("one ", fin=False), ping("between"), cont("message", fin=True))
        assert await other.recv_many(2) == [ping("between"), text("one message")]
        await gate.noted(b"between", "one message")
        await passes(other, read, *FRAGMENTS)


@sides
async def test_the_side_that_is_read_is_checked_and_the_other_is_not(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, reading(side)) as gate, gate.talk() as talk:
        read, other = talk.ends(side)
        await passes(other, read, text(NOT_UTF8))
        read.send(text(NOT_UTF8))
        assert (await read.recv_close())[0] == 1007
        assert await other.recv_close() == (1001, "")
        assert gate.notes == []


@sides
async def test_the_side_that_is_read_is_bounded_and_the_other_is_not(side: str, tmp_path: Path) -> None:
    most = MIB if side == "client" else 16 * MIB
    async with served(tmp_path, reading(side)) as gate, gate.talk() as talk:
        read, other = talk.ends(side)
        message = binary(bytes(17 * MIB))
        other.send(message)
        assert await read.recv(15) == message
        largest = binary(bytes(most))
        read.send(largest)
        assert await other.recv(15) == largest
        gate.notes.clear()
        # The header tells already that it is too long.
        read.send_raw(frame(frames.BINARY, b"", mask=read.is_client, announced=most + 1))
        assert await read.recv_close() == (1009, "Payload Too Large")
        assert await other.recv_close() == (1001, "")


# Routes where one side is limited


async def limited(gate: Served, talk: Talk, side: str) -> None:
    """One side may send messages of 100 bytes, the other what it likes."""
    limited_peer, other = talk.ends(side)
    await passes(other, limited_peer, *FRAGMENTS, text("x" * 1000))
    limited_peer.send(text("x" * 60, fin=False), cont("y" * 40, fin=True))
    assert await other.recv() == text("x" * 60 + "y" * 40)
    limited_peer.send(text("x" * 60, fin=False), cont("y" * 41, fin=True))
    assert await limited_peer.recv_close() == (1009, "Payload Too Large")
    assert await other.recv_close() == (1001, "")


@sides
async def test_a_bundled_limit_joins_and_bounds_its_side_alone(side: str, tmp_path: Path) -> None:
    use = [{"name": "websocket-size-limit", "config": {f"{side}_max_payload": 100}}]
    async with served(tmp_path, use=use) as gate, gate.talk() as talk:
        await limited(gate, talk, side)


@sides
async def test_a_limit_of_a_plugin_joins_and_bounds_its_side_alone(side: str, tmp_path: Path) -> None:
    limiting = plugin(ws_handshake=f"kong.websocket.{side}.set_max_payload_size(100)")
    async with served(tmp_path, {"limiting": limiting}) as gate, gate.talk() as talk:
        await limited(gate, talk, side)


@sides
async def test_control_frames_are_not_limited(side: str, tmp_path: Path) -> None:
    use = [{"name": "websocket-size-limit", "config": {f"{side}_max_payload": 2}}]
    async with served(tmp_path, use=use) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        await passes(source, target, ping("longer than two"), text("ab"), close(1000, "also longer"))
