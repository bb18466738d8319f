"""Peers whose word about where a client comes from counts, and in which header field it stands."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

REAL_IP_HEADER: Final = "X-Forwarded-For"


def address_of(text: str) -> Address | None:
    """The address that ``text`` is, or None; an IPv4 address that came in IPv6's clothes is the IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


class Trusted(tuple[Network, ...]):
    """Networks that are trusted.

    Attributes:
        unix: whether whoever comes by a Unix socket is trusted too.
        header: the field that tells the client's address.
        recursive: whether that is read from its end past the trusted addresses; if not, the last one in it counts.
    """

    unix: bool = False
    header: str = REAL_IP_HEADER
    recursive: bool = True

    @classmethod
    def of(
        cls,
        networks: Iterable[Network] = (),
        *,
        unix: bool = False,
        header: str = REAL_IP_HEADER,
        recursive: bool = True,
    ) -> Trusted:
        """Make one."""
        self = cls(networks)
        self.unix, self.header, self.recursive = unix, header, recursive
        return self

    def holds(self, peer: tuple[str, int] | None) -> bool:
        """Whether a peer is trusted; None is one on a Unix socket."""
        if peer is None:
            return self.unix
        address = address_of(peer[0])
        return address is not None and any(address in network for network in self)
