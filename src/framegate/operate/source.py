"""The gateway's file as a running program reads it: again and again, with plugins imported anew each time.

It knows where the file is and what it needs besides; what is in it, it leaves to :mod:`framegate.config`.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from framegate.config.configuration import Configuration
from framegate.config.load import load
from framegate.pdk.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one reading.

    Attributes:
        config: the configuration; None where something is wrong.
        content: what the file held; None where it could not be read.
        problems: a line for each thing that is wrong, as ``framegate check`` prints it.
        warnings: likewise, of what keeps nothing from running.
    """

    config: Configuration | None
    content: bytes | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


class Source:
    """A gateway's file.

    Args:
        file: its name, as messages show it.
        plugin_paths: folders with plugins beside those that it names.
    """

    def __init__(self, file: str, plugin_paths: Sequence[Path] = ()) -> None:
        self.file = file
        self.plugin_paths = tuple(plugin_paths)
        self._packages: set[str] = set()

    def read(self, content: bytes | None = None) -> Attempt:
        """Load the file.

        Args:
            content: what it holds, where another process has read it; None reads it.
        """
        if content is None:
            try:
                content = Path(self.file).read_bytes()
            except (OSError, ValueError):
                # Left to the loader, which has words for it.
                content = None
        before = _plugin_packages()
        loaded = load(self.file, catalog=self._find, content=content)
        self._packages |= _plugin_packages() - before
        return Attempt(
            loaded.config, content, tuple(map(_in_one_line, loaded.problems)), tuple(map(_in_one_line, loaded.warnings))
        )

    def watched(self, config: Configuration) -> Iterator[Path]:
        """The files and folders of which a change is a change of the configuration."""
        yield Path(self.file)
        yield from config.gateway.plugin_paths
        yield from self.plugin_paths
        for listen in config.gateway.listen:
            for file in (listen.cert, listen.key, listen.rules.client_ca, listen.rules.client_crl):
                if file is not None:
                    yield Path(file)

    def forget(self, used: Collection[str] = ()) -> None:
        """Let go of the code of plugins that earlier readings have imported, but for these packages."""
        unused = self._packages - set(used)
        self._packages &= set(used)
        for name in [name for name in sys.modules if name.partition(".")[0] in unused]:
            del sys.modules[name]

    def _find(self, folders: list[Path]) -> Catalog:
        return Catalog.find([*folders, *self.plugin_paths])


def _in_one_line(fault: object) -> str:
    return " ".join(str(fault).split())


def _plugin_packages() -> set[str]:
    return {name for name in sys.modules if name.startswith("framegate_plugins_") and "." not in name}
