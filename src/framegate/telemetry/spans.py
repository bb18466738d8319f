"""The spans of one connection: its handshake, each attempt to reach an upstream, and its session.

The session is a trace of its own, linked with the handshake in both directions: it may last for days, and what began it
is long complete by then. Names of attributes are those of OpenTelemetry's semantic conventions for HTTP; what has none
there begins with ``framegate.``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanKind,
    Status,
    StatusCode,
    format_trace_id,
    set_span_in_context,
)

from framegate.errors import HandshakeRefused, UpstreamUnavailable
from framegate.handshake import UpstreamURL
from framegate.pdk.exchange import Exchange
from framegate.pdk.faces._forwarded import split_host
from framegate.session.record import SessionRecord
from framegate.telemetry.facts import client_address, consumer_of, ending, flat, name_of
from framegate.telemetry.trace_context import carried
from framegate.upstream_options import UpstreamOptions

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_SWITCHING: Final = 101
_BROKEN_OFF: Final = frozenset({"eof", "timeout"})

Attributes = dict[str, Any]


class Spans:
    """What a connection adds to traces.

    Args:
        tracer: makes the spans.
        parent: the context that the client came in; empty where none is continued.
        exchange: the connection.
    """

    __slots__ = ("_attempts", "_handshake", "_session", "_tracer")

    def __init__(self, tracer: Tracer, parent: Context, exchange: Exchange) -> None:
        self._tracer = tracer
        self._attempts = 0
        self._session: Span | None = None
        self._handshake: Span = tracer.start_span("GET", context=parent, kind=SpanKind.SERVER)
        if self._handshake.is_recording():
            self._handshake.set_attributes(_of_request(exchange))

    @property
    def trace_id(self) -> str:
        """The id of the handshake's trace, as 32 hexadecimal digits."""
        return format_trace_id(self._handshake.get_span_context().trace_id)

    def attempt(self, exchange: Exchange, url: UpstreamURL, how: UpstreamOptions) -> tuple[Attempt, UpstreamOptions]:
        """An upstream is dialled; the options with the trace's context among the header fields."""
        span = self._tracer.start_span(
            f"dial {name_of(exchange.service)}",
            context=set_span_in_context(self._handshake, Context()),
            kind=SpanKind.CLIENT,
        )
        if span.is_recording():
            span.set_attributes(_of_dial(url, self._attempts))
        self._attempts += 1
        return Attempt(span), carried(span, how)

    def accepted(self, exchange: Exchange, subprotocol: str | None) -> None:
        """The client has its 101: the handshake is complete, and the session begins."""
        handshake = self._handshake
        self._session = session = self._tracer.start_span(
            f"session {name_of(exchange.route)}", context=Context(), links=[Link(handshake.get_span_context())]
        )
        if handshake.is_recording():
            handshake.set_attributes(_of_route(exchange))
            session.set_attributes(_of_route(exchange))
            if subprotocol is not None:
                session.set_attribute("framegate.subprotocol", subprotocol)
            handshake.add_link(session.get_span_context())
        self._end_handshake(exchange, _SWITCHING, "")

    def not_served(self, exchange: Exchange, status: int | None, error: str) -> None:
        """There is no session: the client was refused with ``status``, or has left."""
        if self._session is not None:
            self._session.set_status(Status(StatusCode.ERROR, error))
            self._session.end()
            return
        if self._handshake.is_recording():
            self._handshake.set_attributes(_of_route(exchange))
        self._end_handshake(exchange, status, error)

    def ended(self, exchange: Exchange, record: SessionRecord) -> None:
        """The session is over."""
        session = self._session
        if session is None:
            return
        if session.is_recording():
            session.set_attributes({f"framegate.{name}": value for name, value in flat(ending(record))})
            _tell_errors(session, record)
        session.end()

    def _end_handshake(self, exchange: Exchange, status: int | None, error: str) -> None:
        span = self._handshake
        if span.is_recording():
            if exchange.route is not None:
                span.update_name(f"GET {name_of(exchange.route)}")
            if status is not None:
                span.set_attribute("http.response.status_code", status)
            if status is None or status >= 400:
                span.set_attribute("error.type", "left" if status is None else str(status))
                span.set_status(Status(StatusCode.ERROR, error or None))
        span.end()
        # What it held is not to live as long as the session.
        self._handshake = NonRecordingSpan(span.get_span_context())


class Attempt:
    """One attempt to reach an upstream."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def succeeded(self, status: int) -> None:
        """It has answered with a verified 101."""
        self._span.set_attribute("http.response.status_code", status)
        self._span.end()

    def failed(self, error: BaseException) -> None:
        """It has not."""
        span = self._span
        if span.is_recording():
            span.set_attribute("error.type", _type_of(error))
            if isinstance(error, HandshakeRefused):
                span.set_attribute("http.response.status_code", error.status)
            elif not isinstance(error, asyncio.CancelledError):
                _tell(span, error)
            span.set_status(Status(StatusCode.ERROR, str(error) or type(error).__name__))
        span.end()


def _of_request(exchange: Exchange) -> Attributes:
    head, peer, client = exchange.head, exchange.peer, client_address(exchange)
    assert head is not None
    headers = head.headers
    host, port = split_host(headers.get("Host", ""))
    found: dict[str, Any] = {
        "http.request.method": head.method,
        "url.scheme": exchange.scheme,
        "url.path": head.path,
        "server.address": host or None,
        "server.port": port or exchange.local_port,
        "network.protocol.name": "http",
        "network.protocol.version": head.http_version,
        "network.transport": "unix" if peer is None else "tcp",
        "user_agent.original": headers.get("User-Agent"),
    }
    if peer is not None:
        found |= {"network.peer.address": peer[0], "network.peer.port": peer[1]}
    if client is not None:
        found |= {"client.address": client[0], "client.port": client[1]}
    return _known(found)


def _of_dial(url: UpstreamURL, resent: int) -> Attributes:
    scheme = "wss" if url.secure else "ws"
    return _known(
        {
            "http.request.method": "GET",
            # Without the query, in which there may be secrets.
            "url.full": f"{scheme}://{url.host_header}{url.target.partition('?')[0]}",
            "server.address": url.host,
            "server.port": url.port,
            "http.request.resend_count": resent or None,
        }
    )


def _of_route(exchange: Exchange) -> Attributes:
    paths = [] if exchange.route is None else exchange.route.get("paths") or []
    return _known(
        {
            "http.route": paths[0] if len(paths) == 1 else None,
            "framegate.route": name_of(exchange.route),
            "framegate.service": name_of(exchange.service),
            "framegate.consumer": consumer_of(exchange),
        }
    )


def _known(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _tell_errors(span: Span, record: SessionRecord) -> None:
    if record.error is not None:
        _tell(span, record.error)
        span.set_attribute("error.type", _type_of(record.error))
        span.set_status(Status(StatusCode.ERROR, str(record.error)))
    elif record.why in _BROKEN_OFF:
        # Clients do leave without a close frame: worth a mark, and no error.
        span.add_event(f"framegate.{record.why}", _known({"side": record.ended_by, "detail": record.detail or None}))


def _tell(span: Span, error: BaseException) -> None:
    # Not record_exception(): a traceback through the gateway tells nothing about a peer.
    span.add_event("exception", {"exception.type": _type_of(error), "exception.message": str(error)})


def _type_of(error: BaseException) -> str:
    if isinstance(error, HandshakeRefused):
        return str(error.status)
    if isinstance(error, UpstreamUnavailable) and error.timed_out:
        return "timeout"
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return f"{type(error).__module__}.{type(error).__qualname__}"
