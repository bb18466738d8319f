"""The arguments of ``Proxy.connect_upstream`` behind the URL, checked once."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from framegate.handshake import checked_headers, checked_host, checked_origin, checked_subprotocols

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class UpstreamOptions(NamedTuple):
    """The checked arguments of :meth:`Proxy.connect_upstream`, behind the URL."""

    protocols: tuple[str, ...] | None = None
    http_origin: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    host: str | None = None
    ssl: ssl_module.SSLContext | None = None
    server_hostname: str | None = None
    unix_path: str | None = None
    # For the gateway alone: names of the client's fields that stay behind, in lower case, whether the client is a
    # proxy whose forwarding headers count, and the version of the PROXY protocol that tells of it ahead of everything.
    without: frozenset[str] = frozenset()
    trusted: bool = False
    proxy_protocol: Literal[1, 2] | None = None

    @classmethod
    def of(
        cls,
        *,
        protocols: Sequence[str] | None = None,
        http_origin: str | None = None,
        headers: Headers | None = None,
        host: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
        unix_path: str | None = None,
    ) -> UpstreamOptions:
        """Check and collect.

        Raises:
            TypeError, ValueError: an argument breaks a rule, which the message names.
        """
        if ssl is not None and not isinstance(ssl, ssl_module.SSLContext):
            raise TypeError(f"ssl must be an ssl.SSLContext or None, not {type(ssl).__name__}")
        if unix_path is not None and not isinstance(unix_path, str):
            raise TypeError(f"unix_path must be a str or None, not {type(unix_path).__name__}")
        if unix_path is not None and ("\0" in unix_path or not unix_path):
            raise ValueError("unix_path must be the path of a socket")
        return cls(
            None if protocols is None else tuple(checked_subprotocols(protocols)),
            None if http_origin is None else checked_origin(http_origin),
            checked_headers(headers, where="headers"),
            None if host is None else checked_host(host),
            ssl,
            None if server_hostname is None else checked_host(server_hostname),
            unix_path,
        )
