"""The upstream's answer to the opening handshake: what is taken from it, and what not (RFC 6455, section 4.1)."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

import framegate
from tests.kit import heads, raw, tls
from tests.kit.frames import text
from tests.kit.gateway import serving
from tests.kit.handlers import Handler, asked
from tests.kit.heads import KEY, Head, accept_for, lines, switching, upgrade_request
from tests.kit.raw import RawPeer

OK = [("Upgrade", "websocket"), ("Connection", "Upgrade")]


async def test_connect_upstream_returns_the_answer(loop_kind: str) -> None:
    async with raw.raw_upstream(raw.accept(extra=[("X-From", "upstream")])) as origin:
        async with serving(handler := Handler(origin.url)) as server, raw.connected(server.port):
            response = handler.responses[0]
            assert (response.status, response.reason) == (101, "Switching Protocols")
            assert dict(response.headers).get("X-From") == "upstream"
            assert response.subprotocol is None


async def test_end_to_end_headers_of_the_101_go_to_the_client() -> None:
    extra = [
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Kept", "kept"),
        ("Keep-Alive", "timeout=5"),
        ("Sec-WebSocket-Other", "x"),
        ("X-Nominated", "hop"),
    ]
    script = raw.answer_with(
        lambda head: lines(
            "HTTP/1.1 101 Fine",
            [
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade, X-Nominated"),
                ("Sec-WebSocket-Accept", accept_for(head.get("Sec-WebSocket-Key") or "")),
                *extra,
            ],
        )
    )
    async with raw.raw_upstream(script) as origin, serving(Handler(origin.url)) as server:
        async with raw.connected(server.port) as client:
            head = client.head
    assert head.all("Set-Cookie") == ["a=1", "b=2"]
    assert head.get("X-Kept") == "kept"
    assert head.all("Keep-Alive") == head.all("X-Nominated") == head.all("Sec-WebSocket-Other") == []
    assert head.get("Sec-WebSocket-Accept") == accept_for(KEY)
    assert (head.get("Connection") or "").lower() == "upgrade"


async def test_frames_behind_the_101_reach_the_client(loop_kind: str) -> None:
    async with raw.raw_upstream(raw.accept(then=b"\x81\x05early\x81\x03too")) as origin:
        async with serving(Handler(origin.url)) as server, raw.connected(server.port) as client:
            assert await client.recv_many(2) == [text("early"), text("too")]


async def test_a_101_may_come_byte_by_byte(loop_kind: str) -> None:
    async def slowly(peer: RawPeer) -> None:
        for octet in switching(peer.head) + b"\x81\x01x":
            peer.send_raw(bytes([octet]))
            await asyncio.sleep(0)

    async with raw.raw_upstream(slowly) as origin, serving(Handler(origin.url)) as server:
        async with raw.connected(server.port) as client:
            assert await client.recv() == text("x")


async def test_interim_answers_are_skipped(loop_kind: str) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    script = raw.answer_with(lambda head: interim + switching(head))
    async with raw.raw_upstream(script) as origin, serving(Handler(origin.url)) as server:
        async with raw.connected(server.port) as client:
            assert client.head.all("Link") == []


async def test_endless_interim_answers_are_given_up() -> None:
    script = raw.answer_with(lambda head: b"HTTP/1.1 102 Processing\r\n\r\n" * 2000 + switching(head))
    async with raw.raw_upstream(script) as origin, serving(Handler(origin.url)) as server:
        assert (await asked(server))[0].status == 502


REFUSALS: dict[str, tuple[bytes, int, bytes]] = {
    "403 with a body": (heads.response("403 Forbidden", b"not you"), 403, b"not you"),
    "404 without a body": (heads.response("404 Not Found"), 404, b""),
    "401 in chunks": (
        lines("HTTP/1.1 401 Unauthorized", [("Transfer-Encoding", "chunked")])
        + b"4\r\nlog \r\n2;x=y\r\nin\r\n0\r\n\r\n",
        401,
        b"log in",
    ),
    "503 up to the end of the stream": (lines("HTTP/1.1 503 Busy", []) + b"later", 503, b"later"),
    "302": (heads.response("302 Found", b"", [("Location", "http://elsewhere.test/")]), 302, b""),
    "304 has no body": (lines("HTTP/1.1 304 Not Modified", [("Content-Length", "5")]), 304, b""),
    "HTTP/1.0": (b"HTTP/1.0 403 Forbidden\r\n\r\nold", 403, b"old"),
    "no reason": (b"HTTP/1.1 418\r\nContent-Length: 3\r\n\r\ntea", 418, b"tea"),
    "a connection kept open": (heads.response("426 Upgrade Required", b"really"), 426, b"really"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_is_relayed_with_status_headers_and_body(name: str, loop_kind: str) -> None:
    octets, status, body = REFUSALS[name]
    ending = "keep" if "open" in name else "close"
    extra = b"\r\nX-Why: told\r\nKeep-Alive: timeout=9\r\nSet-Cookie: a=b\r\n"
    octets = octets.replace(b"\r\n", extra, 1)
    async with raw.raw_upstream(raw.answer(octets, ending=ending)) as origin:
        async with serving(handler := Handler(origin.url)) as server:
            head, received = await asked(server)
    assert (head.status, received) == (status, body)
    assert head.get("X-Why") == "told" and head.get("Set-Cookie") == "a=b"
    assert head.all("Keep-Alive") == head.all("Transfer-Encoding") == []
    assert "close" in (head.get("Connection") or "")
    if status != 304:
        assert head.get("Content-Length") == str(len(body))
    failure = handler.failures[0]
    assert isinstance(failure, framegate.HandshakeRefused)
    assert (failure.status, failure.body) == (status, body)
    assert ("X-Why", "told") in [tuple(pair) for pair in failure.headers]


async def test_challenges_and_locations_pass() -> None:
    octets = heads.response("401 Unauthorized", b"", [("WWW-Authenticate", "Basic"), ("Location", "/login")])
    async with raw.raw_upstream(raw.answer(octets)) as origin, serving(Handler(origin.url)) as server:
        head, _ = await asked(server)
        assert (head.get("WWW-Authenticate"), head.get("Location")) == ("Basic", "/login")
        assert origin.connections == 1


@pytest.mark.parametrize(("options", "most"), [({}, 65536), ({"max_refusal_body": 10}, 10)], ids=["default", "10"])
@pytest.mark.parametrize("coding", ["length", "chunked"])
async def test_a_refusals_body_is_cut_and_its_length_recomputed(options: Any, most: int, coding: str) -> None:
    for size in (most, most + 1, most * 3):
        body = b"x" * size
        octets = (
            heads.response("403 Forbidden", body)
            if coding == "length"
            else lines("HTTP/1.1 403 Forbidden", [("Transfer-Encoding", "chunked")])
            + b"%x\r\n%s\r\n0\r\n\r\n" % (size, body)
        )
        async with raw.raw_upstream(raw.answer(octets)) as origin, serving(Handler(origin.url, options)) as server:
            head, received = await asked(server)
            assert received == body[:most]
            assert (head.status, head.get("Content-Length")) == (403, str(most))


BAD_ANSWERS: dict[str, Any] = {
    "another accept": lambda head: switching(head, accept=accept_for(KEY)),
    "no accept": lambda head: lines("HTTP/1.1 101 OK", OK),
    "an empty accept": lambda head: switching(head, accept=""),
    "a doubled accept": lambda head: switching(head, extra=[("Sec-WebSocket-Accept", _accept(head))]),
    "two accepts, one of them wrong": lambda head: switching(head, extra=[("Sec-WebSocket-Accept", "x")]),
    "no Upgrade": lambda head: lines("HTTP/1.1 101 OK", [OK[1], ("Sec-WebSocket-Accept", _accept(head))]),
    "another Upgrade": lambda head: lines(
        "HTTP/1.1 101 OK", [("Upgrade", "h2c"), OK[1], ("Sec-WebSocket-Accept", _accept(head))]
    ),
    "no Connection": lambda head: lines("HTTP/1.1 101 OK", [OK[0], ("Sec-WebSocket-Accept", _accept(head))]),
    "another Connection": lambda head: lines(
        "HTTP/1.1 101 OK", [OK[0], ("Connection", "close"), ("Sec-WebSocket-Accept", _accept(head))]
    ),
    "a subprotocol that was not offered": lambda head: switching(head, protocol="superchat"),
    "a subprotocol in another case": lambda head: switching(head, protocol="CHAT"),
    "two subprotocols": lambda head: switching(head, protocol="chat, other"),
    "a doubled subprotocol": lambda head: switching(head, protocol="chat", extra=[("Sec-WebSocket-Protocol", "chat")]),
    "an extension that was not offered": lambda head: switching(
        head, extra=[("Sec-WebSocket-Extensions", "x-unheard-of")]
    ),
    "200": lambda head: heads.response("200 OK", b"hello"),
    "204": lambda head: lines("HTTP/1.1 204 No Content", []),
    "no HTTP": lambda head: b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "HTTP/2": lambda head: b"HTTP/2 101 OK\r\n\r\n",
    "an end before the answer": lambda head: b"",
    "an end in the answer": lambda head: switching(head)[:-2],
    "a folded line": lambda head: switching(head, extra=[("X", "a\r\n b")]),
    "an endless head": lambda head: b"HTTP/1.1 101 OK\r\n" + b"X: y\r\n" * 100_000,
}


def _accept(head: Head) -> str:
    return accept_for(head.get("Sec-WebSocket-Key") or "")


@pytest.mark.parametrize("make", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_an_answer_that_is_no_right_101_is_502(make: Any, loop_kind: str) -> None:
    async def script(peer: RawPeer) -> None:
        peer.send_raw(make(peer.head))
        peer.close()

    async with raw.raw_upstream(script) as origin, serving(handler := Handler(origin.url)) as server:
        head, body = await asked(server, upgrade_request(extra=[("Sec-WebSocket-Protocol", "chat, other")]))
    assert head.status == 502
    assert b"Traceback" not in body
    assert isinstance(handler.failures[0], framegate.UpstreamUnavailable)
    assert not handler.failures[0].timed_out


async def test_an_answer_of_99_kib_without_an_end_is_given_up_before_the_time_out() -> None:
    script = raw.answer(b"HTTP/1.1 101 OK\r\nX: " + b"y" * 99 * 1024, ending="keep")
    async with raw.raw_upstream(script) as origin, serving(Handler(origin.url, {"connect_timeout": 60})) as server:
        assert (await asked(server))[0].status == 502


async def test_a_reset_instead_of_an_answer_is_502(loop_kind: str) -> None:
    async with (
        raw.raw_upstream(raw.answer(b"", ending="reset")) as origin,
        serving(handler := Handler(origin.url)) as server,
    ):
        assert (await asked(server))[0].status == 502
    assert isinstance(handler.failures[0], framegate.UpstreamUnavailable)
    assert handler.failures[0].__cause__ is not None


async def test_an_upstream_that_is_not_there_is_502_with_its_cause(loop_kind: str) -> None:
    async with raw.raw_upstream() as origin:
        url = origin.url
    async with serving(handler := Handler(url)) as server:
        assert (await asked(server))[0].status == 502
    failure = handler.failures[0]
    assert isinstance(failure, framegate.UpstreamUnavailable) and not failure.timed_out
    assert isinstance(failure.__cause__, OSError)


async def test_an_upstream_that_does_not_answer_in_time_is_504(loop_kind: str) -> None:
    async with raw.raw_upstream(raw.say_nothing) as origin:
        async with serving(handler := Handler(origin.url, {"connect_timeout": 0.2})) as server:
            assert (await asked(server))[0].status == 504
            await (await origin.accepted()).gone()
    failure = handler.failures[0]
    assert isinstance(failure, framegate.UpstreamUnavailable) and failure.timed_out


async def test_a_tls_handshake_that_is_not_answered_is_504() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with listener:
        url = f"wss://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with serving(Handler(url, {"connect_timeout": 0.3}, ssl=tls.client_context())) as server:
            assert (await asked(server))[0].status == 504


async def test_tls_to_a_plain_port_is_502() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(heads.response("400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as listener:
        url = f"wss://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with serving(handler := Handler(url, ssl=tls.client_context())) as server:
            assert (await asked(server))[0].status == 502
    assert isinstance(handler.failures[0], framegate.UpstreamUnavailable)
    assert isinstance(handler.failures[0].__cause__, ssl.SSLError)


async def test_a_slow_answer_within_the_time_out_is_waited_for(loop_kind: str) -> None:
    async def slow(peer: RawPeer) -> None:
        await asyncio.sleep(0.3)
        await raw.accept()(peer)

    async with raw.raw_upstream(slow) as origin, serving(Handler(origin.url, {"connect_timeout": 5})) as server:
        async with raw.connected(server.port):
            pass


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_client_that_leaves_before_its_101_cancels_the_dial(end: str, loop_kind: str) -> None:
    async with raw.raw_upstream(raw.say_nothing) as origin, serving(handler := Handler(origin.url)) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(upgrade_request())
            upstream = await origin.accepted()
            getattr(client, end)()
            await upstream.gone()
        async with asyncio.timeout(5):
            while not handler.failures:
                await asyncio.sleep(0.01)
        assert len(server.sessions) == 0


async def test_a_handler_may_go_on_after_a_failed_upstream(loop_kind: str) -> None:
    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        try:
            await proxy.connect_upstream(refusing.url)
        except framegate.HandshakeRefused:
            await proxy.connect_upstream(origin.url)
        await proxy.connect_client()
        await proxy.execute()

    async with raw.raw_upstream(raw.answer(heads.response("503 Busy"))) as refusing, raw.raw_upstream() as origin:
        async with serving(handler) as server, raw.connected(server.port) as client:
            client.send(text("second choice"))
            assert await (await origin.accepted()).recv() == text("second choice")


async def test_an_upstream_that_is_connected_gets_1001_when_the_client_is_not_let_in(loop_kind: str) -> None:
    async def handler(request: framegate.Request) -> None:
        await framegate.Proxy(request).connect_upstream(origin.url)
        raise RuntimeError("changed my mind")

    async with raw.raw_upstream() as origin, serving(handler) as server:
        assert (await asked(server))[0].status == 500
        assert await (await origin.accepted()).recv_close() == (1001, "")


async def test_an_upstream_that_is_connected_gets_1001_when_the_client_is_rejected() -> None:
    async def handler(request: framegate.Request) -> None:
        await framegate.Proxy(request).connect_upstream(origin.url)
        await request.reject(403, b"no")

    async with raw.raw_upstream() as origin, serving(handler) as server:
        assert (await asked(server))[0].status == 403
        assert await (await origin.accepted()).recv_close() == (1001, "")


async def test_an_ipv6_upstream_has_its_host_in_brackets() -> None:
    listener = None
    heads_seen: list[Head] = []

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = RawPeer(reader, writer, is_client=False)
        heads_seen.append(await peer.recv_head())
        peer.send_raw(switching(peer.head))
        await peer.gone()
        await peer.release()

    try:
        listener = await asyncio.start_server(serve_one, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = listener.sockets[0].getsockname()[1]
    async with listener, serving(Handler(f"ws://[::1]:{port}")) as server:
        async with raw.connected(server.port):
            assert heads_seen[0].get("Host") == f"[::1]:{port}"
