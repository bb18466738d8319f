"""One upstream while it is served: its balancer, its names, its checks, and what sessions tell of its places.

Owns the log of what changes. It dials no sessions: the dialler does, and tells it what came of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Collection, Iterable, Sequence
from functools import partial

from framegate.config.configuration import Dns, Service, Target, Upstream
from framegate.errors import UpstreamUnavailable
from framegate.gateway.balancer import Balancer
from framegate.gateway.certificates import upstream_context
from framegate.gateway.upstreams.checks import Checks
from framegate.gateway.upstreams.health import GOOD_SESSION, SUCCESS, Outcome
from framegate.gateway.upstreams.insight import UpstreamHealth, upstream_health
from framegate.gateway.upstreams.lookup import lookup_of
from framegate.gateway.upstreams.names import Name
from framegate.gateway.upstreams.probes import probe
from framegate.gateway.upstreams.seat import Place, Seat
from framegate.handshake import UpstreamURL
from framegate.proxy_protocol import local_header
from framegate.resolve import family_of
from framegate.session.record import SessionRecord

_log = logging.getLogger("framegate.gateway")

BROKEN = frozenset({1011, 1012, 1013, 1014})
"""Close codes by which a server says that it cannot serve: internal error, restart, overload, bad gateway."""


class Pool:
    """One upstream's places.

    Args:
        upstream: the upstream.
        dns: how names are looked up.
        services: those that use it; their authorities verify what the active checks are shown.
    """

    def __init__(self, upstream: Upstream, dns: Dns, services: Sequence[Service]) -> None:
        self.upstream = upstream
        self.balancer = Balancer(upstream)
        self._names = {
            target: Name(target, lookup_of(dns, srv=target.srv), dns, upstream.name, partial(self._found, target))
            for target in upstream.targets
            if family_of(target.host) is None
        }
        self._moves = 0
        self._quiet_until = 0.0
        self._ejected: dict[Seat, asyncio.TimerHandle] = {}
        self._keeping: list[asyncio.Task[None]] = []
        active = upstream.healthchecks.active
        self._checks = Checks(active, self._check)
        self._started = self._running = False
        users = [service for service in services if service.host == upstream.name]
        self._proxy_protocol = next((user.proxy_protocol for user in users if user.proxy_protocol is not None), None)
        self._tls_name = next((user.tls_server_name for user in users if user.tls_server_name is not None), None)
        self._tls = _check_context(upstream, users) if active.type in ("https", "websockets") else None
        for target in self._names:
            self.balancer.move(target, (), later=False)
        self._watch_health()

    def start(self, previous: Pool | None = None) -> None:
        """Begin what runs in the background: active checks, and the renewal of names. A second call does nothing.

        Args:
            previous: the pool of the same name before a reload; what it knows of the places is taken over.
        """
        if self._started:
            return
        if previous is not None:
            self.balancer.adopt(previous.balancer)
            self._watch_health()
            before = {_question(target): name for target, name in previous._names.items()}
            for target, name in self._names.items():
                if _question(target) in before:
                    name.adopt(before[_question(target)])
        self._started = self._running = True
        loop = asyncio.get_running_loop()
        self._keeping = [loop.create_task(name.keep()) for name in self._names.values()]
        self._follow()
        for seat in self.balancer.seats():
            if not seat.health.healthy:
                self._eject(seat)

    def stop(self) -> list[asyncio.Task[None]]:
        """End what runs in the background for good; what is then about to end. Sessions that run are still counted."""
        self._running = False
        for handle in self._ejected.values():
            handle.cancel()
        self._ejected.clear()
        ending, self._keeping = self._keeping, []
        for task in ending:
            task.cancel()
        for seat in self.balancer.seats():
            seat.health.on_change = None
        ending += self._checks.stop()
        return ending + [task for name in self._names.values() for task in name.stop()]

    @property
    def has_names(self) -> bool:
        """Whether a target has a name, which is to be looked up."""
        return bool(self._names)

    async def ready(self, patience: float | None) -> None:
        """Wait until each name has been looked up once, but for so many seconds at most."""
        new = [name for name in self._names.values() if not name.asked]
        if new:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await asyncio.gather(*(name.ask() for name in new))
        for name in self._names.values():
            name.renew_soon()

    async def renewed(self, patience: float | None) -> bool:
        """Look up the names whose answers are over, and wait for it likewise; whether places have changed."""
        moves = self._moves
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await asyncio.gather(*(name.ask() for name in self._names.values() if name.is_due))
        return self._moves != moves

    def pick(self, key: str | None, exclude: Collection[Seat]) -> Seat | None:
        """The place for the next session, :meth:`Balancer.pick`."""
        return self.balancer.pick(key, exclude)

    def shortage(self) -> bool:
        """There is no place for a session: log it, at most once a second; whether it will end with other sessions."""
        why, full = self.balancer.shortage()
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            self._quiet_until = now + 1
            _log.warning("upstream %r %s: 503", self.upstream.name, why)
        return full

    def reached(self, seat: Seat) -> None:
        """A handshake was answered with a verified 101."""
        seat.health.report("passive", SUCCESS)

    def failed(self, seat: Seat, error: UpstreamUnavailable) -> None:
        """A handshake came to nothing."""
        _log.warning("target %s of upstream %r: %s", seat.name, self.upstream.name, error)
        seat.health.report("passive", Outcome("timeouts" if error.timed_out else "tcp_failures", str(error)))

    def refused(self, seat: Seat, status: int) -> None:
        """A handshake was answered with another status than 101."""
        passive = self.upstream.healthchecks.passive
        if passive.type == "tcp":
            return
        if status in passive.unhealthy_statuses:
            seat.health.report("passive", Outcome("http_failures", f"status {status}"))
        elif status in passive.healthy_statuses:
            seat.health.report("passive", SUCCESS)

    def ended(self, seat: Seat, record: SessionRecord | None) -> None:
        """A session has ended; None where it never began. It is counted no more."""
        self.balancer.release(seat)
        if record is None:
            return
        what = _broken_off(record)
        if what and record.duration <= self.upstream.healthchecks.passive.session_time:
            detail = f"{what} after {record.duration:.3f} seconds"
            seat.health.report("passive", Outcome("session_failures", detail))
        else:
            seat.health.report("passive", GOOD_SESSION)

    def health(self) -> UpstreamHealth:
        """What is known now, as plain data."""
        return upstream_health(self.balancer, {target: name.trouble for target, name in self._names.items()})

    def _found(self, target: Target, places: Sequence[Place]) -> None:
        name = self._names[target]
        if not self.balancer.move(target, places, later=name.answered):
            return
        self._moves += 1
        if places:
            where = ", ".join(map(str, places))
            _log.info("upstream %r: the name %s leads to %s", self.upstream.name, target.host, where)
        self._watch_health()
        self._follow()

    def _watch_health(self) -> None:
        for seat in self.balancer.seats():
            if seat.health.on_change is None:
                seat.health.on_change = partial(self._changed, seat)
                if self._running and not seat.health.healthy:
                    self._eject(seat)
        for seat in [seat for seat in self._ejected if seat not in self.balancer.seats()]:
            self._ejected.pop(seat).cancel()

    def _follow(self) -> None:
        active = self.upstream.healthchecks.active
        if self._running and (active.healthy_interval or active.unhealthy_interval):
            self._checks.follow(seat for seat in self.balancer.seats() if seat.full_weight)

    def _changed(self, seat: Seat) -> None:
        health = seat.health
        if health.healthy:
            _log.info("target %s of upstream %r is healthy again: %s", seat.name, self.upstream.name, health.reason)
            self.balancer.recovered(seat)
        else:
            _log.warning("target %s of upstream %r is unhealthy: %s", seat.name, self.upstream.name, health.reason)
        handle = self._ejected.pop(seat, None)
        if handle is not None:
            handle.cancel()
        if not health.healthy:
            self._eject(seat)
        self._checks.changed(seat)

    def _eject(self, seat: Seat) -> None:
        checks = self.upstream.healthchecks
        checked = checks.active.unhealthy_interval and checks.active.limits.successes
        if checks.ejection_time and not checked:
            loop = asyncio.get_running_loop()
            reason = f"tried again after {checks.ejection_time:g} seconds"
            self._ejected[seat] = loop.call_later(checks.ejection_time, seat.health.turn, True, reason)

    async def _check(self, seat: Seat) -> Outcome | None:
        upstream, place = self.upstream, seat.place
        name = (place.name if upstream.use_srv_name else None) or seat.target.host
        host = upstream.host_header or UpstreamURL.of(
            "ws" if self._tls is None else "wss", name, place.port, "/"
        ).host_header
        active = upstream.healthchecks.active
        named = without_port(upstream.host_header) if upstream.host_header else name
        server_name = active.https_sni or self._tls_name or named
        prelude = b"" if self._proxy_protocol is None else local_header(self._proxy_protocol)
        return await probe(active, place, host=host, tls=self._tls, server_name=server_name, prelude=prelude)


def _question(target: Target) -> tuple[str, int, bool]:
    return target.host, target.port, target.srv


def without_port(host: str) -> str:
    """The host of a ``Host``, without brackets."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).strip("[]")


def _broken_off(record: SessionRecord) -> str:
    """How the upstream broke off; empty where it did not."""
    if record.ended_by != "upstream":
        return ""
    if record.why == "eof":
        return "connection lost"
    if record.why == "protocol":
        return "protocol broken"
    closed = record.upstream.close_received
    return f"closed with {closed[0]}" if closed is not None and closed[0] in BROKEN else ""


def _check_context(upstream: Upstream, services: Iterable[Service]) -> ssl.SSLContext:
    users = [service for service in services if service.protocol == "wss"]
    authorities = {authority.id: authority for service in users for authority in service.ca_certificates}
    pretended = Service(
        id=upstream.id,
        name=upstream.name,
        protocol="wss",
        host=upstream.name,
        port=443,
        tls_verify=upstream.healthchecks.active.https_verify_certificate,
        client_certificate=next((service.client_certificate for service in users), None),
        ca_certificates=tuple(authorities.values()),
        tls_min_version=min((service.tls_min_version for service in users), default="TLSv1.2"),
    )
    return upstream_context(pretended, upstream.client_certificate)
