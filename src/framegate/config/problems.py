"""Collects what is wrong with a file, so that one run tells all of it."""

from __future__ import annotations

from collections.abc import Iterable

from framegate.config.document import Document, Path, dotted
from framegate.errors import ConfigError


class Problems:
    """What is wrong with one file.

    Args:
        file: its name, as it was given.

    Attributes:
        document: where the lines come from, once the file has been read.
        errors: what keeps the file from being used.
        warnings: what does not.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.document = Document()
        self.errors: list[ConfigError] = []
        self.warnings: list[ConfigError] = []

    def at_line(self, line: int | None, message: str, hint: str | None = None) -> None:
        """Something is wrong in a line."""
        self.errors.append(ConfigError(message, path=self.file, line=line, hint=hint))

    def at(self, path: Path, message: str, hint: str | None = None) -> None:
        """Something is wrong with a value, or with one that is missing there."""
        self.at_line(self.document.line(path), _placed(path, message), hint)

    def warn(self, path: Path, message: str, hint: str | None = None) -> None:
        """A value is worth a look."""
        line = self.document.line(path)
        self.warnings.append(ConfigError("warning: " + _placed(path, message), path=self.file, line=line, hint=hint))

    def add(self, errors: Iterable[ConfigError]) -> None:
        """Problems that were found elsewhere, perhaps in other files."""
        self.errors += errors

    def sorted(self) -> list[ConfigError]:
        """The errors, this file's first, by line; those of one line as they were found."""
        return sorted(self.errors, key=lambda error: (error.path != self.file, error.path or "", error.line or 0))


def _placed(path: Path, message: str) -> str:
    return f"{dotted(path)}: {message}" if path else message
