"""Request smuggling around the upgrade: a connection carries one request, and nothing passes before a verified 101."""

from __future__ import annotations

import contextlib

import pytest

from tests.hostile.kit import until_gone
from tests.kit import heads, raw
from tests.kit.frames import binary, text
from tests.kit.gateway import proxied, serving
from tests.kit.handlers import Handler
from tests.kit.heads import KEY, Head, accept_for, lines, switching, upgrade_request
from tests.kit.raw import RawPeer

SECOND = b"GET /admin HTTP/1.1\r\nHost: internal\r\n\r\n"
"""The request that is to be smuggled."""


def with_body(*fields: tuple[str, str], body: bytes = b"") -> bytes:
    return upgrade_request(extra=fields) + body


AMBIGUOUS: dict[str, tuple[bytes, int]] = {
    "a body with a length": (with_body(("Content-Length", str(len(SECOND)))), 400),
    "a body in chunks": (with_body(("Transfer-Encoding", "chunked"), body=b"0\r\n\r\n"), 400),
    "a coding and a length": (with_body(("Transfer-Encoding", "chunked"), ("Content-Length", "4")), 400),
    "a coding behind a tab": (with_body(("Transfer-Encoding", "\tchunked")), 400),
    "an unknown coding": (with_body(("Transfer-Encoding", "xchunked")), 400),
    "a space before a colon": (with_body(("Content-Length ", "5")), 400),
    "a name cut by a line feed": (upgrade_request()[:-2] + b"X: y\nContent-Length: 5\r\n\r\n", 400),
    "a folded line": (upgrade_request()[:-2] + b"X: y\r\n Content-Length: 5\r\n\r\n", 400),
    "a bare carriage return": (upgrade_request()[:-2] + b"X: y\rContent-Length: 5\r\n\r\n", 400),
    "two lengths": (with_body(("Content-Length", "0"), ("Content-Length", "40")), 400),
    "a length with a sign": (with_body(("Content-Length", "+5")), 400),
    "two hosts": (with_body(("Host", "internal")), 400),
    "no host": (upgrade_request(replace={"Host": None}), 400),
    "an absolute form": (upgrade_request("http://internal/admin"), 400),
    "an absolute form of another scheme": (upgrade_request("ws://internal/admin"), 400),
    "an authority form": (upgrade_request("internal:80"), 400),
    "a target with a space": (upgrade_request(start="GET / /admin HTTP/1.1"), 400),
    "a target with NUL": (upgrade_request("/\0"), 400),
    "HTTP/1.0": (upgrade_request(start="GET / HTTP/1.0"), 505),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405),
    "a POST": (upgrade_request(start="POST / HTTP/1.1"), 405),
    "a CONNECT": (upgrade_request(start="CONNECT internal:80 HTTP/1.1"), 405),
    "another version, for a 426 that a front proxy takes for an upgrade": (
        upgrade_request(replace={"Sec-WebSocket-Version": "1337"}),
        426,
    ),
    "no key": (upgrade_request(replace={"Sec-WebSocket-Key": None}), 400),
    "two keys": (upgrade_request(replace={"Sec-WebSocket-Key": [KEY, KEY]}), 400),
    "h2c": (upgrade_request(replace={"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings"}), 426),
    "no upgrade in Connection": (upgrade_request(replace={"Connection": "keep-alive"}), 400),
}


@pytest.mark.parametrize(("octets", "status"), AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_an_ambiguous_request_gets_one_answer_and_the_one_behind_it_none(octets: bytes, status: int) -> None:
    async with raw.raw_upstream() as origin, serving(Handler(origin.url)) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(octets + SECOND)
            head = await client.recv_head()
            assert head.status == status
            assert "close" in (head.get("Connection") or "").lower()
            assert b"HTTP/1.1 " not in await client.rest()
        await until_gone(server)
        assert origin.connections == 0


def heard(origin: list[bytes], make: object) -> raw.Script:
    """An upstream that answers as it is told and notes all that comes behind the request."""

    async def script(peer: RawPeer) -> None:
        peer.send_raw(make(peer.head))  # type: ignore[operator]
        with contextlib.suppress(EOFError):
            origin.append(await peer.gone())

    return script


def frames_of_an_upstream(*values: object) -> bytes:
    return b"\x81\x08smuggled"


NO_TUNNEL = {
    "200": lambda head: heads.response("200 OK", b"fine"),
    "426": lambda head: heads.response("426 Upgrade Required", b"no"),
    "503": lambda head: heads.response("503 Busy", b"later"),
    "101 without an accept": lambda head: (
        lines("HTTP/1.1 101 Switching Protocols", [("Upgrade", "websocket"), ("Connection", "Upgrade")])
        + frames_of_an_upstream()
    ),
    "101 with the accept of another key": lambda head: (
        switching(head, accept=accept_for("AAAAAAAAAAAAAAAAAAAAAA==")) + frames_of_an_upstream()
    ),
    "101 with the accept of the client's key": lambda head: (
        switching(head, accept=accept_for(KEY)) + frames_of_an_upstream()
    ),
    "101 with two accepts": lambda head: (
        switching(head, extra=[("Sec-WebSocket-Accept", accept_for(_key(head)))]) + frames_of_an_upstream()
    ),
    "101 to HTTP/1.0": lambda head: switching(head).replace(b"HTTP/1.1", b"HTTP/1.0") + frames_of_an_upstream(),
    "frames before the 101": lambda head: frames_of_an_upstream() + switching(head),
    "a line end before the 101": lambda head: b"\r\n" + switching(head) + frames_of_an_upstream(),
    "another protocol": lambda head: switching(head).replace(b"websocket", b"h2c") + frames_of_an_upstream(),
}


def _key(head: Head) -> str:
    return head.get("Sec-WebSocket-Key") or ""


@pytest.mark.parametrize("make", NO_TUNNEL.values(), ids=NO_TUNNEL)
async def test_without_a_verified_101_no_byte_passes_in_either_direction(make: object) -> None:
    behind: list[bytes] = []
    async with raw.raw_upstream(heard(behind, make)) as origin, serving(Handler(origin.url)) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(upgrade_request() + SECOND + client.encode(text("early")))
            head = await client.recv_head()
            assert head.status in (426, 502, 503)
            assert b"smuggled" not in await client.rest()
        await until_gone(server)
        await origin.accepted()
        await origin.release()
    assert b"".join(behind) == b""
    assert origin.connections == 1


async def test_a_request_pipelined_behind_a_good_handshake_is_no_request_but_a_wrong_frame_of_1002() -> None:
    async with proxied(request=upgrade_request() + SECOND) as conv:
        assert (await conv.client.recv_close())[0] == 1002
        assert await conv.upstream.recv_close() == (1001, "")
        conv.upstream.half_close()
        await conv.upstream.ended()
        assert conv.origin.connections == 1


async def test_a_request_inside_of_a_changed_frame_is_masked_anew_so_that_no_cache_reads_it_as_one() -> None:
    async with proxied(lambda *frame: frame[2] + b"\r\n" if frame[1] == "binary" else frame[2]) as conv:
        conv.client.send(binary(SECOND))
        wire = await conv.upstream.recv_wire()
        assert wire.masked and wire.frame == binary(SECOND + b"\r\n")
        assert SECOND not in wire.octets


async def test_no_upstream_connection_serves_a_second_client_after_a_refusal() -> None:
    script = raw.answer_with(lambda head: heads.response("403 Forbidden", b"no"))
    async with raw.raw_upstream(script) as origin, serving(Handler(origin.url)) as server:
        for count in (1, 2, 3):
            async with raw.dialled(server.port) as client:
                client.send_raw(upgrade_request())
                assert (await client.recv_head()).status == 403
                await client.rest()
            assert origin.connections == count
            await (await origin.accepted()).gone()


async def test_what_a_client_nominates_in_connection_cannot_strip_what_framegate_vouches_for() -> None:
    nominated = "Upgrade, Host, X-Forwarded-For, X-Forwarded-Proto, Forwarded, Sec-WebSocket-Key, Sec-WebSocket-Version"
    async with proxied(request=upgrade_request(replace={"Connection": nominated})) as conv:
        head = conv.upstream.head
        assert (head.get("Connection"), head.get("X-Forwarded-For")) == ("Upgrade", "127.0.0.1")
        for name in ("Host", "Forwarded", "X-Forwarded-Proto", "Sec-WebSocket-Key", "Sec-WebSocket-Version"):
            assert head.get(name)
