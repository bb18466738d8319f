"""Which plugins take part in a conversation: from files, classes and names to configurations that are ready to run."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from framegate.errors import ConfigError
from framegate.pdk.catalog import Catalog, load_plugin, plugin_name
from framegate.pdk.plugin import FieldError, PluginInstance, PluginType, instantiate
from framegate.pdk.plugin_check import Origin, describe
from framegate.pdk.schema import complete

Plugin = str | Path | type | PluginType
"""A file, the name of an installed plugin, a class, or a plugin that was found."""

Config = Mapping[str, Any] | None
Choice = Plugin | tuple[Plugin, Config]


def instances(choices: Iterable[Choice], first_config: Config) -> list[PluginInstance]:
    """The plugins in the order in which they run.

    Args:
        choices: plugins, each alone or as ``(plugin, config)``.
        first_config: the configuration of the first one.

    Raises:
        ConfigError: a plugin cannot be used, or its configuration is wrong; the message has all that is wrong with it.
    """
    made = []
    for number, choice in enumerate(choices):
        plugin, config = choice if isinstance(choice, tuple) else (choice, None)
        made.append(_instance(plugin, first_config if number == 0 and first_config is not None else config, number))
    return sorted(made, key=lambda one: (-one.type.priority, one.name))


def _instance(plugin: Plugin, config: Config, number: int) -> PluginInstance:
    found = _found(plugin)
    if isinstance(plugin, type) and not found.schema:
        # A class that a test has made up on the spot may do without a Schema.
        filled: dict[str, Any] = dict(config or {})
    else:
        filled, faults = complete(found, config)
        if faults:
            raise ConfigError(f"plugin {found.name!r}: config: {'; '.join(map(str, faults))}", path=found.source)
    try:
        return instantiate(found, f"{found.name}-{number + 1}", filled)
    except FieldError as error:
        raise ConfigError(f"plugin {found.name!r}: config: {error}", path=found.source) from error


def _found(plugin: Plugin) -> PluginType:
    if isinstance(plugin, PluginType):
        return plugin
    if isinstance(plugin, type):
        return _of_class(plugin)
    if isinstance(plugin, Path) or plugin.endswith(".py") or "/" in plugin:
        return load_plugin(plugin)
    catalog = Catalog.find()
    found = catalog.get(plugin)
    if found is None:
        raise ConfigError(f"there is no plugin {plugin!r}", hint=f"there are {', '.join(catalog.names())}")
    return found


def _of_class(handler: type) -> PluginType:
    module = sys.modules[handler.__module__]
    # What a module says of its class Plugin does not hold for the other classes in it.
    about = module if getattr(module, "Plugin", None) is handler else None
    said = {
        name: getattr(handler, name, getattr(about, name, None))
        for name in ("Schema", "version", "priority", "entity_checks")
    }
    name = plugin_name(module.__name__.rpartition(".")[2] if about else handler.__name__)
    file = inspect.getsourcefile(handler)
    described, faults = describe(name, SimpleNamespace(Plugin=handler, **said), Origin(file or name, None, file))
    if described is None:
        raise ConfigError("; ".join(map(str, faults)))
    return described
