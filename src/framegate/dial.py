"""Reaching an upstream: TCP or Unix socket, TLS, and the opening handshake as its client.

Knows no session, and of the client only that it may leave meanwhile. Where the address is known, nothing here takes a
turn of the event loop before the request is on its way: loopback and Unix sockets take it within the first call, others
when the connection stands.
"""

from __future__ import annotations

import asyncio
import socket
import ssl as ssl_module
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from framegate.errors import FramegateError, UpstreamUnavailable
from framegate.handshake import AnswerReader, UpstreamAnswer, UpstreamURL
from framegate.handshake.extensions import Extension
from framegate.options import ProxyOptions
from framegate.resolve import addresses, connect_first, family_of
from framegate.transport import Receiver, TcpTransport, Transport, poller_of
from framegate.transport.connecting import begin_connecting, connected_socket
from framegate.transport.stream import StreamTransport
from framegate.transport.telling import telling

MAX_EARLY = 64 * 1024
"""Bytes that an upstream may send behind its 101 before it is read no further, until the session reads it."""


class Connected(NamedTuple):
    """An upstream that has answered with a verified 101.

    Attributes:
        transport: its connection, which is read already: whoever takes it over is the next receiver.
        answer: the 101.
        handshake: it keeps what comes behind the 101 until :meth:`Handshake.hand_over`; None once that was called.
    """

    transport: Transport
    answer: UpstreamAnswer
    handshake: Handshake | None


class Departure(Protocol):
    """Who tells that the client has left."""

    def on_departure(self, call: Callable[[], None] | None) -> None:
        """Call this when the client leaves; None: nobody asks any more."""


async def dial(
    url: UpstreamURL,
    request: bytes,
    key: str,
    *,
    offered: Sequence[str],
    extensions: Sequence[Extension] = (),
    options: ProxyOptions,
    ssl: ssl_module.SSLContext | None,
    server_hostname: str | None,
    unix_path: str | None,
    prelude: bytes = b"",
    departure: Departure | None = None,
    departed: Callable[[], FramegateError] | None = None,
) -> Connected:
    """Connect to ``url`` and shake hands.

    Args:
        url: where to.
        request: the opening request's bytes.
        key: its ``Sec-WebSocket-Key``.
        offered: the subprotocols that it offers.
        extensions: the extensions that it offers.
        options: for ``connect_timeout``, ``max_refusal_body`` and ``write_high_water``.
        ssl: the context for ``wss``; None verifies against the system's authorities.
        server_hostname: the name for SNI and verification; None takes the URL's host.
        unix_path: connect to this Unix socket instead.
        prelude: what goes out before TLS and everything else.
        departure: tells when the client leaves; then all this is for nobody.
        departed: makes the error for that.

    Raises:
        UpstreamUnavailable: anything short of a verified 101 and of an answer of 300 and above.
        HandshakeRefused: an answer of 300 and above.
        FramegateError: what ``departed`` makes.
    """
    loop = asyncio.get_running_loop()
    reader = AnswerReader(
        key, offered=offered, extensions=extensions, max_refusal_body=options.max_refusal_body
    )  # fmt: skip
    if prelude and not url.secure:
        request = prelude + request
    handshake = Handshake(loop, request, reader)
    timer = None
    if options.connect_timeout is not None:
        timer = loop.call_later(options.connect_timeout, handshake.too_late)
    if departure is not None and departed is not None:
        departure.on_departure(lambda: handshake.fail(departed()))
    opening: asyncio.Task[Transport] | None = None
    try:
        address = _known_address(url, unix_path)
        if address is not None and not url.secure:
            sock, sent = begin_connecting(*address, request)
            handshake.begin(TcpTransport(poller_of(loop), sock, options.write_high_water), sent)
        else:
            opening = loop.create_task(
                _open(loop, url, ssl, server_hostname, unix_path, options.write_high_water, prelude)
            )
            opening.add_done_callback(handshake.opened)
        answer = await handshake.answered
        if answer.status >= 300:
            raise answer.refused()
    except TimeoutError as error:
        handshake.abandon(opening)
        raise UpstreamUnavailable(
            f"upstream {_name(url, unix_path)} did not complete the handshake within "
            f"{options.connect_timeout:g} seconds",
            timed_out=True,
        ) from error
    except (OSError, ssl_module.SSLError) as error:
        handshake.abandon(opening)
        raise UpstreamUnavailable(f"upstream {_name(url, unix_path)} is not reachable: {error}") from error
    except BaseException:
        handshake.abandon(opening)
        raise
    finally:
        if timer is not None:
            timer.cancel()
        if departure is not None:
            departure.on_departure(None)
    assert handshake.transport is not None
    return Connected(handshake.transport, answer, handshake)


class Handshake(Receiver):
    """Sends the request once there is a transport, and feeds the reader until the answer is whole.

    Attributes:
        answered: a future of the answer.
        transport: the connection, or None as long as there is none.
    """

    __slots__ = ("_early", "_reader", "_request", "answered", "transport")

    def __init__(self, loop: asyncio.AbstractEventLoop, request: bytes, reader: AnswerReader) -> None:
        self.answered: asyncio.Future[UpstreamAnswer] = loop.create_future()
        self.transport: Transport | None = None
        self._request = request
        self._reader = reader
        self._early = b""

    def begin(self, transport: Transport, sent: int) -> None:
        """Go on over ``transport``, to which ``sent`` bytes of the request have gone already."""
        self.transport = transport
        transport.set_receiver(self)
        if sent < len(self._request):
            transport.write(bytearray(self._request[sent:]), None, 0, 0)
        transport.resume_reading()

    def opened(self, opening: asyncio.Task[Transport]) -> None:
        """The connection stands, or has failed."""
        if opening.cancelled():
            return
        error = opening.exception()
        if error is not None:
            self.fail(error)
        elif self.answered.done():
            opening.result().abort()
        else:
            self.begin(opening.result(), 0)

    def too_late(self) -> None:
        """The time for all this is up."""
        self.fail(TimeoutError())

    def fail(self, error: BaseException) -> None:
        """It is over without an answer."""
        if not self.answered.done():
            self.answered.set_exception(error)

    def abandon(self, opening: asyncio.Task[Transport] | None) -> None:
        """Let go of the connection, or of the attempt to make one."""
        if self.transport is not None:
            self.transport.abort()
        elif opening is not None:
            opening.cancel()

    def hand_over(self) -> bytes:
        """What has come behind the 101, for whoever is the transport's receiver from now on."""
        early, self._early = self._early, b""
        return early

    def received(self, data: bytearray, start: int, end: int) -> None:
        if self.answered.done():
            self._receive_early(data, start, end)
            return
        try:
            answer = self._reader.feed(bytes(data[start:end]))
        except FramegateError as error:
            self.answered.set_exception(error)
            return
        if answer is not None:
            self._early = self._reader.rest
            self.answered.set_result(answer)

    def ended(self, error: Exception | None) -> None:
        if self.answered.done():
            return
        if error is not None:
            self.answered.set_exception(error)
            return
        try:
            self.answered.set_result(self._reader.eof())
        except FramegateError as failure:
            self.answered.set_exception(failure)

    def _receive_early(self, data: bytearray, start: int, end: int) -> None:
        self._early += data[start:end]
        if len(self._early) >= MAX_EARLY and self.transport is not None:
            self.transport.pause_reading()


def _name(url: UpstreamURL, unix_path: str | None) -> str:
    return unix_path or f"{url.host}:{url.port}"


def _known_address(url: UpstreamURL, unix_path: str | None) -> tuple[int, Any] | None:
    if unix_path is not None:
        return socket.AF_UNIX, unix_path
    family = family_of(url.host)
    return None if family is None else (family, (url.host, url.port))


async def _open(
    loop: asyncio.AbstractEventLoop,
    url: UpstreamURL,
    ssl: ssl_module.SSLContext | None,
    server_hostname: str | None,
    unix_path: str | None,
    high_water: int,
    prelude: bytes,
) -> Transport:
    poller = poller_of(loop)
    sock = await _connect(loop, poller, url, unix_path)
    if not url.secure:
        transport: Transport = TcpTransport(poller, sock, high_water)
        return transport
    stream = StreamTransport(loop, poller.buffer, high_water)
    try:
        if prelude:
            await loop.sock_sendall(sock, prelude)
        await loop.create_connection(
            lambda: stream,
            sock=sock,
            ssl=ssl or telling(ssl_module.create_default_context()),
            server_hostname=server_hostname or url.host,
        )
    except BaseException:
        sock.close()
        raise
    return stream


async def _connect(
    loop: asyncio.AbstractEventLoop, poller: Any, url: UpstreamURL, unix_path: str | None
) -> socket.socket:
    known = _known_address(url, unix_path)
    found = [known] if known is not None else await addresses(url.host, url.port)
    if len(found) == 1:
        return await connected_socket(poller, *found[0])
    return await connect_first(loop, found)
