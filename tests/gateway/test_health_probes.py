"""One active check against real servers: what it asks, and what it makes of the answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from framegate.config.configuration import ActiveChecks
from framegate.gateway.upstreams.health import SUCCESS, Outcome
from framegate.gateway.upstreams.probes import probe
from framegate.gateway.upstreams.seat import Place
from tests.gateway.pools import unused
from tests.kit import frames, raw, tls
from tests.kit.frames import close, ping, pong, text
from tests.kit.heads import response
from tests.kit.raw import RawPeer, RawUpstream, Script

HEALTHY, UNHEALTHY = frozenset({200, 302}), frozenset({429, 404, *range(500, 506)})


def checks(type: str, **fields: Any) -> ActiveChecks:
    return ActiveChecks(type=type, healthy_statuses=HEALTHY, unhealthy_statuses=UNHEALTHY, **{"timeout": 5.0, **fields})


async def outcome(port: int, type: str, *, context: ssl.SSLContext | None = None, **fields: Any) -> Outcome | None:
    place = Place("127.0.0.1", port)
    return await probe(checks(type, **fields), place, host="chat.example", tls=context, server_name="localhost")


@asynccontextmanager
async def server(script: Script, **how: Any) -> AsyncIterator[RawUpstream]:
    async with raw.raw_upstream(script, **how) as upstream:
        yield upstream


def dead_port() -> int:
    return int(unused().rpartition(":")[2])


# TCP


async def test_a_port_that_takes_connections_is_well() -> None:
    async with server(raw.say_nothing) as upstream:
        assert await outcome(upstream.port, "tcp") == SUCCESS


@pytest.mark.parametrize("type", ["tcp", "http", "websocket"])
async def test_a_port_that_takes_none_is_a_failed_connection(type: str) -> None:
    found = await outcome(dead_port(), type)
    assert found is not None and found.kind == "tcp_failures"


# HTTP


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("200 OK", "successes"),
        ("302 Found", "successes"),
        ("500 Internal Server Error", "http_failures"),
        ("404 Not Found", "http_failures"),
    ],
)
async def test_the_status_tells(status: str, kind: str) -> None:
    async with server(raw.answer(response(status, b"body"))) as upstream:
        found = await outcome(upstream.port, "http")
        assert found is not None and found.kind == kind


async def test_other_statuses_tell_nothing() -> None:
    async with server(raw.answer(response("401 Unauthorized", b""))) as upstream:
        assert await outcome(upstream.port, "http") is None


async def test_interim_answers_are_skipped() -> None:
    octets = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + response("503 Service Unavailable", b"")
    async with server(raw.answer(octets)) as upstream:
        assert await outcome(upstream.port, "http") == Outcome("http_failures", "status 503")


async def test_the_request_has_path_host_and_headers() -> None:
    async with server(raw.answer(response("200 OK", b""))) as upstream:
        headers = (("X-Check", "one"), ("X-Check", "two"), ("User-Agent", "mine"))
        assert await outcome(upstream.port, "http", http_path="/health?full=1", headers=headers) == SUCCESS
        head = (await upstream.accepted()).head
        assert head.start == "GET /health?full=1 HTTP/1.1"
        assert (head.all("Host"), head.all("Connection")) == (["chat.example"], ["close"])
        assert (head.all("X-Check"), head.all("User-Agent")) == (["one", "two"], ["mine"])


async def test_a_host_of_ones_own_replaces_the_usual_one() -> None:
    async with server(raw.answer(response("200 OK", b""))) as upstream:
        assert await outcome(upstream.port, "http", headers=(("host", "other.example"),)) == SUCCESS
        assert (await upstream.accepted()).head.all("Host") == ["other.example"]


@pytest.mark.parametrize("octets", [b"SSH-2.0-OpenSSH_9\r\n", b"", b"HTTP/1.1 200 OK\r\nX-Cut: "])
async def test_what_is_no_http_is_a_failed_connection(octets: bytes) -> None:
    async with server(raw.answer(octets)) as upstream:
        found = await outcome(upstream.port, "http")
        assert found is not None and found.kind == "tcp_failures"


async def test_a_head_without_end_is_a_failed_connection() -> None:
    async with server(raw.answer(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * (1 << 17), ending="keep")) as upstream:
        found = await outcome(upstream.port, "http")
        assert found is not None and found.kind == "tcp_failures"


@pytest.mark.parametrize("type", ["http", "websocket"])
async def test_silence_is_a_time_out(type: str) -> None:
    async with server(raw.say_nothing) as upstream:
        found = await outcome(upstream.port, type, timeout=0.1)
        assert found == Outcome("timeouts", "no answer within 0.1 seconds")


# TLS


@pytest.mark.parametrize("type", ["https", "websockets"])
async def test_a_certificate_is_verified(type: str) -> None:
    script = well_behaved if type == "websockets" else raw.answer(response("200 OK", b""))
    for ca, kind in ((tls.authority(), "successes"), (tls.stranger(), "tcp_failures")):
        async with server(script, ssl=tls.server_context("localhost", ca=ca)) as upstream:
            found = await outcome(upstream.port, type, context=tls.client_context())
            assert found is not None and found.kind == kind


# WebSocket


async def well_behaved(peer: RawPeer) -> None:
    """Accept, greet, answer pings and a close frame."""
    await raw.accept()(peer)
    peer.send(text("hello"), ping("are you there?"))
    try:
        while (value := await peer.recv(60)).opcode != frames.CLOSE:
            if value.opcode == frames.PING:
                peer.send(pong(value.payload))
        peer.send(value)
    except (EOFError, OSError):
        pass
    peer.half_close()


async def test_a_ping_that_is_answered_and_a_clean_close_are_a_success() -> None:
    async with server(well_behaved) as upstream:
        headers = (("X-Check", "1"), ("Host", "other.example"))
        assert await outcome(upstream.port, "websocket", http_path="/chat", headers=headers) == SUCCESS
        head = (await upstream.accepted()).head
        assert head.start == "GET /chat HTTP/1.1"
        assert (head.all("X-Check"), head.all("Host")) == (["1"], ["other.example"])


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "503 Service Unavailable"])
async def test_a_refused_handshake_is_a_failure_whatever_its_status(status: str) -> None:
    async with server(raw.answer(response(status, b""))) as upstream:
        found = await outcome(upstream.port, "websocket")
        assert found is not None and found.kind == "http_failures"


async def test_a_101_with_the_wrong_key_is_a_failure() -> None:
    octets = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n"
    async with server(raw.answer(octets)) as upstream:
        found = await outcome(upstream.port, "websocket")
        assert found is not None and found.kind == "http_failures"


def after_the_101(octets: bytes, ending: str = "half_close") -> Script:
    async def script(peer: RawPeer) -> None:
        await raw.accept(then=octets)(peer)
        getattr(peer, ending)()

    return script


BROKEN = {
    "end": b"",
    "close frame": b"\x88\x02\x03\xf3",
    "broken frame": b"\x8b\x00",
    "masked frame": b"\x8a\x80\x00\x00\x00\x00",
    "another's pong": b"\x8a\x01x",
}


@pytest.mark.parametrize("octets", BROKEN.values(), ids=BROKEN)
async def test_a_session_that_breaks_is_a_failed_connection(octets: bytes) -> None:
    async with server(after_the_101(octets)) as upstream:
        found = await outcome(upstream.port, "websocket")
        assert found is not None and found.kind == "tcp_failures"


async def test_a_server_that_answers_no_ping_is_a_time_out() -> None:
    async with server(raw.accept()) as upstream:
        found = await outcome(upstream.port, "websocket", timeout=0.1)
        assert found is not None and found.kind == "timeouts"


async def test_a_server_that_does_not_answer_the_close_frame_is_a_time_out() -> None:
    async def script(peer: RawPeer) -> None:
        await raw.accept()(peer)
        peer.send(pong((await peer.recv()).payload))

    async with server(script) as upstream:
        found = await outcome(upstream.port, "websocket", timeout=0.2)
        assert found is not None and found.kind == "timeouts"


async def test_what_is_pushed_meanwhile_is_skipped_whatever_its_size() -> None:
    async def script(peer: RawPeer) -> None:
        await raw.accept()(peer)
        peer.send(text("x" * 300_000), text("a", fin=False), close(1000)._replace(opcode=frames.PONG, payload=b"no"))
        value = await peer.recv()
        peer.send(pong(value.payload))
        peer.send(await peer.recv())
        await asyncio.sleep(0)
        peer.half_close()

    async with server(script) as upstream:
        assert await outcome(upstream.port, "websocket") == SUCCESS
