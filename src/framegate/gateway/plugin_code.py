"""Tells whether a plugin is still the same: its code, and the files that its configuration names.

Every reload imports plugins anew. One that has not changed goes on with the object that it has, and with everything
that it remembers.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from framegate.pdk.plugin import PluginInstance

_IN_A_FOLDER: Final = "framegate_plugins_"
_WRITERS: Final = frozenset({"session-log"})
"""Plugins whose files are what they write."""

_LONGEST_PATH: Final = 1024


def package_of(instance: PluginInstance) -> str | None:
    """The package that a plugin of a folder was imported in, which each load of a file has of its own."""
    package = instance.type.handler.__module__.partition(".")[0]
    return package if package.startswith(_IN_A_FOLDER) else None


def mark_of(instance: PluginInstance, folder: Path) -> str:
    """What is the same for two objects of a plugin if one can stand for the other, whatever their configuration says.

    Args:
        instance: the plugin.
        folder: from where relative paths in its configuration count.
    """
    handler = instance.type.handler
    parts = [instance.type.name, str(instance.type.priority)]
    if package_of(instance) is None:
        # Bundled or installed: its code changes with the program only.
        parts.append(f"{handler.__module__}.{handler.__qualname__}")
    else:
        parts += _code(sys.modules.get(handler.__module__))
    if instance.name not in _WRITERS:
        parts += _files_named(instance.config, folder)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _code(module: Any) -> Iterator[str]:
    file = getattr(module, "__file__", None)
    if file is None:
        yield repr(module)
        return
    seen: set[Path] = set()
    queue = [Path(file)]
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            yield f"{path}: {error.strerror}"
            continue
        yield f"{path}: {hashlib.sha256(content).hexdigest()}"
        queue += _imported(path, content)


def _imported(path: Path, content: bytes) -> Iterator[Path]:
    # The files beside a plugin that it imports, wherever in its code: from . import _x, from ._x import y.
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1] if node.level <= len(path.parents) else path.parent
            if node.module:
                base = base.joinpath(*node.module.split("."))
                yield from _files_of(base)
            for alias in node.names:
                yield from _files_of(base / alias.name)


def _files_of(base: Path) -> Iterator[Path]:
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if file.is_file():
            yield file


def _files_named(value: Any, folder: Path) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _files_named(inner, folder)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _files_named(inner, folder)
    elif isinstance(value, str) and 0 < len(value) <= _LONGEST_PATH and "\0" not in value and "\n" not in value:
        try:
            path = folder / value
            if path.is_file():
                status = os.stat(path)
                yield f"{path}: {status.st_mtime_ns} {status.st_ino} {status.st_size}"
        except (OSError, ValueError):
            return
