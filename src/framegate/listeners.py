"""Listening sockets: made from what ``serve`` is given, and accepted from on the event loop.

Knows nothing of what happens on a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

_log = logging.getLogger("framegate.server")

BACKLOG = 1024
"""Connections that wait to be accepted; the kernel caps it at ``net.core.somaxconn``."""

ACCEPTS_PER_TURN = 64
"""Connections that are accepted before the loop's other work gets its turn."""

_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
_RETRY_DELAY = 1.0


async def open_listeners(
    host: str | None, port: int | None, unix_path: str | None, sock: socket.socket | None
) -> list[socket.socket]:
    """The listening sockets; with port 0 on several addresses they share one free port.

    Raises:
        OSError: an address is in use or not ours.
        TypeError, ValueError: the arguments do not go together.
    """
    if sum((host is not None or port is not None, unix_path is not None, sock is not None)) > 1:
        raise ValueError("give one of host and port, unix_path, or sock")
    if sock is not None:
        sock.setblocking(False)
        sock.listen(BACKLOG)
        return [sock]
    if unix_path is not None:
        return [_listen_unix(unix_path)]
    return await _listen_tcp(host or None, 0 if port is None else port)


def _listen_unix(path: str) -> socket.socket:
    # A socket file that a dead server has left would make bind fail; anything else at that path is not ours.
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    return _listen_on(socket.AF_UNIX, path)


async def _listen_tcp(host: str | None, port: int) -> list[socket.socket]:
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(infos):
            try:
                listener = _listen_on(family, (address[0], port, *address[2:]))
            except OSError as error:
                if host is None and error.errno in _NO_SUCH_FAMILY:
                    # This machine has no IPv6 (or no IPv4).
                    continue
                raise
            listeners.append(listener)
            port = port or listener.getsockname()[1]
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    if not listeners:
        raise OSError(f"{host!r} has no address to listen on")
    return listeners


def _listen_on(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


class Acceptor:
    """Accepts from ``listener`` and hands each connected socket to ``accepted(sock, address)``."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        accepted: Callable[[socket.socket, Any], None],
    ) -> None:
        self.loop = loop
        self.listener = listener
        self.accepted = accepted
        self._timer: asyncio.TimerHandle | None = None
        self._unix_path = listener.getsockname() if listener.family == socket.AF_UNIX else None
        self._open = True
        loop.add_reader(listener.fileno(), self._readable)

    def close(self) -> None:
        """Stop accepting and close the listener."""
        if not self._open:
            return
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        self.loop.remove_reader(self.listener.fileno())
        self.listener.close()
        if self._unix_path:
            with contextlib.suppress(OSError):
                os.unlink(self._unix_path)

    def _readable(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, address = self.listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_RESOURCES:
                    _log.error("accepting failed: %s", error)
                    return
                # Without a pause the loop would spin on a listener that stays readable.
                _log.error("accepting pauses for %g seconds: %s", _RETRY_DELAY, error)
                self.loop.remove_reader(self.listener.fileno())
                self._timer = self.loop.call_later(_RETRY_DELAY, self._resume)
                return
            sock.setblocking(False)
            self.accepted(sock, address)

    def _resume(self) -> None:
        self._timer = None
        if self._open:
            self.loop.add_reader(self.listener.fileno(), self._readable)
