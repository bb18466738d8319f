"""Whose word counts about where a client comes from.

Only what a trusted peer says in ``X-Forwarded-*`` counts, and in the field that the configuration names for the
client's address. Of ``Forwarded`` (RFC 7239) no more than its ``for=`` is read, and only where it is that field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from framegate.pdk.exchange import Exchange
from framegate.pdk.trusted import Address, Network, Trusted, address_of

Peer = tuple[str, int | None]

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_MEMBERS: Final = re.compile(rf'(?:[^,"]|{_QUOTED})+')
_FOR: Final = re.compile(rf'(?:^|;)\s*for\s*=\s*({_QUOTED}|[^;"\s]+)\s*(?=;|$)', re.IGNORECASE)


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of ``networks`` holds ``address``."""
    return any(address in network for network in networks)


def peer_is_trusted(exchange: Exchange) -> bool:
    """Whether the client's connection comes from a trusted peer."""
    if exchange.peer is None:
        return _trusted(exchange).unix
    if not exchange.trusted:
        return False
    address = address_of(exchange.peer[0])
    return address is not None and is_within(address, exchange.trusted)


def forwarded_peer(exchange: Exchange) -> Peer | None:
    """Address and port of the client behind the trusted proxies; the port is None where nobody told it.

    The field is read from its end, where the nearest proxy wrote: the first address that is not trusted is the
    client's, for everything before it is that client's own claim. What is no address ends the search.
    """
    found: Peer | None = exchange.peer
    if exchange.head is None or not peer_is_trusted(exchange):
        return found
    trusted = _trusted(exchange)
    said = ",".join(exchange.head.headers.getall(trusted.header, ()))
    members = _forwarded_for(said) if trusted.header.lower() == "forwarded" else said.split(",")
    for member in reversed(list(members)):
        if not (member := member.strip()):
            continue
        peer = _peer(member)
        if peer is None:
            break
        found = peer
        address = address_of(peer[0])
        if not trusted.recursive or address is None or not is_within(address, trusted):
            break
    return found


def _trusted(exchange: Exchange) -> Trusted:
    trusted = exchange.trusted
    return trusted if isinstance(trusted, Trusted) else Trusted(trusted)


def _forwarded_for(said: str) -> Iterator[str]:
    """What each element names as the one that it was received from (RFC 7239, section 5.2)."""
    for element in _MEMBERS.findall(said):
        found = _FOR.search(element)
        # An element without it was added by a proxy that tells nothing: the search ends there.
        yield "unknown" if found is None else re.sub(r"\\(.)", r"\1", found[1].strip('"'))


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
