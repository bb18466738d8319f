"""A plugin as it was found, and one configuration of it that is ready to run.

Knows nothing of where plugins are found and of the file that configures them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framegate.pdk.phases import PHASES

DEFAULT_PRIORITY = 0
"""The priority of a plugin that names none, as in Kong's Python PDK."""


class FieldError(ValueError):
    """A plugin's ``__init__`` refuses its configuration.

    Args:
        field: the dotted path of the field that is wrong, such as ``"client.text.schema"`` or ``"access[1]"``.
        message: what is wrong with it, in one line.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class PluginType:
    """A plugin that was found.

    Attributes:
        name: with dashes, such as ``"key-auth"``.
        handler: its class ``Plugin``.
        schema: its ``Schema``: one mapping of one name a field, in Kong's schema language.
        entity_checks: rules between fields: ``{"at_least_one_of": [...]}`` and the like.
        version: its ``version``, or None.
        priority: its ``priority``; higher runs first.
        source: where it was found, for people.
    """

    name: str
    handler: type
    schema: tuple[Mapping[str, Any], ...] = ()
    entity_checks: tuple[Mapping[str, Any], ...] = ()
    version: str | None = None
    priority: int = DEFAULT_PRIORITY
    source: str = ""

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases that it has a method for."""
        return tuple(phase for phase in PHASES if callable(getattr(self.handler, phase, None)))


@dataclass(slots=True, eq=False)
class PluginInstance:
    """One configuration of a plugin, shared by all connections that it applies to.

    Attributes:
        type: the plugin.
        id: the id of the configuration.
        config: its configuration, checked, with defaults filled in.
        handler: the object whose methods are the phases.
        phases: the phases to run: all that the plugin has, or fewer where ``handler.phases`` says so.
    """

    type: PluginType
    id: str
    config: Mapping[str, Any]
    handler: Any
    phases: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        chosen = getattr(self.handler, "phases", None)
        own = self.type.phases
        self.phases = frozenset(own if chosen is None else (phase for phase in own if phase in chosen))

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.type.name

    def method(self, phase: str) -> Callable[[Any], Any]:
        """The method that runs in ``phase``."""
        method: Callable[[Any], Any] = getattr(self.handler, phase)
        return method

    def is_async(self, phase: str) -> bool:
        """Whether that method is an ``async def``."""
        return inspect.iscoroutinefunction(getattr(self.handler, phase))


_folder: ContextVar[Path] = ContextVar("folder of the gateway's file")


def resolve_path(path: str) -> Path:
    """A path in a plugin's configuration: a relative one counts from the folder of the gateway's file.

    For a plugin's ``__init__``; elsewhere, and where there is no file, it counts from the working directory.
    """
    return _folder.get(Path()) / path


def instantiate(
    plugin: PluginType, id: str, config: Mapping[str, Any], folder: Path | None = None
) -> PluginInstance:
    """Make the object that runs.

    Args:
        plugin: the plugin.
        id: the id of this configuration.
        config: checked, with defaults filled in.
        folder: from where relative paths in ``config`` count; None for the working directory.

    Raises:
        FieldError: the plugin refuses a field.
        Exception: whatever else the plugin's ``__init__`` raises.
    """
    token = _folder.set(folder or Path())
    try:
        return PluginInstance(plugin, id, config, plugin.handler(config))
    finally:
        _folder.reset(token)
