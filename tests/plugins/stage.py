"""A stage for plugins: one client's opening request, the plugins in their order, and what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from ipaddress import ip_network
from typing import Any

from framegate.pdk import FieldError
from framegate.pdk.entities import Entities
from framegate.pdk.exchange import Exchange
from framegate.pdk.exit import Exit
from framegate.pdk.faces.service_request import ServiceRequest
from framegate.pdk.failure import Watch
from framegate.pdk.phases import WS_HANDSHAKE
from framegate.pdk.plugin import PluginInstance, PluginType, instantiate
from framegate.pdk.plugin_check import Origin, describe
from framegate.pdk.run import run_phase
from framegate.pdk.schema import complete
from tests.handshake.samples import read, request

ALICE = {"id": "a1ce0000-0000-4000-8000-000000000001", "username": "alice", "custom_id": "A-1"}
BOB = {"id": "b0b00000-0000-4000-8000-000000000002", "username": "bob"}
NOBODY = {"id": "00b0d100-0000-4000-8000-000000000003", "username": "nobody"}
CONSUMERS = (ALICE, BOB, NOBODY)

Fields = Iterable[tuple[str, str]]


def plugin_type(name: str) -> PluginType:
    """The bundled plugin of this name; its module is found to be sound."""
    module = import_module(f"framegate.plugins.{name.replace('-', '_')}")
    found, faults = describe(name, module, Origin("bundled", module.__file__, module.__file__))
    assert faults == []
    assert found is not None
    return found


def plugin(name: str, id: str | None = None, **config: Any) -> PluginInstance:
    """One configuration of a bundled plugin, ready to run."""
    found = plugin_type(name)
    completed, faults = complete(found, config)
    assert faults == []
    return instantiate(found, id or f"{name}-1", completed)


def faults(name: str, **config: Any) -> list[str]:
    """What is wrong with a configuration, as the schema or else the plugin says it."""
    found = plugin_type(name)
    completed, wrong = complete(found, config)
    if wrong:
        return [str(fault) for fault in wrong]
    try:
        instantiate(found, "x", completed)
    except FieldError as error:
        return [str(error)]
    return []


def credential(consumer: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A credential of a consumer, with an id made of its fields' names and values unless one is given."""
    made = {"id": "-".join(["id", *(str(value) for value in fields.values())]), "consumer": {"id": consumer["id"]}}
    return {**made, **fields}


class Outcome:
    """What came of it.

    Attributes:
        exchange: the connection as the plugins left it.
        exit: the answer that ended the phase, or None.
    """

    def __init__(self, exchange: Exchange, exit: Exit | None) -> None:
        self.exchange = exchange
        self.exit = exit

    @property
    def status(self) -> int | None:
        """The status of the refusal; None where the client was let in."""
        return None if self.exit is None else self.exit.status

    @property
    def said(self) -> Any:
        """The refusal's body, read as JSON."""
        assert self.exit is not None, "the client was let in"
        return json.loads(self.exit.body)

    @property
    def message(self) -> Any:
        """The ``message`` in the refusal's body."""
        return self.said["message"]

    def header(self, name: str) -> str | None:
        """A header field of the refusal."""
        assert self.exit is not None, "the client was let in"
        return next((value for field, value in self.exit.headers if field.lower() == name.lower()), None)

    def told(self, name: str) -> str | None:
        """What the upstream is told in this header field; None for nothing."""
        values = ServiceRequest(self.exchange, WS_HANDSHAKE).get_headers().get(name.lower(), [])
        assert len(values) < 2
        return values[0] if values else None

    @property
    def query(self) -> str:
        """The query that the upstream gets."""
        return ServiceRequest(self.exchange, WS_HANDSHAKE).get_raw_query()

    @property
    def protocols(self) -> tuple[str, ...]:
        """The subprotocols that the upstream is offered."""
        return ServiceRequest(self.exchange, WS_HANDSHAKE).get_protocols()

    @property
    def consumer(self) -> str | None:
        """The username of the consumer that the client was found to be."""
        return None if self.exchange.consumer is None else self.exchange.consumer["username"]


def exchange(
    fields: Fields = (),
    *,
    target: str = "/chat",
    host: str | None = None,
    peer: tuple[str, int] | None = ("192.0.2.7", 50000),
    scheme: str = "ws",
    trusted: Sequence[str] = (),
    entities: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
    **others: Any,
) -> Exchange:
    """A connection whose opening request has been read; consumers are alice, bob and nobody."""
    more = [*fields, *([("Host", host)] if host else [])]
    raw = request(*more, line=f"GET {target} HTTP/1.1", without="Host" if host else "")
    return Exchange(
        peer=peer,
        scheme=scheme,
        local_port=8000,
        trusted=tuple(ip_network(network) for network in trusted),
        entities=Entities({"consumers": CONSUMERS, **(entities or {})}),
        head=read(raw),
        path=target.partition("?")[0],
        **others,
    )


def play(plugins: PluginInstance | Iterable[PluginInstance], fields: Fields = (), **how: Any) -> Outcome:
    """Let a client come with these header fields; the plugins run in their order of priority."""
    return handshake(plugins, exchange(fields, **how))


def handshake(plugins: PluginInstance | Iterable[PluginInstance], connection: Exchange) -> Outcome:
    """The same for a connection that stands ready."""
    several = [plugins] if isinstance(plugins, PluginInstance) else list(plugins)
    ordered = sorted(several, key=lambda instance: -instance.type.priority)
    exit = asyncio.run(run_phase(WS_HANDSHAKE, connection, ordered, Watch(0)))
    return Outcome(connection, exit)
