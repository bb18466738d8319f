"""Frames cross the proxy as they are, on both loops."""

from __future__ import annotations

import asyncio
import logging
import os

import pytest

import framegate
from tests.kit import frames, raw
from tests.kit.frames import binary, close, cont, frame, ping, pong, text
from tests.kit.gateway import proxied, serving
from tests.kit.raw import RawPeer

pytestmark = pytest.mark.usefixtures("loop_kind")

SIZES = (0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20)


async def test_a_text_frame_is_echoed_and_no_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with proxied() as conv:
        conv.client.send(text("hello"))
        assert await conv.upstream.recv() == text("hello")
        conv.upstream.send(text("hello"))
        assert await conv.client.recv() == text("hello")
        conv.client.send(close(1000))
        conv.upstream.send(close(1000))
        await conv.finished()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_ping_is_forwarded_and_not_answered_by_the_proxy() -> None:
    async with proxied() as conv:
        conv.client.send(ping("are you there"))
        assert await conv.upstream.recv() == ping("are you there")
        await conv.client.silent()
        conv.upstream.send(pong("another payload"))
        assert await conv.client.recv() == pong("another payload")


async def test_a_binary_frame_keeps_its_type_and_its_bytes() -> None:
    payload = "žluťoučký kůň \U0001f40e".encode() + b"\xff\x00"
    async with proxied() as conv:
        conv.client.send(binary(payload))
        assert await conv.upstream.recv() == binary(payload)
        conv.upstream.send(binary(payload))
        assert await conv.client.recv() == binary(payload)


async def test_the_clients_close_frame_reaches_the_upstream_with_code_and_reason() -> None:
    async with proxied() as conv:
        conv.client.send(close(1000, "goodbye"))
        assert await conv.upstream.recv() == close(1000, "goodbye")


async def test_the_upstreams_close_frame_without_a_body_reaches_the_client_without_one() -> None:
    async with proxied() as conv:
        conv.upstream.send(close())
        assert await conv.client.recv() == close()
        conv.client.send(close())
        assert (await conv.finished()).upstream.close_received == (None, "")


async def test_handshake_with_client_before_upstream() -> None:
    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await proxy.connect_client()
        await proxy.connect_upstream(origin.url)
        await proxy.execute()

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port) as client:
        client.send(text("early bird"))
        upstream = await origin.accepted()
        assert await upstream.recv() == text("early bird")
        upstream.send(text("worm"))
        assert await client.recv() == text("worm")


@pytest.mark.parametrize("reads", ["a hook reads", "nothing reads"])
@pytest.mark.parametrize("size", SIZES)
async def test_payloads_at_the_edges_of_each_length_form(size: int, reads: str) -> None:
    payload = os.urandom(size)
    hook = (lambda origin, typ, payload, last, code: payload) if reads == "a hook reads" else None
    async with proxied(hook) as conv:
        for sender, receiver in ((conv.client, conv.upstream), (conv.upstream, conv.client)):
            sender.send(binary(payload))
            assert await receiver.recv() == binary(payload)


async def test_an_unchanged_frame_goes_out_as_the_very_bytes_that_came_in() -> None:
    octets = frame(frames.TEXT, b"same", mask=b"\x01\x02\x03\x04")
    async with proxied(lambda origin, typ, payload, last, code: payload) as conv:
        conv.client.send_raw(octets)
        assert (await conv.upstream.recv_wire()).octets == octets


async def test_changed_frames_get_masking_keys_of_their_own() -> None:
    def keyed(octets: bytes) -> bytes:
        return octets[2:6]

    async with proxied(lambda origin, typ, payload, last, code: payload + b"!") as conv:
        for _ in range(20):
            conv.client.send_raw(frame(frames.TEXT, b"same", mask=b"\x01\x02\x03\x04"))
        keys = {keyed((await conv.upstream.recv_wire()).octets) for _ in range(20)}
        assert len(keys) == 20 and b"\x01\x02\x03\x04" not in keys


@pytest.mark.parametrize("sender", ["client", "upstream"])
async def test_frames_that_come_byte_by_byte_arrive_whole(sender: str) -> None:
    async with proxied(aggregate_fragments=True) as conv:
        source: RawPeer = getattr(conv, sender)
        target = conv.upstream if source is conv.client else conv.client
        sent = [text("hé", fin=False), ping("p"), cont("llo", fin=True), binary(b"x" * 130), close(1000, "end")]
        for octet in b"".join(map(source.encode, sent)):
            source.send_raw(bytes([octet]))
            await asyncio.sleep(0)
        arrived = await target.recv_many(4)
        assert arrived == [ping("p"), text("héllo"), binary(b"x" * 130), close(1000, "end")]


@pytest.mark.parametrize("sender", ["client", "upstream"])
async def test_many_frames_of_one_write_keep_their_order(sender: str) -> None:
    async with proxied() as conv:
        source: RawPeer = getattr(conv, sender)
        target = conv.upstream if source is conv.client else conv.client
        source.send(*(binary(b"%d" % number) for number in range(2000)))
        assert [value.payload for value in await target.recv_many(2000)] == [b"%d" % number for number in range(2000)]


async def test_both_directions_flow_at_once() -> None:
    async with proxied(lambda origin, typ, payload, last, code: payload) as conv:
        numbers = [binary(b"%d" % number * 50) for number in range(500)]
        conv.client.send(*numbers)
        conv.upstream.send(*numbers)
        received = await asyncio.gather(conv.client.recv_many(500), conv.upstream.recv_many(500))
        assert received == [numbers, numbers]


async def test_sessions_do_not_mix() -> None:
    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await proxy.connect(origin.url + request.path)
        await proxy.execute()

    async def talk(name: str) -> None:
        async with raw.connected(server.port, f"/{name}") as client:
            for number in range(50):
                client.send(text(f"{name} {number}"))
                assert await client.recv() == text(f"/{name}: {name} {number}")

    async def named_echo(peer: RawPeer) -> None:
        await raw.accept()(peer)
        while (value := await peer.recv()).opcode == frames.TEXT:
            peer.send(text(f"{peer.head.target}: {value.payload.decode()}"))

    async with raw.raw_upstream(named_echo) as origin, serving(handler) as server:
        await asyncio.gather(*(talk(f"user{number}") for number in range(20)))


async def test_a_large_frame_streams_through_before_it_is_whole() -> None:
    async with proxied() as conv:
        conv.upstream.send_raw(frame(frames.BINARY, b"z" * 200_000, announced=1_000_000))
        head = await conv.client.recv_octets(10)
        assert head == b"\x82\x7f" + (1_000_000).to_bytes(8, "big")
        assert await conv.client.recv_octets(100_000) == b"z" * 100_000
        conv.upstream.send_raw(b"z" * 800_000)
        assert await conv.client.recv_octets(900_000) == b"z" * 900_000
