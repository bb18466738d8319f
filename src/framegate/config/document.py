"""A file's content as plain values, and where each of them stands.

Knows no syntax and no meaning: the readers make documents, everything else reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

Path = tuple[str | int, ...]
"""Names and indexes from the outermost."""

MAX_VALUES: Final = 1_000_000
"""Most values that a document may have once its aliases are followed: a few nested ones stand for billions."""


def dotted(path: Iterable[str | int]) -> str:
    """A path as people write it: ``services[0].routes[1].paths[0]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


@dataclass(slots=True)
class Document:
    """What a file says.

    Attributes:
        data: mappings, lists, texts, numbers, booleans and None.
        lines: the line of each value, counted from 1: that of its key, or of an item of a list itself.
        texts: how a scalar was written that is no text, such as ``no`` for False.
    """

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of a value; for one that is not there, that of the innermost around it that is."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def put(self, path: Path, line: int) -> None:
        """Note where a value stands.

        Raises:
            OverflowError: the document has become too large.
        """
        if len(self.lines) >= MAX_VALUES:
            raise OverflowError
        self.lines[path] = line
