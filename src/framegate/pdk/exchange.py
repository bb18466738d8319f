"""One client connection as plugins see and steer it: plain data that the gateway fills in and acts upon.

The faces of the plugin interface read and write it; who runs the plugins (the gateway, or the test kit) makes it. It
knows no sockets, no configuration file and no router.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from framegate._version import __version__
from framegate.handshake.request import RequestHead
from framegate.pdk.entities import Entities, Entity
from framegate.pdk.header_edits import HeaderEdits
from framegate.session.record import SessionRecord

Network = IPv4Network | IPv6Network


class Link(Protocol):
    """The running session, as plugins reach it."""

    def inject(self, side: str, typ: str, payload: bytes | str) -> Any:
        """:meth:`framegate.Proxy.inject`."""

    def close(
        self, client_code: int, client_reason: str, upstream_code: int | None, upstream_reason: str | None
    ) -> None:
        """:meth:`framegate.Proxy.close`."""

    def set_max_payload_size(self, side: str, size: int) -> None:
        """The limit on what ``side`` sends, in bytes, from the next frame on."""

    def record(self) -> SessionRecord:
        """The record as it stands."""


class Namespace:
    """``kong.ctx.shared`` and ``kong.ctx.plugin``: any attribute may be set; one that was not set is None."""

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    def __delattr__(self, name: str) -> None:
        self.__dict__.pop(name, None)


@dataclass(slots=True)
class Node:
    """The process that plugins run in.

    Attributes:
        id: a UUID, new with each process.
        hostname: the machine's name.
        version: framegate's version.
    """

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    hostname: str = field(default_factory=socket.gethostname)
    version: str = __version__


class ClientCertificate(NamedTuple):
    """What a client has shown in its TLS, verified.

    Attributes:
        chain: its certificate, then those that it has sent with it (PEM).
        fields: its certificate, as :meth:`ssl.SSLSocket.getpeercert` gives it.
    """

    chain: tuple[str, ...]
    fields: Mapping[str, Any]


@dataclass(slots=True)
class UpstreamPlan:
    """What plugins want of the request to the upstream; None leaves the choice to route and service.

    Attributes:
        scheme: ``"ws"`` or ``"wss"``.
        target: host and port to connect to.
        upstream: the name of an upstream entity to balance over; the later of ``target`` and ``upstream`` stands.
        path: the whole path.
        query: the whole query, without the question mark.
        host: the ``Host``.
        headers: edits of the header fields.
        protocols: the subprotocols to offer; None offers the client's.
        connect_timeout, write_timeout, read_timeout: in milliseconds.
        retries: how often another attempt is made where one fails.
    """

    scheme: str | None = None
    target: tuple[str, int] | None = None
    upstream: str | None = None
    path: str | None = None
    query: str | None = None
    host: str | None = None
    headers: HeaderEdits = field(default_factory=HeaderEdits)
    protocols: tuple[str, ...] | None = None
    connect_timeout: int | None = None
    write_timeout: int | None = None
    read_timeout: int | None = None
    retries: int | None = None


@dataclass(slots=True, eq=False)
class Exchange:
    """One client connection.

    Attributes:
        peer: address and port of the connection; None on a Unix socket.
        scheme: ``"ws"`` or ``"wss"``, how the client came.
        local_port: the port that it came to; None on a Unix socket.
        server_name: the name that its TLS asked for (SNI), or None.
        client_certificate: what the client has shown in it, or None.
        started_at: when it connected, in seconds since the epoch.
        entities: what the configuration holds.
        node: the process.
        trusted: networks whose word in forwarding headers counts.
        head: the opening request; None before it has come (``certificate``).
        path: its path, normalised; the router's and the upstream's.
        prefix: the part of it that the route strips, or None.
        captures: what the route's regular expression captured: unnamed groups in order, and named ones.
        route, service: the file's entities; None before the router has decided.
        consumer, credential: who the client is, once a plugin has found out.
        upstream: what plugins want of the request to the upstream.
        answer: edits of the header fields of the 101 or the refusal.
        max_payload_sizes: by side, what ``set_max_payload_size`` asked for before the session ran.
        answered: whether the handshake phases are over: edits of ``upstream`` and ``answer`` come too late.
        link: the session while it runs.
        record: its record, once it is over.
        shared: ``kong.ctx.shared``.
        plugins: ``kong.ctx.plugin`` by the id of the plugin's configuration.
    """

    peer: tuple[str, int] | None = None
    scheme: str = "ws"
    local_port: int | None = None
    server_name: str | None = None
    client_certificate: ClientCertificate | None = None
    started_at: float = 0.0
    entities: Entities = field(default_factory=Entities)
    node: Node = field(default_factory=Node)
    trusted: Sequence[Network] = ()
    head: RequestHead | None = None
    path: str = "/"
    prefix: str | None = None
    captures: tuple[tuple[str, ...], Mapping[str, str]] = ((), {})
    route: Entity | None = None
    service: Entity | None = None
    consumer: Entity | None = None
    credential: Entity | None = None
    upstream: UpstreamPlan = field(default_factory=UpstreamPlan)
    answer: HeaderEdits = field(default_factory=HeaderEdits)
    max_payload_sizes: dict[str, int] = field(default_factory=dict)
    answered: bool = False
    link: Link | None = None
    record: SessionRecord | None = None
    shared: Namespace = field(default_factory=Namespace)
    plugins: dict[str, Namespace] = field(default_factory=dict)
