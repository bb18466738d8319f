"""From a route, a service and what plugins want to the upstream that is dialled."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from framegate.config.configuration import Configuration, Service, Target, Upstream
from framegate.errors import UpstreamUnavailable
from framegate.gateway.balancer import Balancer
from framegate.gateway.certificates import upstream_context
from framegate.gateway.hash_input import hash_key
from framegate.gateway.hash_source import ExchangeSource
from framegate.gateway.router import Match
from framegate.handshake import UpstreamURL
from framegate.options import ProxyOptions
from framegate.pdk.exchange import Exchange, UpstreamPlan
from framegate.pdk.faces._forwarded import peer_is_trusted
from framegate.pdk.identity import IDENTITY_NAMES
from framegate.proxy import Proxy
from framegate.request import Request
from framegate.upstream_options import UpstreamOptions

_log = logging.getLogger("framegate.gateway")


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
        self._upstreams = {upstream.name: upstream for upstream in config.upstreams}
        self._balancers = {upstream.name: Balancer(upstream) for upstream in config.upstreams}
        self._contexts: dict[tuple[str, str | None], ssl.SSLContext] = {}
        self._options = {service.id: self._options_of(service) for service in config.services}
        for service in config.services:
            if service.protocol == "wss":
                self._context(service, self._upstreams.get(service.host))

    def options(self, service: Service, plan: UpstreamPlan) -> ProxyOptions:
        """The options of a session with ``service``."""
        if plan.connect_timeout is None and plan.read_timeout is None and plan.write_timeout is None:
            return self._options[service.id]
        return self._options_of(service, plan)

    async def connect(self, proxy: Proxy, request: Request, exchange: Exchange, match: Match) -> Lease:
        """Connect ``proxy`` to the upstream of its route.

        A target that cannot be reached is left for another one, as often as ``retries`` allows.

        Raises:
            UpstreamUnavailable: no target gave a verified 101.
            HandshakeRefused: an upstream refused.
            PeerError: the client has left.
        """
        plan, service = exchange.upstream, match.service
        name = plan.upstream or (service.host if plan.target is None else None)
        if name not in self._balancers:
            host, port = plan.target or (service.host, service.port)
            await self._dial(proxy, request, exchange, match, host, port)
            return Lease()
        upstream, balancer = self._upstreams[name], self._balancers[name]
        hashed = hash_key(upstream, ExchangeSource(exchange))
        if hashed.cookie is not None:
            exchange.answer.add("Set-Cookie", hashed.cookie.header_value)
        attempts = 1 + (service.retries if plan.retries is None else plan.retries)
        tried: list[Target] = []
        failure = UpstreamUnavailable(f"upstream {name!r} has no target with a weight")
        while attempts > len(tried) and (target := balancer.pick(hashed.key, tried)) is not None:
            tried.append(target)
            balancer.acquire(target)
            try:
                await self._dial(proxy, request, exchange, match, target.host, target.port, upstream)
                return Lease(lambda target=target: balancer.release(target))  # type: ignore[misc]
            except UpstreamUnavailable as error:
                balancer.release(target)
                _log.warning("target %s of upstream %r: %s", target.target, name, error)
                failure = error
            except BaseException:
                balancer.release(target)
                raise
        raise failure

    async def _dial(
        self,
        proxy: Proxy,
        request: Request,
        exchange: Exchange,
        match: Match,
        host: str,
        port: int,
        upstream: Upstream | None = None,
    ) -> None:
        plan, service = exchange.upstream, match.service
        host_header = None if upstream is None else upstream.host_header
        scheme = plan.scheme or service.protocol
        url = UpstreamURL.of(scheme, host, port, _target(plan, match, request))
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
            server_hostname=_without_port(host_header) if host_header else None,
            without=edits.names() | IDENTITY_NAMES,
            trusted=peer_is_trusted(exchange),
        )
        await proxy.connect_upstream_to(url, how)

    def _context(self, service: Service, upstream: Upstream | None) -> ssl.SSLContext:
        own = None if upstream is None else upstream.client_certificate
        key = service.id, None if own is None else own.id
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = upstream_context(service, own)
        return context

    def _options_of(self, service: Service, plan: UpstreamPlan | None = None) -> ProxyOptions:
        plan = plan or UpstreamPlan()
        chosen: dict[str, Any] = dict(self._config.gateway.options)
        times: Mapping[str, int | None] = {
            "connect_timeout": plan.connect_timeout or service.connect_timeout,
            # No frame in either direction for this long, as behind nginx, whose read time-out both directions renew.
            "idle_timeout": plan.read_timeout or service.read_timeout,
            "write_timeout": plan.write_timeout or service.write_timeout,
        }
        chosen.update({name: ms / 1000 for name, ms in times.items() if ms is not None})
        return ProxyOptions.of(**chosen)


def _target(plan: UpstreamPlan, match: Match, request: Request) -> str:
    path = match.upstream_path if plan.path is None else plan.path
    query = request.query if plan.query is None else plan.query
    return f"{path}?{query}" if query else path


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).strip("[]")
