"""Which configuration of which plugin runs on a connection, and in which order.

Of each plugin one configuration runs, the most specific one; who the client is may be found out by a plugin on the way,
and counts for those that come after it. Knows nothing of how plugins run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from framegate.config.configuration import PluginConfig, Route
from framegate.pdk.exchange import Exchange
from framegate.pdk.phases import GLOBAL_ONLY
from framegate.pdk.plugin import PluginInstance

Scope = tuple[str | None, str | None, str | None]
"""The ids of consumer, route and service that a configuration is for; None is any."""


def scopes(consumer: str | None, route: str | None, service: str | None) -> Iterator[Scope]:
    """The scopes that hold for a connection, the most specific first, in the order of Kong Gateway."""
    if consumer is not None:
        yield consumer, route, service
        yield consumer, route, None
        yield consumer, None, service
    yield None, route, service
    if consumer is not None:
        yield consumer, None, None
    yield None, route, None
    yield None, None, service
    yield None, None, None


class PluginTable:
    """All configurations of all plugins.

    Args:
        plugins: the enabled and the disabled ones; of those that are disabled nothing is kept.
    """

    def __init__(self, plugins: Iterable[PluginConfig]) -> None:
        self._by_name: dict[str, dict[Scope, PluginConfig]] = {}
        for plugin in plugins:
            if plugin.enabled:
                self._by_name.setdefault(plugin.name, {})[_scope(plugin)] = plugin
        self.order = tuple(sorted(self._by_name, key=self._rank))

    def pick(
        self, name: str, *, scheme: str, consumer: str | None, route: str | None, service: str | None
    ) -> PluginInstance | None:
        """The configuration of ``name`` that runs, or None."""
        of_plugin = self._by_name[name]
        for scope in scopes(consumer, route, service):
            plugin = of_plugin.get(scope)
            if plugin is not None and scheme in plugin.protocols:
                return plugin.instance
        return None

    def everywhere(self, phase: str, scheme: str) -> list[PluginInstance]:
        """The plugins of a phase before the route is known, in order: those configured for everything."""
        assert phase in GLOBAL_ONLY
        picked = (self.pick(name, scheme=scheme, consumer=None, route=None, service=None) for name in self.order)
        return [instance for instance in picked if instance is not None and phase in instance.phases]

    def _rank(self, name: str) -> tuple[int, str]:
        plugin = next(iter(self._by_name[name].values()))
        return -plugin.instance.type.priority, name


def _scope(plugin: PluginConfig) -> Scope:
    return tuple(None if entity is None else entity.id for entity in (plugin.consumer, plugin.route, plugin.service))  # type: ignore[return-value]


class Lineup:
    """The plugins of one connection.

    Args:
        table: all plugins.
        route: the connection's route.
        exchange: the connection, of which ``scheme`` and, as it becomes known, ``consumer`` count.
    """

    __slots__ = ("_chosen", "_exchange", "_route", "_table")

    def __init__(self, table: PluginTable, route: Route, exchange: Exchange) -> None:
        self._table = table
        self._route = route
        self._exchange = exchange
        self._chosen: dict[str, PluginInstance] = {}

    def handshake(self) -> Iterator[PluginInstance]:
        """The plugins in their order, each chosen when its turn has come."""
        for name in self._table.order:
            instance = self._pick(name)
            if instance is not None:
                if "ws_handshake" in instance.phases:
                    # It stays with what has run, so that its phases share one configuration and one context.
                    self._chosen[name] = instance
                yield instance

    def session(self) -> tuple[PluginInstance, ...]:
        """The plugins of the phases after the handshake, in their order."""
        picked = (self._chosen.get(name) or self._pick(name) for name in self._table.order)
        return tuple(instance for instance in picked if instance is not None)

    def _pick(self, name: str) -> PluginInstance | None:
        exchange = self._exchange
        consumer: Mapping[str, Any] | None = exchange.consumer
        return self._table.pick(
            name,
            scheme=exchange.scheme,
            consumer=None if consumer is None else consumer.get("id"),
            route=self._route.id,
            service=self._route.service.id,
        )
