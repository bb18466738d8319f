"""What a TLS client's first message asks for: the server name and the application protocols (RFC 8446, section 4.1.2;
RFC 6066, section 3; RFC 7301, section 3.1).

Read by looking at the bytes before the TLS library takes them: its own callback for the name would have to be set on
the user's context, which other servers may share, not all of them through Python's ``ssl``.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections.abc import Iterator
from typing import NamedTuple

MAX_HELLO = 16 * 1024
"""Bytes that are looked at; a hello with post-quantum key shares has about 2 KiB."""

MAX_RECORDS = 32
"""Records that a hello is put together from; clients write one. As all are read again with each byte that comes,
a client could otherwise have us read thousands of empty ones for every byte that it sends."""

_RETRY = 0.01
_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_PROTOCOLS = 16
_NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"
"""A fatal alert, in the clear as before every server hello (RFC 8446, sections 5.1 and 6; RFC 7301, section 3.2)."""


class Hello(NamedTuple):
    """What a client asks for.

    Attributes:
        server_name: the name (SNI), or None.
        protocols: the application protocols (ALPN), most wanted first; empty where it offers none.
    """

    server_name: str | None = None
    protocols: tuple[bytes, ...] = ()


class Incomplete(Exception):
    """The hello has not come whole yet."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise Incomplete
        self.at += size
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> _Reader:
        return _Reader(self.take(self.number(size)))

    @property
    def left(self) -> bool:
        return self.at < len(self.data)


def server_name(data: bytes) -> str | None:
    """The name that the client hello at the beginning of ``data`` asks for, or None: no name, or no hello at all.

    Raises:
        Incomplete: more bytes are needed to tell.
    """
    return read_hello(data).server_name


def read_hello(data: bytes) -> Hello:
    """What the client hello at the beginning of ``data`` asks for; nothing where it is none.

    Raises:
        Incomplete: more bytes are needed to tell.
    """
    hello = _hello(_Reader(data))
    if hello is None:
        return Hello()
    try:
        return _asked(hello)
    except Incomplete:
        # The message is whole, so a field in it is longer than what it stands in. The TLS library will say so.
        return Hello()


def _hello(records: _Reader) -> _Reader | None:
    message = b""
    for _ in range(MAX_RECORDS):
        if records.number(1) != _HANDSHAKE:
            return None
        records.take(2)
        message += records.take(records.number(2))
        reader = _Reader(message)
        with contextlib.suppress(Incomplete):
            if reader.number(1) != _CLIENT_HELLO:
                return None
            return reader.vector(3)
    return None


def _asked(hello: _Reader) -> Hello:
    hello.take(2 + 32)
    for size in (1, 2, 1):  # session id, cipher suites, compression methods
        hello.vector(size)
    extensions = hello.vector(2)
    name: str | None = None
    protocols: tuple[bytes, ...] = ()
    while extensions.left:
        kind = extensions.number(2)
        extension = extensions.vector(2)
        if kind == _SERVER_NAME and name is None:
            name = _name_in(extension.vector(2))
        elif kind == _PROTOCOLS:
            protocols = tuple(_protocols_in(extension.vector(2)))
    return Hello(name, protocols)


def _name_in(names: _Reader) -> str | None:
    while names.left:
        name_type = names.number(1)
        name = names.vector(2).data
        if name_type == 0:
            return name.decode("ascii", "replace")
    return None


def _protocols_in(names: _Reader) -> Iterator[bytes]:
    while names.left:
        yield names.vector(1).data


async def peek_hello(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> Hello:
    """Wait for the client hello on ``sock`` and read what it asks for, leaving every byte where it is.

    Raises:
        OSError: the connection broke.
    """
    seen = -1
    while True:
        await readable(loop, sock)
        try:
            data = sock.recv(MAX_HELLO, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            continue
        try:
            return read_hello(data)
        except Incomplete:
            if not data or len(data) == MAX_HELLO or _says_no_more(sock):
                return Hello()
        if len(data) == seen:
            # Readable stays true while the rest is on its way.
            await asyncio.sleep(_RETRY)
        seen = len(data)


def require_protocol(hello: Hello, sock: socket.socket, ours: bytes) -> None:
    """Send the alert for it to a client that offers application protocols without ours (RFC 7301, section 3.2).
    Python's ``ssl`` would go on without any.

    Raises:
        OSError: such a client; or its connection broke.
    """
    if hello.protocols and ours not in hello.protocols:
        sock.send(_NO_APPLICATION_PROTOCOL)
        # The hello was looked at and not read; a socket closed with unread data resets the connection.
        sock.shutdown(socket.SHUT_WR)
        sock.recv(MAX_HELLO)
        offer = ", ".join(protocol.decode("ascii", "backslashreplace") for protocol in hello.protocols)
        raise ConnectionAbortedError(f"it offers {offer} by ALPN, and {ours.decode()} is served")


def _says_no_more(sock: socket.socket) -> bool:
    # What is peeked at stays, so an end of stream behind it is not seen by reading. Where poll() cannot tell either
    # (macOS), the handshake's deadline ends the wait.
    ended = getattr(select, "POLLRDHUP", 0)
    if not ended:
        return False
    poll = select.poll()
    poll.register(sock, ended)
    return bool(poll.poll(0))


async def readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    """Wait until ``sock`` can be read, or its connection has ended."""
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock.fileno(), _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock.fileno())


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
