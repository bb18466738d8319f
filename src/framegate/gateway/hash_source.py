"""What a connection offers to be hashed, read through the faces that plugins have."""

from __future__ import annotations

from framegate.pdk.exchange import Exchange
from framegate.pdk.faces.client import Client
from framegate.pdk.faces.request import Request
from framegate.pdk.phases import WS_HANDSHAKE


class ExchangeSource:
    """A :class:`~framegate.gateway.hash_input.HashSource` of a connection whose handshake phases have run."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def consumer(self) -> str | None:
        """The consumer's id, or the credential's."""
        entity = self._exchange.consumer or self._exchange.credential
        return None if entity is None else entity.get("id")

    def ip(self) -> str | None:
        """The client's address."""
        return Client(self._exchange, WS_HANDSHAKE).get_forwarded_ip()

    def header(self, name: str) -> str | None:
        """All values of a header."""
        assert self._exchange.head is not None
        return ", ".join(self._exchange.head.headers.getall(name, [])) or None

    def cookie(self, name: str) -> str | None:
        """A cookie's value."""
        # Split by hand: the standard library's SimpleCookie gives up the whole field for one odd cookie.
        assert self._exchange.head is not None
        for field in self._exchange.head.headers.getall("Cookie", []):
            for cookie in field.split(";"):
                key, _, value = cookie.partition("=")
                if key.strip() == name:
                    return value.strip().strip('"')
        return None

    def path(self) -> str:
        """The normalised path."""
        return self._exchange.path

    def query_arg(self, name: str) -> str | None:
        """The values of a query argument."""
        value = Request(self._exchange).get_query().get(name)
        values = value if isinstance(value, list) else [value]
        return ", ".join("" if one is True else str(one) for one in values if one is not None) or None

    def uri_capture(self, name: str) -> str | None:
        """What a group of the route's regular expression captured."""
        unnamed, named = self._exchange.captures
        if name in named:
            return named[name]
        return unnamed[int(name) - 1] if name.isdigit() and 0 < int(name) <= len(unnamed) else None
