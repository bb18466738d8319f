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
from collections.abc import Callable, Iterable
from typing import Any

_log = logging.getLogger("framegate.server")

BACKLOG = 1024
"""Connections that wait to be accepted; the kernel caps it at ``net.core.somaxconn``."""

ACCEPTS_PER_TURN = 64
"""Connections that are accepted before the loop's other work gets its turn."""

_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
_RETRY_DELAY = 1.0


def local_port(sock: socket.socket) -> int | None:
    """The port that ``sock`` is bound to; None for a Unix socket."""
    name = sock.getsockname()
    return name[1] if isinstance(name, tuple) else None


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
    return await _each_address(host or None, 0 if port is None else port, _listen_on)


async def reserve_tcp(host: str | None, port: int) -> list[socket.socket]:
    """Sockets that hold a port for listeners of several processes, and do not listen themselves; with port 0 they hold
    one free port. :func:`listen_beside` makes the listeners.

    Raises:
        OSError: an address is in use or not ours.
    """
    return await _each_address(host, port, _reserve_on)


def let_go(sockets: Iterable[socket.socket], owned: bool) -> None:
    """Close listening sockets that nobody accepts from.

    Args:
        sockets: the sockets.
        owned: whether the file of a Unix socket is removed.
    """
    for sock in sockets:
        name = sock.getsockname()
        sock.close()
        if owned and isinstance(name, str) and name:
            with contextlib.suppress(OSError):
                os.unlink(name)


def listen_beside(family: int, address: Any) -> socket.socket:
    """A listener on a port that :func:`reserve_tcp` holds; each process has its own, and the kernel spreads clients.

    Raises:
        OSError: it cannot be listened on.
    """
    return _listening(_bound(family, address, shared=True))


def _reserve_on(family: int, address: Any) -> socket.socket:
    if address[1]:
        # A port that is shared can be shared with strangers of the same user, who would take some of our clients.
        _bound(family, address).close()
    return _bound(family, address, shared=True)


def _listen_unix(path: str) -> socket.socket:
    # A socket file that a dead server has left would make bind fail; anything else at that path is not ours.
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    return _listen_on(socket.AF_UNIX, path)


async def _each_address(
    host: str | None, port: int, make: Callable[[int, Any], socket.socket]
) -> list[socket.socket]:
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(infos):
            try:
                listener = make(family, (address[0], port, *address[2:]))
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
    return _listening(_bound(family, address))


def _listening(bound: socket.socket) -> socket.socket:
    try:
        bound.listen(BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


def _bound(family: int, address: Any, shared: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


class Acceptor:
    """Accepts from ``listener`` and hands each connected socket to ``accepted(sock, address)``.

    Args:
        loop: the event loop.
        listener: the listening socket.
        accepted: called for each client.
        owned: whether the file of a Unix socket is removed with the listener.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        accepted: Callable[[socket.socket, Any], None],
        owned: bool = True,
    ) -> None:
        self.loop = loop
        self.listener = listener
        self.accepted = accepted
        self._timer: asyncio.TimerHandle | None = None
        self._unix_path = listener.getsockname() if owned and listener.family == socket.AF_UNIX else None
        self._open = True
        # What each accepted socket is; asked of the listener for every one, it would cost as much as the accepting.
        self._kind = listener.family, listener.type, listener.proto
        loop.add_reader(listener.fileno(), self._readable)

    def close(self) -> None:
        """Stop accepting and close the listener."""
        if not self._open:
            return
        rounds = 0 if self._timer is not None else -(-BACKLOG // ACCEPTS_PER_TURN)
        # Whom the kernel has let in already would be reset with the listener.
        while rounds and self._readable():
            rounds -= 1
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        self.loop.remove_reader(self.listener.fileno())
        self.listener.close()
        if self._unix_path:
            with contextlib.suppress(OSError):
                os.unlink(self._unix_path)

    def _readable(self) -> bool:
        # Returns whether there may be more.
        for _ in range(ACCEPTS_PER_TURN):
            try:
                fd, address = self.listener._accept()  # type: ignore[attr-defined]
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return False
            except OSError as error:
                if error.errno not in _OUT_OF_RESOURCES:
                    _log.error("accepting failed: %s", error)
                    return False
                # Without a pause the loop would spin on a listener that stays readable.
                _log.error("accepting pauses for %g seconds: %s", _RETRY_DELAY, error)
                self.loop.remove_reader(self.listener.fileno())
                self._timer = self.loop.call_later(_RETRY_DELAY, self._resume)
                return False
            sock = socket.socket(*self._kind, fileno=fd)
            sock.setblocking(False)
            self.accepted(sock, address)
        return True

    def _resume(self) -> None:
        self._timer = None
        if self._open:
            self.loop.add_reader(self.listener.fileno(), self._readable)
