"""From a host and a port to a connected socket: the system's resolver, and Happy Eyeballs (RFC 8305).

Knows no upstreams, no TLS and no caching; an address needs neither thread nor task.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import aiohappyeyeballs

Address = tuple[int, Any]
"""A family of addresses, and an address as sockets of the family take it."""

ATTEMPT_DELAY = 0.25
"""Seconds until the next address is tried beside those under way (RFC 8305, section 5)."""


@lru_cache(256)
def family_of(host: str) -> int | None:
    """The family of an address, without brackets; None for a name."""
    try:
        # A zone, as in fe80::1%eth0, is the resolver's to look up.
        version = None if "%" in host else ipaddress.ip_address(host).version
    except ValueError:
        return None
    return {4: socket.AF_INET, 6: socket.AF_INET6}.get(version or 0)


async def addresses(host: str, port: int) -> list[Address]:
    """The addresses of ``host``, as the system's resolver orders them; of an address, itself.

    Raises:
        OSError: there are none, or the resolver failed.
    """
    known = family_of(host)
    if known is not None:
        return [(known, (host, port))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


async def connect_first(
    loop: asyncio.AbstractEventLoop, addresses: Sequence[Address], *, delay: float = ATTEMPT_DELAY
) -> socket.socket:
    """A non-blocking socket, with ``TCP_NODELAY``, that is connected to the first address which takes it.

    Addresses are tried in turn, the families alternating, the next one after ``delay`` seconds or as soon as one fails
    (RFC 8305, sections 4 and 5). The other attempts are given up, and their sockets closed.

    Raises:
        OSError: there is no address, or none could be reached; the message has what was said of each.
    """
    if not addresses:
        raise OSError("there is no address to connect to")
    if len(addresses) == 1:
        return await _connect(loop, *addresses[0])
    infos = [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for family, address in addresses]
    try:
        return await aiohappyeyeballs.start_connection(
            infos, happy_eyeballs_delay=delay, interleave=1, loop=loop, socket_factory=_new_socket
        )
    except RuntimeError as error:
        # uvloop's, of an address that it cannot read.
        raise OSError(str(error)) from error


async def _connect(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    sock = _new_socket((family, socket.SOCK_STREAM, 0, "", address))
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _new_socket(info: tuple[int, int, int, str, Any]) -> socket.socket:
    sock = socket.socket(info[0], socket.SOCK_STREAM)
    if info[0] != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
