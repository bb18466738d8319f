"""Checks the configurations of plugins by the plugins themselves, and makes the objects that run."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Protocol

from framegate._rules import nearest
from framegate.config.document import dotted
from framegate.config.draft import Draft
from framegate.config.problems import Problems
from framegate.errors import ConfigError
from framegate.pdk.plugin import FieldError, PluginInstance, PluginType, instantiate
from framegate.pdk.schema import complete, split_path


class Catalog(Protocol):
    """Where plugins come from: :class:`framegate.pdk.catalog.Catalog`."""

    @property
    def faults(self) -> list[ConfigError]: ...
    @property
    def broken(self) -> Iterable[str]: ...
    def get(self, name: str) -> PluginType | None: ...
    def names(self) -> Iterable[str]: ...
    def __iter__(self) -> Iterator[PluginType]: ...


class PluginConfigs:
    """The plugins of one file.

    Args:
        catalog: the plugins that there are.
        problems: to add to.
        complete_catalog: whether every folder that the file names was searched; without that, what is unknown may be
            in the others, and is not told.
        folder: from where relative paths in a plugin's configuration count.
    """

    def __init__(
        self, catalog: Catalog, problems: Problems, *, complete_catalog: bool, folder: FilePath | None = None
    ) -> None:
        self.catalog = catalog
        self.problems = problems
        self.complete_catalog = complete_catalog
        self.folder = folder
        self.instances: dict[Draft, PluginInstance] = {}
        self._seen: dict[tuple[Any, ...], Draft] = {}

    def check(self, drafts: Iterable[Draft]) -> None:
        """Check all configurations; the objects that run are in ``instances``."""
        for draft in drafts:
            plugin = self._type_of(draft)
            if plugin is not None:
                self._check_once(draft, plugin)
                if draft.is_sound("config"):
                    self._check_config(draft, plugin)

    def _type_of(self, draft: Draft) -> PluginType | None:
        name = draft.fields.name
        if not draft.is_sound("name"):
            return None
        plugin = self.catalog.get(name)
        if plugin is None and self.complete_catalog and name.replace("_", "-") not in self.catalog.broken:
            near = nearest(name, self.catalog.names())
            self.problems.at((*draft.path, "name"), f"there is no plugin {name!r}{near}", _LISTED)
        return plugin

    def _check_once(self, draft: Draft, plugin: PluginType) -> None:
        if not draft.is_sound("route", "service", "consumer"):
            return
        scope = tuple(draft.one(name) for name in ("route", "service", "consumer"))
        first = self._seen.setdefault((plugin.name, *scope), draft)
        if first is not draft:
            where = f"{dotted(first.path)} (line {first.line})"
            what = f"{plugin.name} is configured for the same already, at {where}"
            self.problems.at(draft.path, what, "merge the two, or remove one")

    def _check_config(self, draft: Draft, plugin: PluginType) -> None:
        at = (*draft.path, "config")
        config, faults = complete(plugin, copy.deepcopy(draft.fields.config))
        for fault in faults:
            self.problems.at((*at, *fault.path), fault.message, fault.hint)
        if faults:
            return
        try:
            self.instances[draft] = instantiate(plugin, draft.id, config, self.folder)
        except FieldError as error:
            self.problems.at((*at, *split_path(error.field)), error.message)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything, and that is its author's to mend
            what = f"{type(error).__name__}: {error}".removesuffix(": ")
            self.problems.at(at, f"{plugin.name} refuses its configuration: {what}")


_LISTED = "`framegate plugins` lists those that are there"


def first_reader(instances: Mapping[Draft, PluginInstance]) -> tuple[Draft, PluginInstance] | None:
    """A plugin that must see plain payloads, or None."""
    for draft, instance in instances.items():
        if draft.fields.enabled and (instance.phases & _FRAME_PHASES or instance.name == "websocket-size-limit"):
            return draft, instance
    return None


_FRAME_PHASES = frozenset({"ws_client_frame", "ws_upstream_frame"})
