"""The server name is read from real client hellos, however they are cut, and from nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

import pytest

from framegate.transport.client_hello import Hello, Incomplete, peek_hello, read_hello, server_name


def hello(name: str | None, /, *protocols: str, **settings: ssl.TLSVersion) -> bytes:
    """What Python's own TLS client says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.set_alpn_protocols(list(protocols))
    for setting, value in settings.items():
        setattr(context, setting, value)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def in_records(hello: bytes, size: int) -> bytes:
    """The same handshake message in records of ``size`` bytes (RFC 8446, section 5.1, allows any cut)."""
    message = hello[5:]
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(hello[:3] + len(piece).to_bytes(2, "big") + piece for piece in pieces)


VERSIONS = {
    "TLS 1.2": {"maximum_version": ssl.TLSVersion.TLSv1_2},
    "TLS 1.3": {"minimum_version": ssl.TLSVersion.TLSv1_3},
}


@pytest.mark.parametrize("settings", VERSIONS.values(), ids=VERSIONS)
class TestName:
    def test_is_read(self, settings: dict[str, ssl.TLSVersion]) -> None:
        assert server_name(hello("chat.example", **settings)) == "chat.example"

    def test_is_none_where_the_client_gives_none(self, settings: dict[str, ssl.TLSVersion]) -> None:
        assert server_name(hello(None, **settings)) is None

    def test_is_none_for_an_address(self, settings: dict[str, ssl.TLSVersion]) -> None:
        """RFC 6066, section 3: literal addresses are not permitted."""
        assert server_name(hello("127.0.0.1", **settings)) is None

    def test_is_read_across_records(self, settings: dict[str, ssl.TLSVersion]) -> None:
        assert server_name(in_records(hello("chat.example", **settings), 50)) == "chat.example"

    def test_of_a_cut_hello_is_not_known_yet(self, settings: dict[str, ssl.TLSVersion]) -> None:
        whole = hello("chat.example", **settings)
        for size in range(len(whole)):
            with pytest.raises(Incomplete):
                server_name(whole[:size])


@pytest.mark.parametrize("settings", VERSIONS.values(), ids=VERSIONS)
class TestProtocols:
    def test_are_read_in_their_order(self, settings: dict[str, ssl.TLSVersion]) -> None:
        asked = read_hello(hello("chat.example", "h2", "http/1.1", **settings))
        assert asked == Hello("chat.example", (b"h2", b"http/1.1"))

    def test_are_none_where_the_client_offers_none(self, settings: dict[str, ssl.TLSVersion]) -> None:
        assert read_hello(hello("chat.example", **settings)).protocols == ()


class TestWhatIsNoHello:
    @pytest.mark.parametrize(
        "octets",
        [b"GET / HTTP/1.1\r\n\r\n", b"\x17\x03\x03\x00\x05hello", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00"],
        ids=["plain HTTP", "application data", "a server hello"],
    )
    def test_has_no_name(self, octets: bytes) -> None:
        assert server_name(octets) is None

    def test_a_field_longer_than_its_message_has_no_name(self) -> None:
        whole = bytearray(hello("chat.example"))
        at = whole.index(b"chat.example")
        whole[at - 2 : at] = b"\xff\xff"
        assert server_name(bytes(whole)) is None


class TestPeeking:
    @pytest.fixture
    def ends(self) -> tuple[socket.socket, socket.socket]:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        return near, far

    async def test_leaves_every_byte_where_it_is(
        self, ends: tuple[socket.socket, socket.socket], loop_kind: str
    ) -> None:
        near, far = ends
        with near, far:
            octets = hello("chat.example")
            far.send(octets)
            assert (await peek_hello(asyncio.get_running_loop(), near)).server_name == "chat.example"
            assert near.recv(1 << 16) == octets

    async def test_waits_for_the_rest(self, ends: tuple[socket.socket, socket.socket], loop_kind: str) -> None:
        near, far = ends
        with near, far:
            octets = hello("chat.example")
            far.send(octets[:40])
            asked = asyncio.create_task(peek_hello(asyncio.get_running_loop(), near))
            await asyncio.sleep(0.05)
            assert not asked.done()
            far.send(octets[40:])
            assert (await asked).server_name == "chat.example"

    async def test_of_a_client_that_leaves_there_is_no_name(
        self, ends: tuple[socket.socket, socket.socket], loop_kind: str
    ) -> None:
        near, far = ends
        with near, far:
            far.send(hello("chat.example")[:40])
            far.shutdown(socket.SHUT_WR)
            far.close()
            async with asyncio.timeout(5):
                assert await peek_hello(asyncio.get_running_loop(), near) == Hello()
