"""Clients between their TCP and the first byte of HTTP: the header of the PROXY protocol, and TLS.

Knows no requests. Who has neither of the two to go through does not come here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl as ssl_module
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from framegate.listeners import local_port
from framegate.options import ServerLimits
from framegate.proxied import client_of, port_of, take_header
from framegate.proxy_protocol import Header, Malformed
from framegate.transport import TcpTransport, Transport, poller_of
from framegate.transport.client_hello import peek_hello, require_protocol
from framegate.transport.stream import StreamTransport
from framegate.transport.telling import reason_of

Peer = tuple[str, int] | None

CLIENT_HIGH_WATER = 64 * 1024
MAX_REFUSED_AT_ONCE = 256
"""Clients over a limit that are being told so at one time; further ones are cut off without a word."""

_log = logging.getLogger("framegate.server")


class TLSChooser(Protocol):
    """Chooses the context for a client by the server name that it asks for."""

    async def choose(
        self, server_name: str | None, peer: tuple[str, int] | None, local_port: int | None
    ) -> tuple[ssl_module.SSLContext, Any]:
        """The context, and what the handler shall find in ``connection.attachment``.

        Raises:
            OSError: the client is not served; its connection is closed.
        """


TLS = ssl_module.SSLContext | TLSChooser | None

Proxies = Callable[[Peer], bool]
"""Whether a peer is one of the proxies that put a header of the PROXY protocol before everything else."""


class Arrived(Protocol):
    """Takes a client over whose next byte is HTTP."""

    def __call__(
        self,
        transport: Transport,
        peer: Peer,
        deadline: float | None,
        attachment: Any = None,
        header: Header | None = None,
    ) -> None: ...


class Arrivals:
    """Those of one server.

    Args:
        loop: the running event loop.
        tls: how TLS is spoken here, or None.
        proxies: who puts headers of the PROXY protocol before everything else, or None.
        limits: says the server's limits as they are now.
        waiting: says how many clients wait for the answer to their request; None where the server drains.
        arrived: called with each that got so far.

    Attributes:
        tasks: those on their way.
        by_address: how many TLS handshakes each address has under way.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tls: TLS,
        proxies: Proxies | None,
        *,
        limits: Callable[[], ServerLimits],
        waiting: Callable[[], int | None],
        arrived: Arrived,
    ) -> None:
        self.tls = tls
        self.proxies = proxies
        self.tasks: set[asyncio.Task[None]] = set()
        self.by_address: Counter[str] = Counter()
        self._loop = loop
        self._poller = poller_of(loop)
        self._limits = limits
        self._waiting = waiting
        self._arrived = arrived

    def begin(self, sock: socket.socket, peer: Peer, deadline: float | None) -> None:
        """Take a connection on, which must be through at ``deadline`` of the loop's clock."""
        if self.proxies is not None:
            self._begin_proxied(sock, peer, deadline, self.proxies)
        else:
            self._begin_tls(sock, peer, deadline)

    def _begin_proxied(self, sock: socket.socket, peer: Peer, deadline: float | None, proxies: Proxies) -> None:
        if not proxies(peer):
            _log_unproxied(peer, "its address is not in trusted_ips")
            sock.close()
        elif self._overcrowded(None):
            sock.close()
        else:
            # Nothing is counted for the proxy's address, which all of its clients share.
            self._keep(self._start_proxied(sock, peer, deadline), None)

    async def _start_proxied(self, sock: socket.socket, peer: Peer, deadline: float | None) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                header = await take_header(self._loop, sock)
        except (OSError, TimeoutError, Malformed) as error:
            _log_unproxied(peer, str(error) or "the header was not complete within handshake_timeout")
            sock.close()
            return
        except asyncio.CancelledError:
            sock.close()
            raise
        client = client_of(header, peer)
        if self.tls is not None:
            self._begin_tls(sock, client, deadline, header)
        else:
            self._arrived(TcpTransport(self._poller, sock, CLIENT_HIGH_WATER), client, deadline, header=header)

    def _begin_tls(self, sock: socket.socket, peer: Peer, deadline: float | None, header: Header | None = None) -> None:
        if self._overcrowded(peer):
            # There is no TLS yet in which a refusal could be said.
            sock.close()
            return
        self._keep(self._start_tls(sock, peer, deadline, header), peer)

    async def _start_tls(self, sock: socket.socket, peer: Peer, deadline: float | None, header: Header | None) -> None:
        # Not taken from what the loop returns: uvloop returns its own TLS protocol here.
        stream = StreamTransport(self._loop, self._poller.buffer, CLIENT_HIGH_WATER)
        try:
            async with asyncio.timeout_at(deadline):
                hello = await peek_hello(self._loop, sock)
                stream.server_name = hello.server_name
                if not isinstance(self.tls, ssl_module.SSLContext):
                    # A context of the user's says itself what it wants.
                    require_protocol(hello, sock, b"http/1.1")
                port = local_port(sock) if header is None else port_of(header, sock)
                context, attachment = await self._context_for(hello.server_name, port, peer)
                await self._loop.connect_accepted_socket(lambda: stream, sock, ssl=context)
        except (OSError, TimeoutError) as error:
            # A client that speaks no TLS, or leaves, is no event for the operator.
            _log.info("TLS with %s failed: %s", peer, reason_of(error) or "not complete in time")
            sock.close()
            return
        except asyncio.CancelledError:
            sock.close()
            raise
        self._arrived(stream, peer, deadline, attachment, header)

    async def _context_for(
        self, server_name: str | None, port: int | None, peer: Peer
    ) -> tuple[ssl_module.SSLContext, Any]:
        if isinstance(self.tls, ssl_module.SSLContext):
            return self.tls, None
        assert self.tls is not None
        return await self.tls.choose(server_name, peer, port)

    def _overcrowded(self, peer: Peer) -> bool:
        waiting, limits = self._waiting(), self._limits()
        if waiting is None:
            return True
        pending, per_address = limits.max_pending_handshakes, limits.max_connections_per_address
        if pending is not None and len(self.tasks) + waiting >= pending + MAX_REFUSED_AT_ONCE:
            return True
        # Who says nothing in TLS is no connection yet, but must not take everybody else's place either.
        return per_address is not None and peer is not None and self.by_address[peer[0]] >= per_address

    def _keep(self, starting: Coroutine[Any, Any, None], peer: Peer) -> None:
        task = self._loop.create_task(starting)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if peer is not None:
            address = peer[0]
            self.by_address[address] += 1
            task.add_done_callback(lambda _: self._started(address))

    def _started(self, address: str) -> None:
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]


def _log_unproxied(peer: Peer, why: str) -> None:
    name = f"{peer[0]}:{peer[1]}" if peer is not None else "a Unix socket"
    _log.info("closed a connection of %s: PROXY protocol: %s", name, why)
