"""What is left when sessions end: the last phase has run, and nothing is held any more."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.kit import heads, raw
from tests.kit.frames import close, text
from tests.kit.raw import RawUpstream, polite
from tests.kit.served import SIDES, Served, plugin, served

CLOSING = {"closing": plugin(ws_close="note(kong.websocket.session().why)")}
SLOW_CLOSING = {"closing": plugin(ws_close="await asyncio.sleep(0.2)\nnote(kong.websocket.session().why)")}
LONG = {"options": {"lingering_timeout": 60_000, "lingering_time": 60_000}}


# Drains


async def test_a_drained_session_runs_its_last_phase(tmp_path: Path) -> None:
    async with served(tmp_path, CLOSING) as gate, gate.talk() as talk:
        draining = asyncio.create_task(gate.server.drain())
        assert await talk.closes() == ((1001, ""), (1001, ""))
        for peer in (talk.client, talk.upstream):
            peer.send(close(1001))
            peer.half_close()
        await draining
        assert gate.notes == ["drain"]


@pytest.mark.parametrize("plugins", [CLOSING, SLOW_CLOSING], ids=["def", "async def"])
async def test_a_session_that_a_drain_cuts_off_runs_its_last_phase_too(
    plugins: dict[str, str], tmp_path: Path
) -> None:
    async with served(tmp_path, plugins, gateway=LONG) as gate:
        async with raw.connected(gate.port) as client:
            upstream = await gate.origin.accepted()
            await gate.server.drain(timeout=0.05)
            assert await client.recv_close() == await upstream.recv_close() == (1001, "")
    assert gate.notes == ["drain"]


async def test_all_sessions_that_a_drain_cuts_off_run_it(tmp_path: Path) -> None:
    async with served(tmp_path, SLOW_CLOSING, gateway=LONG) as gate, AsyncExitStack() as clients:
        for _ in range(20):
            await clients.enter_async_context(raw.connected(gate.port))
        await gate.server.drain(timeout=0.05)
    assert gate.notes == ["drain"] * 20


async def test_a_last_phase_that_has_begun_is_not_cut_off(tmp_path: Path) -> None:
    slow = plugin(ws_close="note('begun')\nawait asyncio.sleep(0.2)\nnote(kong.websocket.session().why)")
    async with served(tmp_path, {"slow": slow}) as gate:
        async with gate.talk() as talk:
            await talk.bye()
            for peer in (talk.client, talk.upstream):
                await peer.release()
            await gate.notes_come(1)
            await gate.server.drain(timeout=0.05)
    assert gate.notes == ["begun", "close"]


async def test_a_handshake_that_a_drain_cuts_off_is_answered_503(tmp_path: Path) -> None:
    async with served(tmp_path, CLOSING, script=raw.say_nothing) as gate:
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request())
            await gate.origin.accepted()
            await gate.server.drain(timeout=0.05)
            assert (await client.recv_head()).status == 503
    assert gate.notes == []


# Peers that leave


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_peer_that_leaves_ends_the_session_for_the_plugins_once(side: str, how: str, tmp_path: Path) -> None:
    async with served(tmp_path, CLOSING, gateway={"options": {"lingering_timeout": 50}}) as gate:
        async with gate.talk() as talk:
            leaving, other = talk.ends(side)
            getattr(leaving, how)()
            expected = (1001, "") if side == "client" else (1014, "upstream connection lost")
            assert await other.recv_close() == expected
        assert gate.notes == ["eof"]


# Nothing is left


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


@asynccontextmanager
async def pooled(folder: Path, target: RawUpstream) -> AsyncIterator[Served]:
    """A gateway that balances over one target by its live sessions, with plugins in every phase."""
    pool = {"name": "pool", "targets": [{"target": target.authority}], "algorithm": "least-connections"}
    phases = ("rewrite", "ws_handshake", "ws_client_frame", "ws_upstream_frame", "ws_close")
    plugins = {"all": plugin(**{phase: "kong.ctx.plugin.seen = kong" for phase in phases})}
    async with served(folder, plugins, service={"host": "pool"}, upstreams=[pool]) as gate:
        yield gate


async def opened_and_closed(gate: Served, number: int) -> None:
    """One of several ways in which a session goes."""
    async with raw.dialled(gate.port) as client:
        if number % 5 == 4:
            return
        client.send_raw(heads.upgrade_request())
        if number % 5 == 3:
            client.reset()
            return
        assert (await client.recv_head()).status == 101
        client.send(text("hello"))
        if number % 5 == 0:
            client.send(close(1000))
            assert await client.recv_close() == (1000, "")
            await client.ended()
        elif number % 5 == 1:
            client.reset()


async def test_200_connections_leave_nothing_behind(tmp_path: Path) -> None:
    async with raw.raw_upstream(polite) as target, pooled(tmp_path, target) as gate:
        await opened_and_closed(gate, 0)
        await gate.idle()
        await settled(gate)
        before = descriptors()
        for start in range(0, 200, 20):
            await asyncio.gather(*(opened_and_closed(gate, number) for number in range(start, start + 20)))
        await gate.idle()
        await settled(gate)
        await target.release()
        await asyncio.sleep(0.05)
        (known,) = gate.gateway._dialler.health()
        assert [each["live"] for each in known["targets"]] == [0]
        assert gate.server.sessions == ()
        server = gate.server
        assert not (server._connections or server._pending or server._handling or server._kept or server._by_address)
        gc.collect()
        assert descriptors() <= before


async def settled(gate: Served) -> None:
    """Every connection has ended for the server, upstream connections that linger included."""
    async with asyncio.timeout(raw.PATIENCE):
        while gate.server._busy():
            await asyncio.sleep(0.005)


async def test_a_gateway_that_is_gone_listens_no_more(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        await gate.serves_on()
        port = gate.port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
