"""Times and bounds of sessions and listeners, as services and the section ``gateway`` set them in milliseconds."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.kit import frames, heads, raw
from tests.kit.frames import binary, close, cont, ping, pong, text
from tests.kit.raw import RawPeer
from tests.kit.served import SIDES, plugin, served

sides = pytest.mark.parametrize("side", SIDES)
READING = {"reading": plugin(ws_client_frame="pass", ws_upstream_frame="pass")}


# Services


async def test_a_read_timeout_ends_an_idle_session_with_1001(tmp_path: Path) -> None:
    async with served(tmp_path, service={"read_timeout": 150}) as gate, gate.talk() as talk:
        assert await talk.closes() == ((1001, ""), (1001, ""))


@sides
async def test_frames_of_either_side_renew_the_read_timeout(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, service={"read_timeout": 300}) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        began = time.monotonic()
        while time.monotonic() < began + 0.5:
            source.send(text("still here"))
            assert await target.recv() == text("still here")
            await asyncio.sleep(0.05)
        assert await talk.closes() == ((1001, ""), (1001, ""))


async def flooded(source: RawPeer, target: RawPeer) -> None:
    """``source`` sends what ``target`` does not take, and is told that the other side has gone away."""
    target.stop_reading()
    for _ in range(192):
        source.send(binary(bytes(1 << 16)))
    assert await source.recv_close() == (1001, "")
    target.read_on()
    await target.gone()


@sides
async def test_a_write_timeout_aborts_a_side_that_takes_nothing(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, service={"write_timeout": 300}) as gate, gate.talk() as talk:
        await flooded(*talk.ends(side))


async def test_a_write_timeout_holds_for_clients_with_tls_too(tmp_path: Path, loop_kind: str) -> None:
    async with served(tmp_path, service={"write_timeout": 300}, secure=True) as gate, gate.talk() as talk:
        await flooded(talk.upstream, talk.client)


async def test_a_plugin_may_set_the_timeouts_of_a_session(tmp_path: Path) -> None:
    impatient = plugin(
        ws_handshake="""
        if kong.request.get_header("x-hurry"):
            kong.service.set_timeouts(5000, 5000, 150)
        """
    )
    async with served(tmp_path, {"impatient": impatient}) as gate:
        async with gate.talk(extra=[("X-Hurry", "1")]) as hurried, gate.talk() as other:
            assert await hurried.closes() == ((1001, ""), (1001, ""))
            await other.client.silent()


async def test_a_plugin_may_set_the_time_for_connecting(tmp_path: Path) -> None:
    impatient = plugin(ws_handshake="kong.service.set_timeouts(100, 5000, 5000)")
    async with served(tmp_path, {"impatient": impatient}, script=raw.say_nothing) as gate:
        head, _ = await gate.asked()
        assert head.status == 504


async def test_without_timeouts_a_silent_session_stays(tmp_path: Path) -> None:
    async with served(tmp_path) as gate, gate.talk() as talk:
        await asyncio.gather(talk.client.silent(0.3), talk.upstream.silent(0.3))


# Options of the gateway


def options(**chosen: Any) -> dict[str, Any]:
    return {"options": chosen}


async def test_pings_of_framegates_own_go_to_both_sides(tmp_path: Path) -> None:
    async with served(tmp_path, gateway=options(ping_interval=100)) as gate, gate.talk() as talk:
        for peer in (talk.client, talk.upstream):
            value = await peer.recv()
            assert value.opcode == frames.PING
            peer.send(pong(value.payload), text("behind the pong"))
        for peer in (talk.client, talk.upstream):
            while (value := await peer.recv()).opcode == frames.PING:
                pass
            assert value == text("behind the pong")


@sides
async def test_a_side_that_answers_no_ping_is_dropped(side: str, tmp_path: Path) -> None:
    chosen = options(ping_interval=100, ping_timeout=150)
    async with served(tmp_path, gateway=chosen) as gate, gate.talk() as talk:
        dead, alive = talk.ends(side)
        while (value := await alive.recv()).opcode == frames.PING:
            alive.send(pong(value.payload))
        assert value == close(1001)
        await dead.gone()


async def test_a_session_has_a_lifetime(tmp_path: Path) -> None:
    async with served(tmp_path, gateway=options(max_lifetime=200)) as gate, gate.talk() as talk:
        assert await talk.closes() == ((1001, ""), (1001, ""))


@sides
async def test_a_message_over_the_frame_size_is_1009(side: str, tmp_path: Path) -> None:
    chosen = options(client_max_frame_size=100, upstream_max_frame_size=100)
    async with served(tmp_path, gateway=chosen) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        source.send(text("x" * 100))
        assert await target.recv() == text("x" * 100)
        source.send(text("x" * 101))
        assert await source.recv_close() == (1009, "Payload Too Large")
        assert await target.recv_close() == (1001, "")


@sides
async def test_the_frame_size_holds_for_whole_messages_where_plugins_read(side: str, tmp_path: Path) -> None:
    chosen = options(client_max_frame_size=100, upstream_max_frame_size=100)
    async with served(tmp_path, READING, gateway=chosen) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        source.send(text("x" * 60, fin=False), cont("x" * 41, fin=True))
        assert await source.recv_close() == (1009, "Payload Too Large")
        assert await target.recv_close() == (1001, "")


@sides
async def test_fragments_may_be_joined_everywhere(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, gateway=options(aggregate_fragments=True)) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        source.send(text("one ", fin=False), cont("message", fin=True))
        assert await target.recv() == text("one message")


@sides
async def test_a_message_of_too_many_fragments_is_1009(side: str, tmp_path: Path) -> None:
    chosen = options(client_max_fragments=2, upstream_max_fragments=2)
    async with served(tmp_path, gateway=chosen) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        source.send(text("a", fin=False), cont("b", fin=False), cont("c", fin=True))
        assert await source.recv_close() == (1009, "Payload Too Large")
        assert [await target.recv() for _ in range(2)] == [text("a", fin=False), cont("b", fin=False)]


@sides
async def test_an_unanswered_close_frame_is_answered_after_the_lingering_timeout(side: str, tmp_path: Path) -> None:
    chosen = options(lingering_timeout=100, lingering_time=200)
    async with served(tmp_path, gateway=chosen) as gate, gate.talk() as talk:
        closer, silent = talk.ends(side)
        closer.send(close(4000, "bye"))
        assert await silent.recv_close() == (4000, "bye")
        assert await closer.recv_close() == (4000, "")
        await silent.gone()


@sides
async def test_texts_may_be_checked_always(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, gateway=options(validate_utf8=True)) as gate, gate.talk() as talk:
        source, target = talk.ends(side)
        source.send(text(b"\xff"))
        assert (await source.recv_close())[0] == 1007
        assert await target.recv_close() == (1001, "")


async def test_pings_of_the_peers_pass(tmp_path: Path) -> None:
    async with served(tmp_path, gateway=options(ping_interval=60_000)) as gate, gate.talk() as talk:
        talk.client.send(ping("mine"))
        assert await talk.upstream.recv() == ping("mine")
        talk.upstream.send(pong("mine"))
        assert await talk.client.recv() == pong("mine")


# Limits of the listeners


def limits(**chosen: Any) -> dict[str, Any]:
    return {"limits": chosen}


async def test_a_request_that_takes_too_long_is_408(tmp_path: Path) -> None:
    async with served(tmp_path, gateway=limits(handshake_timeout=100)) as gate:
        head, _ = await gate.asked(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert head.status == 408


LONG: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "line": ({"max_request_line": 60}, {"target": "/" + "x" * 60}, 414),
    "bytes": ({"max_header_bytes": 300}, {"extra": [("X-Long", "x" * 300)]}, 431),
    "fields": ({"max_headers": 6}, {"extra": [("X-A", "1"), ("X-B", "2")]}, 431),
}


@pytest.mark.parametrize(("limit", "request_", "status"), LONG.values(), ids=LONG)
async def test_a_request_that_is_too_long_is_refused(
    limit: dict[str, Any], request_: dict[str, Any], status: int, tmp_path: Path
) -> None:
    async with served(tmp_path, gateway=limits(**limit)) as gate:
        head, _ = await gate.asked(heads.upgrade_request(**request_))
        assert head.status == status
        await gate.serves_on()


@pytest.mark.parametrize(("limit", "status"), [("max_connections", 503), ("max_connections_per_address", 429)])
async def test_a_connection_over_a_limit_is_refused(limit: str, status: int, tmp_path: Path) -> None:
    async with served(tmp_path, gateway=limits(**{limit: 1})) as gate:
        async with gate.talk():
            head, _ = await gate.asked()
            assert (head.status, head.get("Retry-After")) == (status, "5")
        await gate.serves_on()


async def test_a_drain_has_the_code_that_the_file_says(tmp_path: Path) -> None:
    async with served(tmp_path, gateway=limits(drain_code=4008)) as gate, gate.talk() as talk:
        draining = asyncio.create_task(gate.server.drain())
        assert await talk.closes() == ((4008, ""), (4008, ""))
        talk.client.send(close(4008))
        talk.upstream.send(close(4008))
        for peer in (talk.client, talk.upstream):
            peer.half_close()
        await draining
