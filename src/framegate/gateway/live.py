"""A live session, as the gateway knows it, and what a reload does with it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from framegate.config.configuration import Route
from framegate.gateway.reload import facts_of, place_of
from framegate.pdk.entities import Entities, Entity
from framegate.pdk.exchange import Exchange
from framegate.pdk.plugin import PluginInstance
from framegate.pdk.policies import policies_for
from framegate.proxy import Proxy

if TYPE_CHECKING:
    from framegate.gateway.handler import Gateway

_log = logging.getLogger("framegate.gateway")

RESTART: Final = (1012, b"service restart")
"""What the client of a session is sent that a reload ends: "Service Restart" of the registry of close codes (RFC 6455,
section 11.7). A client that sees it may come back at once."""

_LEAVE: Final = (1001, b"")

CREDENTIALS: Final = ("keyauth_credentials", "basicauth_credentials", "jwt_secrets")
"""The kinds of entities that prove who a client is."""

_SIZE_LIMIT: Final = "websocket-size-limit"

Fate = Literal["kept", "rebound", "ended"]
"""What has become of a session: nothing has changed for it, it has new plugins, or it is being closed."""


class LiveSession:
    """A session that runs.

    Args:
        proxy: runs it.
        exchange: as plugins see it.
        route: the route that it came by.
        plugins: its plugins, in their order.
        labels: the names of route and service that it is counted under, to its end.
    """

    __slots__ = ("exchange", "labels", "plugins", "proxy", "route")

    def __init__(
        self,
        proxy: Proxy,
        exchange: Exchange,
        route: Route,
        plugins: tuple[PluginInstance, ...],
        labels: tuple[str, str] = ("", ""),
    ) -> None:
        self.proxy = proxy
        self.labels = labels
        self.exchange = exchange
        self.route = route
        self.plugins = plugins

    def moved(self, to: Gateway) -> Fate:
        """Go on under another configuration; whoever hears ``"ended"`` has to :meth:`restart` it."""
        try:
            return self._moved(to)
        except Exception as error:
            # One session that cannot be moved must not keep the others from it.
            _log.error("internal error, a session cannot follow the reload", exc_info=error)
            return "ended"

    def _moved(self, to: Gateway) -> Fate:
        route = to.live_route(self.route.id)
        if route is None or not self._still_fits(route, to):
            return "ended"
        exchange = self.exchange
        plugins = to.lineup(route, exchange)
        to.introduce(exchange, route)
        self.route = route
        if _same(plugins, self.plugins):
            return "kept"
        if to.config.gateway.on_policy_change == "drain":
            return "ended"
        _carry_limits(exchange, self.plugins, plugins)
        if not self.proxy.rebind(policies_for(self.proxy.options, exchange, plugins, to.watch)):
            return "ended"
        self.plugins = plugins
        return "rebound"

    def catch_up(self, since: Gateway) -> None:
        """Go on under the newest configuration, after its handshake began under ``since``."""
        newest = since
        while newest.successor is not None:
            newest = newest.successor
        if self.moved(newest) == "ended":
            self.restart()

    def restart(self) -> None:
        """Close it: the client is sent 1012 and may come back, the upstream 1001."""
        self.proxy.replace(RESTART, _LEAVE, "the configuration has changed")

    def _still_fits(self, route: Route, to: Gateway) -> bool:
        if self.route.name is None and facts_of(route) != facts_of(self.route):
            # The id of a route without a name is its place in the file: it is another route.
            return False
        if place_of(route.service) != place_of(self.route.service):
            return False
        return not is_revoked(self.exchange, to.config.entities)


def is_revoked(exchange: Exchange, now: Entities) -> bool:
    """Whether the client is somebody whom the configuration knew, and knows no more: its consumer, or the credential
    that it came with, has been removed."""
    before, consumer, credential = exchange.entities, exchange.consumer, exchange.credential
    owner = None if consumer is None else consumer.get("id")
    if before.first("consumers", "id", owner) is not None and now.first("consumers", "id", owner) is None:
        return True
    if credential is None:
        return False
    for kind in CREDENTIALS:
        if before.first(kind, "id", credential.get("id")) == credential:
            # Ids that are made of places move when another credential is removed.
            return all(_known(credential) != _known(other) for other in now.find(kind, "consumer", owner))
    return False


def _known(credential: Entity) -> Entity:
    return {name: value for name, value in credential.items() if name != "id"}


def _same(one: Sequence[PluginInstance], other: Sequence[PluginInstance]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _carry_limits(exchange: Exchange, old: Sequence[PluginInstance], new: Sequence[PluginInstance]) -> None:
    # The handshake phases do not run again; what this one plugin sets there, its configuration tells.
    limits = exchange.max_payload_sizes
    for side in ("client", "upstream"):
        before, after = _limit_of(old, side), _limit_of(new, side)
        if before is not None and limits.get(side) == before:
            del limits[side]
        if after is not None:
            limits[side] = after


def _limit_of(plugins: Sequence[PluginInstance], side: str) -> int | None:
    found = next((plugin for plugin in plugins if plugin.name == _SIZE_LIMIT), None)
    return None if found is None else found.config[f"{side}_max_payload"]
