"""Who listens where: sockets that are opened here, held for workers, or were passed by the service manager.

An address is known by a :data:`Key`, so that one that a reload leaves alone keeps its sockets.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from framegate.config.configuration import Listen
from framegate.errors import FramegateError
from framegate.gateway.site import Key, Opened, keyed
from framegate.listeners import let_go, listen_beside, open_listeners, reserve_tcp
from framegate.operate.systemd import Passed

SPREADS: Final = sys.platform == "linux"
"""Whether the kernel spreads clients over the listeners of one port; elsewhere workers share one listener."""


MOST_AT_ONCE: Final = 250
"""Descriptors that are sent in one message; the kernel takes 253 (``SCM_MAX_FD``)."""


class Binder:
    """Opens the listeners of a gateway that is a single process.

    Args:
        passed: what the service manager has passed.
    """

    def __init__(self, passed: Sequence[Passed] = ()) -> None:
        self._passed = tuple(passed)
        self._fitting: dict[Key, list[Passed]] = {}

    def fit(self, listens: Iterable[Listen], *, strict: bool = False) -> None:
        """Find out which address each passed socket is for.

        Raises:
            FramegateError: with ``strict``, one fits no address.
        """
        self._fitting = fitting(self._passed, keyed(listens), strict=strict)

    async def open(self, key: Key, listen: Listen) -> Opened:
        """The listening sockets of an address.

        Raises:
            FramegateError: it cannot be listened on.
        """
        if key in self._fitting:
            return Opened([passed.sock.dup() for passed in self._fitting[key]], owned=False)
        try:
            return Opened(await open_listeners(listen.host, listen.port, listen.path, None))
        except OSError as error:
            raise cannot_listen(listen, error) from error


@dataclass(slots=True)
class Reservation:
    """An address that is held for workers.

    Attributes:
        sockets: what holds it here.
        handed: whether workers are handed these sockets; otherwise each opens its own beside them.
        owned: whether the file of a Unix socket goes with the reservation.
    """

    sockets: list[socket.socket]
    handed: bool
    owned: bool = False

    @property
    def port(self) -> int | None:
        """The port, the real one where 0 was asked for; None on a Unix socket."""
        name = self.sockets[0].getsockname()
        return name[1] if isinstance(name, tuple) else None

    def order(self, handed: list[socket.socket]) -> dict[str, Any]:
        """What a worker is told of it; sockets that it is handed are added to ``handed``."""
        if self.handed:
            first = len(handed)
            handed += self.sockets
            return {"take": [first, len(handed)]}
        return {"bind": [[sock.family, list(sock.getsockname())] for sock in self.sockets]}

    def close(self) -> None:
        """Hold it no longer."""
        let_go(self.sockets, self.owned)


class Reservations:
    """Holds addresses for workers: a worker that is started anew finds them free, and nobody else does.

    Args:
        passed: what the service manager has passed.
    """

    def __init__(self, passed: Sequence[Passed] = ()) -> None:
        self._passed = tuple(passed)
        self.held: dict[Key, Reservation] = {}

    async def reserve(self, listens: Sequence[Listen], *, strict: bool = False) -> dict[Key, Reservation]:
        """Hold what is not held yet; nothing is let go. :meth:`keep` takes the result for good.

        Raises:
            FramegateError: an address cannot be listened on; what was held for it is let go again.
        """
        wanted = keyed(listens)
        passed = fitting(self._passed, wanted, strict=strict)
        found: dict[Key, Reservation] = {}
        try:
            for key, listen in wanted.items():
                found[key] = self.held.get(key) or await _reserved(listen, passed.get(key))
        except OSError as error:
            self.let_go(found)
            raise cannot_listen(listen, error) from error
        return found

    def keep(self, chosen: dict[Key, Reservation]) -> None:
        """Hold these, and nothing else."""
        before, self.held = self.held, chosen
        for key, reservation in before.items():
            if key not in chosen:
                reservation.close()

    def let_go(self, chosen: Mapping[Key, Reservation]) -> None:
        """Hold none of these but what was held before."""
        for key, reservation in chosen.items():
            if self.held.get(key) is not reservation:
                reservation.close()


async def _reserved(listen: Listen, passed: list[Passed] | None) -> Reservation:
    if passed is not None:
        return Reservation([one.sock.dup() for one in passed], handed=True)
    if listen.path is not None:
        return Reservation(await open_listeners(None, None, listen.path, None), handed=True, owned=True)
    assert listen.port is not None
    if SPREADS:
        return Reservation(await reserve_tcp(listen.host, listen.port), handed=False)
    return Reservation(await open_listeners(listen.host, listen.port, None, None), handed=True)


def hand_over(channel: socket.socket, handed: Sequence[socket.socket]) -> None:
    """Give another process sockets, which :func:`taken_over` takes there."""
    for first in range(0, len(handed), MOST_AT_ONCE):
        socket.send_fds(channel, [b"."], [sock.fileno() for sock in handed[first : first + MOST_AT_ONCE]])


def taken_over(channel: socket.socket, count: int) -> list[socket.socket]:
    """The sockets that another process has handed over; it has done so, or they are waited for."""
    found: list[socket.socket] = []
    while len(found) < count:
        data, descriptors, _, _ = socket.recv_fds(channel, 1, min(MOST_AT_ONCE, count - len(found)))
        if not data:
            raise ConnectionResetError("whoever was to hand over sockets has gone")
        for descriptor in descriptors:
            sock = socket.socket(fileno=descriptor)
            sock.set_inheritable(False)
            sock.setblocking(False)
            found.append(sock)
    return found


def carried_out(order: Mapping[str, Any], handed: Sequence[socket.socket]) -> Opened:
    """The listening sockets that a worker's order means.

    Args:
        order: what :meth:`Reservation.order` made.
        handed: the sockets that came with all orders; those that are taken are copies.

    Raises:
        OSError: one cannot be opened.
    """
    if "take" in order:
        first, last = order["take"]
        return Opened([sock.dup() for sock in handed[first:last]], owned=False)
    opened: list[socket.socket] = []
    try:
        for family, address in order["bind"]:
            opened.append(listen_beside(family, tuple(address)))
    except BaseException:
        for sock in opened:
            sock.close()
        raise
    return Opened(opened)


def cannot_listen(listen: Listen, error: OSError) -> FramegateError:
    """What is said of an address that cannot be listened on."""
    # asyncio puts its own words around the system's, the address among them. Name resolution has numbers of its own.
    known = error.errno is not None and not isinstance(error, socket.gaierror)
    cause = os.strerror(error.errno) if known and error.errno is not None else error.strerror or str(error)
    return FramegateError(f"cannot listen on {listen}: {cause}")


def fitting(passed: Sequence[Passed], wanted: Mapping[Key, Listen], *, strict: bool) -> dict[Key, list[Passed]]:
    """The passed sockets by the address that they are for: that of their name ``listen-N``, the N-th of the file
    counted from 0, or the one that they listen at.

    Raises:
        FramegateError: with ``strict``, one is for none.
    """
    found: dict[Key, list[Passed]] = {}
    named = {f"listen-{index}": key for index, key in enumerate(wanted)}
    for one in passed:
        key = named.get(one.name) or next((key for key, listen in wanted.items() if _is_at(one.sock, listen)), None)
        if key is not None:
            found.setdefault(key, []).append(one)
        elif strict:
            addresses = ", ".join(str(listen) for listen in wanted.values())
            raise FramegateError(
                f"the service manager has passed a socket at {one}, which is no address of gateway.listen "
                f"({addresses}): list it there, or give it FileDescriptorName=listen-N"
            )
    return found


def _is_at(sock: socket.socket, listen: Listen) -> bool:
    name = sock.getsockname()
    if not isinstance(name, tuple):
        return listen.path is not None and os.fsdecode(name) == listen.path
    if listen.port != name[1] or listen.host is None:
        return False
    try:
        infos = socket.getaddrinfo(listen.host, listen.port, sock.family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    except OSError:
        return False
    return any(address[0] == name[0] for _, _, _, _, address in infos)


def url_of(listen: Listen, port: int | None) -> str:
    """An address as a ready line shows it, with the real port."""
    if listen.path is not None or port is None:
        return str(listen)
    host = f"[{listen.host}]" if listen.host is not None and ":" in listen.host else listen.host
    return f"{'wss' if listen.tls else 'ws'}://{host}:{port}"
