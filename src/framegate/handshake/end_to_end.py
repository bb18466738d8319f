"""Which fields are end-to-end, and which stay behind on either leg (RFC 9110, section 7.6.1).

Owns the list of hop-by-hop fields. It knows nothing of how a head is read or written.
"""

from __future__ import annotations

from collections.abc import Iterable

from framegate.handshake.grammar import HeaderSource, list_members, pairs

HANDSHAKE_PREFIX = "sec-websocket-"

# RFC 9110, section 7.6.1, and RFC 2616, section 13.5.1 for what older peers treat so.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_OUR_OWN = HOP_BY_HOP | {"host", "content-length"}


def is_our_own(name: str) -> bool:
    """Whether framegate writes this field itself, or leaves it behind, on either leg."""
    lowered = name.lower()
    return lowered in _OUR_OWN or lowered.startswith(HANDSHAKE_PREFIX)


def forwardable(headers: HeaderSource) -> list[tuple[str, str]]:
    """The end-to-end fields among ``headers``, order and duplicates kept.

    Left out: hop-by-hop fields, those nominated in ``Connection``, ``Sec-WebSocket-*``, ``Host``, ``Content-Length``.
    """
    fields = list(pairs(headers))
    nominated: set[str] = set()
    for name, value in fields:
        if len(name) == len("connection") and name.lower() == "connection":
            nominated.update(option.lower() for option in list_members((value,)))
    left = _OUR_OWN if nominated <= _OUR_OWN else _OUR_OWN | nominated
    return [
        field for field in fields if (name := field[0].lower()) not in left and not name.startswith(HANDSHAKE_PREFIX)
    ]


def without_our_own(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """``fields`` but for those of which :func:`is_our_own` says so."""
    return [
        field
        for field in fields
        if (name := field[0].lower()) not in _OUR_OWN and not name.startswith(HANDSHAKE_PREFIX)
    ]


def response_headers_for_client(headers: HeaderSource) -> list[tuple[str, str]]:
    """The fields of the upstream's 101 that go into the client's 101, ``Set-Cookie`` among them."""
    return forwardable(headers)
