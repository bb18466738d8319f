"""Whose word counts about where a client comes from.

Only what a trusted address says in ``X-Forwarded-*`` counts. ``Forwarded`` (RFC 7239) is not read, as in Kong.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from framegate.pdk.exchange import Exchange, Network

Address = IPv4Address | IPv6Address
Peer = tuple[str, int | None]


def address_of(text: str) -> Address | None:
    """The address that ``text`` is, or None; an IPv4 address that came in IPv6's clothes is the IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of ``networks`` holds ``address``."""
    return any(address in network for network in networks)


def peer_is_trusted(exchange: Exchange) -> bool:
    """Whether the client's connection comes from a trusted address; a Unix socket has none."""
    if exchange.peer is None or not exchange.trusted:
        return False
    address = address_of(exchange.peer[0])
    return address is not None and is_within(address, exchange.trusted)


def forwarded_peer(exchange: Exchange) -> Peer | None:
    """Address and port of the client behind the trusted proxies; the port is None where nobody told it.

    ``X-Forwarded-For`` is read from its end, where the nearest proxy wrote: the first address that is not trusted is
    the client's, for everything before it is that client's own claim. What is no address ends the search.
    """
    found: Peer | None = exchange.peer
    if exchange.head is None or not peer_is_trusted(exchange):
        return found
    said = ",".join(exchange.head.headers.getall("X-Forwarded-For", ()))
    for member in reversed(said.split(",")):
        if not (member := member.strip()):
            continue
        peer = _peer(member)
        if peer is None:
            break
        found = peer
        address = address_of(peer[0])
        if address is None or not is_within(address, exchange.trusted):
            break
    return found


def split_host(text: str) -> tuple[str, int | None]:
    """Host in lower case, brackets kept, and port of ``host``, ``host:port`` or ``user@host:port``."""
    host, colon, port = text.rpartition("@")[2].rpartition(":")
    if not colon or "]" in port:
        return (text.rpartition("@")[2].lower(), None)
    return host.lower(), port_of(port)


def port_of(text: str | None) -> int | None:
    """The port that ``text`` is, 1 to 65535, or None."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 5):
        return None
    port = int(text)
    return port if 1 <= port <= 65535 else None


def _peer(member: str) -> Peer | None:
    member = member.strip('"')
    if address_of(member) is not None:
        return member, None
    host, port = split_host(member)
    host = host.removeprefix("[").removesuffix("]")
    return None if address_of(host) is None else (host, port)
