"""The gateway as one process runs it: the configuration that holds, its listeners, and the sessions that live.

A new configuration is prepared with everything that can fail, and then put in place in one step, between two turns of
the event loop. Knows nothing of other processes, and not how sockets are come by.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framegate.config.configuration import Configuration, Listen
from framegate.connection import ClientConnection
from framegate.gateway.handler import Gateway
from framegate.gateway.live import LiveSession
from framegate.gateway.plugin_code import package_of
from framegate.gateway.reload import Change, Marks, differences, marks_of, with_known_plugins
from framegate.gateway.serving import ClientTLS, proxies_of, tls_of
from framegate.listeners import let_go
from framegate.observe.tally import UNNAMED, Tally, name_of
from framegate.options import ServerLimits
from framegate.pdk.exchange import Exchange
from framegate.server import Server

if TYPE_CHECKING:
    from framegate.telemetry.observer import Observer

_log = logging.getLogger("framegate.gateway")

Key = tuple[str, int]
"""An address as the file writes it, and how many like it stand before it: port 0 may be there several times."""


def keyed(listens: Iterable[Listen]) -> dict[Key, Listen]:
    """Addresses by their keys, in order."""
    seen: Counter[str] = Counter()
    found = {}
    for listen in listens:
        name = str(listen)
        found[name, seen[name]] = listen
        seen[name] += 1
    return found


@dataclass(frozen=True, slots=True)
class Opened:
    """The listening sockets of an address.

    Attributes:
        sockets: at least one.
        owned: whether the file of a Unix socket is removed when they are closed.
    """

    sockets: list[socket.socket]
    owned: bool = True


Open = Callable[[Key, Listen], Awaitable[Opened]]
"""Opens the listening sockets of an address; raises FramegateError or OSError where that cannot be done."""


@dataclass(slots=True)
class Prepared:
    """A configuration that can be put in place."""

    gateway: Gateway
    marks: Marks
    tls: dict[Key, ClientTLS | None]
    opened: dict[Key, Opened] = field(default_factory=dict)

    def discard(self) -> None:
        """It will not be put in place."""
        for opened in self.opened.values():
            let_go(opened.sockets, opened.owned)


@dataclass(frozen=True, slots=True)
class Swap:
    """What putting a configuration in place has changed.

    Attributes:
        changes: between the configurations.
        kept, rebound, ended: what has become of the live sessions.
    """

    changes: tuple[Change, ...]
    kept: int
    rebound: int
    ended: int

    def __str__(self) -> str:
        what = "; ".join(map(str, self.changes)) or "nothing has changed"
        return f"{what} (sessions: {self.kept} kept, {self.rebound} rebound, {self.ended} closed with 1012)"


class CountingServer(Server):
    """A server whose connections and answered handshakes are counted.

    Attributes:
        tally: where.
        observer: who is told of clients that are turned away before a handler has their request, or None.
    """

    tally: Tally
    observer: Observer | None = None

    @property
    def connections(self) -> int:
        """How many client connections are open, those in their handshake included."""
        return len(self._connections) + len(self._over_limit) + len(self._arrivals.tasks)

    def settled(self, connection: ClientConnection, status: int = 101) -> None:
        """A client's handshake has been answered."""
        super().settled(connection, status)
        exchange = connection.attachment
        labels = UNNAMED if exchange is None else (name_of(exchange.route), name_of(exchange.service))
        self.tally.answered(status, labels)
        if connection.task is None and self.observer is not None:
            scheme = "ws" if connection.tls_info() is None else "wss"
            self.observer.turned_away(exchange or Exchange(peer=connection.peer, scheme=scheme), status)

    def _accepted(self, sock: socket.socket, address: Any) -> None:
        self.tally.accepted += 1
        super()._accepted(sock, address)


class Site:
    """The running gateway.

    Args:
        open: opens listening sockets.

    Attributes:
        gateway: of the configuration that holds, or None before the first one.
        tally: what has been counted since the start.
    """

    def __init__(self, open: Open) -> None:
        self._open = open
        self.tally = Tally()
        self._live: set[LiveSession] = set()
        self._servers: dict[Key, CountingServer] = {}
        self._retired: set[CountingServer] = set()
        self._older: list[Gateway] = []
        self._marks: Marks = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.gateway: Gateway | None = None

    @property
    def servers(self) -> dict[Key, CountingServer]:
        """The listeners that accept, in the order of the file."""
        return self._servers

    @property
    def sessions(self) -> int:
        """How many sessions live."""
        return len(self._live)

    @property
    def live(self) -> Set[LiveSession]:
        """The sessions that live."""
        return self._live

    @property
    def connections(self) -> int:
        """How many client connections are open, those in their handshake included."""
        return sum(server.connections for server in (*self._servers.values(), *self._retired))

    def packages(self) -> set[str]:
        """The packages of plugins that are still in use."""
        gateways = [gateway for gateway in (self.gateway, *self._older) if gateway is not None]
        found = {package_of(plugin.instance) for gateway in gateways for plugin in gateway.config.plugins}
        return {package for package in found if package is not None}

    async def prepare(self, config: Configuration) -> Prepared:
        """Do for a configuration whatever can fail; nothing that runs is touched.

        Raises:
            FramegateError, OSError: it cannot be put in place; an address cannot be listened on, or a certificate
                cannot be used.
        """
        config, marks = with_known_plugins(self._marks, config, marks_of(config))
        gateway = Gateway(config, self._live, self.tally)
        wanted = keyed(config.gateway.listen)
        prepared = Prepared(gateway, marks, {key: tls_of(gateway, listen) for key, listen in wanted.items()})
        try:
            for key, listen in wanted.items():
                if key not in self._servers:
                    prepared.opened[key] = await self._open(key, listen)
        except BaseException:
            prepared.discard()
            raise
        return prepared

    def commit(self, prepared: Prepared) -> Swap:
        """Put a configuration in place."""
        old, new = self.gateway, prepared.gateway
        self.gateway, self._marks = new, prepared.marks
        new.start(old)
        self._set_servers(prepared)
        if old is None:
            return Swap((), 0, 0, 0)
        old.successor = new
        self._in_background(old.retire())
        self._older = [gateway for gateway in (*self._older, old) if gateway.handling]
        fates: Counter[str] = Counter()
        ending = []
        for session in list(self._live):
            fate = session.moved(new)
            fates[fate] += 1
            if fate == "ended":
                ending.append(session)
        self._restart(ending)
        return Swap(tuple(differences(old.config, new.config)), fates["kept"], fates["rebound"], fates["ended"])

    async def drain(self) -> None:
        """Stop accepting everywhere, close every session, and wait for their ends."""
        servers = [*self._servers.values(), *self._retired]
        await asyncio.gather(*(server.drain() for server in servers))
        for gateway in (self.gateway, *self._older):
            if gateway is not None:
                await gateway.close()

    def _set_servers(self, prepared: Prepared) -> None:
        gateway = prepared.gateway
        limits = ServerLimits.of(**gateway.config.gateway.limits)
        before, self._servers = self._servers, {}
        listens = keyed(gateway.config.gateway.listen)
        for key, tls in prepared.tls.items():
            proxies = proxies_of(gateway, listens[key])
            if key in before:
                server = before.pop(key)
                server.adopt(gateway.handle, limits, tls, proxies)
            else:
                opened = prepared.opened[key]
                server = CountingServer(gateway.handle, opened.sockets, limits, tls, opened.owned, proxies)
                server.tally = self.tally
            self._servers[key] = server
        for server in self._retired:
            server.succeed(gateway.handle, limits)
        for server in before.values():
            server.succeed(gateway.handle, limits)
            self._retire(server)
        for server in (*self._servers.values(), *self._retired):
            server.observer = gateway.observer

    def _retire(self, server: CountingServer) -> None:
        # Its sessions go on; it is forgotten with the last of them.
        server.close()
        self._retired.add(server)
        self._in_background(server.wait_closed()).add_done_callback(lambda _: self._retired.discard(server))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _restart(self, sessions: list[LiveSession]) -> None:
        assert self.gateway is not None
        window = ServerLimits.of(**self.gateway.config.gateway.limits).drain_window
        if not window:
            for session in sessions:
                session.restart()
            return
        # Spread as those of a drain, so that clients do not come back at once.
        loop = asyncio.get_running_loop()
        random.shuffle(sessions)
        share = window / max(1, len(sessions))
        for index, session in enumerate(sessions):
            loop.call_later(share * (index + random.random()), session.restart)
