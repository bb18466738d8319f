"""Finds plugins: the bundled ones, those in folders, and those of installed packages.

A broken plugin hides no other: what is wrong with it is kept, and the search goes on.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from framegate.errors import ConfigError
from framegate.pdk.loading import Folder
from framegate.pdk.plugin import PluginType
from framegate.pdk.plugin_check import Origin, describe

BUNDLED: Final = "framegate.plugins"
"""The package of the bundled plugins, and the group of entry points by which installed packages offer theirs."""

BUNDLED_SOURCE: Final = "bundled"
"""The ``source`` of a bundled plugin."""


def plugin_name(stem: str) -> str:
    """The name of the plugin in a file."""
    return stem.replace("_", "-")


class Catalog:
    """Plugins by name.

    Args:
        plugins: what was found.
        faults: what is wrong with the others.
        broken: their names.

    Attributes:
        faults: what is wrong, in the order in which it was met.
        broken: the names of plugins that are there and cannot be used.
    """

    def __init__(
        self, plugins: Iterable[PluginType] = (), faults: Iterable[ConfigError] = (), broken: Iterable[str] = ()
    ) -> None:
        self._plugins = {plugin_name(plugin.name): plugin for plugin in plugins}
        self.faults = list(faults)
        self.broken = frozenset(broken)

    @classmethod
    def find(cls, folders: Sequence[Path | str] = (), *, bundled: bool = True, entry_points: bool = True) -> Catalog:
        """Look for plugins; files are read anew at each call.

        Args:
            folders: the folders, each with files ``NAME.py`` and packages ``NAME/__init__.py``; names that begin with
                ``_`` or ``.`` are passed over.
            bundled: whether to take framegate's own.
            entry_points: whether to take those that installed packages offer in the group ``framegate.plugins``.
        """
        search = _Search()
        if bundled:
            search.bundled()
        for folder in {Path(folder).absolute(): Path(folder) for folder in folders}.values():
            search.folder(folder)
        if entry_points:
            search.entry_points()
        return cls(search.found.values(), search.faults, search.broken - search.found.keys())

    def get(self, name: str) -> PluginType | None:
        """The plugin of this name, in which ``_`` and ``-`` are alike, or None."""
        return self._plugins.get(plugin_name(name))

    def names(self) -> tuple[str, ...]:
        """All names, in the order of the alphabet."""
        return tuple(sorted(self._plugins))

    def __iter__(self) -> Iterator[PluginType]:
        """The plugins in the order in which they run: by priority, high first, then by name."""
        return iter(sorted(self._plugins.values(), key=lambda plugin: (-plugin.priority, plugin.name)))

    def __len__(self) -> int:
        return len(self._plugins)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None


def load_plugin(file: Path | str) -> PluginType:
    """The plugin in one file, or in the folder of a package.

    Raises:
        ConfigError: the first thing that is wrong with it.
    """
    path = Path(file)
    path = path / "__init__.py" if path.is_dir() else path
    if not path.is_file():
        raise ConfigError("there is no such plugin file", path=str(path))
    package = path.name == "__init__.py"
    stem = path.parent.absolute().name if package else path.stem
    search = _Search()
    search.file(Folder(path.parent.absolute().parent if package else path.parent), stem, path)
    if search.faults:
        raise search.faults[0]
    return search.found[plugin_name(stem)]


class _Search:
    def __init__(self) -> None:
        self.found: dict[str, PluginType] = {}
        self.faults: list[ConfigError] = []
        self.broken: set[str] = set()

    def bundled(self) -> None:
        package = importlib.import_module(BUNDLED)
        for found in pkgutil.iter_modules(package.__path__):
            if found.name.startswith("_"):
                continue
            name = plugin_name(found.name)
            try:
                module = importlib.import_module(f"{BUNDLED}.{found.name}")
            except ImportError as error:
                self._refuse(name, ConfigError(f"bundled plugin {name!r} cannot be imported: {error}"))
            else:
                self._take(name, module, Origin(BUNDLED_SOURCE, module.__file__, module.__file__))

    def folder(self, path: Path) -> None:
        try:
            folder = Folder(path)
        except ConfigError as error:
            self.faults.append(error)
            return
        for stem, file in folder.files():
            self.file(folder, stem, file)

    def file(self, folder: Folder, stem: str, file: Path) -> None:
        name = plugin_name(stem)
        origin = Origin(str(file), str(file), str(file))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name):
            mend = "letters, digits, - and _; the name of a file that is no plugin begins with _"
            self._refuse(name, ConfigError(f"{stem!r} cannot be a plugin's name", path=str(file), hint=mend))
        elif self._is_free(name, origin):
            try:
                module = folder.load(stem, file)
            except ConfigError as error:
                self._refuse(name, error)
            else:
                self._take(name, module, origin)

    def entry_points(self) -> None:
        for point in sorted(metadata.entry_points(group=BUNDLED), key=lambda point: point.name):
            name = plugin_name(point.name)
            package = f" ({point.dist.name} {point.dist.version})" if point.dist else ""
            source = f"entry point {point.value}{package}"
            if not self._is_free(name, Origin(source)):
                continue
            try:
                module = point.load()
            except (Exception, SystemExit) as error:
                what = f"{type(error).__name__}: {error}".removesuffix(": ")
                self._refuse(name, ConfigError(f"plugin {name!r}, {source}, cannot be imported: {what}"))
            else:
                file = getattr(module, "__file__", None)
                self._take(name, module, Origin(source, file, file or source))

    def _is_free(self, name: str, origin: Origin) -> bool:
        first = self.found.get(name)
        if first is None:
            return True
        if first.source == BUNDLED_SOURCE:
            message = f"plugin {name!r} has the name of a bundled plugin"
        else:
            message = f"plugin {name!r} is there twice: the other is {first.source}"
        self._refuse(name, ConfigError(message, path=origin.shown or origin.source, hint="give it another name"))
        return False

    def _take(self, name: str, module: Any, origin: Origin) -> None:
        plugin, faults = describe(name, module, origin)
        if plugin is not None:
            self.found[name] = plugin
        else:
            self.broken.add(name)
            self.faults += faults

    def _refuse(self, name: str, fault: ConfigError) -> None:
        self.broken.add(name)
        self.faults.append(fault)
