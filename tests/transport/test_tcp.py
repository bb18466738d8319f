"""What is particular to a socket."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest

from framegate.transport import poller_of
from tests.kit.pairs import Kind, tcp_sockets, turns, until

pytestmark = pytest.mark.usefixtures("loop_kind")

RESET = struct.pack("ii", 1, 0)


def send(transport: object, data: bytes) -> None:
    transport.write(bytearray(data), None, 0, 0)  # type: ignore[attr-defined]


def connection(tcp: Kind, high_water: int = 65536) -> tuple[Any, Any, socket.socket]:
    """A transport over TCP that reads, its notes, and the raw socket at the other end."""
    sock, peer = tcp_sockets()
    transport, notes = tcp.wrap(sock, high_water), tcp.notes()
    transport.set_receiver(notes)
    transport.resume_reading()
    return transport, notes, peer


class TestBrokenConnections:
    """A connection that breaks is told as what it is."""

    async def test_a_reset_is_an_error(self, tcp: Kind) -> None:
        transport, notes, peer = connection(tcp)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()
        await until(lambda: notes.ends)
        assert isinstance(notes.ends[0], ConnectionResetError)
        assert transport.at_end and transport.is_open()
        transport.abort()

    async def test_a_peer_that_takes_nothing_any_more_makes_no_error_of_a_write(self, tcp: Kind) -> None:
        near, far = tcp.pair()
        notes = tcp.notes()
        near.set_receiver(notes)
        far.abort()
        send(near, b"x")
        send(near, b"y")
        assert (near.queued, near.is_open()) == (0, True)
        near.resume_reading()
        await until(lambda: notes.ends)
        near.close()
        assert not near.is_open()

    async def test_what_it_had_sent_is_still_read(self, tcp: Kind) -> None:
        near, far = tcp.pair()
        notes = tcp.notes()
        near.set_receiver(notes)
        send(far, b"last words")
        far.abort()
        send(near, b"deaf")
        near.resume_reading()
        await until(lambda: notes.ends)
        assert notes.data == b"last words"
        near.abort()

    async def test_a_queue_toward_it_is_dropped(self, tcp: Kind) -> None:
        near, notes, far, _ = tcp.talk(high_water=1000)
        far.pause_reading()
        send(near, b"x" * (1 << 20))
        assert near.queued
        far.abort()
        await until(lambda: near.queued == 0)
        assert near.is_open()
        near.abort()

    async def test_closing_with_a_queue_toward_it_closes(self, tcp: Kind) -> None:
        near, _, far, _ = tcp.talk()
        far.pause_reading()
        send(near, b"x" * (1 << 20))
        near.close()
        assert near.is_open()
        far.abort()
        await until(lambda: not near.is_open())

    async def test_shutting_down_what_is_broken_already(self, tcp: Kind) -> None:
        sock, peer = tcp_sockets()
        transport = tcp.wrap(sock)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()
        await asyncio.sleep(0.01)
        transport.shutdown()
        send(transport, b"nothing")
        assert transport.queued == 0
        transport.leave()
        assert not transport.is_open()


class TestLeaving:
    """Closing a socket with unread data resets the connection, and the reset may destroy what was sent before."""

    async def test_what_has_come_is_read_away_first(self, tcp: Kind) -> None:
        transport, notes, peer = connection(tcp)
        transport.pause_reading()
        peer.sendall(b"unread " * 1000)
        await asyncio.sleep(0.01)
        send(transport, b"last words")
        transport.leave()
        assert not transport.is_open()
        peer.settimeout(2)
        assert (peer.recv(100), peer.recv(100)) == (b"last words", b"")
        assert (notes.data, notes.ends) == (b"", [])
        peer.close()

    async def test_a_peer_that_sends_without_end_is_not_read_for_ever(self, tcp: Kind) -> None:
        transport, notes, peer = connection(tcp)
        transport.pause_reading()
        peer.setblocking(False)
        sent = 0
        try:
            while sent < 1 << 24:
                sent += peer.send(b"unread " * 10000)
        except BlockingIOError:
            pass
        transport.leave()
        assert (transport.is_open(), notes.data) == (False, b"")
        peer.close()

    async def test_an_abort_does_not_wait(self, tcp: Kind) -> None:
        transport, _, peer = connection(tcp)
        transport.pause_reading()
        peer.sendall(b"unread")
        await asyncio.sleep(0.01)
        transport.abort()
        peer.settimeout(2)
        with pytest.raises(ConnectionResetError):
            peer.recv(1)
        peer.close()

    async def test_of_a_broken_connection_the_receiver_hears_nothing_more(self, tcp: Kind) -> None:
        transport, notes, peer = connection(tcp)
        transport.pause_reading()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()
        await asyncio.sleep(0.01)
        transport.leave()
        assert (transport.is_open(), notes.ends) == (False, [])


class TestFullSockets:
    """A kernel that takes nothing now is no error: what is written is queued."""

    async def test_everything_is_queued(self, tcp: Kind) -> None:
        near, _, far, notes = tcp.talk()
        far.pause_reading()
        sock, before = near.get_extra_info("socket"), 0
        try:
            while True:
                before += sock.send(b"x" * 100)
        except BlockingIOError:
            pass
        send(near, b"queued")
        near.write(None, bytearray(b"-behind-"), 1, 7)
        assert near.queued == 12
        far.resume_reading()
        await until(lambda: len(notes.data) == before + 12)
        assert notes.data.endswith(b"xqueuedbehind")
        near.abort()
        far.abort()


class TestSocket:
    """The socket belongs to the transport."""

    async def test_its_addresses(self, tcp: Kind) -> None:
        transport, _, peer = connection(tcp)
        assert transport.get_extra_info("peername") == peer.getsockname()
        assert transport.get_extra_info("sockname") == peer.getpeername()
        assert isinstance(transport.get_extra_info("socket"), socket.socket)
        assert transport.get_extra_info("ssl_object") is None
        transport.abort()
        assert transport.get_extra_info("peername") is None
        peer.close()

    async def test_the_peer_of_a_broken_connection_has_no_name(self, tcp: Kind) -> None:
        transport, notes, peer = connection(tcp)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()
        await until(lambda: notes.ends)
        assert transport.get_extra_info("peername") is None
        transport.abort()

    async def test_it_is_closed_with_the_transport(self, tcp: Kind) -> None:
        transport, _, peer = connection(tcp)
        sock = transport.get_extra_info("socket")
        transport.abort()
        assert sock.fileno() == -1
        peer.close()

    async def test_one_read_takes_what_fits_into_the_buffer(self, tcp: Kind) -> None:
        transport, notes, peer = connection(tcp)
        data = bytes(range(256)) * 256
        peer.sendall(data)
        await until(lambda: notes.data == data)
        transport.abort()
        peer.close()


class TestManySockets:
    """All connections of a loop take turns in one buffer."""

    async def test_each_gets_its_own_bytes(self, tcp: Kind) -> None:
        poller = tcp.poller()
        ends = []
        for number in range(40):
            ours, theirs = socket.socketpair()
            transport, notes = tcp.wrap(ours, poller=poller), tcp.notes()
            transport.set_receiver(notes)
            transport.resume_reading()
            theirs.send(b"number %d" % number)
            ends.append((transport, notes, theirs))
        await until(lambda: all(notes.data for _, notes, _ in ends))
        assert [bytes(notes.data) for _, notes, _ in ends] == [b"number %d" % number for number in range(40)]
        for transport, _, theirs in ends:
            transport.abort()
            theirs.close()

    async def test_one_may_close_another_that_is_ready_too(self, tcp: Kind) -> None:
        poller = tcp.poller()
        transports: list[Any] = []

        class Closing:
            def received(self, data: bytearray, start: int, end: int) -> None:
                heard.append(bytes(data[start:end]))
                for transport in transports:
                    transport.abort()

        heard: list[bytes] = []
        peers = []
        for _ in range(5):
            ours, theirs = socket.socketpair()
            transport = tcp.wrap(ours, poller=poller)
            transport.set_receiver(tcp.notes(Closing))
            transport.resume_reading()
            theirs.send(b"x")
            transports.append(transport)
            peers.append(theirs)
        await until(lambda: heard)
        await turns()
        assert heard == [b"x"]
        for peer in peers:
            peer.close()

    async def test_a_receiver_that_fails_is_told_to_the_loop_and_stops_nobody_else(self, tcp: Kind) -> None:
        told: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        loop.set_exception_handler(lambda _, context: told.append(context))

        class Failing:
            def received(self, data: bytearray, start: int, end: int) -> None:
                raise LookupError("a fault of the receiver")

        poller = tcp.poller()
        sockets = [socket.socketpair() for _ in range(2)]
        first, second = (tcp.wrap(ours, poller=poller) for ours, _ in sockets)
        notes = tcp.notes()
        first.set_receiver(tcp.notes(Failing))
        second.set_receiver(notes)
        for transport, (_, theirs) in zip((first, second), sockets, strict=True):
            transport.resume_reading()
            theirs.send(b"x")
        await until(lambda: told and notes.data)
        assert isinstance(told[0]["exception"], LookupError)
        loop.set_exception_handler(before)
        for transport, (_, theirs) in zip((first, second), sockets, strict=True):
            transport.abort()
            theirs.close()


async def test_a_loop_has_one_poller() -> None:
    loop = asyncio.get_running_loop()
    assert poller_of(loop) is poller_of(loop)
    assert len(poller_of(loop).buffer) >= 65536


class TestCorking:
    """Last words that may wait for the end of the stream."""

    async def test_they_arrive_whole_with_the_end(self, tcp: Kind) -> None:
        transport, _, peer = connection(tcp)
        transport.cork()
        send(transport, b"last words")
        transport.shutdown()
        peer.setblocking(True)
        assert peer.recv(100) == b"last words"
        assert peer.recv(100) == b""
        transport.abort()
        peer.close()

    async def test_more_than_the_kernel_takes_arrives_whole_too(self, tcp: Kind) -> None:
        transport, _, peer = connection(tcp)
        words = bytes(range(256)) * 80_000
        transport.cork()
        send(transport, words)
        assert transport.queued > 0
        transport.shutdown()
        peer.settimeout(3)

        def read_all() -> bytes:
            parts = []
            while part := peer.recv(1 << 20):
                parts.append(part)
            return b"".join(parts)

        assert await asyncio.to_thread(read_all) == words
        transport.abort()
        peer.close()
