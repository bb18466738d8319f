"""Watches files for changes, by looking at them again and again: it works on every file system, and needs nothing.

A change is told when the files have stayed the same for one more look, so that a file that is being written, or a set
of files that is being copied, is told once and whole.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path

INTERVAL = 1.0
"""Seconds between two looks."""

Look = tuple[tuple[str, int, int, int], ...]


def look_at(paths: Iterable[Path]) -> Look:
    """What tells a file from a changed one, for each file; a folder stands for the Python files in it."""
    return tuple(_seen(path) for path in sorted(_files(paths)))


def _files(paths: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(path.rglob("*.py"))
        else:
            found.add(path)
    return found


def _seen(path: Path) -> tuple[str, int, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return str(path), 0, 0, 0
    return str(path), status.st_mtime_ns, status.st_ino, status.st_size


class Watch:
    """Looks at files until it is cancelled.

    Args:
        paths: says which files and folders, at each look.
        changed: called for each change.
        interval: seconds between two looks.
    """

    def __init__(
        self, paths: Callable[[], Iterable[Path]], changed: Callable[[], None], interval: float = INTERVAL
    ) -> None:
        self._paths = paths
        self._changed = changed
        self._interval = interval
        self._told = look_at(paths())

    def is_told(self) -> None:
        """Whatever there is now is known; it is no change."""
        self._told = look_at(self._paths())

    async def run(self) -> None:
        """Look."""
        before = self._told
        while True:
            await asyncio.sleep(self._interval)
            now = look_at(self._paths())
            if now == before and now != self._told:
                self._told = now
                self._changed()
            before = now
