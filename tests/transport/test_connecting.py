"""Sockets on their way to being connected."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from framegate.transport import TcpTransport, poller_of
from framegate.transport.connecting import begin_connecting, connected_socket
from tests.kit.pairs import Kind, until

pytestmark = pytest.mark.usefixtures("loop_kind")


def listening() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(3)
    return listener


@pytest.fixture
def nobody() -> Iterator[tuple[str, int]]:
    """An address at which nobody listens, and which nobody else is given meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()


class TestBeginning:
    async def test_the_words_reach_whoever_listens(self) -> None:
        with listening() as listener:
            sock, sent = begin_connecting(socket.AF_INET, listener.getsockname(), b"hello")
            with listener.accept()[0] as peer, sock:
                sock.setblocking(True)
                sock.sendall(b"hello"[sent:])
                assert peer.recv(10) == b"hello"
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    async def test_it_does_not_block(self) -> None:
        with listening() as listener:
            sock, _ = begin_connecting(socket.AF_INET, listener.getsockname(), b"")
            assert sock.gettimeout() == 0 and not os.get_blocking(sock.fileno())
            sock.close()

    async def test_a_unix_socket_is_reached_by_its_path(self, tmp_path: Path) -> None:
        path = str(tmp_path / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            sock, sent = begin_connecting(socket.AF_UNIX, path, b"hello")
            with listener.accept()[0] as peer, sock:
                assert sent == 5 and peer.recv(10) == b"hello"

    async def test_a_path_without_a_socket_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            begin_connecting(socket.AF_UNIX, str(tmp_path / "none"), b"hello")

    async def test_nobody_there_is_an_error_at_once_or_when_it_is_read(
        self, tcp: Kind, nobody: tuple[str, int]
    ) -> None:
        try:
            sock, _ = begin_connecting(socket.AF_INET, nobody, b"hello")
        except ConnectionRefusedError:
            return
        transport, notes = TcpTransport(poller_of(asyncio.get_running_loop()), sock, 1000), tcp.notes()
        transport.set_receiver(notes)
        transport.resume_reading()
        await until(lambda: notes.ends)
        assert isinstance(notes.ends[0], ConnectionRefusedError)
        transport.abort()


class TestWaiting:
    async def test_it_returns_a_connected_socket(self) -> None:
        with listening() as listener:
            sock = await connected_socket(poller_of(asyncio.get_running_loop()), socket.AF_INET, listener.getsockname())
            with sock:
                assert sock.getpeername() == listener.getsockname()

    async def test_nobody_there_is_an_error(self, nobody: tuple[str, int]) -> None:
        with pytest.raises(ConnectionRefusedError):
            await connected_socket(poller_of(asyncio.get_running_loop()), socket.AF_INET, nobody)

    async def test_who_stops_to_wait_leaves_nothing_open(self) -> None:
        # Its queue is full: the kernel answers no further SYN, and the connection is never made.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            poller = poller_of(asyncio.get_running_loop())
            before = len(os.listdir("/dev/fd"))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await connected_socket(poller, socket.AF_INET, listener.getsockname())
            assert len(os.listdir("/dev/fd")) == before
            for filler in fillers:
                filler.close()
