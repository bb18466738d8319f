"""Half-closed sockets, closed ones and resets, from either side, in every state: nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import framegate
from tests.hostile.kit import sides, until_gone
from tests.kit import raw
from tests.kit.frames import BINARY, binary, close, cont, frame, ping, text
from tests.kit.gateway import Conversation, proxied, serving
from tests.kit.handlers import Handler
from tests.kit.heads import switching, upgrade_request
from tests.kit.raw import RawPeer

ends = pytest.mark.parametrize("how", ["half_close", "close", "reset"])

SHORT = {"lingering_timeout": 0.1, "lingering_time": 0.2}

# Before the session


CLIENTS: dict[str, bytes] = {
    "connected": b"",
    "in the request line": b"GET / HT",
    "in a header": upgrade_request()[:-20],
    "before the last line end": upgrade_request()[:-1],
    "the request sent": upgrade_request(),
    "frames sent behind the request": upgrade_request() + frame(BINARY, b"x" * 1000, mask=True),
    "refused": b"POST / HTTP/1.1\r\n\r\n",
    "refused, still sending": b"POST / HTTP/1.1\r\n\r\n" + bytes(1 << 18),
}


@ends
@pytest.mark.parametrize("sent", CLIENTS.values(), ids=CLIENTS)
async def test_a_client_that_ends_before_its_101_is_gone_within_3_seconds_and_its_dial_with_it(
    sent: bytes, how: str
) -> None:
    limits = {"handshake_timeout": 0.3}
    async with raw.raw_upstream(raw.say_nothing) as origin:
        async with serving(Handler(origin.url, {"connect_timeout": 0.5}), **limits) as server:
            async with raw.dialled(server.port) as client:
                client.send_raw(sent)
                await asyncio.sleep(0.05)
                getattr(client, how)()
                await until_gone(server, 3)
                if how == "half_close":
                    await client.gone()
            if origin.connections:
                await (await origin.accepted()).gone()


UPSTREAMS: dict[str, Callable[[Any], bytes]] = {
    "nothing said": lambda head: b"",
    "in the status line": lambda head: b"HTTP/1.1 1",
    "behind an interim answer": lambda head: b"HTTP/1.1 103 Early\r\n\r\n",
    "in the 101": lambda head: switching(head)[:-2],
    "in the body of a refusal": lambda head: b"HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nhalf",
    "in a chunk of a refusal": lambda head: b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
}


@ends
@pytest.mark.parametrize("make", UPSTREAMS.values(), ids=UPSTREAMS)
async def test_an_upstream_that_ends_within_its_answer_is_502_and_nothing_is_left(
    make: Callable[[Any], bytes], how: str
) -> None:
    async def script(peer: RawPeer) -> None:
        peer.send_raw(make(peer.head))
        await asyncio.sleep(0.02)
        getattr(peer, how)()

    async with raw.raw_upstream(script) as origin, serving(Handler(origin.url)) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(upgrade_request())
            assert (await client.recv_head()).status == 502
        await until_gone(server)


# In the session

State = Callable[[Conversation, RawPeer, RawPeer], Awaitable[None]]


async def idle(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    """Nothing has been said."""


async def talked(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    peer.send(text("a"))
    assert await other.recv() == text("a")


async def in_a_header(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    peer.send_raw(frame(BINARY, b"x" * 300, mask=peer.is_client)[:3])


async def in_a_payload(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    peer.send_raw(frame(BINARY, b"x" * 300, mask=peer.is_client)[:100])


async def in_a_message(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    peer.send(text("a", fin=False), cont("b", fin=False))


async def in_the_others_payload(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    other.send_raw(frame(BINARY, b"x" * 300, mask=other.is_client)[:100])


async def not_reading(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    peer.stop_reading()
    other.send_raw(other.encode(binary(bytes(1 << 16))) * 64)
    await asyncio.sleep(0.1)


async def not_being_read(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    other.stop_reading()
    peer.send_raw(peer.encode(binary(bytes(1 << 16))) * 64)
    await asyncio.sleep(0.1)


async def has_closed(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    peer.send(close(1000))
    assert await other.recv_close() == (1000, "")


async def was_closed(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    other.send(close(1000))
    assert await peer.recv_close() == (1000, "")


async def both_have_closed(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    await was_closed(conv, peer, other)
    peer.send(close(1000))
    assert await other.recv_close() == (1000, "")


async def convicted(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    peer.send_raw(b"\xff\xff\xff")
    assert (await peer.recv_close())[0] == 1002


async def closed_by_framegate(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    conv.proxy.close(1008, "no")
    await peer.recv_close()


async def paused(conv: Conversation, peer: RawPeer, other: RawPeer) -> None:
    conv.proxy.pause("client")
    conv.proxy.pause("upstream")
    peer.send(text("a"))


STATES: dict[str, State] = {
    state.__name__: state
    for state in (
        idle, talked, in_a_header, in_a_payload, in_a_message, in_the_others_payload, not_reading, not_being_read,
        has_closed, was_closed, both_have_closed, convicted, closed_by_framegate,
    )
}  # fmt: skip


@asynccontextmanager
async def session(state: State, side: str, **options: Any) -> AsyncIterator[tuple[Conversation, RawPeer, RawPeer]]:
    async with proxied(**SHORT, **options) as conv:
        peer, other = conv.ends(side)
        await state(conv, peer, other)
        yield conv, peer, other


@sides
@ends
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
async def test_a_peer_that_ends_in_any_state_ends_the_session_within_4_seconds_and_leaves_nothing(
    side: str, how: str, state: State
) -> None:
    # What is unfinished is held where fragments are joined, and has gone on where they are not.
    joined = state in (in_a_header, in_a_message)
    async with session(state, side, aggregate_fragments=joined) as (conv, peer, other):
        getattr(peer, how)()
        # The other one takes what there is, and never ends anything by itself.
        other.read_on()
        taking = asyncio.create_task(other.gone(8))
        record = await asyncio.wait_for(asyncio.shield(conv.record), 4)
        assert isinstance(record, framegate.SessionRecord)
        await until_gone(conv.server, 4)
        await taking


@sides
@ends
async def test_a_peer_that_ends_behind_data_that_the_other_never_takes_is_found_out_at_the_write_timeout(
    side: str, how: str
) -> None:
    async with session(not_being_read, side, write_timeout=0.4) as (conv, peer, other):
        getattr(peer, how)()
        await asyncio.wait_for(asyncio.shield(conv.record), 4)
        await until_gone(conv.server, 4)


@sides
@ends
async def test_a_paused_peer_that_ends_is_found_out_when_it_is_read_again(side: str, how: str) -> None:
    async with session(paused, side) as (conv, peer, other):
        getattr(peer, how)()
        await asyncio.sleep(0.05)
        conv.proxy.resume("client")
        conv.proxy.resume("upstream")
        await asyncio.wait_for(asyncio.shield(conv.record), 4)
        await until_gone(conv.server)


@sides
@ends
async def test_a_peer_that_ends_while_a_hook_thinks_ends_the_session_when_the_hook_is_done(side: str, how: str) -> None:
    done = asyncio.Event()

    async def thinking(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        await done.wait()
        return payload

    async with proxied(thinking, **SHORT) as conv:
        peer, other = conv.ends(side)
        peer.send(text("a"), ping("b"))
        await asyncio.sleep(0.05)
        getattr(peer, how)()
        await asyncio.sleep(0.05)
        done.set()
        await asyncio.wait_for(asyncio.shield(conv.record), 4)
        await until_gone(conv.server)


@ends
async def test_both_peers_that_end_at_once_end_the_session(how: str) -> None:
    async with proxied(**SHORT) as conv:
        for peer in (conv.client, conv.upstream):
            peer.send(text("a", fin=False))
            getattr(peer, how)()
        await asyncio.wait_for(asyncio.shield(conv.record), 4)
        await until_gone(conv.server)


# Peers that do not end


@sides
async def test_a_peer_that_never_answers_the_close_is_let_go_at_the_lingering_timeout(side: str) -> None:
    async with proxied(**SHORT) as conv:
        closer, silent = conv.ends(side)
        closer.send(close(4000, "bye"))
        assert await silent.recv_close() == (4000, "bye")
        # Echoed in its stead, without its reason; the silent one is aborted.
        assert await closer.recv_close(1) == (4000, "")
        await silent.gone(2)
        await closer.ended()
        await until_gone(conv.server, 2)


@sides
async def test_a_peer_that_never_ends_its_tcp_is_cut_off_at_the_lingering_timeout(side: str) -> None:
    async with proxied(**SHORT) as conv:
        closer, other = conv.ends(side)
        closer.send(close(1000))
        await other.recv_close()
        other.send(close(1000))
        assert await closer.recv_close() == (1000, "")
        # Neither end closes its socket.
        await until_gone(conv.server, 2)
        await asyncio.gather(closer.gone(), other.gone())


@sides
async def test_a_peer_that_sends_for_ever_instead_of_answering_is_cut_off_at_the_lingering_time(side: str) -> None:
    async with proxied(lingering_timeout=0.2, lingering_time=0.6) as conv:
        closer, busy = conv.ends(side)
        closer.send(close(1000))
        assert await busy.recv_close() == (1000, "")
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not busy._writer.transport.is_closing() and loop.time() - began < 4:
            busy.send(text("and another thing"))
            await asyncio.sleep(0.02)
        assert 0.5 < loop.time() - began < 3
        await until_gone(conv.server, 2)
