"""What plugins write to the log while a conversation runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

_LEVELS = {"WARNING": "warn", "ERROR": "err", "CRITICAL": "crit"}
_logger = logging.getLogger("framegate.plugin")


class LogLine(NamedTuple):
    """One line.

    Attributes:
        level: ``"debug"``, ``"info"``, ``"notice"``, ``"warn"``, ``"err"`` or ``"crit"``.
        message: what it says.
        plugin: who has written it; empty where framegate says something about plugins.
    """

    level: str
    message: str
    plugin: str


class _Keeper(logging.Handler):
    def __init__(self, lines: list[LogLine]) -> None:
        super().__init__(logging.DEBUG)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        plugin = record.name.removeprefix(_logger.name).removeprefix(".")
        level = _LEVELS.get(record.levelname, record.levelname.lower())
        self.lines.append(LogLine(level, record.getMessage(), plugin))


@contextmanager
def kept(lines: list[LogLine]) -> Iterator[None]:
    """Append what is logged meanwhile, of all levels."""
    keeper, level = _Keeper(lines), _logger.level
    _logger.addHandler(keeper)
    _logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _logger.setLevel(level)
        _logger.removeHandler(keeper)
