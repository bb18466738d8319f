"""``kong.request``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

from framegate.pdk.exchange import Exchange
from framegate.pdk.faces._checks import a_str, an_int
from framegate.pdk.faces._forwarded import peer_is_trusted, port_of, split_host
from framegate.pdk.faces._query import Argument, Query, arguments

_NO_FIELDS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
# A forwarding header tells the scheme of the opening handshake, which is an HTTP request (RFC 7239, section 5.4).
_SCHEMES = {"http": "ws", "https": "wss"}
_MOST = 1000


class UriCaptures(NamedTuple):
    """What the regular expression of a route's path captured.

    Attributes:
        unnamed: the groups without a name, in order.
        named: the named groups.
    """

    unnamed: tuple[str, ...]
    named: Mapping[str, str]


class Request:
    """The client's opening request, as the client sent it: what plugins change for the upstream does not show here.

    Before the request has come, in ``certificate``, there is nothing to tell: None, or empty.
    """

    __slots__ = ("_exchange", "_fields")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._fields: CIMultiDictProxy[str] | None = None

    def get_scheme(self) -> str:
        """``"ws"`` or ``"wss"``: how the client came.

        Phases: every phase.
        Source: as ``kong.request.get_scheme`` of Kong's PDK, which says ``http`` and ``https``.
        """
        return self._exchange.scheme

    def get_host(self) -> str | None:
        """The host of the ``Host`` field, in lower case, without the port.

        In ``certificate``, the server name that the client's TLS asks for (SNI), or None.

        Phases: every phase.
        Source: as ``kong.request.get_host`` of Kong's PDK; in ``certificate``, framegate's own.
        """
        host = self._first("Host")
        return self._exchange.server_name if host is None else split_host(host)[0]

    def get_port(self) -> int | None:
        """The port that the client came to; None on a Unix socket.

        Phases: every phase.
        Source: as ``kong.request.get_port`` of Kong's PDK.
        """
        return self._exchange.local_port

    def get_forwarded_scheme(self) -> str:
        """The scheme in ``X-Forwarded-Proto`` of a trusted peer, in lower case, else that of ``get_scheme()``.

        ``http`` and ``https`` are told as ``"ws"`` and ``"wss"``.

        Phases: every phase.
        Source: as ``kong.request.get_forwarded_scheme`` of Kong's PDK, which tells the field's own word.
        """
        said = self._said("X-Forwarded-Proto")
        if said is None:
            return self.get_scheme()
        return _SCHEMES.get(said.lower(), said.lower())

    def get_forwarded_host(self) -> str | None:
        """The host in ``X-Forwarded-Host`` of a trusted peer, in lower case, without the port, else ``get_host()``.

        Phases: every phase.
        Source: as ``kong.request.get_forwarded_host`` of Kong's PDK.
        """
        said = self._said("X-Forwarded-Host")
        return self.get_host() if said is None else split_host(said)[0]

    def get_forwarded_port(self) -> int | None:
        """The port in ``X-Forwarded-Port`` of a trusted peer, else in its ``X-Forwarded-Host``, else ``get_port()``.

        Phases: every phase.
        Source: as ``kong.request.get_forwarded_port`` of Kong's PDK.
        """
        port = port_of(self._said("X-Forwarded-Port"))
        if port is None and (host := self._said("X-Forwarded-Host")) is not None:
            port = split_host(host)[1]
        return self.get_port() if port is None else port

    def get_forwarded_path(self) -> str:
        """``X-Forwarded-Path`` of a trusted peer as it came, else ``get_path()``.

        Phases: every phase.
        Source: as ``kong.request.get_forwarded_path`` of Kong's PDK.
        """
        said = self._said("X-Forwarded-Path")
        return self.get_path() if said is None else said

    def get_forwarded_prefix(self) -> str | None:
        """``X-Forwarded-Prefix`` of a trusted peer as it came, else the part of the path that the route strips.

        None where nothing is stripped, and before the router has decided.

        Phases: every phase.
        Source: as ``kong.request.get_forwarded_prefix`` of Kong's PDK.
        """
        said = self._said("X-Forwarded-Prefix")
        return self._exchange.prefix if said is None else said

    def get_http_version(self) -> float | None:
        """The version of HTTP, ``1.1``; None in ``certificate``.

        Phases: every phase.
        Source: as ``kong.request.get_http_version`` of Kong's PDK.
        """
        head = self._exchange.head
        return None if head is None else float(head.http_version)

    def get_method(self) -> str | None:
        """The method, ``"GET"``; None in ``certificate``.

        Phases: every phase.
        Source: as ``kong.request.get_method`` of Kong's PDK.
        """
        head = self._exchange.head
        return None if head is None else head.method

    def get_path(self) -> str:
        """The path, normalised (RFC 3986, section 6.2.2), without the query: the one that the router looks at.

        Empty in ``certificate``.

        Phases: every phase.
        Source: as ``kong.request.get_path`` of Kong's PDK.
        """
        return "" if self._exchange.head is None else self._exchange.path

    def get_raw_path(self) -> str:
        """The path as it came, without the query. Compare ``get_path()`` where the comparison decides about access.

        Empty in ``certificate``.

        Phases: every phase.
        Source: as ``kong.request.get_raw_path`` of Kong's PDK.
        """
        head = self._exchange.head
        return "" if head is None else head.path

    def get_path_with_query(self) -> str:
        """Path and query as they came. Empty in ``certificate``.

        Phases: every phase.
        Source: as ``kong.request.get_path_with_query`` of Kong's PDK.
        """
        head = self._exchange.head
        return "" if head is None else head.target

    def get_raw_query(self) -> str:
        """The query as it came, without the question mark; empty where there is none.

        Phases: every phase.
        Source: as ``kong.request.get_raw_query`` of Kong's PDK.
        """
        head = self._exchange.head
        return "" if head is None else head.query

    def get_query_arg(self, name: str) -> Argument | None:
        """The first value of a query argument, decoded; True where it has no ``=``; None where it is not there.

        It looks among the first 100 arguments.

        Raises:
            PDKError: ``name`` is not a str.

        Phases: every phase.
        Source: as ``kong.request.get_query_arg`` of Kong's PDK.
        """
        value = self.get_query().get(a_str("kong.request.get_query_arg", "name", name))
        return value[0] if isinstance(value, list) else value

    def get_query(self, max_args: int = 100) -> Query:
        """The query arguments by name, decoded: a str, True for one without ``=``, a list for a name that came again.

        Args:
            max_args: how many arguments are read, 1 to 1000.

        Raises:
            PDKError: ``max_args`` is out of range.

        Phases: every phase.
        Source: as ``kong.request.get_query`` of Kong's PDK, defaults included.
        """
        return arguments(self.get_raw_query(), an_int("kong.request.get_query", "max_args", max_args, 1, _MOST))

    def get_header(self, name: str) -> str | None:
        """The first value of a header field, as latin-1; None where it is not there.

        ``name`` is looked up without regard to case, and ``_`` stands for ``-`` too.

        Raises:
            PDKError: ``name`` is not a str.

        Phases: every phase.
        Source: as ``kong.request.get_header`` of Kong's PDK.
        """
        value = self._first(a_str("kong.request.get_header", "name", name))
        return self._first(name.replace("_", "-")) if value is None and "_" in name else value

    def get_headers(self, max_headers: int = 100) -> dict[str, str | list[str]]:
        """The header fields by their names in lower case: a str, or a list where a name came more than once.

        Args:
            max_headers: how many fields are read, 1 to 1000.

        Raises:
            PDKError: ``max_headers`` is out of range.

        Phases: every phase.
        Source: as ``kong.request.get_headers`` of Kong's PDK, defaults included.
        """
        most = an_int("kong.request.get_headers", "max_headers", max_headers, 1, _MOST)
        found: dict[str, str | list[str]] = {}
        for (name, value), _ in zip(self._all().items(), range(most), strict=False):
            before = found.get(name := name.lower())
            if before is None:
                found[name] = value
            elif isinstance(before, list):
                before.append(value)
            else:
                found[name] = [before, value]
        return found

    def get_start_time(self) -> int:
        """When the client connected, in milliseconds since the epoch.

        Phases: every phase.
        Source: as ``kong.request.get_start_time`` of Kong's PDK.
        """
        return int(self._exchange.started_at * 1000)

    def get_uri_captures(self) -> UriCaptures:
        """What the regular expression of the route's path captured: ``unnamed``, a tuple, and ``named``, a mapping.

        Phases: every phase.
        Source: as ``kong.request.get_uri_captures`` of Kong's PDK.
        """
        unnamed, named = self._exchange.captures
        return UriCaptures(tuple(unnamed), MappingProxyType(dict(named)))

    def get_subprotocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers, most wanted first, each once (RFC 6455, section 11.3.4).

        Phases: every phase.
        Source: framegate's own.
        """
        head = self._exchange.head
        return () if head is None else head.subprotocols

    def _all(self) -> CIMultiDictProxy[str]:
        if self._fields is None:
            head = self._exchange.head
            self._fields = _NO_FIELDS if head is None else head.headers
        return self._fields

    def _first(self, name: str) -> str | None:
        return self._all().get(name)

    def _said(self, name: str) -> str | None:
        return self._first(name) if peer_is_trusted(self._exchange) else None
