"""``kong.ip``."""

from __future__ import annotations

from framegate.pdk.exchange import Exchange
from framegate.pdk.faces._checks import a_str, broken
from framegate.pdk.faces._forwarded import is_within
from framegate.pdk.trusted import address_of


class IP:
    """Whether an address is one of the trusted ones."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def is_trusted(self, address: str | None) -> bool:
        """Whether ``address`` lies in one of the ``trusted_ips``, whose word in ``X-Forwarded-*`` counts.

        Args:
            address: an IPv4 or IPv6 address; None, which :meth:`Client.get_ip` gives for a Unix socket, is trusted if
                ``trusted_ips`` has ``unix:``.

        Raises:
            PDKError: ``address`` is not an address.

        Phases: every phase.
        Source: as ``kong.ip.is_trusted`` of Kong's PDK; None and the error are framegate's own.
        """
        if address is None:
            return getattr(self._exchange.trusted, "unix", False)
        parsed = address_of(a_str("kong.ip.is_trusted", "address", address))
        if parsed is None:
            raise broken("kong.ip.is_trusted", f"{address!r} is not an IPv4 or IPv6 address")
        return is_within(parsed, self._exchange.trusted)
