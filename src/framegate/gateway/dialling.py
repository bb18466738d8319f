"""From a route, a service and what plugins want to the upstream that is dialled."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import ssl
from collections.abc import Callable
from functools import partial

from framegate.config.configuration import Configuration, Route, Service, Target, Upstream
from framegate.config.session_options import service_options
from framegate.errors import HandshakeRefused, UpstreamUnavailable
from framegate.gateway.answers import UNAVAILABLE, message
from framegate.gateway.certificates import upstream_context
from framegate.gateway.hash_input import hash_key
from framegate.gateway.hash_source import ExchangeSource
from framegate.gateway.router import Match
from framegate.gateway.upstreams.insight import UpstreamHealth
from framegate.gateway.upstreams.pool import Pool, without_port
from framegate.gateway.upstreams.seat import Seat
from framegate.handshake import UpstreamURL
from framegate.options import ProxyOptions
from framegate.pdk.exchange import Exchange, UpstreamPlan
from framegate.pdk.faces._forwarded import peer_is_trusted
from framegate.pdk.identity import IDENTITY_NAMES
from framegate.proxy import Proxy
from framegate.request import Request
from framegate.resolve import family_of
from framegate.upstream_options import UpstreamOptions

_log = logging.getLogger("framegate.gateway")


RETRY_AFTER = "5"
"""Seconds that a client is asked to wait where all targets are full; as of a listener that is."""


class NoTarget(HandshakeRefused):
    """The gateway refuses in the place of its upstream: none of the targets may be picked.

    Args:
        retry: whether it may be otherwise soon, as connections end.
    """

    def __init__(self, *, retry: bool) -> None:
        answer = message(503, UNAVAILABLE, [("Retry-After", RETRY_AFTER)] if retry else ())
        super().__init__(503, "", answer.headers, answer.body)


class Lease:
    """A session's place at a target, counted until :meth:`release`."""

    __slots__ = ("_release",)

    def __init__(self, release: Callable[[], None] | None = None) -> None:
        self._release = release

    def release(self) -> None:
        """The session has ended."""
        release, self._release = self._release, None
        if release is not None:
            release()


class Dialler:
    """Connects sessions to their upstreams.

    Args:
        config: the configuration.
    """

    def __init__(self, config: Configuration) -> None:
        self._config = config
        self._pools = {
            upstream.name: Pool(upstream, config.gateway.dns, config.services) for upstream in config.upstreams
        }
        self._hosts = _named_hosts(config) if config.gateway.dns.resolver else {}
        self._contexts: dict[tuple[str, str | None], ssl.SSLContext] = {}
        self._options = {route.id: self._options_of(route) for route in config.routes}
        for service in config.services:
            if service.protocol == "wss":
                pool = self._pools.get(service.host)
                self._context(service, None if pool is None else pool.upstream)

    def start(self, previous: Dialler | None = None) -> None:
        """Begin active checks and the renewal of names, on the running loop. A second call does nothing.

        Args:
            previous: who connected before a reload. What it knows of targets that stay is taken over: their health,
                their sessions, their slow start, where their names lead. It ends its own work in the background, and
                still connects whom it is connecting.
        """
        before = {} if previous is None else previous._pools
        for name, pool in self._pools.items():
            pool.start(before.get(name))
        for pool in self._hosts.values():
            pool.start()
        if previous is not None:
            previous._stop()

    async def close(self) -> None:
        """End what :meth:`start` has begun, and wait for it; sessions that run are not touched."""
        await asyncio.gather(*self._stop(), return_exceptions=True)

    def _stop(self) -> list[asyncio.Task[None]]:
        return [task for pool in (*self._pools.values(), *self._hosts.values()) for task in pool.stop()]

    def health(self) -> list[UpstreamHealth]:
        """What is known of each upstream and its targets now, as plain data."""
        return [pool.health() for pool in self._pools.values()]

    def options(self, route: Route, plan: UpstreamPlan) -> ProxyOptions:
        """The options of a session through ``route``."""
        if plan.connect_timeout is None and plan.read_timeout is None and plan.write_timeout is None:
            return self._options[route.id]
        return self._options_of(route, plan)

    async def connect(self, proxy: Proxy, request: Request, exchange: Exchange, match: Match) -> Lease:
        """Connect ``proxy`` to the upstream of its route.

        A target that cannot be reached is left for another one, as often as ``retries`` allows; one that refuses, only
        for a status in ``retry_on_statuses``.

        Raises:
            UpstreamUnavailable: no target gave a verified 101.
            HandshakeRefused: an upstream refused; :class:`NoTarget` where none may be picked.
            PeerError: the client has left.
        """
        plan, service = exchange.upstream, match.service
        host, port = plan.target or (service.host, service.port)
        pool = self._pools.get(plan.upstream or host) if plan.target is None else None
        pool = pool or self._hosts.get((host, port))
        if pool is None:
            url = UpstreamURL.of(plan.scheme or service.protocol, host, port, _target(plan, match, request))
            await self._dial(proxy, request, exchange, match, url)
            return Lease()
        return await self._connect_to(pool, proxy, request, exchange, match)

    async def _connect_to(
        self, pool: Pool, proxy: Proxy, request: Request, exchange: Exchange, match: Match
    ) -> Lease:
        if pool.has_names:
            await pool.ready(self._patience(exchange, match))
        hashed = hash_key(pool.upstream, ExchangeSource(exchange))
        if hashed.cookie is not None:
            exchange.answer.add("Set-Cookie", hashed.cookie.header_value)
        retries = match.service.retries if exchange.upstream.retries is None else exchange.upstream.retries
        tried: list[Seat] = []
        failure: UpstreamUnavailable | HandshakeRefused | None = None
        while len(tried) <= retries:
            seat = pool.pick(hashed.key, tried)
            if seat is None and pool.has_names and await pool.renewed(self._patience(exchange, match)):
                seat = pool.pick(hashed.key, tried)
            if seat is None:
                break
            tried.append(seat)
            failure = await self._attempt(pool, seat, proxy, request, exchange, match)
            if failure is None:
                return Lease(partial(_ended, pool, seat, exchange))
        raise failure or NoTarget(retry=pool.shortage())

    def _patience(self, exchange: Exchange, match: Match) -> float | None:
        return self.options(match.route, exchange.upstream).connect_timeout

    async def _attempt(
        self, pool: Pool, seat: Seat, proxy: Proxy, request: Request, exchange: Exchange, match: Match
    ) -> UpstreamUnavailable | HandshakeRefused | None:
        """Try one place; what it failed with where another one may be tried."""
        pool.balancer.acquire(seat)
        try:
            await self._dial_seat(pool, seat, proxy, request, exchange, match)
        except UpstreamUnavailable as error:
            pool.balancer.release(seat)
            pool.failed(seat, error)
            return error
        except HandshakeRefused as refused:
            pool.balancer.release(seat)
            pool.refused(seat, refused.status)
            if refused.status not in pool.upstream.retry_on_statuses:
                raise
            _log.warning("target %s of upstream %r: %s", seat.name, pool.upstream.name, refused)
            return refused
        except BaseException:
            pool.balancer.release(seat)
            raise
        pool.reached(seat)
        return None

    async def _dial_seat(
        self, pool: Pool, seat: Seat, proxy: Proxy, request: Request, exchange: Exchange, match: Match
    ) -> None:
        plan, place = exchange.upstream, seat.place
        name = (place.name if pool.upstream.use_srv_name else None) or seat.target.host
        scheme = plan.scheme or match.service.protocol
        url = UpstreamURL.of(scheme, name, place.port, _target(plan, match, request))
        if place.host != name:
            # The address is dialled; the name is what Host says, and what TLS verifies.
            url = dataclasses.replace(url, host=place.host)
        await self._dial(proxy, request, exchange, match, url, pool.upstream, name)

    async def _dial(
        self,
        proxy: Proxy,
        request: Request,
        exchange: Exchange,
        match: Match,
        url: UpstreamURL,
        upstream: Upstream | None = None,
        name: str | None = None,
    ) -> None:
        plan, service = exchange.upstream, match.service
        host_header = None if upstream is None else upstream.host_header
        if plan.host is not None:
            sent_host = plan.host
        elif match.route.preserve_host:
            sent_host = request.headers["Host"]
        else:
            sent_host = host_header or url.host_header
        edits = plan.headers
        how = UpstreamOptions(
            protocols=plan.protocols,
            headers=edits.pairs(),
            host=sent_host,
            ssl=self._context(service, upstream) if url.secure else None,
            server_hostname=service.tls_server_name or (without_port(host_header) if host_header else name),
            without=edits.names() | IDENTITY_NAMES,
            trusted=peer_is_trusted(exchange),
            proxy_protocol=service.proxy_protocol,
        )
        await proxy.connect_upstream_to(url, how)

    def _context(self, service: Service, upstream: Upstream | None) -> ssl.SSLContext:
        own = None if upstream is None else upstream.client_certificate
        key = service.id, None if own is None else own.id
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = upstream_context(service, own)
        return context

    def _options_of(self, route: Route, plan: UpstreamPlan | None = None) -> ProxyOptions:
        service = route.service
        chosen = {**service_options(self._config.gateway.options, service, service.options), **route.options}
        if plan is not None:
            # What a plugin asks for comes last. Its read time-out is no frame in either direction for this long, as
            # behind nginx, whose read time-out both directions renew.
            chosen = service_options(chosen, plan, {})
        return ProxyOptions.of(**chosen)


def _target(plan: UpstreamPlan, match: Match, request: Request) -> str:
    path = match.upstream_path if plan.path is None else plan.path
    query = request.query if plan.query is None else plan.query
    return f"{path}?{query}" if query else path


def _named_hosts(config: Configuration) -> dict[tuple[str, int], Pool]:
    """Services whose host is a name, as upstreams of one target: where the file names its own name servers."""
    pools = {}
    names = {upstream.name for upstream in config.upstreams}
    for service in config.services:
        if service.host not in names and family_of(service.host) is None:
            where = f"{service.host}:{service.port}"
            target = Target(id=where, target=where, host=service.host, port=service.port)
            upstream = Upstream(id=where, name=where, targets=(target,))
            pools[service.host, service.port] = Pool(upstream, config.gateway.dns, ())
    return pools


def _ended(pool: Pool, seat: Seat, exchange: Exchange) -> None:
    pool.ended(seat, exchange.record)
