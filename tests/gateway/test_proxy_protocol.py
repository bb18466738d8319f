"""The PROXY protocol: who is believed, what follows of it, and what the upstream is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from framegate.proxy_protocol import AUTHORITY, SIGNATURE, SSL, Header, local_header, read_header, write_header
from tests.kit import heads, raw, tls
from tests.kit.frames import text
from tests.kit.raw import RawPeer
from tests.kit.served import Served, plugin, served

CLIENT, PLACE = ("192.0.2.7", 4711), ("198.51.100.1", 443)
V1, V2 = write_header(1, CLIENT, PLACE), write_header(2, CLIENT, PLACE)
SEEING = {
    "seeing": plugin(ws_handshake="note(kong.client.get_ip(), kong.client.get_port(), kong.request.get_scheme())")
}


def proxied(*, trusted: tuple[str, ...] = ("127.0.0.1",), secure: bool = False, **more: Any) -> dict[str, Any]:
    listen: dict[str, Any] = {"address": "127.0.0.1:0", "proxy_protocol": True}
    if secure:
        listen["tls"] = {"cert": "cert.pem", "key": "key.pem"}
    return {"secure": secure, "gateway": {"listen": [listen], "trusted_ips": list(trusted), **more}}


@asynccontextmanager
async def behind(gate: Served, header: bytes, *, secure: bool = False) -> AsyncIterator[RawPeer]:
    """A client by way of a proxy that says ``header`` first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(header)
    if secure:
        await writer.start_tls(tls.client_context(), server_hostname="localhost")
    peer = RawPeer(reader, writer, is_client=True)
    try:
        yield peer
    finally:
        await peer.release()


async def told_by(gate: Served, header: bytes, *, secure: bool = False, extra: heads.Headers = ()) -> heads.Head:
    """What the upstream is asked for a client that comes behind ``header``; frames pass, too."""
    async with behind(gate, header, secure=secure) as client:
        await raw.upgraded(client, "/", request=None, extra=extra)
        upstream = await gate.origin.accepted()
        client.send(text("hello"))
        assert await upstream.recv() == text("hello")
        await upstream.release()
        return upstream.head


# From a trusted proxy


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
async def test_the_client_is_the_one_that_a_trusted_proxy_tells_of(
    header: bytes, secure: bool, tmp_path: Path, loop_kind: str
) -> None:
    async with served(tmp_path, SEEING, **proxied(secure=secure)) as gate:
        head = await told_by(gate, header, secure=secure)
        assert gate.notes == [("192.0.2.7", 4711, "wss" if secure else "ws")]
        assert head.get("X-Forwarded-For") == "192.0.2.7"
        assert head.get("X-Forwarded-Port") == "443"
        assert head.get("X-Forwarded-Proto") == ("https" if secure else "http")
        assert "192.0.2.7" in (head.get("Forwarded") or "")


async def test_the_plugins_of_the_certificate_phase_see_that_client_too(tmp_path: Path) -> None:
    seeing = {"seeing": plugin(certificate="note(kong.client.get_ip(), kong.request.get_port())")}
    async with served(tmp_path, seeing, **proxied(secure=True)) as gate:
        await told_by(gate, V2, secure=True)
        assert gate.notes == [("192.0.2.7", 443)]


async def test_what_an_untrusted_client_claims_behind_the_header_is_replaced(tmp_path: Path) -> None:
    async with served(tmp_path, **proxied()) as gate:
        head = await told_by(gate, V1, extra=[("X-Forwarded-For", "203.0.113.9")])
        assert head.get("X-Forwarded-For") == "192.0.2.7"


async def test_what_a_trusted_client_forwards_behind_the_header_counts(tmp_path: Path) -> None:
    seeing = {"seeing": plugin(ws_handshake="note(kong.client.get_ip(), kong.client.get_forwarded_ip())")}
    async with served(tmp_path, seeing, **proxied(trusted=("127.0.0.1", "192.0.2.0/24"))) as gate:
        head = await told_by(gate, V1, extra=[("X-Forwarded-For", "203.0.113.9")])
        assert gate.notes == [("192.0.2.7", "203.0.113.9")]
        assert head.get("X-Forwarded-For") == "203.0.113.9, 192.0.2.7"


@pytest.mark.parametrize("version", [1, 2])
async def test_a_header_that_tells_nothing_leaves_the_address_of_the_connection(
    version: Literal[1, 2], tmp_path: Path
) -> None:
    async with served(tmp_path, SEEING, **proxied()) as gate:
        await told_by(gate, local_header(version))
        assert gate.notes[0][0] == "127.0.0.1"


async def test_a_client_on_a_unix_socket_has_no_address(tmp_path: Path) -> None:
    async with served(tmp_path, SEEING, **proxied()) as gate:
        head = await told_by(gate, SIGNATURE + struct.pack("!BBH", 0x21, 0x31, 216) + bytes(216))
        assert gate.notes == [(None, None, "ws")]
        assert head.get("X-Forwarded-For") == "unknown"


async def test_a_client_whose_tls_the_proxy_has_ended_came_by_wss(tmp_path: Path) -> None:
    said = ((AUTHORITY, b"chat.test"), (SSL, struct.pack("!BI", 1, 0)))
    async with served(tmp_path, SEEING, **proxied(), route={"protocols": ["wss"], "snis": ["chat.test"]}) as gate:
        head = await told_by(gate, write_header(2, CLIENT, PLACE, said))
        assert gate.notes == [("192.0.2.7", 4711, "wss")]
        assert head.get("X-Forwarded-Proto") == "https"


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
async def test_a_header_may_come_in_pieces(header: bytes, tmp_path: Path, loop_kind: str) -> None:
    async with served(tmp_path, SEEING, **proxied()) as gate:
        async with behind(gate, b"") as client:
            for at in range(len(header)):
                client.send_raw(header[at : at + 1])
                await client.drained()
                await asyncio.sleep(0.001)
            await raw.upgraded(client, "/", request=None, extra=())
            await (await gate.origin.accepted()).release()
        assert gate.notes == [("192.0.2.7", 4711, "ws")]


async def test_header_and_request_may_come_in_one_packet(tmp_path: Path) -> None:
    async with served(tmp_path, SEEING, **proxied()) as gate:
        async with behind(gate, V2 + heads.upgrade_request()) as client:
            assert (await client.recv_head()).status == 101
        assert gate.notes == [("192.0.2.7", 4711, "ws")]


async def test_the_limit_per_address_counts_the_told_one(tmp_path: Path) -> None:
    async with served(tmp_path, **proxied(limits={"max_connections_per_address": 1})) as gate:
        async with behind(gate, V1 + heads.upgrade_request()) as one, behind(gate, V1) as two:
            assert (await one.recv_head()).status == 101
            assert (await two.recv_head()).status == 429
            other = write_header(1, ("192.0.2.8", 1), PLACE)
            async with behind(gate, other + heads.upgrade_request()) as three:
                assert (await three.recv_head()).status == 101


async def test_the_log_names_the_told_address(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **proxied()) as gate, behind(gate, V1 + b"POST / HTTP/1.1\r\n\r\n") as client:
            assert (await client.recv_head()).status == 405
    assert "refused a request of 192.0.2.7:4711 with 405" in caplog.text


# From others, and nothing good


async def closed(gate: Served, said: bytes) -> bytes:
    """What a client is told that is not served."""
    async with behind(gate, said) as client:
        return await client.gone()


def rule(caplog: pytest.LogCaptureFixture) -> str:
    """The one line about a connection that was closed."""
    (line,) = [record for record in caplog.records if "PROXY protocol" in record.getMessage()]
    assert line.levelno == logging.INFO
    said = line.getMessage()
    assert said.startswith("closed a connection of 127.0.0.1:")
    return said.partition("PROXY protocol: ")[2]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (heads.upgrade_request(), "does not begin with a PROXY header"),
        (b"\x16\x03\x01\x02\x00\x01", "does not begin with a PROXY header"),
        (b"PROXY TCP4 nonsense\r\n" + heads.upgrade_request(), "has two addresses and two ports"),
        (b"PROXY UNKNOWN " + b"x" * 200, "no CRLF within 107 bytes"),
        (SIGNATURE + b"\x21\x11\xff\xff", "the header has 65551 bytes, of at most 4096"),
        (SIGNATURE + b"\x21\x11\x00\x01x", "the addresses are cut: 1 bytes of 12"),
    ],
    ids=["HTTP", "TLS", "malformed", "a long line", "a long header", "cut addresses"],
)
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
async def test_what_is_no_header_closes_the_connection_without_a_word(
    said: bytes, why: str, secure: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **proxied(secure=secure)) as gate:
            assert await closed(gate, said) == b""
            await told_by(gate, V1, secure=secure)
    assert why in rule(caplog)


async def test_a_header_from_a_stranger_closes_the_connection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **proxied(trusted=("10.0.0.0/8",))) as gate:
            assert await closed(gate, V1 + heads.upgrade_request()) == b""
            assert not gate.server._busy()
    assert rule(caplog) == "its address is not in trusted_ips"


@pytest.mark.parametrize("said", [b"", b"PROXY TCP4", V2[:20]], ids=["nothing", "half a line", "half a header"])
async def test_a_header_has_to_come_in_time(said: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **proxied(limits={"handshake_timeout": 100})) as gate:
            assert await closed(gate, said) == b""
    assert rule(caplog) == "the header was not complete within handshake_timeout"


@pytest.mark.parametrize(
    ("said", "why"),
    [(b"", "no header came"), (V1[:9], "the connection ended within the header")],
    ids=["nothing", "half a line"],
)
async def test_a_proxy_that_leaves_within_the_header_is_let_go(
    said: bytes, why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **proxied()) as gate, behind(gate, said) as client:
            client.half_close()
            await client.gone()
    assert rule(caplog) == why


async def test_the_header_uses_up_the_time_of_the_request(tmp_path: Path) -> None:
    async with served(tmp_path, **proxied(limits={"handshake_timeout": 1000})) as gate, behind(gate, b"") as client:
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(0.8)
        client.send_raw(V1)
        assert (await client.recv_head()).status == 408
        assert asyncio.get_running_loop().time() - begun < 1.7


async def test_a_header_is_no_part_of_a_request_where_none_is_expected(tmp_path: Path) -> None:
    async with served(tmp_path, gateway={"trusted_ips": ["127.0.0.1"]}) as gate, behind(gate, V1) as client:
        client.send_raw(heads.upgrade_request())
        assert (await client.recv_head()).status == 400


async def test_a_drain_does_not_wait_for_a_header(tmp_path: Path) -> None:
    async with served(tmp_path, **proxied()) as gate, behind(gate, b"PROXY") as client:
        while not gate.server._arrivals.tasks:
            await asyncio.sleep(0.002)
        await gate.server.drain(timeout=0.05)
        await client.gone()
        assert not gate.server._busy()


# What the upstream is told


class Front:
    """Reads a header, and passes on to an upstream what comes behind it.

    Attributes:
        headers: what it was told, in order.
        port: where it listens.
        upstream: the upstream.
    """

    def __init__(self, upstream: raw.RawUpstream) -> None:
        self.headers: list[Header] = []
        self.upstream = upstream
        self.port = 0

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held = b""
        while (found := read_header(held)) is None:
            held += await reader.readexactly(1)
        self.headers.append(found[0])
        back, on = await asyncio.open_connection("127.0.0.1", self.upstream.port)
        await asyncio.gather(_pass(reader, on), _pass(back, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(65536):
            writer.write(octets)
    writer.close()


@asynccontextmanager
async def listening(secure: bool = False) -> AsyncIterator[Front]:
    async with raw.raw_upstream(ssl=tls.server_context() if secure else None) as upstream:
        front = Front(upstream)
        server = await asyncio.start_server(front.serve_one, "127.0.0.1", 0)
        front.port = server.sockets[0].getsockname()[1]
        try:
            yield front
        finally:
            server.close()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_upstream_is_told_of_the_client_before_everything_else(
    version: int, secure: bool, host: str, tmp_path: Path, loop_kind: str
) -> None:
    async with listening(secure) as front:
        service: dict[str, Any] = {"host": host, "port": front.port, "proxy_protocol": f"v{version}"}
        if secure:
            service |= {"protocol": "wss", "tls_verify": False}
        async with served(tmp_path, service=service) as gate:
            async with gate.talk(upstream=front.upstream) as talk:
                address = talk.client._writer.get_extra_info("sockname")
                talk.client.send(text("hello"))
                assert await talk.upstream.recv() == text("hello")
            assert front.headers == [Header(version, True, address, ("127.0.0.1", gate.port))]


async def test_what_was_told_is_told_on(tmp_path: Path) -> None:
    async with listening() as front:
        service = {"port": front.port, "proxy_protocol": "v2"}
        async with served(tmp_path, service=service, **proxied()) as gate:
            async with behind(gate, V1) as client:
                await raw.upgraded(client, "/", request=None, extra=())
                await (await front.upstream.accepted()).release()
            assert front.headers == [Header(2, True, CLIENT, PLACE)]


async def test_an_upstream_that_was_not_meant_is_told_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, **proxied()) as gate:
        head = await told_by(gate, V1)
        assert head.start == "GET / HTTP/1.1"


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
async def test_an_active_check_says_that_it_comes_for_itself(secure: bool, tmp_path: Path, loop_kind: str) -> None:
    async with listening(secure) as front:
        checks = {
            "type": "websockets" if secure else "websocket",
            "https_verify_certificate": False,
            "healthy": {"interval": 0.05, "successes": 1},
        }
        pool = {
            "name": "pool",
            "targets": [{"target": f"127.0.0.1:{front.port}"}],
            "healthchecks": {"active": checks},
        }
        service: dict[str, Any] = {"host": "pool", "proxy_protocol": "v2", "protocol": "wss" if secure else "ws"}
        async with served(tmp_path, service=service, upstreams=[pool]):
            upstream = await front.upstream.accepted()
            assert front.headers[0] == Header(2)
            await upstream.release()
