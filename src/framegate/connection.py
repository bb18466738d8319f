"""One accepted client connection, from its first byte to its 101 or its refusal.

A connection that has not sent its whole request yet costs no task: bytes go straight to the reader, and a timer waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from multidict import CIMultiDictProxy

from framegate.codec.constants import GOING_AWAY
from framegate.errors import FramegateError, HandshakeRefused, HookError, PeerError, UpstreamUnavailable
from framegate.farewell import REFUSAL_LINGER, Farewell
from framegate.handshake import BadRequest, RequestReader, check_opening_request, refusal
from framegate.options import ServerLimits
from framegate.request import Request, TLSInfo
from framegate.transport import Receiver, Transport

_log = logging.getLogger("framegate.server")

MAX_EARLY = 64 * 1024
"""Bytes that a client may send behind its request before it is read no further. It has to wait for the 101 (RFC 6455,
section 4.1), so an honest one sends none."""


def client_left() -> PeerError:
    """The client has left before its request was answered."""
    return PeerError("left before its handshake was complete", side="client", close_code=GOING_AWAY)


class Host(Protocol):
    """What a connection needs of the server that has accepted it."""

    loop: asyncio.AbstractEventLoop
    handler: Callable[[Request], Awaitable[Any]]
    limits: ServerLimits
    draining: bool
    aborting: bool

    def start(self, handling: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a handler in a task that a drain waits for."""

    def settled(self, connection: ClientConnection, status: int = 101) -> None:
        """The handshake has been answered with ``status``."""

    def forget(self, connection: ClientConnection) -> None:
        """The connection has ended."""

    def executing(self, session: Session) -> None:
        """A session has begun."""

    def executed(self, session: Session) -> None:
        """It has ended."""

    def keep(self, transport: Transport) -> Callable[[], None]:
        """Count a lingering transport among what a drain waits for; call the result when it is closed."""


class Session(Protocol):
    """What a server and a connection need of the one that takes the connection over."""

    def drain(self, code: int) -> None:
        """End with ``code``, because the server ends."""

    def abort(self) -> None:
        """End without waiting."""

    def conclude(self, error: Exception | None) -> None:
        """The handler is done after the 101: end what has not ended."""

    def let_upstream_go(self) -> None:
        """The client was refused after the upstream had been connected."""


class ClientConnection(Receiver):
    """A client that has connected.

    Attributes:
        peer: its address and port, or None on a Unix socket.
        answered: whether a 101 or a refusal has been sent.
        switched: whether it was a 101.
        gone: whether its TCP has ended before that.
        early: what came behind the request.
        proxy: what was made of its request, a :class:`framegate.Proxy` as a rule.
        attachment: what the choice of its TLS context left for the handler, or None.
    """

    __slots__ = (
        "_fields",
        "_on_departure",
        "_reader",
        "_timer",
        "answered",
        "attachment",
        "early",
        "gone",
        "peer",
        "proxy",
        "server",
        "switched",
        "task",
        "transport",
    )

    secure_before_us = False
    """Whether a proxy before us says that it has ended the client's TLS."""

    def __init__(self, server: Host, transport: Transport, peer: tuple[str, int] | None) -> None:
        self.server = server
        self.transport = transport
        self.peer = peer
        self.answered = False
        self.switched = False
        self.gone = False
        self.early = b""
        self.proxy: Session | None = None
        self.attachment: Any = None
        self.task: asyncio.Task[None] | None = None
        self._on_departure: Callable[[], None] | None = None
        self._fields: CIMultiDictProxy[str] | None = None
        limits = server.limits
        self._reader: RequestReader | None = RequestReader(
            max_request_line=limits.max_request_line,
            max_header_bytes=limits.max_header_bytes,
            max_headers=limits.max_headers,
        )
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, deadline: float | None) -> None:
        """Read the request, which must be whole at ``deadline`` of the loop's clock."""
        if deadline is not None:
            self._timer = self.server.loop.call_at(deadline, self._too_late)
        self.transport.set_receiver(self)
        self.transport.resume_reading()

    def received(self, data: bytearray, start: int, end: int) -> None:
        if self._reader is None:
            self._receive_early(data, start, end)
            return
        try:
            head = self._reader.feed(bytes(data[start:end]))
            if head is None:
                return
            # The head keeps its parsed fields only while somebody holds them: that is us, for the handshake.
            self._fields = head.headers
            check_opening_request(head)
        except BadRequest as error:
            _log.info("refused a request of %s with %d: %s", self._name(), error.status, error.message)
            self.refuse(error.response(), error.status)
            return
        self.early = self._reader.rest
        self._stop_reading_requests()
        self.task = self.server.start(self._handle(Request(head, self)))

    def ended(self, error: Exception | None) -> None:
        self.gone = True
        if self._on_departure is not None:
            self._on_departure()
        if self.task is None:
            self.close()

    def on_departure(self, call: Callable[[], None] | None) -> None:
        """Call this when the client leaves before its 101, in place of what was to be called; None calls nothing."""
        self._on_departure = call

    def switch(self, response: bytes) -> None:
        """Send the 101."""
        self.answered = self.switched = True
        self._fields = None
        self.server.settled(self)
        self.transport.write(bytearray(response), None, 0, 0)

    def refuse(self, response: bytes, status: int) -> None:
        """Send a refusal and end the connection."""
        self.answered = True
        self._stop_reading_requests()
        self.server.settled(self, status)
        Farewell(self.server.loop, self.transport, response, REFUSAL_LINGER, self.closed)

    def close(self) -> None:
        """End the connection without an answer."""
        self._stop_reading_requests()
        self.transport.abort()
        self.closed()

    def tls_info(self) -> TLSInfo | None:
        """The connection's TLS, or None."""
        tls = self.transport.get_extra_info("ssl_object")
        if tls is None:
            return None
        return TLSInfo(tls.version(), self.transport.get_extra_info("server_name"), tls.getpeercert() or None)

    def local_port(self) -> int | None:
        """The port that the client came to, or None on a Unix socket."""
        name = self.transport.get_extra_info("sockname")
        return name[1] if isinstance(name, tuple) else None

    def local_address(self) -> tuple[str, int] | None:
        """The address and port that the client came to, or None on a Unix socket."""
        name = self.transport.get_extra_info("sockname")
        return (name[0], name[1]) if isinstance(name, tuple) else None

    def _name(self) -> str:
        return f"{self.peer[0]}:{self.peer[1]}" if self.peer else "a Unix socket"

    def _receive_early(self, data: bytearray, start: int, end: int) -> None:
        self.early += data[start:end]
        if len(self.early) >= MAX_EARLY:
            self.transport.pause_reading()

    def _stop_reading_requests(self) -> None:
        self._reader = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        _log.info("refused a request of %s with 408: not complete in time", self._name())
        self.refuse(refusal(408), 408)

    def closed(self) -> None:
        """The connection has ended."""
        self.server.forget(self)

    async def _handle(self, request: Request) -> None:
        try:
            await self.server.handler(request)
        except asyncio.CancelledError:
            self._conclude(None, cancelled=True)
            if not self.server.aborting:
                raise
        except Exception as error:
            self._conclude(error)
        except KeyboardInterrupt as error:
            # It ends the program, which must not be a riddle.
            _log.error("the handler has ended the program", exc_info=error)
            raise
        else:
            self._conclude(None)

    def _conclude(self, error: Exception | None, cancelled: bool = False) -> None:
        # What is owed to both sides when the handler is done.
        if error is not None:
            _log_handler_failure(error)
        proxy = self.proxy
        self.proxy = None
        if self.switched:
            if proxy is not None:
                proxy.conclude(error)
            return
        if proxy is not None:
            proxy.let_upstream_go()
        if self.answered:
            return
        if self.gone:
            self.close()
        else:
            self.refuse(*_refusal_for(error, 503 if cancelled else 500))


def _refusal_for(error: Exception | None, otherwise: int) -> tuple[bytes, int]:
    if isinstance(error, HandshakeRefused):
        body: bytes | None = error.body or None
        return refusal(error.status, reason=error.reason or None, headers=error.headers, body=body), error.status
    status = otherwise
    if isinstance(error, UpstreamUnavailable):
        status = 504 if error.timed_out else 502
    return refusal(status), status


def _log_handler_failure(error: Exception) -> None:
    if isinstance(error, HookError):
        # Logged with the hook's own traceback when it failed.
        return
    if isinstance(error, FramegateError):
        _log.warning("%s", error)
    else:
        _log.error("the handler failed", exc_info=error)
