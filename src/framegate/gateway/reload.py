"""What a new configuration changes, compared with the one that runs. It changes nothing itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from framegate.config.configuration import Configuration, PluginConfig, Service
from framegate.gateway.plugin_code import mark_of
from framegate.pdk.plugin import PluginInstance

_OF_THE_FILE: Final = frozenset({"line"})
"""Where an entity stands makes no difference."""

_KINDS: Final = {
    "service": "services",
    "route": "routes",
    "upstream": "upstreams",
    "certificate": "certificates",
    "sni": "snis",
    "ca_certificate": "ca_certificates",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        what: ``"added"``, ``"removed"`` or ``"changed"``.
        kind: of the entity, or ``"option"``.
        name: which one.
    """

    what: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.what}"


Marks = Mapping[PluginInstance, str]
"""The marks of a configuration's plugins, made when it was loaded."""


def marks_of(config: Configuration) -> dict[PluginInstance, str]:
    """The :data:`Marks` of a configuration that has just been loaded."""
    folder = config.path.absolute().parent
    return {plugin.instance: mark_of(plugin.instance, folder) for plugin in config.plugins}


def with_known_plugins(old: Marks, new: Configuration, marks: Marks) -> tuple[Configuration, dict[PluginInstance, str]]:
    """``new``, with the plugin objects that are there already for configurations that have not changed.

    Args:
        old: of the configuration that runs.
        new: the one that has just been loaded.
        marks: its marks.

    Returns:
        The configuration, and its marks.
    """
    known = {(instance.id, mark): instance for instance, mark in old.items()}

    def kept(plugin: PluginConfig) -> PluginConfig:
        before = known.get((plugin.instance.id, marks[plugin.instance]))
        if before is None or before.config != plugin.instance.config:
            return plugin
        return dataclasses.replace(plugin, instance=before)

    plugins = tuple(map(kept, new.plugins))
    both = {**old, **marks}
    return dataclasses.replace(new, plugins=plugins), {plugin.instance: both[plugin.instance] for plugin in plugins}


def differences(old: Configuration, new: Configuration) -> list[Change]:
    """What ``new`` has that ``old`` has not, and the other way round; ``new`` as :func:`with_known_plugins` made it."""
    changes: list[Change] = []
    for kind, attribute in _KINDS.items():
        changes += _compared(kind, _by_id(getattr(old, attribute)), _by_id(getattr(new, attribute)))
    changes += _compared("consumer", _consumers(old), _consumers(new))
    changes += _compared("plugin", _plugins(old), _plugins(new))
    changes += _compared("option", _options(old), _options(new))
    return changes


def place_of(service: Service) -> tuple[Any, ...]:
    """Where sessions of a service go to."""
    return service.protocol, service.host, service.port, service.path


def facts_of(entity: Any) -> Any:
    """What makes two entities equal: everything but their place in the file; another entity in it counts by its id."""
    if dataclasses.is_dataclass(entity) and not isinstance(entity, type):
        fields = (field for field in dataclasses.fields(entity) if field.name not in _OF_THE_FILE)
        return tuple((field.name, _fact(getattr(entity, field.name))) for field in fields)
    return entity


def _fact(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_fact, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # A target is a part of its upstream, what else is named is an entity of its own.
        own_id = getattr(value, "id", None)
        return own_id if own_id is not None and type(value).__name__ != "Target" else facts_of(value)
    return value


_Table = dict[str, tuple[str, Any]]
"""By identity: the name for people, and the facts."""


def _by_id(entities: tuple[Any, ...]) -> _Table:
    return {entity.id: (_name(entity), facts_of(entity)) for entity in entities}


def _name(entity: Any) -> str:
    name = getattr(entity, "name", None)
    return repr(name) if name else str(entity.id)


def _consumers(config: Configuration) -> _Table:
    # With their credentials and groups, of which nothing is shown.
    owned: dict[str, list[Any]] = {}
    for kind in config.entities:
        for entity in config.entities.all(kind):
            owner = entity.get("consumer")
            if isinstance(owner, Mapping) and kind != "plugins":
                owned.setdefault(owner["id"], []).append((kind, entity))
    return {
        consumer.id: (
            repr(consumer.username or consumer.custom_id or consumer.id),
            (facts_of(consumer), owned.get(consumer.id)),
        )
        for consumer in config.consumers
    }


def _plugins(config: Configuration) -> _Table:
    return {
        plugin.instance.id: (
            f"{plugin.name!r}{_scope(plugin)}",
            # An object that stayed is the same; a new one is a change of its code or of its configuration.
            (id(plugin.instance), plugin.enabled, plugin.protocols),
        )
        for plugin in config.plugins
    }


def _scope(plugin: PluginConfig) -> str:
    scope = [
        f"{kind} {entity.name!r}" if getattr(entity, "name", None) else f"{kind} {entity.id}"
        for kind, entity in (("route", plugin.route), ("service", plugin.service))
        if entity is not None
    ]
    if plugin.consumer is not None:
        scope.append(f"consumer {plugin.consumer.username or plugin.consumer.id!r}")
    return f" of {' and '.join(scope)}" if scope else ""


def _options(config: Configuration) -> _Table:
    gateway = config.gateway
    table: _Table = {}
    for field in dataclasses.fields(gateway):
        value = getattr(gateway, field.name)
        if field.name in ("options", "limits"):
            table |= {f"{field.name}.{name}": (f"{field.name}.{name}", inner) for name, inner in value.items()}
        else:
            table[field.name] = (f"gateway.{field.name}", _fact(value))
    return table


def _compared(kind: str, old: _Table, new: _Table) -> Iterator[Change]:
    for identity, (name, facts) in new.items():
        if identity not in old:
            yield Change("added", kind, name)
        elif old[identity][1] != facts:
            yield Change("changed", kind, name)
    for identity, (name, _) in old.items():
        if identity not in new:
            yield Change("removed", kind, name)
