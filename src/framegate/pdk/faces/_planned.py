"""The request to the upstream as it stands: the client's, with what plugins have changed so far.

Header fields are those that would be sent: what the client claims of itself and of where it comes from is not among
them.
"""

from __future__ import annotations

from framegate.handshake import request_headers_for_upstream
from framegate.pdk.exchange import Exchange
from framegate.pdk.faces._forwarded import peer_is_trusted
from framegate.pdk.faces._identity import is_identity_header

Pairs = list[tuple[str, str]]


def planned_query(exchange: Exchange) -> str:
    """The query, without the question mark; empty where there is none."""
    if exchange.upstream.query is not None:
        return exchange.upstream.query
    return "" if exchange.head is None else exchange.head.query


def planned_protocols(exchange: Exchange) -> tuple[str, ...]:
    """The subprotocols to offer."""
    if exchange.upstream.protocols is not None:
        return exchange.upstream.protocols
    return () if exchange.head is None else exchange.head.subprotocols


def planned_fields(exchange: Exchange) -> Pairs:
    """The header fields."""
    return exchange.upstream.headers.apply(_unedited(exchange))


def planned_values(exchange: Exchange, name: str) -> list[str]:
    """The values of the header fields of one name."""
    edited = exchange.upstream.headers.values(name)
    if edited is not None:
        return edited
    return [value for present, value in _unedited(exchange) if present.lower() == name.lower()]


def _unedited(exchange: Exchange) -> Pairs:
    """The header fields if no plugin changed anything."""
    if exchange.head is None:
        return []
    address, port = exchange.peer or (None, None)
    fields = request_headers_for_upstream(
        exchange.head,
        client_host=address,
        client_port=port,
        scheme=exchange.scheme,
        server_port=exchange.local_port,
        trusted=peer_is_trusted(exchange),
    )
    return [(name, value) for name, value in fields if not is_identity_header(name)]
