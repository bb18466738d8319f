"""The two opening handshakes: what is negotiated, and what a client is answered instead of a 101."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.kit import heads, raw
from tests.kit.frames import text
from tests.kit.heads import response, switching
from tests.kit.raw import Script
from tests.kit.served import Served, plugin, served

JSON = "application/json; charset=utf-8"
UNAVAILABLE = {"message": "the upstream server is not available"}


def offering(*protocols: str) -> heads.Headers:
    return [("Sec-WebSocket-Protocol", ", ".join(protocols))]


async def unavailable(gate: Served, status: int) -> None:
    """A client is told that there is no upstream."""
    head, body = await gate.asked()
    assert (head.status, head.get("Content-Type"), json.loads(body)) == (status, JSON, UNAVAILABLE)
    assert head.get("Connection") == "close"


def unused_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
    return port


# Subprotocols


async def test_the_upstream_chooses_among_the_clients_subprotocols(tmp_path: Path) -> None:
    async with served(tmp_path, script=raw.accept(protocol="v2")) as gate:
        async with gate.talk(extra=offering("v1", "v2")) as talk:
            assert talk.upstream.head.get("Sec-WebSocket-Protocol") == "v1, v2"
            assert talk.client.head.get("Sec-WebSocket-Protocol") == "v2"


async def test_an_upstream_that_chooses_none_leaves_the_client_without(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        async with gate.talk(extra=offering("v1")) as talk:
            assert talk.client.head.get("Sec-WebSocket-Protocol") is None


async def test_a_subprotocol_that_was_not_offered_is_no_handshake(tmp_path: Path) -> None:
    async with served(tmp_path, script=raw.accept(protocol="v3")) as gate:
        head, _ = await gate.asked(extra=offering("v1"))
        assert head.status == 502


# The 101


async def test_headers_of_the_upstreams_101_reach_the_client(tmp_path: Path) -> None:
    extra = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Room", "lobby"), ("Keep-Alive", "timeout=5")]
    async with served(tmp_path, script=raw.accept(extra=extra)) as gate:
        async with gate.talk() as talk:
            head = talk.client.head
            assert (head.all("Set-Cookie"), head.get("X-Room")) == (["a=1", "b=2"], "lobby")
            assert head.get("Keep-Alive") is None
            assert head.get("Sec-WebSocket-Accept") == heads.accept_for(heads.KEY)


async def test_what_the_upstream_says_behind_its_101_reaches_the_client(tmp_path: Path) -> None:
    async with served(tmp_path, script=raw.accept(then=b"\x81\x05hello")) as gate:
        async with gate.talk() as talk:
            assert await talk.client.recv() == text("hello")


# Refusals of the upstream


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "503 Service Unavailable", "302 Found"])
async def test_a_refusal_of_the_upstream_is_relayed(status: str, tmp_path: Path) -> None:
    fields = [("X-Reason", "closed"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Content-Type", "text/html")]
    async with served(tmp_path, script=raw.answer(response(status, b"<p>no</p>", fields))) as gate:
        head, body = await gate.asked()
        assert (str(head.status), body) == (status.partition(" ")[0], b"<p>no</p>")
        assert (head.get("X-Reason"), head.get("Content-Type")) == ("closed", "text/html")
        assert head.all("Set-Cookie") == ["a=1", "b=2"]
        assert (head.get("Content-Length"), head.get("Connection")) == ("9", "close")


async def test_the_upstreams_own_reason_phrase_is_relayed(tmp_path: Path) -> None:
    async with served(tmp_path, script=raw.answer(response("403 Not Today", b"no"))) as gate:
        head, body = await gate.asked()
        assert (head.status, head.reason, body) == (403, "Not Today", b"no")


async def test_a_chunked_refusal_is_relayed_whole(tmp_path: Path) -> None:
    octets = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno \r\n4\r\nmore\r\n0\r\n\r\n"
    async with served(tmp_path, script=raw.answer(octets)) as gate:
        head, body = await gate.asked()
        assert (head.status, body) == (403, b"no more")
        assert (head.get("Content-Length"), head.get("Transfer-Encoding")) == ("7", None)


async def test_a_long_refusal_is_cut_at_the_option(tmp_path: Path) -> None:
    refusal = raw.answer(response("403 Forbidden", b"x" * 5000))
    async with served(tmp_path, script=refusal, gateway={"options": {"max_refusal_body": 1000}}) as gate:
        head, body = await gate.asked()
        assert (head.status, head.get("Content-Length"), len(body)) == (403, "1000", 1000)


async def test_a_plugin_may_add_to_a_refusal_of_the_upstream(tmp_path: Path) -> None:
    adding = plugin(ws_handshake="kong.response.set_header('X-Gate', 'north')")
    async with served(tmp_path, {"adding": adding}, script=raw.answer(response("403 Forbidden", b"no"))) as gate:
        head, body = await gate.asked()
        assert (head.status, head.get("X-Gate"), body) == (403, "north", b"no")


# Upstreams that are not there


async def test_an_upstream_that_is_down_is_502(tmp_path: Path) -> None:
    async with served(tmp_path, service={"port": unused_port()}) as gate:
        await unavailable(gate, 502)


SPOILT: dict[str, Script] = {
    "another accept": raw.accept(accept="bm8="),
    "an extension": raw.accept(extra=[("Sec-WebSocket-Extensions", "permessage-deflate")]),
    "200": raw.answer(response("200 OK", b"hello")),
    "no HTTP": raw.answer(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "nothing": raw.answer(b""),
    "a reset": raw.answer(b"", ending="reset"),
    "two accepts": raw.answer_with(lambda head: switching(head, extra=[("Sec-WebSocket-Accept", "x")])),
}


@pytest.mark.parametrize("script", SPOILT.values(), ids=SPOILT)
async def test_an_answer_that_is_no_handshake_is_502(script: Script, tmp_path: Path) -> None:
    async with served(tmp_path, script=script) as gate:
        await unavailable(gate, 502)


async def test_an_upstream_that_is_too_slow_is_504(tmp_path: Path) -> None:
    async with served(tmp_path, script=raw.say_nothing, service={"connect_timeout": 100}) as gate:
        await unavailable(gate, 504)


async def test_the_time_for_connecting_may_be_an_option_of_the_gateway(tmp_path: Path) -> None:
    async with served(tmp_path, script=raw.say_nothing, gateway={"options": {"connect_timeout": 100}}) as gate:
        await unavailable(gate, 504)


# Requests that are no handshake


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "a plain request": ({"replace": {"Upgrade": None, "Connection": None, "Sec-WebSocket-Version": None}}, 426),
    "another version": ({"replace": {"Sec-WebSocket-Version": "8"}}, 426),
    "no key": ({"replace": {"Sec-WebSocket-Key": None}}, 400),
    "a short key": ({"replace": {"Sec-WebSocket-Key": "c2hvcnQ="}}, 400),
    "no Connection": ({"replace": {"Connection": None}}, 400),
    "no Host": ({"replace": {"Host": None}}, 400),
    "two Hosts": ({"replace": {"Host": ["a", "b"]}}, 400),
    "a body": ({"extra": [("Content-Length", "3")]}, 400),
    "an absolute target": ({"target": "http://gateway.test/"}, 400),
    "POST": ({"start": "POST / HTTP/1.1"}, 405),
    "HTTP/1.0": ({"start": "GET / HTTP/1.0"}, 505),
}


@pytest.mark.parametrize(("how", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_handshake_is_refused(how: dict[str, Any], status: int, tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        head, _ = await gate.asked(**how)
        assert (head.status, head.get("Connection")) == (status, "Upgrade, close" if status == 426 else "close")
        if status == 426:
            assert (head.get("Upgrade"), head.get("Sec-WebSocket-Version")) == ("websocket", "13")
        assert gate.origin.connections == 0
        await gate.serves_on()


# Clients that leave


async def test_a_client_that_leaves_before_its_101_cancels_the_dial(tmp_path: Path) -> None:
    closing_note = plugin(ws_close="note('closed')")
    async with served(tmp_path, {"closing": closing_note}, script=raw.say_nothing) as gate:
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request())
            upstream = await gate.origin.accepted()
            client.close()
            await upstream.gone()
        await gate.idle()
        assert gate.notes == []


async def test_a_client_that_leaves_while_a_plugin_thinks_reaches_no_upstream(tmp_path: Path) -> None:
    thinking = plugin(ws_handshake="note('thinking'); await asyncio.sleep(0.1); note('done')")
    async with served(tmp_path, {"thinking": thinking}) as gate:
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request())
            await gate.notes_come(1)
            client.reset()
        await gate.idle()
        assert gate.notes == ["thinking", "done"]
        with pytest.raises(TimeoutError):
            await gate.origin.accepted(patience=0.1)
