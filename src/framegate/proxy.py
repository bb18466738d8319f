"""One proxied connection, as the user of the library sees it: dial the upstream, accept the client, execute."""

from __future__ import annotations

import asyncio
import logging
import ssl as ssl_module
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from multidict import CIMultiDictProxy

from framegate._build import pick
from framegate.codec.close import check_sendable, close_payload, other_close
from framegate.codec.constants import (
    BAD_GATEWAY,
    CLOSE,
    FIN,
    GOING_AWAY,
    INTERNAL_ERROR,
    NORMAL,
)
from framegate.compression import Compression, mode_of
from framegate.connection import ClientConnection, client_left
from framegate.dial import Connected, dial
from framegate.driver import Driver
from framegate.errors import UpstreamUnavailable, UsageError
from framegate.farewell import Farewell
from framegate.handshake import (
    UpstreamURL,
    build_upstream_request,
    checked_headers,
    checked_subprotocol,
    parse_upstream_url,
    request_headers_for_upstream,
    response_headers_for_client,
    switching_protocols,
)
from framegate.hook_failure import hook_error
from framegate.messages import check_side, checked_payload
from framegate.options import ProxyOptions
from framegate.proxy_protocol import write_header
from framegate.request import Request
from framegate.session.closing import State
from framegate.session.policy import Policies, policies_of
from framegate.session.record import SessionRecord
from framegate.session.session import Session
from framegate.trace import trace
from framegate.upstream_options import Headers, UpstreamOptions

append_frame = pick("framegate.codec._octets").append_frame

_log = logging.getLogger("framegate.proxy")


class Response(NamedTuple):
    """The upstream's 101.

    Attributes:
        status: 101.
        reason: the reason phrase.
        headers: its header fields, case-insensitive.
        subprotocol: the subprotocol that it selected, or None.
    """

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    subprotocol: str | None


class Proxy:
    """A client's request on its way to an upstream.

    Args:
        request: what the handler of :func:`framegate.serve` was given.
        **options: see :class:`framegate.options.ProxyOptions`.

    A subclass may define ``on_frame(self, origin, typ, payload, last, code)`` instead of passing a hook. What it
    returns: the payload to forward (bytes-like or ``str``; the very same object is forwarded without being copied),
    None to drop the frame, ``(payload, code)`` to change a close frame's code, or an awaitable of one of these.

    Raises:
        TypeError: ``request`` is no :class:`Request`; an option is unknown or of the wrong type.
        ValueError: an option is out of range.
        UsageError: the request has a proxy already.
    """

    def __init__(self, request: Request, **options: Any) -> None:
        if not isinstance(request, Request):
            raise TypeError(f"request must be a framegate.Request, not {type(request).__name__}")
        self._set_up(request, ProxyOptions.of(**options))

    @classmethod
    def _with(cls, request: Request, options: ProxyOptions, policies: Policies | None = None) -> Proxy:
        # The options have been checked once, for all connections.
        self = cls.__new__(cls)
        self._set_up(request, options)
        self._policies = policies
        return self

    def _set_up(self, request: Request, options: ProxyOptions) -> None:
        connection = request._connection
        if connection.proxy is not None:
            raise UsageError("the request has a Proxy already")
        hook: Callable[..., Any] | None = options.on_frame
        if hook is None:
            hook = getattr(self, "on_frame", None)
        options.refuse_pass_if_read(hook is not None)
        self.request = request
        self._options = options
        self._hook = hook
        self._policies: Policies | None = None
        self._compression: Compression | None = None
        self._connection: ClientConnection = connection
        self._upstream: Connected | None = None
        self._dialling = False
        self._client_done = False
        self._subprotocol: str | None = None
        self._driver: Driver | None = None
        self._early_end: tuple[tuple[int, bytes], tuple[int, bytes]] | None = None
        self._closed: asyncio.Event | None = None
        # Last: a connection is never left with a proxy that is not whole.
        connection.proxy = self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.request!r}>"

    def treat(self, policies: Policies) -> None:
        """Treat the sides as ``policies`` say, in place of what the options say of hooks, joining and frame sizes. For
        the gateway, before :meth:`execute`."""
        self._policies = policies

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the client was given, or None."""
        return self._subprotocol

    async def connect_upstream(
        self,
        uri: str,
        *,
        protocols: Sequence[str] | None = None,
        http_origin: str | None = None,
        headers: Headers | None = None,
        host: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
        unix_path: str | None = None,
    ) -> Response:
        """Connect to the upstream and shake hands with it.

        Args:
            uri: ``ws://`` or ``wss://``, without fragment and user information.
            protocols: the subprotocols to offer; None offers what the client offered.
            http_origin: the ``Origin``; None passes the client's on.
            headers: a mapping or pairs; they replace the client's of the same name.
            host: the ``Host``; None takes it from ``uri``.
            ssl: the context for ``wss://``; None verifies against the system's authorities.
            server_hostname: the name for SNI and verification; None takes it from ``uri``.
            unix_path: connect to this Unix socket instead of the host of ``uri``.

        Returns:
            The upstream's answer. A second call warns and returns the first one's.

        Raises:
            TypeError, ValueError: an argument breaks a rule, which the message names.
            UpstreamUnavailable: there was no verified 101; ``timed_out`` after ``connect_timeout``.
            HandshakeRefused: the upstream answered with 300 or above.
            PeerError: the client has left.
        """
        return await self.connect_upstream_to(
            parse_upstream_url(uri),
            UpstreamOptions.of(
                protocols=protocols,
                http_origin=http_origin,
                headers=headers,
                host=host,
                ssl=ssl,
                server_hostname=server_hostname,
                unix_path=unix_path,
            ),
        )

    async def connect_upstream_to(self, url: UpstreamURL, how: UpstreamOptions) -> Response:
        """:meth:`connect_upstream` with arguments that have been checked before."""
        if self._upstream is not None:
            _log.warning("the upstream is connected already: connect_upstream() changes nothing")
            return self._response()
        if self._dialling:
            raise UsageError("connect_upstream() is running already")
        self._dialling = True
        try:
            self._upstream = await self._dial(url, how)
            self._negotiation().agreed_upstream(self._upstream.answer.deflate)
        finally:
            self._dialling = False
        return self._response()

    async def connect_client(self, *, headers: Headers | None = None, subprotocol: str | None = None) -> None:
        """Complete the client's handshake with a 101.

        Args:
            headers: a mapping or pairs; they replace those of the upstream's 101 of the same name.
            subprotocol: the one to select, which the client must have offered; None takes the upstream's choice. Before
                the upstream is connected it is then the only one that the upstream is offered.

        Raises:
            TypeError, ValueError: an argument breaks a rule, which the message names.
            UsageError: the request was rejected.
            PeerError: the client has left.
        """
        if self._client_done:
            _log.warning("the client is connected already: connect_client() changes nothing")
            return
        if self._connection.answered:
            raise UsageError("the client's request was answered with a refusal")
        extra = checked_headers(headers, where="headers")
        replaced = {name.lower() for name, _ in extra}
        self._accept(
            self._select(subprotocol),
            lambda passed: [*((name, value) for name, value in passed if name.lower() not in replaced), *extra],
        )

    def accept(self, edit: Callable[[list[tuple[str, str]]], list[tuple[str, str]]]) -> None:
        """:meth:`connect_client` with the upstream's subprotocol, and with ``edit`` of the fields of its 101. For the
        gateway."""
        self._accept(self._select(None), edit)

    def _accept(
        self, selected: str | None, edit: Callable[[list[tuple[str, str]]], list[tuple[str, str]]]
    ) -> None:
        if self._connection.gone:
            raise client_left()
        passed = [] if self._upstream is None else response_headers_for_client(self._upstream.answer.headers)
        chosen = None if self._upstream is None else self._upstream.answer.extension
        extension = self._negotiation().answer(chosen, self._upstream is not None)
        key = self.request._head.key
        answer = switching_protocols(key, subprotocol=selected, extension=extension, headers=edit(passed))
        self._connection.switch(answer)
        self._subprotocol = selected
        self._client_done = True

    async def connect(self, uri: str, **upstream_options: Any) -> Response:
        """Both: the upstream first, then the client, so that a refusal is still an HTTP answer.

        Args:
            uri: as for :meth:`connect_upstream`.
            **upstream_options: likewise.
        """
        response = await self.connect_upstream(uri, **upstream_options)
        await self.connect_client()
        return response

    async def execute(self) -> SessionRecord:
        """Relay until both sides are closed.

        Returns:
            The session's record. A peer's fault is in ``record.error``, not raised.

        Raises:
            UsageError: a handshake is missing, or this is the second call.
            HookError: the hook failed; ``record`` is in it.
            asyncio.CancelledError: the task was cancelled; both sides have been sent 1001.
        """
        if not self._client_done:
            raise UsageError("client handshake not complete")
        if self._upstream is None:
            raise UsageError("upstream connection not established")
        if self._driver is not None:
            raise UsageError("execute() runs once")
        driver = self._start()
        server = self._connection.server
        server.executing(self)
        try:
            record = await driver.done
        except asyncio.CancelledError:
            driver.abort("policy")
            raise
        finally:
            server.executed(self)
            if self._closed is not None:
                self._closed.set()
        error = hook_error(record)
        if error is not None:
            raise error
        return record

    def close(
        self,
        client_code: int = NORMAL,
        client_reason: str = "",
        upstream_code: int | None = None,
        upstream_reason: str | None = None,
    ) -> None:
        """Send both sides a close frame now; the frame in the hook is discarded. A second call is ignored.

        Args:
            client_code: the client's code: 1000-1003, 1007-1014 or 3000-4999.
            client_reason: its reason, at most 123 bytes of UTF-8.
            upstream_code: the upstream's code; None: the client's if that is 1000 or 1001, else 1001.
            upstream_reason: its reason; None: the client's where the code is the client's, else empty.

        Raises:
            TypeError: a code is not an int, or a reason not a str.
            ValueError: a code may not be sent, or a reason is too long.
        """
        client = (client_code, check_sendable(client_code, client_reason, what="close: client"))
        code, reason = other_close(client_code, client_reason, upstream_code, upstream_reason)
        upstream = (code, check_sendable(code, reason, what="close: upstream"))
        if self._driver is None:
            self._early_end = self._early_end or (client, upstream)
        else:
            self._driver.end("policy", client=client, upstream=upstream)

    async def wait_closed(self) -> None:
        """Wait until both sides are closed.

        Raises:
            UsageError: called in a hook, which the session itself waits for.
        """
        if self._driver is not None:
            if self._driver.in_hook():
                raise UsageError("wait_closed() in a hook waits for itself")
            await asyncio.wait([self._driver.done])
            return
        if self._closed is None:
            self._closed = asyncio.Event()
        await self._closed.wait()

    def inject(self, side: str, typ: str, payload: bytes | str) -> asyncio.Future[None]:
        """Send a message of our own to ``side``: between messages, a control frame at once. The hook does not see it,
        nor the pong to an injected ping.

        Args:
            side: ``"client"`` or ``"upstream"``, the receiver.
            typ: ``"text"``, ``"binary"``, ``"ping"`` or ``"pong"``.
            payload: bytes-like, or ``str`` that is sent as UTF-8; at most 125 bytes for ping and pong.

        Returns:
            An awaitable that is done when what is queued toward that side is below its high-water mark.

        Raises:
            UsageError: before :meth:`execute`, or after that side was sent a close frame.
            TypeError, ValueError: an argument breaks a rule, which the message names.
        """
        check_side(side)
        data = checked_payload(typ, payload)
        driver = self._running("inject")
        if driver.session.leg(side).state not in (State.OPEN, State.RECEIVED):
            raise UsageError(f"inject: the {side} has been sent a close frame")
        return driver.inject(side, typ, data)

    def record(self) -> SessionRecord:
        """The session's record as it stands.

        Raises:
            UsageError: before :meth:`execute`.
        """
        driver = self._running("record")
        return driver.session.finish_record(driver.loop.time())

    def set_max_payload_size(self, side: str, size: int) -> None:
        """Limit what ``side`` sends, from the next frame on.

        Args:
            side: ``"client"`` or ``"upstream"``.
            size: most payload bytes of a frame, of the whole message when fragments are joined.

        Raises:
            UsageError: before :meth:`execute`.
        """
        check_side(side)
        self._running("set_max_payload_size").session.limit(side, size)

    def pause(self, side: str) -> None:
        """Stop reading from ``side``; what it sends waits there.

        Raises:
            UsageError: before :meth:`execute`.
        """
        check_side(side)
        self._running("pause").pause(side, True)

    def resume(self, side: str) -> None:
        """Go on reading from ``side``.

        Raises:
            UsageError: before :meth:`execute`.
        """
        check_side(side)
        self._running("resume").pause(side, False)

    @property
    def options(self) -> ProxyOptions:
        """What it was made with."""
        return self._options

    @property
    def begun(self) -> bool:
        """Whether :meth:`execute` has begun."""
        return self._driver is not None

    def backlog(self, side: str) -> tuple[int, bool]:
        """How many bytes wait to be sent to ``side``, and whether it holds up the other one by taking nothing.

        Raises:
            UsageError: before :meth:`execute`.
        """
        check_side(side)
        driver = self._running("backlog")
        link = driver.client if side == "client" else driver.upstream
        return link.transport.queued, link.leg.blocked is not None

    def rebind(self, policies: Policies) -> bool:
        """From the next message of each side on, treat it as ``policies`` say; False where that cannot be done. For the
        gateway, after :meth:`execute`."""
        return self._driver is not None and self._driver.session.rebind(policies)

    def replace(self, client: tuple[int, bytes], upstream: tuple[int, bytes], detail: str) -> None:
        """End with these close codes and reasons, because what it was made by has changed. For the gateway."""
        if self._driver is not None and not self._driver.over:
            self._driver.end("drain", client=client, upstream=upstream, detail=detail)

    def drain(self, code: int) -> None:
        """Send both sides ``code``, because the server ends. For the server."""
        if self._driver is not None:
            self._driver.end("drain", client=(code, b""))

    def abort(self) -> None:
        """End everything without waiting. For the server."""
        if self._driver is not None:
            self._driver.abort("drain")

    def let_upstream_go(self) -> None:
        """The client was refused after the upstream had been connected: the upstream is sent 1001. For the server."""
        if self._upstream is not None and self._driver is None:
            self._say_farewell_to_upstream(GOING_AWAY)

    def conclude(self, error: Exception | None) -> None:
        """The handler is done after the client's 101: whoever is still there is sent a close frame. For the server."""
        driver = self._driver
        if driver is not None:
            if not driver.over:
                driver.end("hook", client=(INTERNAL_ERROR, b""), detail="the handler ended before execute()")
            return
        code = BAD_GATEWAY if isinstance(error, UpstreamUnavailable) else INTERNAL_ERROR
        connection = self._connection
        linger = self._options.lingering_timeout
        Farewell(connection.server.loop, connection.transport, _close_frame(code), linger, connection.closed)
        if self._upstream is not None:
            self._say_farewell_to_upstream(INTERNAL_ERROR)
        if self._closed is not None:
            self._closed.set()

    async def _dial(self, url: UpstreamURL, how: UpstreamOptions) -> Connected:
        connection = self._connection
        if connection.gone and not self._client_done:
            raise client_left()
        request = self.request
        peer = connection.peer
        offered = self._offer(how)
        extra = list(how.headers)
        if how.http_origin is not None:
            extra = [pair for pair in extra if pair[0].lower() != "origin"] + [("Origin", how.http_origin)]
        fields = request_headers_for_upstream(
            request._head,
            client_host=None if peer is None else peer[0],
            scheme="wss" if connection.secure_before_us or connection.transport.get_extra_info("ssl_object") else "ws",
            server_port=connection.local_port(),
            trusted=how.trusted,
            extra=extra,
            without=how.without,
        )
        extensions = self._negotiation().offer(self._client_done)
        wire, key = build_upstream_request(
            host=how.host or url.host_header,
            target=url.target,
            headers=fields,
            subprotocols=offered,
            extensions=", ".join(map(str, extensions)),
        )
        prelude = b""
        if how.proxy_protocol is not None:
            prelude = write_header(how.proxy_protocol, peer, connection.local_address())
        return await dial(
            url,
            wire,
            key,
            prelude=prelude,
            offered=offered,
            extensions=extensions,
            options=self._options,
            ssl=how.ssl,
            server_hostname=how.server_hostname,
            unix_path=how.unix_path,
            departure=None if self._client_done else connection,
            departed=client_left,
        )

    def _offer(self, how: UpstreamOptions) -> tuple[str, ...]:
        if how.protocols is not None:
            return how.protocols
        if self._client_done:
            return () if self._subprotocol is None else (self._subprotocol,)
        return self.request.subprotocols

    def _select(self, subprotocol: str | None) -> str | None:
        chosen = None if self._upstream is None else self._upstream.answer.subprotocol
        if subprotocol is not None:
            checked_subprotocol(subprotocol)
            if self._upstream is not None and subprotocol != chosen:
                raise ValueError(f"subprotocol {subprotocol!r} is not what the upstream selected ({chosen})")
            chosen = subprotocol
        if chosen is not None and chosen not in self.request.subprotocols:
            # RFC 6455, section 4.2.2: the server selects among what the client offered, or nothing.
            if subprotocol is None:
                return None
            raise ValueError(f"subprotocol {subprotocol!r} was not offered by the client")
        return chosen

    def _negotiation(self) -> Compression:
        if self._compression is None:
            offers = self.request.headers.getall("Sec-WebSocket-Extensions", [])
            self._compression = Compression(mode_of(self._options, self._treatment()), offers)
        return self._compression

    def _treatment(self) -> Policies:
        if self._policies is None:
            self._policies = policies_of(self._options, self._hook)
        return self._policies

    def _response(self) -> Response:
        assert self._upstream is not None
        answer = self._upstream.answer
        return Response(answer.status, answer.reason, answer.headers, answer.subprotocol)

    def _start(self) -> Driver:
        assert self._upstream is not None
        connection = self._connection
        loop = connection.server.loop
        policies = self._negotiation().applied(self._treatment(), self._options)
        session = Session(self._options, policies, loop.time())
        session.record.started_at = time.time()
        for leg in (session.client, session.upstream):
            leg.incoming.trace = trace if self._options.debug else None
            leg.incoming.warn = _log.warning
        driver = self._driver = Driver(
            loop, session, connection.transport, self._upstream.transport, connection.closed
        )
        early, connection.early = connection.early, b""
        handshake, self._upstream = self._upstream.handshake, self._upstream._replace(handshake=None)
        assert handshake is not None
        self._upstream.answer.forget_fields()
        self._compression = None
        driver.start(early, handshake.hand_over())
        if self._early_end is not None:
            client, upstream = self._early_end
            driver.end("policy", client=client, upstream=upstream)
        elif connection.server.draining:
            self.drain(connection.server.limits.drain_code)
        return driver

    def _running(self, what: str) -> Driver:
        if self._driver is None:
            raise UsageError(f"{what}() before execute()")
        return self._driver

    def _say_farewell_to_upstream(self, code: int) -> None:
        assert self._upstream is not None
        server = self._connection.server
        transport, self._upstream = self._upstream.transport, None
        done = server.keep(transport)
        Farewell(server.loop, transport, _close_frame(code, masked=True), self._options.lingering_timeout, done)


def _close_frame(code: int, masked: bool = False) -> bytes:
    frame = bytearray()
    append_frame(frame, FIN | CLOSE, close_payload(code, b""), masked)
    return bytes(frame)
