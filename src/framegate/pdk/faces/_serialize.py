"""One connection as plain data, for the log: what ``kong.log.serialize()`` gives.

Everything in it is a dict, list, str, number, bool or None, so that it can be written as JSON.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from framegate.pdk.entities import Entity
from framegate.pdk.exchange import Exchange
from framegate.pdk.faces._checks import broken
from framegate.pdk.faces._forwarded import forwarded_peer
from framegate.pdk.faces._query import arguments
from framegate.pdk.faces._redaction import Redaction
from framegate.pdk.faces.request import Request
from framegate.session.record import SessionRecord

SET_SERIALIZE_VALUE = "kong.log.set_serialize_value"
MODES = ("set", "add", "replace")

_FIELDS = 1000
_ARGUMENTS = 1000
# What of a consumer tells who it is; what else a plugin or a file puts there may be secret.
_CONSUMER_FIELDS = ("id", "username", "custom_id", "tags", "created_at", "updated_at")


class Edit(NamedTuple):
    """A value that a plugin wants in the record: ``key`` with dots between levels, one of ``MODES``."""

    key: str
    value: Any
    mode: str


def serialized(exchange: Exchange, edits: Iterable[Edit]) -> dict[str, Any]:
    """The connection as it stands, with ``edits`` done.

    Raises:
        PDKError: an edit leads through a value that is not a mapping.
    """
    record = {name: value for name, value in _sections(exchange).items() if value is not None}
    for edit in edits:
        _apply(record, edit)
    return record


def plain(value: object) -> Any:
    """A copy of ``value`` in dicts and lists.

    Raises:
        TypeError: something in it is no mapping, list, str, number, bool or None, or not a finite number.
        ValueError: it holds itself.
    """
    return _plain(value, ())


def _shown(value: object) -> Any:
    """:func:`plain` for what a plugin authenticated with: an id may be a UUID, and is logged all the same."""
    try:
        return plain(value)
    except (TypeError, ValueError):
        return str(value)


def _plain(value: object, inside: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if id(value) in inside:
        raise ValueError("value holds itself")
    inside = (*inside, id(value))
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("the keys of value are str")
        return {key: _plain(inner, inside) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, inside) for inner in value]
    raise TypeError(f"value is a mapping, a list, a str, a finite number, a bool or None, not {value!r}")


def _sections(exchange: Exchange) -> dict[str, Any]:
    peer = forwarded_peer(exchange)
    running = exchange.record or (exchange.link.record() if exchange.link is not None else None)
    return {
        "started_at": Request(exchange).get_start_time(),
        "client_ip": None if peer is None else peer[0],
        "request": None if exchange.head is None else _request(exchange),
        "route": plain(exchange.route),
        "service": plain(exchange.service),
        "consumer": _consumer(exchange.consumer),
        "authenticated_entity": _authenticated(exchange.credential, exchange.consumer),
        "websocket": None if running is None else _websocket(running),
    }


def _request(exchange: Exchange) -> dict[str, Any]:
    request, redaction = Request(exchange), Redaction(exchange.credential)
    query = redaction.query(request.get_raw_query())
    uri = request.get_raw_path() + (f"?{query}" if query else "")
    port = request.get_port()
    authority = (request.get_host() or "") + ("" if port is None else f":{port}")
    return {
        "method": request.get_method(),
        "uri": uri,
        "url": f"{request.get_scheme()}://{authority}{uri}",
        "querystring": arguments(query, _ARGUMENTS),
        "headers": {name: _redacted(redaction, name, value) for name, value in request.get_headers(_FIELDS).items()},
    }


def _redacted(redaction: Redaction, name: str, value: str | list[str]) -> str | list[str]:
    return redaction.field(name, value) if isinstance(value, str) else [redaction.field(name, one) for one in value]


def _consumer(consumer: Entity | None) -> dict[str, Any] | None:
    if consumer is None:
        return None
    return {field: _shown(consumer[field]) for field in _CONSUMER_FIELDS if field in consumer}


def _authenticated(credential: Entity | None, consumer: Entity | None) -> dict[str, Any] | None:
    if credential is None:
        return None
    owner = credential.get("consumer")
    owner_id = owner.get("id") if isinstance(owner, Mapping) else (consumer or {}).get("id")
    return {"id": _shown(credential.get("id")), "consumer_id": _shown(owner_id)}


def _websocket(record: SessionRecord) -> dict[str, Any]:
    return {
        "ended_by": record.ended_by,
        "why": record.why,
        "detail": record.detail,
        "error": None if record.error is None else str(record.error),
        "duration": record.duration,
        "client": record.client.as_data(),
        "upstream": record.upstream.as_data(),
    }




def _apply(record: dict[str, Any], edit: Edit) -> None:
    *levels, last = edit.key.split(".")
    node: Any = record
    for level in levels:
        if node.get(level) is None:
            if edit.mode == "replace":
                return
            node[level] = {}
        node = node[level]
        if not isinstance(node, dict):
            raise broken(SET_SERIALIZE_VALUE, f"{edit.key!r} leads through {level!r}, which is not a mapping")
    there = node.get(last) is not None
    if edit.mode == "set" or there == (edit.mode == "replace"):
        if edit.value is None:
            node.pop(last, None)
        else:
            node[last] = plain(edit.value)
