"""The listening side of the library: ``serve`` and the ``Server`` that it yields."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl as ssl_module
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any

from framegate.arrivals import CLIENT_HIGH_WATER, MAX_REFUSED_AT_ONCE, TLS, Arrivals, Proxies
from framegate.connection import ClientConnection, Session
from framegate.handshake import refusal
from framegate.listeners import Acceptor, local_port, open_listeners
from framegate.options import ServerLimits
from framegate.proxied import ProxiedConnection
from framegate.proxy_protocol import Header
from framegate.request import Request
from framegate.transport import TcpTransport, Transport, poller_of

Handler = Callable[[Request], Awaitable[Any]]


_log = logging.getLogger("framegate.server")

_RETRY_AFTER = (("Retry-After", "5"),)


class Server:
    """A running server; made by :func:`serve` and :func:`reverse_proxy`.

    Attributes:
        sockets: the listening sockets.
        limits: its :class:`ServerLimits`.
        draining: whether a drain has begun.
    """

    def __init__(
        self,
        handler: Handler,
        listeners: list[socket.socket],
        limits: ServerLimits,
        tls: TLS,
        owned: bool = True,
        proxies: Proxies | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.handler = handler
        self.limits = limits
        self.sockets = tuple(listeners)
        self.draining = False
        self.aborting = False
        self._plain = tls is None and proxies is None
        self._port = local_port(listeners[0])
        self._poller = poller_of(self.loop)
        self._connections: set[ClientConnection] = set()
        self._pending: set[ClientConnection] = set()
        self._over_limit: set[ClientConnection] = set()
        self._arrivals = Arrivals(
            self.loop,
            tls,
            proxies,
            limits=lambda: self.limits,
            waiting=lambda: None if self.draining else len(self._pending),
            arrived=self._connected,
        )
        self._kept: set[Transport] = set()
        self._by_address: Counter[str] = Counter()
        self._executing: set[Session] = set()
        self._handling: set[asyncio.Task[None]] = set()
        self._waiters: list[asyncio.Future[None]] = []
        self._closed = self.loop.create_future()
        self._acceptors = [Acceptor(self.loop, listener, self._accepted, owned) for listener in listeners]

    @property
    def port(self) -> int | None:
        """The port of the first listening socket, the real one where 0 was asked for; None on a Unix socket."""
        return self._port

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The live sessions, as the :class:`Proxy` objects that execute."""
        return tuple(self._executing)

    async def serve_forever(self) -> None:
        """Serve until :meth:`close` or :meth:`drain` is called; a cancelled call leaves the server as it is."""
        await asyncio.shield(self._closed)

    def adopt(
        self,
        handler: Handler,
        limits: ServerLimits,
        tls: TLS,
        proxies: Proxies | None = None,
    ) -> None:
        """Serve what is accepted from now on, and requests that are not complete yet, with another handler. For the
        gateway's reload."""
        self.handler, self.limits = handler, limits
        self._arrivals.tls, self._arrivals.proxies = tls, proxies
        self._plain = tls is None and proxies is None

    def succeed(self, handler: Handler, limits: ServerLimits) -> None:
        """:meth:`adopt` for one that accepts no more: whoever is on his way goes on as he began."""
        self.handler, self.limits = handler, limits

    def close(self) -> None:
        """Stop accepting, nothing else: what is connected goes on."""
        for acceptor in self._acceptors:
            acceptor.close()
        if not self._closed.done():
            self._closed.set_result(None)

    async def drain(self, timeout: float | None = None) -> None:
        """Stop accepting, send every session its close frames, wait for their ends, and abort what is left.

        Args:
            timeout: seconds until what is left is aborted; None takes the option ``drain_timeout``.
        """
        self.draining = True
        self.close()
        for connection in [connection for connection in self._pending if connection.task is None]:
            connection.close()
        self._spread_close_frames()
        limit = self.limits.drain_timeout if timeout is None else timeout
        if await self._all_gone(limit):
            return
        _log.warning("draining took over %g seconds: aborting what is left", limit)
        await self._abort()

    async def wait_closed(self) -> None:
        """Wait until the server accepts no more and the last connection has ended."""
        await asyncio.shield(self._closed)
        await self._all_gone(None)

    def executing(self, session: Session) -> None:
        """A session has begun."""
        self._executing.add(session)

    def executed(self, session: Session) -> None:
        """It has ended."""
        self._executing.discard(session)
        self._wake()

    def start(self, handling: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a handler in a task that a drain waits for."""
        task = self.loop.create_task(handling)
        self._handling.add(task)
        task.add_done_callback(self._handled)
        return task

    def settled(self, connection: ClientConnection, status: int = 101) -> None:
        """A client's handshake has been answered with ``status``."""
        self._pending.discard(connection)

    def forget(self, connection: ClientConnection) -> None:
        """A client's connection has ended."""
        self._pending.discard(connection)
        self._over_limit.discard(connection)
        if connection in self._connections:
            self._connections.discard(connection)
            if connection.peer is not None:
                address = connection.peer[0]
                self._by_address[address] -= 1
                if not self._by_address[address]:
                    del self._by_address[address]
        self._wake()

    def keep(self, transport: Transport) -> Callable[[], None]:
        """Count a lingering upstream connection among what a drain waits for; call the result when it is closed."""
        self._kept.add(transport)

        def let_go() -> None:
            self._kept.discard(transport)
            self._wake()

        return let_go

    def _handled(self, task: asyncio.Task[None]) -> None:
        self._handling.discard(task)
        self._wake()

    def _accepted(self, sock: socket.socket, address: Any) -> None:
        peer = (address[0], address[1]) if isinstance(address, tuple) else None
        if peer is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        timeout = self.limits.handshake_timeout
        deadline = None if timeout is None else self.loop.time() + timeout
        if self._plain:
            self._connected(TcpTransport(self._poller, sock, CLIENT_HIGH_WATER), peer, deadline)
        else:
            self._arrivals.begin(sock, peer, deadline)

    def _connected(
        self,
        transport: Transport,
        peer: tuple[str, int] | None,
        deadline: float | None,
        attachment: Any = None,
        header: Header | None = None,
    ) -> None:
        if header is None:
            connection = ClientConnection(self, transport, peer)
        else:
            connection = ProxiedConnection(self, transport, peer, header)
        connection.attachment = attachment
        status = self._over(peer)
        if status:
            if len(self._over_limit) >= MAX_REFUSED_AT_ONCE:
                transport.abort()
                return
            self._over_limit.add(connection)
            connection.refuse(refusal(status, headers=_RETRY_AFTER), status)
            return
        self._connections.add(connection)
        self._pending.add(connection)
        if peer is not None:
            self._by_address[peer[0]] += 1
        connection.begin(deadline)

    def _over(self, peer: tuple[str, int] | None) -> int:
        limits = self.limits
        if self.draining:
            return 503
        if limits.max_connections is not None and len(self._connections) >= limits.max_connections:
            return 503
        if limits.max_pending_handshakes is not None and len(self._pending) >= limits.max_pending_handshakes:
            return 503
        per_address = limits.max_connections_per_address
        if per_address is not None and peer is not None and self._by_address[peer[0]] >= per_address:
            return 429
        return 0

    def _spread_close_frames(self) -> None:
        code, window = self.limits.drain_code, self.limits.drain_window
        proxies = list(self._executing)
        random.shuffle(proxies)
        for index, proxy in enumerate(proxies):
            if window:
                # Evenly over the window, each at a random place in its share, so that clients do not come back at once.
                share = window / len(proxies)
                self.loop.call_later(share * (index + random.random()), proxy.drain, code)
            else:
                proxy.drain(code)

    def _busy(self) -> bool:
        return bool(self._connections or self._over_limit or self._kept or self._arrivals.tasks or self._handling)

    def _wake(self) -> None:
        if not self._busy():
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def _all_gone(self, timeout: float | None) -> bool:
        try:
            async with asyncio.timeout(timeout):
                while self._busy():
                    waiter: asyncio.Future[None] = self.loop.create_future()
                    self._waiters.append(waiter)
                    await waiter
        except TimeoutError:
            return False
        return True

    async def _abort(self) -> None:
        self.aborting = True
        for proxy in list(self._executing):
            proxy.abort()
        tasks = [*self._handling, *self._arrivals.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self._connections | self._over_limit):
            connection.close()
        for transport in list(self._kept):
            transport.abort()
        self._kept.clear()
        self._wake()


class Serving:
    """What :func:`serve` returns: await it, or enter it with ``async with``, for the running :class:`Server`."""

    def __init__(self, start: Callable[[], Awaitable[Server]]) -> None:
        self._start = start
        self._server: Server | None = None

    def __await__(self) -> Generator[Any, None, Server]:
        return self._start().__await__()

    async def __aenter__(self) -> Server:
        self._server = await self._start()
        return self._server

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        await self._server.drain()


def serve(
    handler: Handler,
    host: str | None = None,
    port: int | None = None,
    *,
    ssl: ssl_module.SSLContext | None = None,
    unix_path: str | None = None,
    sock: socket.socket | None = None,
    **server_limits: Any,
) -> Serving:
    """Serve WebSocket clients: ``handler(request)`` is awaited once per opening request.

    Args:
        handler: a coroutine function. One that ends or raises before the client's 101 makes an HTTP answer: 502 or 504
            for :class:`UpstreamUnavailable`, the upstream's own for :class:`HandshakeRefused`, else 500.
        host: the address to listen on; None listens on all.
        port: the port; 0 and None take a free one.
        ssl: a server context, for ``wss``.
        unix_path: listen on this Unix socket instead.
        sock: listen on this bound socket instead.
        **server_limits: see :class:`framegate.options.ServerLimits`.

    Returns:
        An awaitable and asynchronous context manager of the :class:`Server`; leaving the context drains it.

    Raises:
        TypeError, ValueError: an argument breaks a rule, which the message names.
        OSError: an address cannot be listened on; raised when it is awaited or entered.
    """
    if not callable(handler):
        raise TypeError(f"handler must be a coroutine function, not {type(handler).__name__}")
    if ssl is not None and not isinstance(ssl, ssl_module.SSLContext):
        raise TypeError(f"ssl must be an ssl.SSLContext or None, not {type(ssl).__name__}")
    limits = ServerLimits.of(**server_limits)

    return serving(handler, limits, ssl, host=host, port=port, unix_path=unix_path, sock=sock)


def serving(
    handler: Handler,
    limits: ServerLimits,
    tls: TLS,
    proxies: Proxies | None = None,
    **place: Any,
) -> Serving:
    """:func:`serve` with what has been checked before; ``tls`` may choose a context for each client, and from
    ``proxies`` headers of the PROXY protocol are read."""

    async def start() -> Server:
        listeners = await open_listeners(
            place.get("host"), place.get("port"), place.get("unix_path"), place.get("sock")
        )
        return Server(handler, listeners, limits, tls, proxies=proxies)

    return Serving(start)
