"""The opening handshake of a scripted conversation: the bytes are those that a gateway reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from json import loads
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from framegate.handshake import (
    RequestHead,
    RequestReader,
    UpstreamURL,
    build_upstream_request,
    refusal,
    request_headers_for_upstream,
    switching_protocols,
)
from framegate.pdk.entities import Entity
from framegate.pdk.exchange import Exchange
from framegate.pdk.exit import Exit
from framegate.pdk.faces._forwarded import peer_is_trusted
from framegate.pdk.faces._planned import planned_protocols, planned_query
from framegate.pdk.failure import Watch
from framegate.pdk.identity import IDENTITY_NAMES
from framegate.pdk.phases import CERTIFICATE, REWRITE, WS_HANDSHAKE
from framegate.pdk.plugin import PluginInstance
from framegate.pdk.run import run_phase

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Pairs = Sequence[tuple[str, str]]

_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_PORTS = {"ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client's opening request is answered with.

    Attributes:
        status: 101 where the WebSocket is open, else that of a refusal.
        headers: the header fields, case-insensitive.
        body: a refusal's body.
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return loads(self.body)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What the upstream is asked.

    Attributes:
        scheme: ``"ws"`` or ``"wss"``.
        address: host and port that are connected to; None where an upstream entity is balanced over.
        upstream: the name of that entity, or None.
        host: the ``Host``.
        path: the path.
        query: the query, without the question mark.
        headers: the header fields, case-insensitive.
        subprotocols: those that are offered.
        connect_timeout, write_timeout, read_timeout: in milliseconds, where a plugin has set them, else None.
        retries: likewise.
    """

    scheme: str
    address: tuple[str, int] | None
    upstream: str | None
    host: str
    path: str
    query: str
    headers: CIMultiDictProxy[str]
    subprotocols: tuple[str, ...]
    connect_timeout: int | None
    write_timeout: int | None
    read_timeout: int | None
    retries: int | None


def pairs(headers: Headers | None) -> list[tuple[str, str]]:
    """Header fields as pairs."""
    return list(headers.items() if isinstance(headers, Mapping) else headers or ())


def opening_request(path: str, host: str, headers: Pairs, subprotocols: Sequence[str]) -> RequestHead:
    """A client's request; ``headers`` replace the usual fields of the same name.

    Raises:
        framegate.handshake.BadRequest: it could not stand on the wire.
    """
    fields = [("Host", host), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
              ("Sec-WebSocket-Key", _KEY)]  # fmt: skip
    if subprotocols:
        fields.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    given = {name.lower() for name, _ in headers}
    fields = [*(field for field in fields if field[0].lower() not in given), *headers]
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    head = RequestReader().feed("\r\n".join(lines).encode("latin-1"))
    if head is None:
        raise ValueError("path and headers must not hold line breaks")
    return head


async def before_the_session(
    exchange: Exchange,
    head: RequestHead,
    route: Entity,
    service: Entity,
    plugins: Sequence[PluginInstance],
    watch: Watch,
) -> Exit | None:
    """Run the phases up to the handshake, as the gateway does for a request that matches ``route``.

    Returns:
        A plugin's refusal, or None.

    Raises:
        PluginFailure: a plugin has raised.
    """
    if exchange.scheme == "wss":
        await run_phase(CERTIFICATE, exchange, plugins, watch)
    exchange.head = head
    answer = await run_phase(REWRITE, exchange, plugins, watch)
    if answer is not None:
        return answer
    exchange.route, exchange.service = route, service
    return await run_phase(WS_HANDSHAKE, exchange, plugins, watch)


def upstream_request(exchange: Exchange) -> UpstreamRequest:
    """What the upstream is asked after the handshake phases."""
    head, plan = exchange.head, exchange.upstream
    assert head is not None
    service = exchange.service or {}
    scheme = plan.scheme or service.get("protocol") or "ws"
    host, port = plan.target or (service.get("host") or "upstream.test", service.get("port") or _PORTS[scheme])
    path, query = exchange.path if plan.path is None else plan.path, planned_query(exchange)
    url = UpstreamURL.of(scheme, host, port, f"{path}?{query}" if query else path)
    peer = exchange.peer
    wire, _ = build_upstream_request(
        host=plan.host or url.host_header,
        target=url.target,
        headers=request_headers_for_upstream(
            head,
            client_host=None if peer is None else peer[0],
            scheme=exchange.scheme,
            server_port=exchange.local_port,
            trusted=peer_is_trusted(exchange),
            extra=plan.headers.pairs(),
            without=plan.headers.names() | IDENTITY_NAMES,
        ),
        subprotocols=planned_protocols(exchange),
    )
    asked = RequestReader().feed(wire)
    assert asked is not None
    return UpstreamRequest(
        scheme=scheme,
        address=None if plan.upstream else (host, port),
        upstream=plan.upstream,
        host=asked.headers["Host"],
        path=asked.path,
        query=asked.query,
        headers=asked.headers,
        subprotocols=asked.subprotocols,
        connect_timeout=plan.connect_timeout,
        write_timeout=plan.write_timeout,
        read_timeout=plan.read_timeout,
        retries=plan.retries,
    )


def accepted(exchange: Exchange, headers: Pairs, subprotocol: str | None) -> Answer:
    """The 101, made of the upstream's and of what plugins want."""
    head = exchange.head
    assert head is not None
    if subprotocol not in head.subprotocols:
        subprotocol = None
    return _read(switching_protocols(head.key, subprotocol=subprotocol, headers=exchange.answer.apply(headers)))


def refused(exchange: Exchange, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    """A refusal, made in the same way."""
    return _read(refusal(status, headers=exchange.answer.apply(headers), body=body))


def _read(wire: bytes) -> Answer:
    head, _, body = wire.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(": ") for line in lines)
    headers = CIMultiDictProxy(CIMultiDict((name, value) for name, _, value in fields))
    return Answer(int(first.split(" ")[1]), headers, body)
