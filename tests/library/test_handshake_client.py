"""The client's half of the opening handshake (RFC 6455, section 4.2): who is let in, and how others are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import framegate
from tests.kit import heads, raw, tls
from tests.kit.frames import Frame, binary, text
from tests.kit.gateway import serving
from tests.kit.handlers import Handler
from tests.kit.heads import KEY, Head, accept_for, upgrade_request
from tests.kit.raw import RawPeer


async def refused(client: RawPeer, octets: bytes, status: int) -> Head:
    """The request is answered with this status, and the connection ends."""
    client.send_raw(octets)
    head = await client.recv_head()
    assert head.status == status, head.start
    assert head.start.startswith("HTTP/1.1 ") and head.reason
    assert "close" in [token.strip().lower() for token in (head.get("Connection") or "").split(",")]
    length = head.get("Content-Length")
    body = await client.rest()
    assert length is not None and len(body) == int(length)
    return head


REFUSALS: dict[str, tuple[bytes, int]] = {
    "POST": (upgrade_request(start="POST / HTTP/1.1"), 405),
    "HEAD": (upgrade_request(start="HEAD / HTTP/1.1"), 405),
    "OPTIONS": (upgrade_request(start="OPTIONS / HTTP/1.1"), 405),
    "a method in lower case": (upgrade_request(start="get / HTTP/1.1"), 405),
    "a POST that is no WebSocket request": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
    "HTTP/1.0": (upgrade_request(start="GET / HTTP/1.0"), 505),
    "HTTP/1.2": (upgrade_request(start="GET / HTTP/1.2"), 505),
    "HTTP/3.0": (upgrade_request(start="GET / HTTP/3.0"), 505),
    "no Upgrade": (upgrade_request(replace={"Upgrade": None}), 426),
    "another Upgrade": (upgrade_request(replace={"Upgrade": "h2c"}), 426),
    "no version": (upgrade_request(replace={"Sec-WebSocket-Version": None}), 426),
    "version 8": (upgrade_request(replace={"Sec-WebSocket-Version": "8"}), 426),
    "version 14": (upgrade_request(replace={"Sec-WebSocket-Version": "14"}), 426),
    "version 013": (upgrade_request(replace={"Sec-WebSocket-Version": "013"}), 426),
    "an ordinary GET": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
    "no Connection": (upgrade_request(replace={"Connection": None}), 400),
    "another Connection": (upgrade_request(replace={"Connection": "keep-alive"}), 400),
    "no key": (upgrade_request(replace={"Sec-WebSocket-Key": None}), 400),
    "an empty key": (upgrade_request(replace={"Sec-WebSocket-Key": ""}), 400),
    "a key of 15 bytes": (upgrade_request(replace={"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA"}), 400),
    "a key of 17 bytes": (upgrade_request(replace={"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA="}), 400),
    "a key that is no base64": (upgrade_request(replace={"Sec-WebSocket-Key": "????????????????????????"}), 400),
    "two keys": (upgrade_request(replace={"Sec-WebSocket-Key": [KEY, KEY]}), 400),
    "a body": (upgrade_request(extra=[("Content-Length", "5")]) + b"hello", 400),
    "a length that is no number": (upgrade_request(extra=[("Content-Length", "abc")]), 400),
    "two lengths": (upgrade_request(extra=[("Content-Length", "0"), ("Content-Length", "5")]), 400),
    "a transfer coding": (upgrade_request(extra=[("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n", 400),
    "a folded line": (upgrade_request(extra=[("X-Folded", "a\r\n b")]), 400),
    "a line folded with a tab": (upgrade_request(extra=[("X-Folded", "a\r\n\tb")]), 400),
    "NUL in a value": (upgrade_request(extra=[("X-Bad", "a\x00b")]), 400),
    "a control character in a value": (upgrade_request(extra=[("X-Bad", "a\x07b")]), 400),
    "DEL in a value": (upgrade_request(extra=[("X-Bad", "a\x7fb")]), 400),
    "CR in a value": (upgrade_request(extra=[("X-Bad", "a\rb")]), 400),
    "no Host": (upgrade_request(replace={"Host": None}), 400),
    "two Hosts": (upgrade_request(replace={"Host": ["a", "a"]}), 400),
    "an absolute-form target": (upgrade_request(start="GET ws://gateway.test/ HTTP/1.1"), 400),
    "an absolute-form http target": (upgrade_request(start="GET http://gateway.test/ HTTP/1.1"), 400),
    "an authority-form target": (upgrade_request(start="GET gateway.test:80 HTTP/1.1"), 400),
    "an asterisk": (upgrade_request(start="GET * HTTP/1.1"), 400),
    "a space before the colon": (upgrade_request(extra=[("X-Bad ", "x")]), 400),
    "a line without a colon": (b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400),
    "an empty field name": (upgrade_request(extra=[("", "x")]), 400),
    "a request line of two words": (upgrade_request(start="GET /"), 400),
    "a request line of four words": (upgrade_request(start="GET / / HTTP/1.1"), 400),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20) + b"\r\n\r\n", 400),
}


@pytest.mark.parametrize(("octets", "status"), REFUSALS.values(), ids=REFUSALS)
async def test_a_request_that_is_not_served_is_refused_with_its_status(octets: bytes, status: int) -> None:
    handler = Handler()
    async with serving(handler) as server, raw.dialled(server.port) as client:
        head = await refused(client, octets, status)
        if status == 405:
            assert head.get("Allow") == "GET"
        if status == 426:
            assert (head.get("Upgrade") or "").lower() == "websocket"
            assert head.get("Sec-WebSocket-Version") == "13"
            assert {token.strip().lower() for token in (head.get("Connection") or "").split(",")} == {
                "upgrade",
                "close",
            }
    assert handler.requests == []


ACCEPTED: dict[str, bytes] = {
    "as the RFC writes it": upgrade_request(),
    "names and values in any case": upgrade_request(
        replace={"Upgrade": None, "Connection": None}, extra=[("UPGRADE", "WebSocket"), ("connection", "uPGRADE")]
    ),
    "Upgrade among other options": upgrade_request(replace={"Connection": "keep-alive, Upgrade"}),
    "Connection in two lines": upgrade_request(replace={"Connection": ["keep-alive", "Upgrade"]}),
    "websocket among other protocols": upgrade_request(replace={"Upgrade": "h2c, websocket"}),
    "Content-Length: 0": upgrade_request(extra=[("Content-Length", "0")]),
    "a tab in a value": upgrade_request(extra=[("X-Tab", "a\tb")]),
    "bytes above ASCII in a value": upgrade_request(extra=[("X-Latin", "\xe9")]),
    "no blank behind the colon": upgrade_request().replace(b": ", b":"),
    "blanks around a value": upgrade_request(extra=[("X-Blank", "  \t x \t ")]),
}


@pytest.mark.parametrize("octets", ACCEPTED.values(), ids=ACCEPTED)
async def test_a_request_that_is_served_gets_the_101_that_belongs_to_its_key(octets: bytes, loop_kind: str) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server:
        async with raw.connected(server.port, request=octets) as client:
            assert client.head.start == "HTTP/1.1 101 Switching Protocols"
            assert client.head.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" == accept_for(KEY)
            assert (client.head.get("Upgrade") or "").lower() == "websocket"
            assert (client.head.get("Connection") or "").lower() == "upgrade"
            assert client.head.all("Sec-WebSocket-Extensions") == client.head.all("Sec-WebSocket-Protocol") == []
            client.send(text("in"))
            assert await (await origin.accepted()).recv() == text("in")


async def test_the_handler_is_told_what_was_requested(loop_kind: str) -> None:
    async with raw.raw_upstream() as origin, serving(handler := Handler(origin.url)) as server:
        request = upgrade_request(
            "/a%2Fb/c?x=1&y=%20",
            extra=[("X-Two", "1"), ("x-two", "2"), ("Sec-WebSocket-Protocol", "chat, superchat"), ("Cookie", "a=b")],
        )
        async with raw.connected(server.port, request=request):
            seen = handler.requests[0]
            assert (seen.method, seen.path, seen.query) == ("GET", "/a%2Fb/c", "x=1&y=%20")
            assert seen.headers["COOKIE"] == "a=b"
            assert seen.headers.getall("X-TWO") == ["1", "2"]
            assert list(seen.subprotocols) == ["chat", "superchat"]
            assert seen.client[0] == "127.0.0.1"
            assert seen.tls is None
            assert "1.1" in str(seen.http_version)


async def test_a_request_may_come_byte_by_byte(loop_kind: str) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server, raw.dialled(server.port) as client:
        for octet in upgrade_request():
            client.send_raw(bytes([octet]))
            await asyncio.sleep(0)
        assert (await client.recv_head()).status == 101


async def test_a_request_that_does_not_get_finished_is_408(loop_kind: str) -> None:
    async with serving(Handler(), handshake_timeout=0.25) as server:
        for start in (b"", b"GET", upgrade_request()[:-2]):
            async with raw.dialled(server.port) as client:
                await refused(client, start, 408)


async def test_trickling_bytes_do_not_prolong_the_handshake_timeout() -> None:
    async with serving(Handler(), handshake_timeout=0.3) as server, raw.dialled(server.port) as client:

        async def trickle() -> None:
            for octet in b"GET /" + b"x" * 2000:
                client.send_raw(bytes([octet]))
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        try:
            assert (await client.recv_head()).status == 408
        finally:
            trickling.cancel()


async def test_the_handshake_timeout_is_over_once_the_request_is_in(loop_kind: str) -> None:
    async def slow(peer: RawPeer) -> None:
        await asyncio.sleep(0.5)
        await raw.accept()(peer)

    async with raw.raw_upstream(slow) as origin, serving(Handler(origin.url), handshake_timeout=0.2) as server:
        async with raw.connected(server.port) as client:
            await client.silent(0.3)
            client.send(text("late"))
            assert await (await origin.accepted()).recv() == text("late")


def line_of(length: int) -> bytes:
    """A request line of so many bytes, without its line end."""
    return b"GET /" + b"x" * (length - len(b"GET / HTTP/1.1")) + b" HTTP/1.1"


@pytest.mark.parametrize(("limits", "most"), [({}, 8192), ({"max_request_line": 100}, 100)], ids=["default", "100"])
async def test_a_request_line_of_exactly_the_limit_passes_and_one_more_is_414(limits: Any, most: int) -> None:
    rest = upgrade_request().partition(b"\r\n")[2]
    async with raw.raw_upstream() as origin, serving(Handler(origin.url), **limits) as server:
        async with raw.connected(server.port, request=line_of(most) + b"\r\n" + rest):
            pass
        async with raw.dialled(server.port) as client:
            await refused(client, line_of(most + 1) + b"\r\n" + rest, 414)


async def test_an_endless_request_line_is_refused_before_it_ends() -> None:
    async with serving(Handler(), max_request_line=1000) as server, raw.dialled(server.port) as client:
        await refused(client, b"GET /" + b"x" * 5000, 414)


@pytest.mark.parametrize(("limits", "most"), [({}, 65536), ({"max_header_bytes": 500}, 500)], ids=["default", "500"])
async def test_headers_over_max_header_bytes_are_431(limits: Any, most: int) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url), **limits) as server:
        own = len(upgrade_request()) - len("GET / HTTP/1.1\r\n")
        async with raw.connected(server.port, extra=[("X-Pad", "x" * (most - own - 40))]):
            pass
        async with raw.dialled(server.port) as client:
            await refused(client, upgrade_request(extra=[("X-Pad", "x" * most)]), 431)


@pytest.mark.parametrize(("limits", "most"), [({}, 128), ({"max_headers": 10}, 10)], ids=["default", "10"])
async def test_exactly_max_headers_pass_and_one_more_is_431(limits: Any, most: int) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url), **limits) as server:
        async with raw.connected(server.port, extra=[("X", "x")] * (most - 5)):
            pass
        async with raw.dialled(server.port) as client:
            await refused(client, upgrade_request(extra=[("X", "x")] * (most - 4)), 431)


async def test_connections_over_max_connections_are_503_with_retry_after(loop_kind: str) -> None:
    async with raw.raw_upstream(raw.polite) as origin, serving(Handler(origin.url), max_connections=2) as server:
        async with raw.connected(server.port), raw.connected(server.port) as second:
            async with raw.dialled(server.port) as third:
                head = await refused(third, upgrade_request(), 503)
                assert int(head.get("Retry-After") or "-1") >= 0
            second.reset()
            await until_connected(server)


async def test_connections_over_the_limit_of_an_address_are_429(loop_kind: str) -> None:
    async with (
        raw.raw_upstream(raw.polite) as origin,
        serving(Handler(origin.url), max_connections_per_address=1) as server,
    ):
        async with raw.connected(server.port) as first:
            async with raw.dialled(server.port) as second:
                await refused(second, upgrade_request(), 429)
            async with raw.connected(server.port, local_addr=("127.0.0.2", 0)) as elsewhere:
                elsewhere.send(text("another address"))
            first.reset()
            await until_connected(server)


async def until_connected(server: framegate.Server) -> None:
    """A place becomes free again."""
    async with asyncio.timeout(5):
        while True:
            async with raw.dialled(server.port) as client:
                client.send_raw(upgrade_request())
                if (await client.recv_head()).status == 101:
                    return
            await asyncio.sleep(0.02)


async def test_handshakes_over_max_pending_handshakes_are_503(loop_kind: str) -> None:
    async with raw.raw_upstream(raw.polite) as origin, serving(Handler(origin.url), max_pending_handshakes=2) as server:
        async with raw.dialled(server.port) as first, raw.dialled(server.port) as second:
            for pending in (first, second):
                pending.send_raw(upgrade_request()[:-2])
            await asyncio.sleep(0.1)
            async with raw.dialled(server.port) as third:
                await refused(third, upgrade_request(), 503)
            first.send_raw(b"\r\n")
            assert (await first.recv_head()).status == 101
            await until_connected(server)


async def test_frames_behind_the_request_wait_for_the_upstreams_101(loop_kind: str) -> None:
    let = asyncio.Event()

    async def hesitating(peer: RawPeer) -> None:
        await let.wait()
        await raw.accept()(peer)

    async with raw.raw_upstream(hesitating) as origin, serving(Handler(origin.url)) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(upgrade_request() + client.encode(text("early")))
            upstream = await origin.accepted()
            client.send(text("early too"))
            await upstream.silent(0.15)
            let.set()
            assert (await client.recv_head()).status == 101
            assert await upstream.recv_many(2) == [text("early"), text("early too")]


async def test_a_client_that_does_not_wait_for_its_101_is_not_read_without_bound(loop_kind: str) -> None:
    total = 40 << 20
    async with raw.raw_upstream(raw.say_nothing) as origin, serving(Handler(origin.url)) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(upgrade_request() + client.encode(binary(bytes(total))))
            await origin.accepted()
            assert await client.stalled() > total // 2


async def test_wrong_frames_behind_the_request_are_none_before_the_101(loop_kind: str) -> None:
    async with raw.raw_upstream(raw.answer(heads.response("403 Forbidden", b"no"))) as origin:
        async with serving(Handler(origin.url)) as server, raw.dialled(server.port) as client:
            await refused(client, upgrade_request() + client.encode(Frame(3, b"reserved")), 403)


async def test_wrong_frames_behind_the_request_are_1002_after_the_101(loop_kind: str) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(upgrade_request() + client.encode(text("good")) + client.encode(Frame(3, b"reserved")))
            assert (await client.recv_head()).status == 101
            assert (await client.recv_close())[0] == 1002
            upstream = await origin.accepted()
            assert await upstream.recv() == text("good")
            assert (await upstream.recv_close())[0] == 1001


async def test_a_client_that_says_nothing_and_leaves_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server:
        for octets in (b"", b"GET / HT", upgrade_request()[:-2]):
            for end in ("close", "reset"):
                async with raw.dialled(server.port) as client:
                    client.send_raw(octets)
                    getattr(client, end)()
        async with raw.connected(server.port):
            pass
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("args", "status", "body", "headers"),
    [
        ((403,), 403, b"", {}),
        ((429, b"slow down"), 429, b"slow down", {}),
        ((404, b"<p>", [("Content-Type", "text/html"), ("X-Why", "gone")]), 404, b"<p>", {"X-Why": "gone"}),
        ((401, b"", {"WWW-Authenticate": "Basic"}), 401, b"", {"WWW-Authenticate": "Basic"}),
    ],
    ids=["status", "body", "pairs", "mapping"],
)
async def test_a_handler_may_reject_a_request(
    args: tuple[Any, ...], status: int, body: bytes, headers: dict[str, str], loop_kind: str
) -> None:
    async def handler(request: framegate.Request) -> None:
        await request.reject(*args)

    async with serving(handler) as server, raw.dialled(server.port) as client:
        client.send_raw(upgrade_request())
        head = await client.recv_head()
        received = await client.rest()
        assert head.status == status
        assert received == body or not body
        assert head.get("Content-Length") == str(len(received))
        assert (head.get("Connection") or "").lower() == "close"
        for name, value in headers.items():
            assert head.get(name) == value


@pytest.mark.parametrize("headers", [[("X-Bad", "a\r\nb")], [("X\nBad", "a")], [("X-Bad", "a\x00")]], ids=repr)
async def test_reject_refuses_header_injection(headers: Any) -> None:
    failures: list[BaseException] = []

    async def handler(request: framegate.Request) -> None:
        try:
            await request.reject(403, b"", headers)
        except ValueError as error:
            failures.append(error)
            raise

    async with serving(handler) as server, raw.dialled(server.port) as client:
        await refused(client, upgrade_request(), 500)
    assert len(failures) == 1


async def test_a_handler_that_ends_or_raises_before_the_101_is_500_without_detail(loop_kind: str) -> None:
    async def ends(request: framegate.Request) -> None:
        return None

    async def raises(request: framegate.Request) -> None:
        raise RuntimeError("a detail that stays inside")

    for handler in (ends, raises):
        async with serving(handler) as server, raw.dialled(server.port) as client:
            client.send_raw(upgrade_request())
            assert (await client.recv_head()).status == 500
            assert b"detail" not in await client.rest()


async def test_a_client_over_tls_is_told_of_in_the_request(loop_kind: str) -> None:
    context = tls.server_context("gateway.test")
    async with raw.raw_upstream() as origin, serving(handler := Handler(origin.url), ssl=context) as server:
        async with raw.connected(server.port, ssl=tls.client_context(), server_hostname="gateway.test") as client:
            client.send(text("secret"))
            assert await (await origin.accepted()).recv() == text("secret")
            seen = handler.requests[0].tls
            assert seen is not None and "gateway.test" in repr(seen) and "TLSv1.3" in repr(seen)


async def test_plain_bytes_on_a_tls_listener_disturb_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url), ssl=tls.server_context()) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(upgrade_request())
            await client.gone()
        async with raw.connected(server.port, ssl=tls.client_context(), server_hostname="localhost"):
            pass
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_tls_handshake_that_does_not_get_finished_is_given_up(loop_kind: str) -> None:
    async with serving(Handler(), ssl=tls.server_context(), handshake_timeout=0.25) as server:
        async with raw.dialled(server.port) as client:
            await client.gone()
        async with raw.dialled(server.port, ssl=tls.client_context(), server_hostname="localhost") as client:
            client.send_raw(b"GET / HTTP/1.1\r\n")
            assert (await client.recv_head()).status == 408
