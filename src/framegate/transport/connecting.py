"""Stream sockets on their way to being connected, without a thread and, where that can be, without a turn of the loop.

uvloop's ``sock_connect`` resolves even a numeric address, in a thread of its pool, and takes four turns of the loop.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from framegate._build import pick

if TYPE_CHECKING:
    from framegate.transport._poller import Watcher
else:
    Watcher = pick("framegate.transport._poller").Watcher

_WRITE = 2  # framegate.transport._poller.WRITE

_UNDER_WAY = (0, errno.EINPROGRESS)
_STREAM = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0)


def begin_connecting(family: int, address: Any, words: bytes) -> tuple[socket.socket, int]:
    """A non-blocking socket that connects to ``address``, and how many bytes of ``words`` it has taken already.

    On loopback and Unix sockets the connection usually stands when ``connect()`` returns, whatever it says. Where it
    does not stand yet, nothing is taken; what comes of it shows when the socket can be written.

    Raises:
        OSError: there is no connection.
    """
    sock = _begin(family, address)
    try:
        return sock, sock.send(words)
    except (BlockingIOError, InterruptedError):
        return sock, 0
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            # What BSDs say of a socket that is still connecting.
            return sock, 0
        sock.close()
        raise


async def connected_socket(poller: Any, family: int, address: Any) -> socket.socket:
    """A non-blocking socket that is connected to ``address``.

    Raises:
        OSError: there is no connection.
    """
    sock = _begin(family, address)
    try:
        settled = _Settled(asyncio.get_running_loop().create_future())
        poller.change(sock.fileno(), settled, 0, _WRITE)
        try:
            await settled.future
        finally:
            poller.change(sock.fileno(), settled, _WRITE, 0)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


class _Settled(Watcher):
    """Told when a socket is connected, or has failed to be."""

    def __init__(self, future: asyncio.Future[None]) -> None:
        self.future = future

    def ready(self, events: int) -> None:
        if not self.future.done():
            self.future.set_result(None)


def _begin(family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, _STREAM)
    try:
        sock.setblocking(False)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code not in _UNDER_WAY:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock
