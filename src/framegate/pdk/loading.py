"""Imports the files of a folder of plugins.

Each folder becomes a package of its own under a name that no other has: files of two folders never meet in
``sys.modules``, ``from . import _helper`` reaches the files beside a plugin, and ``sys.path`` stays as it is. Nothing
is written into the folder.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from framegate.errors import ConfigError

_numbers = itertools.count(1)


class Folder:
    """A folder of plugins.

    Args:
        path: the folder, as messages name it.

    Raises:
        ConfigError: it does not exist, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = os.path.abspath(path)
        self._package = f"framegate_plugins_{next(_numbers)}"
        try:
            self._names = sorted(os.listdir(self._root))
        except FileNotFoundError:
            raise ConfigError("there is no such folder of plugins", path=str(path)) from None
        except NotADirectoryError:
            raise ConfigError("a file, not a folder of plugins", path=str(path), hint="name its folder") from None
        except OSError as error:
            raise ConfigError(f"the folder of plugins cannot be read: {error.strerror}", path=str(path)) from None

    def files(self) -> Iterator[tuple[str, Path]]:
        """The stem and the file of everything that is to be a plugin."""
        for name in self._names:
            if name.startswith(("_", ".")):
                continue
            file = self.path / name
            if file.suffix == ".py" and file.is_file():
                yield file.stem, file
            elif (file / "__init__.py").is_file():
                yield name, file / "__init__.py"

    def load(self, stem: str, file: Path) -> ModuleType:
        """Import one of :meth:`files`.

        Raises:
            ConfigError: it cannot be imported.
        """
        self._make_package()
        name = f"{self._package}.{stem}"
        importlib.invalidate_caches()
        try:
            with _no_bytecode():
                return importlib.import_module(name)
        except (Exception, SystemExit) as error:
            self._forget(name)
            raise self._refusal(stem, file, error) from None

    def _make_package(self) -> None:
        if self._package not in sys.modules:
            package = ModuleType(self._package, f"The plugins of {self._root}.")
            package.__path__ = [self._root]
            sys.modules[self._package] = package

    def _forget(self, name: str) -> None:
        for other in [other for other in sys.modules if other == name or other.startswith(name + ".")]:
            del sys.modules[other]

    def _refusal(self, stem: str, file: Path, error: BaseException) -> ConfigError:
        plugin = stem.replace("_", "-")
        if isinstance(error, SyntaxError) and self._has(error.filename):
            message = f"plugin {plugin!r}: syntax error: {error.msg}"
            return ConfigError(message, path=self._shown(error.filename), line=error.lineno or None)
        place = next((frame for frame in reversed(_frames(error)) if self._has(frame.filename)), None)
        what = f"{type(error).__name__}: {error}".removesuffix(": ")
        return ConfigError(
            f"plugin {plugin!r} cannot be imported: {what}",
            path=self._shown(place.filename) if place else str(file),
            line=place.lineno if place else None,
            hint=self._mend(error),
        )

    def _mend(self, error: BaseException) -> str | None:
        if not isinstance(error, ModuleNotFoundError) or error.name is None:
            return None
        wanted = error.name.split(".")[0]
        if wanted == "kong_pdk":
            return "framegate runs without it; if it is there for type hints, import it under `if TYPE_CHECKING:`"
        if f"{wanted}.py" in self._names or wanted in self._names:
            return f"what is beside a plugin is imported with a dot: from . import {wanted}"
        return None

    def _has(self, filename: str | None) -> bool:
        return filename is not None and filename.startswith(self._root + os.sep)

    def _shown(self, filename: str | None) -> str:
        return str(self.path / os.path.relpath(filename or "", self._root))


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))


@contextmanager
def _no_bytecode() -> Iterator[None]:
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
