"""A connection for one plugin to act on, made from the bytes of a request, without a gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from framegate.handshake import RequestReader
from framegate.pdk.entities import Entities, frozen
from framegate.pdk.exchange import Exchange
from framegate.pdk.kong import Kong
from framegate.pdk.plugin import PluginInstance, PluginType, instantiate
from framegate.pdk.websocket import WebSocket
from tests.handshake.samples import request

ANNA = {"id": "3f0b1b7e-0000-4000-8000-000000000001", "username": "anna", "custom_id": "a-1"}
BERT = {"id": "3f0b1b7e-0000-4000-8000-000000000002", "username": "bert"}
ANNAS_KEY = {"id": "3f0b1b7e-0000-4000-8000-00000000000a", "key": "s3cret", "consumer": {"id": ANNA["id"]}}

ENTITIES = Entities(
    {
        "consumers": [ANNA, BERT],
        "keyauth_credentials": [ANNAS_KEY],
        "acls": [
            {"id": "acl-1", "group": "admins", "consumer": {"id": ANNA["id"]}},
            {"id": "acl-2", "group": "users", "consumer": {"id": ANNA["id"]}},
        ],
        "upstreams": [{"id": "up-1", "name": "chat.upstream"}],
    }
)


class _Plugin:
    def __init__(self, config: Mapping[str, Any]) -> None:
        pass


def plugin(name: str = "probe", id: str = "probe-1") -> PluginInstance:
    """A configuration of a plugin that does nothing by itself."""
    return instantiate(PluginType(name, _Plugin), id, {})


def exchange(
    *fields: tuple[str, str],
    line: str = "GET /chat HTTP/1.1",
    without: str = "",
    trusted: Iterable[str] = (),
    **more: Any,
) -> Exchange:
    """A connection whose opening request has ``fields`` behind the usual ones, of which ``without`` is left out."""
    head = RequestReader().feed(request(*fields, line=line, without=without))
    assert head is not None
    given = {"peer": ("192.0.2.7", 40000), "local_port": 8000, "entities": ENTITIES, "path": head.path, **more}
    for name in ("route", "service", "consumer", "credential"):
        if name in given:
            given[name] = frozen(given[name])
    return Exchange(head=head, trusted=[ip_network(network) for network in trusted], **given)


def on(connection: Exchange, phase: str = "ws_handshake", by: PluginInstance | None = None) -> Kong:
    """``kong`` for a plugin that is given this connection."""
    return Kong(connection, by or plugin(), phase, WebSocket(connection, phase))


def kong(*fields: tuple[str, str], phase: str = "ws_handshake", **more: Any) -> Kong:
    """``kong`` for a new connection, made as by :func:`exchange`."""
    return on(exchange(*fields, **more), phase)


def before_the_request(**more: Any) -> Kong:
    """``kong`` in the phase ``certificate``, in which there is no request yet."""
    return on(Exchange(peer=("192.0.2.7", 40000), scheme="wss", local_port=8443, **more), "certificate")
