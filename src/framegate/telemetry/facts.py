"""What a connection was, as plain data: the same words in traces and in the access log.

It shows no header field, no query and no credential of a client: what stands there may be secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framegate.pdk.entities import Entity
from framegate.pdk.exchange import Exchange
from framegate.pdk.faces._forwarded import forwarded_peer
from framegate.session.record import SessionRecord


def name_of(entity: Entity | None) -> str | None:
    """The name of a route or service, or its id where it has none."""
    return None if entity is None else str(entity.get("name") or entity.get("id"))


def consumer_of(exchange: Exchange) -> str | None:
    """Who the client turned out to be: username, else custom_id, else id."""
    consumer = exchange.consumer
    if consumer is None:
        return None
    return str(consumer.get("username") or consumer.get("custom_id") or consumer.get("id"))


def client_address(exchange: Exchange) -> tuple[str, int | None] | None:
    """Address and port of the client, behind the proxies that are trusted; None on a Unix socket."""
    return forwarded_peer(exchange)


def whose(exchange: Exchange) -> dict[str, Any]:
    """Who came, and where it was led."""
    client, peer, head = client_address(exchange), exchange.peer, exchange.head
    return {
        "client_address": None if client is None else client[0],
        "peer_address": None if peer is None else peer[0],
        "scheme": exchange.scheme,
        "host": None if head is None else head.headers.get("Host"),
        "path": None if head is None else head.path,
        "route": name_of(exchange.route),
        "service": name_of(exchange.service),
        "consumer": consumer_of(exchange),
    }


def ending(record: SessionRecord) -> dict[str, Any]:
    """How a session ended, and what passed in it."""
    return {
        "ended_by": record.ended_by,
        "why": record.why,
        "detail": record.detail or None,
        "error": None if record.error is None else str(record.error),
        "client": record.client.as_data(),
        "upstream": record.upstream.as_data(),
    }


def flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """``a.b`` for what stands in ``b`` of the mapping ``a``, without what is None."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield prefix + name, value
