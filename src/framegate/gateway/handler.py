"""One client connection through the gateway: route, plugins, upstream, session, and what is left to say at its end."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from framegate.config.configuration import Configuration, Route
from framegate.errors import HandshakeRefused, HookError, UpstreamUnavailable
from framegate.gateway.answers import NO_ROUTE, UNAVAILABLE, UNEXPECTED, message
from framegate.gateway.client_certificates import certificate_of
from framegate.gateway.dialling import Dialler
from framegate.gateway.lineup import Lineup, PluginTable
from framegate.gateway.live import LiveSession
from framegate.gateway.paths import normalise
from framegate.gateway.router import Match, Router
from framegate.gateway.upstreams.insight import UpstreamHealth
from framegate.handshake import refusal
from framegate.observe.tally import Labels, Tally, name_of
from framegate.pdk.entities import Entity
from framegate.pdk.exchange import Exchange, Node
from framegate.pdk.exit import Exit
from framegate.pdk.faces.request import Request as RequestFace
from framegate.pdk.failure import PluginFailure, Watch, log_failure
from framegate.pdk.phases import CERTIFICATE, REWRITE, WS_CLOSE, WS_HANDSHAKE
from framegate.pdk.plugin import PluginInstance
from framegate.pdk.policies import policies_for
from framegate.pdk.run import run_each, run_phase
from framegate.proxy import Proxy
from framegate.request import Request

if TYPE_CHECKING:
    from framegate.telemetry.account import Account
    from framegate.telemetry.observer import Observer

_log = logging.getLogger("framegate.gateway")

LAST_WORDS = 5.0
"""Seconds that the ``ws_close`` phases of sessions which a drain has cut off may still take."""


class Gateway:
    """Serves one configuration; :meth:`handle` is the server's handler.

    Args:
        config: the configuration.
        live: the sessions that run, of this configuration and of those before it; None begins with none.
        tally: what is counted, likewise.

    Attributes:
        live, tally: likewise.
        handling: how many requests are being served that came in while it was the current one.
        successor: the gateway that new sessions belong to, once there is a newer configuration.
        watch: who is told of slow plugins.
        observer: who is told of connections; None where nobody is.
    """

    def __init__(
        self, config: Configuration, live: set[LiveSession] | None = None, tally: Tally | None = None
    ) -> None:
        self.config = config
        self._router = Router(config.routes)
        self._table = PluginTable(config.plugins)
        self._dialler = Dialler(config)
        self._node = Node()
        self.tally = Tally() if tally is None else tally
        durations = None if config.gateway.status_listen is None else self.tally.durations
        self.watch = Watch(config.gateway.plugin_time_limit / 1000, durations)
        self.live: set[LiveSession] = set() if live is None else live
        self.handling = 0
        self.successor: Gateway | None = None
        self.observer: Observer | None = None
        self._serving = {route.id: route for route in config.routes if route.service.enabled}
        self._routes = _by_id(config, "routes")
        self._services = _by_id(config, "services")
        self._closing: set[asyncio.Task[None]] = set()

    def start(self, previous: Gateway | None = None) -> None:
        """Begin what runs in the background, on the running loop. A second call does nothing.

        Args:
            previous: what served before a reload; what it knows of upstreams is taken over.
        """
        if previous is None:
            self._dialler.start()
        else:
            self._node = previous._node
            self._dialler.start(previous._dialler)
        if self.observer is None:
            self.observer = _observer(self.config, self._node, None if previous is None else previous.observer)

    async def retire(self) -> None:
        """End what :meth:`start` has begun; sessions go on."""
        if self.observer is not None:
            self.observer.retire()
        await self._dialler.close()

    def health(self) -> list[UpstreamHealth]:
        """What is known of each upstream and its targets now, as plain data."""
        return self._dialler.health()

    async def certificate(
        self, server_name: str | None, peer: tuple[str, int] | None, local_port: int | None
    ) -> Exchange:
        """Run the ``certificate`` phase for a TLS client that has named the server that it wants.

        Raises:
            PluginFailure: a plugin has raised; the client is not served.
        """
        exchange = self._exchange("wss", peer, local_port, server_name)
        try:
            await run_phase(CERTIFICATE, exchange, self._table.everywhere(CERTIFICATE, "wss"), self.watch)
        except PluginFailure as failure:
            self.tally.failed(failure.plugin, failure.phase)
            raise
        return exchange

    def live_route(self, id: str) -> Route | None:
        """The route of this id, if its service is enabled."""
        return self._serving.get(id)

    def lineup(self, route: Route, exchange: Exchange) -> tuple[PluginInstance, ...]:
        """The plugins of a session that is past its handshake."""
        return Lineup(self._table, route, exchange).session()

    def introduce(self, exchange: Exchange, route: Route) -> None:
        """Show the plugins of a connection this configuration, in place of an older one."""
        exchange.entities = self.config.entities
        exchange.trusted = self.config.gateway.trusted_ips
        exchange.route = self._routes[route.id]
        exchange.service = self._services[route.service.id]

    async def handle(self, request: Request) -> None:
        """Serve one opening request."""
        self.handling += 1
        account = None
        try:
            exchange = self._exchange_of(request)
            if self.observer is not None:
                account = self.observer.begin(request, exchange)
            error_text = ""
            try:
                answer = await self._serve(request, exchange, account)
            except PluginFailure as failure:
                log_failure(failure)
                error_text = f"{failure.hook}: {failure}"
                answer = _edited(message(500, UNEXPECTED), exchange)
            except HandshakeRefused as refused:
                error_text = str(refused)
                answer = _edited(Exit(refused.status, refused.body, refused.headers, refused.reason), exchange)
            except UpstreamUnavailable as error:
                _log.warning("%s", error)
                error_text = str(error)
                answer = _edited(message(504 if error.timed_out else 502, UNAVAILABLE), exchange)
            if answer is not None:
                _refuse(request, answer)
                if account is not None:
                    account.refused(answer.status, error_text)
        finally:
            if account is not None:
                account.close(sys.exception())
            # It knows the connection too, and nothing of a session is left to the garbage collector.
            request._connection.attachment = None
            self.handling -= 1

    async def close(self) -> None:
        """End what runs in the background, and wait for what plugins still have to say of sessions that were cut
        off."""
        await self.retire()
        if self._closing:
            await asyncio.wait(self._closing, timeout=LAST_WORDS)
        if self.observer is not None:
            await self.observer.finish()

    async def _serve(self, request: Request, exchange: Exchange, account: Account | None) -> Exit | None:
        scheme = exchange.scheme
        answer = await run_phase(REWRITE, exchange, self._table.everywhere(REWRITE, scheme), self.watch)
        if answer is not None:
            return answer
        match = self._match(request, exchange)
        if match is None:
            return _edited(message(404, NO_ROUTE), exchange)
        if match.status is not None:
            return _edited(_elsewhere(match), exchange)
        exchange.captures = match.captures
        exchange.prefix = match.prefix if match.route.strip_path and match.prefix != "/" else None
        exchange.route = self._routes[match.route.id]
        exchange.service = self._services[match.service.id]
        lineup = Lineup(self._table, match.route, exchange)
        answer = await run_phase(WS_HANDSHAKE, exchange, lineup.handshake(), self.watch)
        if answer is not None:
            return answer
        await self._proxy(request, exchange, match, lineup.session(), account)
        return None

    async def _proxy(
        self,
        request: Request,
        exchange: Exchange,
        match: Match,
        plugins: tuple[PluginInstance, ...],
        account: Account | None,
    ) -> None:
        options = self._dialler.options(match.route, exchange.upstream)
        proxy = Proxy._with(request, options) if account is None else account.proxy(options)
        proxy.treat(policies_for(options, exchange, plugins, self.watch))
        lease = await self._dialler.connect(proxy, request, exchange, match)
        try:
            proxy.accept(exchange.answer.apply)
            await self._execute(LiveSession(proxy, exchange, match.route, plugins, _labels(exchange)))
        finally:
            lease.release()

    async def _execute(self, session: LiveSession) -> None:
        exchange, proxy = session.exchange, session.proxy
        exchange.link = proxy
        self.live.add(session)
        if self.successor is not None:
            # It has been dialled while the configuration changed: as soon as it runs, it is a session like the others.
            asyncio.get_running_loop().call_soon(session.catch_up, self)
        try:
            exchange.record = await proxy.execute()
        except HookError as error:
            # Logged with the plugin's own traceback when it failed; both sides have been told.
            exchange.record = error.record
            if isinstance(error.__cause__, PluginFailure):
                self.tally.failed(error.__cause__.plugin, error.__cause__.phase)
        except asyncio.CancelledError:
            exchange.record = proxy.record()
            self._close(session)
            raise
        finally:
            self.live.discard(session)
            # The chain knows the connection, and the connection by this the session with its chain.
            exchange.link = None
            if exchange.record is not None:
                self.tally.ended(session, session.labels, exchange.record)
        if any(WS_CLOSE in plugin.phases for plugin in session.plugins):
            # A drain that is out of patience cuts off the session, not the last words about it.
            await asyncio.shield(self._close(session))

    def _close(self, session: LiveSession) -> asyncio.Task[None]:
        session.exchange.link = None
        task = asyncio.get_running_loop().create_task(self._closed(session.exchange, session.plugins))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def _closed(self, exchange: Exchange, plugins: tuple[PluginInstance, ...]) -> None:
        for failure in await run_each(WS_CLOSE, exchange, plugins, self.watch):
            self._note(failure)

    def _note(self, failure: PluginFailure) -> None:
        log_failure(failure)
        self.tally.failed(failure.plugin, failure.phase)

    def _match(self, request: Request, exchange: Exchange) -> Match | None:
        headers = request.headers
        return self._router.match(
            path=exchange.path,
            host=headers["Host"],
            headers=headers,
            sni=exchange.server_name,
            scheme=_scheme_of_the_client(exchange),
            query=request.query,
        )

    def _exchange_of(self, request: Request) -> Exchange:
        connection = request._connection
        exchange: Exchange | None = connection.attachment
        if exchange is None:
            tls = request.tls
            exchange = self._exchange(
                "ws" if tls is None else "wss",
                request.client,
                connection.local_port(),
                None if tls is None else tls.sni,
            )
        else:
            # A reload may have come between its TLS and its request.
            exchange.entities, exchange.trusted = self.config.entities, self.config.gateway.trusted_ips
            exchange.client_certificate = certificate_of(connection.transport.get_extra_info("ssl_object"))
        # Whoever answers the request knows by this what it came to.
        connection.attachment = exchange
        exchange.head = request._head
        exchange.path = normalise(request.path)
        return exchange

    def _exchange(
        self, scheme: str, peer: tuple[str, int] | None, local_port: int | None, server_name: str | None
    ) -> Exchange:
        return Exchange(
            peer=peer,
            scheme=scheme,
            local_port=local_port,
            server_name=server_name,
            started_at=time.time(),
            entities=self.config.entities,
            node=self._node,
            trusted=self.config.gateway.trusted_ips,
        )


def _observer(config: Configuration, node: Node, previous: Observer | None) -> Observer | None:
    if config.gateway.access_log is None and config.gateway.tracing is None:
        return None
    # Not imported where nothing is to be told.
    from framegate.telemetry.observer import Observer

    return Observer(config.gateway, node, previous)


def _labels(exchange: Exchange) -> Labels:
    return name_of(exchange.route), name_of(exchange.service)


def _scheme_of_the_client(exchange: Exchange) -> str:
    # A trusted proxy in front may have ended the client's TLS.
    said = RequestFace(exchange).get_forwarded_scheme()
    return said if said in ("ws", "wss") else exchange.scheme


def _refuse(request: Request, answer: Exit) -> None:
    connection = request._connection
    if not connection.answered and not connection.gone:
        reason, body = answer.reason or None, answer.body or None
        connection.refuse(refusal(answer.status, reason=reason, headers=answer.headers, body=body), answer.status)


def _edited(answer: Exit, exchange: Exchange) -> Exit:
    # What a plugin answers has its edits in it.
    return Exit(answer.status, answer.body, exchange.answer.apply(answer.headers), answer.reason)


def _elsewhere(match: Match) -> Exit:
    assert match.status is not None
    headers = [] if match.location is None else [("Location", match.location)]
    return message(match.status, "please use wss", headers)


def _by_id(config: Configuration, kind: str) -> dict[Any, Entity]:
    return {entity["id"]: entity for entity in config.entities.all(kind)}
