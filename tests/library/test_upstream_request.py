"""What is asked of the upstream in the opening handshake: its headers, and its subprotocols (RFC 6455, section 4.1)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

import framegate
from tests.kit import heads, raw
from tests.kit.frames import Frame
from tests.kit.gateway import serving
from tests.kit.handlers import Handler, asked
from tests.kit.heads import KEY, Head


async def request_seen(extra: heads.Headers = (), target: str = "/", path: str = "", **connect: Any) -> Head:
    """The upstream's view of a client's request."""
    async with raw.raw_upstream() as origin, serving(Handler(origin.url + path, **connect)) as server:
        async with raw.connected(server.port, target, extra=extra):
            return (await origin.accepted()).head


async def test_the_upstream_is_asked_as_the_rfc_wants_it(loop_kind: str) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server, raw.connected(server.port):
        head = (await origin.accepted()).head
        assert head.start == "GET / HTTP/1.1"
        assert head.get("Host") == origin.authority
        assert (head.get("Upgrade") or "").lower() == "websocket"
        assert head.get("Connection") == "Upgrade"
        assert head.get("Sec-WebSocket-Version") == "13"
        key = head.get("Sec-WebSocket-Key") or ""
        assert key != KEY and len(base64.b64decode(key, validate=True)) == 16
        assert head.all("Sec-WebSocket-Protocol") == head.all("Sec-WebSocket-Extensions") == []
        assert head.all("Origin") == head.all("Content-Length") == []


async def test_each_upstream_gets_a_key_of_its_own() -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server:
        keys = set()
        for _ in range(10):
            async with raw.connected(server.port):
                keys.add((await origin.accepted()).head.get("Sec-WebSocket-Key"))
    assert len(keys) == 10


@pytest.mark.parametrize(
    ("path", "target"), [("", "/"), ("/", "/"), ("?a=1", "/?a=1"), ("/x/%2F?a=%20&b", "/x/%2F?a=%20&b")]
)
async def test_path_and_query_of_the_url_are_the_target(path: str, target: str) -> None:
    assert (await request_seen(path=path)).target == target


async def test_end_to_end_headers_are_forwarded_in_their_order(loop_kind: str) -> None:
    sent = [
        ("X-Custom", "1"),
        ("Cookie", "a=b; c=d"),
        ("Origin", "https://app.test"),
        ("Authorization", "Bearer t"),
        ("x-custom", "2"),
        ("User-Agent", "raw/1"),
        ("X-Latin", "\xe9"),
    ]
    head = await request_seen(sent)
    assert [value for _, value in head.headers if value in dict(map(reversed, sent))] == [value for _, value in sent]
    assert head.all("X-Custom") == ["1", "2"]


async def test_hop_by_hop_and_nominated_headers_are_not_forwarded() -> None:
    head = await request_seen(
        [
            ("Connection", "keep-alive, X-Nominated"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "keep-alive"),
            ("TE", "trailers"),
            ("Trailer", "X"),
            ("X-Nominated", "hop"),
            ("X-Kept", "kept"),
        ]
    )
    for name in ("Keep-Alive", "Proxy-Connection", "TE", "Trailer", "X-Nominated"):
        assert head.all(name) == [], name
    assert head.get("Connection") == "Upgrade"
    assert head.get("X-Kept") == "kept"


async def test_sec_websocket_headers_of_the_client_are_not_forwarded() -> None:
    head = await request_seen([("Sec-WebSocket-Accept", "x"), ("Sec-WebSocket-Anything", "x")])
    assert sorted(name.lower() for name, _ in head.headers if name.lower().startswith("sec-websocket")) == [
        "sec-websocket-key",
        "sec-websocket-version",
    ]


async def test_forwarded_headers_of_a_client_that_is_not_trusted_are_replaced(loop_kind: str) -> None:
    spoofed = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Host", "spoofed.test"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Port", "666"),
        ("Forwarded", "for=6.6.6.6;host=spoofed.test;proto=gopher"),
    ]
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server:
        async with raw.connected(server.port, extra=spoofed):
            head = (await origin.accepted()).head
    assert head.get("X-Forwarded-For") == "127.0.0.1"
    assert head.get("X-Forwarded-Host") == "gateway.test"
    assert head.get("X-Forwarded-Proto") in ("http", "ws")
    assert head.get("X-Forwarded-Port") == str(server.port)
    assert "for=" in (head.get("Forwarded") or "for=")
    assert not [value for _, value in head.headers if "6.6.6.6" in value or "spoofed" in value or "gopher" in value]


@pytest.mark.parametrize(
    "headers", [{"X-Set": "ours", "Origin": "https://ours.test"}, [("x-set", "ours"), ("origin", "https://ours.test")]]
)
async def test_headers_replace_forwarded_ones_of_the_same_name(headers: Any) -> None:
    head = await request_seen(
        [("X-Set", "theirs"), ("X-Set", "theirs too"), ("Origin", "https://theirs.test"), ("X-Kept", "k")],
        headers=headers,
    )
    assert (head.all("X-Set"), head.all("Origin"), head.all("X-Kept")) == (["ours"], ["https://ours.test"], ["k"])


async def test_headers_as_pairs_may_repeat_a_name() -> None:
    assert (await request_seen(headers=[("X-Set", "1"), ("X-Set", "2")])).all("X-Set") == ["1", "2"]


async def test_host_and_origin_can_be_set() -> None:
    head = await request_seen(
        [("Origin", "https://theirs.test")], host="inner.test:8443", http_origin="https://ours.test"
    )
    assert (head.get("Host"), head.get("Origin")) == ("inner.test:8443", "https://ours.test")


WRONG_ARGUMENTS: dict[str, dict[str, Any]] = {
    **{
        f"headers with {name}": {"headers": {name: "x"}}
        for name in ("Host", "host", "Connection", "Upgrade", "Sec-WebSocket-Key", "sec-websocket-anything")
    },
    "CR in a header's value": {"headers": {"X": "a\rb"}},
    "LF in a header's value": {"headers": {"X": "a\nb"}},
    "NUL in a header's value": {"headers": {"X": "a\x00b"}},
    "CR in a header's name": {"headers": {"X\r": "a"}},
    "LF in a header's name": {"headers": [("X\n", "a")]},
    "NUL in a header's name": {"headers": [("X\x00", "a")]},
    "LF in the host": {"host": "a\nb"},
    "CRLF in the origin": {"http_origin": "https://a\r\nX: y"},
    "NUL in the origin": {"http_origin": "https://a\x00"},
    "LF in a protocol": {"protocols": ["a\nb"]},
    "NUL in a protocol": {"protocols": ["a", "b\x00"]},
    "a URL with a fragment": {"url": "ws://127.0.0.1:1/#top"},
    "a URL with a space": {"url": "ws://127.0.0.1:1/a b"},
    "a URL with user information": {"url": "ws://user:pass@127.0.0.1:1/"},
    "a URL with a user": {"url": "ws://user@127.0.0.1:1/"},
    "a URL with CR": {"url": "ws://127.0.0.1:1/\r"},
    "a URL with LF": {"url": "ws://127.0.0.1:1/\nX: y"},
    "a URL with NUL": {"url": "ws://127.0.0.1:1/\x00"},
    "a URL of another scheme": {"url": "http://127.0.0.1:1/"},
    "a URL without a host": {"url": "ws:///path"},
    "a URL that is none": {"url": "127.0.0.1:1"},
    "a port that is none": {"url": "ws://127.0.0.1:99999/"},
}


@pytest.mark.parametrize("wrong", WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
async def test_what_could_not_be_sent_is_a_value_error(wrong: dict[str, Any]) -> None:
    wrong = dict(wrong)
    handler = Handler(wrong.pop("url", "ws://127.0.0.1:1/"), **wrong)
    async with serving(handler) as server:
        assert (await asked(server))[0].status == 500
    assert [type(failure) for failure in handler.failures] == [ValueError]
    assert str(handler.failures[0])


async def test_connect_client_adds_headers_and_refuses_the_same_ones(loop_kind: str) -> None:
    refused: list[str] = []

    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await proxy.connect_upstream(origin.url)
        for wrong in ({"Connection": "x"}, {"Sec-WebSocket-Accept": "x"}, {"X": "a\r\nb"}, {"Upgrade": "x"}):
            try:
                await proxy.connect_client(headers=wrong)
            except ValueError as error:
                refused.append(str(error))
        await proxy.connect_client(headers=[("X-Ours", "1"), ("X-Ours", "2"), ("X-Both", "ours")])
        await proxy.execute()

    script = raw.accept(extra=[("X-Both", "theirs")])
    async with raw.raw_upstream(script) as origin, serving(handler) as server, raw.connected(server.port) as client:
        assert client.head.all("X-Ours") == ["1", "2"]
        assert client.head.all("X-Both") == ["ours"]
    assert len(refused) == 4


async def test_without_compression_the_clients_offer_of_it_is_removed(loop_kind: str) -> None:
    offer = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]
    async with raw.raw_upstream() as origin, serving(Handler(origin.url, {"compression": "off"})) as server:
        async with raw.connected(server.port, extra=offer) as client:
            assert (await origin.accepted()).head.all("Sec-WebSocket-Extensions") == []
            assert client.head.all("Sec-WebSocket-Extensions") == []
            client.send(Frame(1, b"compressed?", True, 4))
            assert (await client.recv_close())[0] == 1002


# Subprotocols


@pytest.mark.parametrize("chosen", ["a", "b", None])
async def test_the_upstream_chooses_among_the_clients_subprotocols(chosen: str | None, loop_kind: str) -> None:
    async with (
        raw.raw_upstream(raw.accept(protocol=chosen)) as origin,
        serving(handler := Handler(origin.url)) as server,
    ):
        async with raw.connected(
            server.port, extra=[("Sec-WebSocket-Protocol", "a, b"), ("Sec-WebSocket-Protocol", "c")]
        ) as client:
            offered = ", ".join((await origin.accepted()).head.all("Sec-WebSocket-Protocol"))
            assert [name.strip() for name in offered.split(",")] == ["a", "b", "c"]
            assert client.head.get("Sec-WebSocket-Protocol") == chosen
            assert handler.responses[0].subprotocol == chosen


async def test_protocols_take_the_place_of_the_clients_offer() -> None:
    head = await request_seen([("Sec-WebSocket-Protocol", "theirs")], protocols=["x", "y"])
    assert [name.strip() for name in (head.get("Sec-WebSocket-Protocol") or "").split(",")] == ["x", "y"]


async def test_no_protocols_are_no_offer() -> None:
    head = await request_seen([("Sec-WebSocket-Protocol", "theirs")], protocols=[])
    assert head.all("Sec-WebSocket-Protocol") == []


@pytest.mark.parametrize(("own", "offered"), [({}, None), ({"subprotocol": "b"}, "b")], ids=["none", "one"])
async def test_a_client_first_offers_the_upstream_only_what_it_was_told(
    own: Any, offered: str | None, loop_kind: str
) -> None:
    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await proxy.connect_client(**own)
        await proxy.connect_upstream(origin.url)
        await proxy.execute()

    async with raw.raw_upstream(raw.accept(protocol=offered)) as origin, serving(handler) as server:
        async with raw.connected(server.port, extra=[("Sec-WebSocket-Protocol", "a, b")]) as client:
            assert client.head.get("Sec-WebSocket-Protocol") == offered
            assert (await origin.accepted()).head.get("Sec-WebSocket-Protocol") == offered
