"""The level of the log while the gateway runs, for good or for a while."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any, Final

_log = logging.getLogger("framegate.observe")

LEVELS: Final = ("debug", "info", "warning", "error")
ROOT: Final = "framegate"
LONGEST: Final = 86400
"""Seconds that a level may hold for a while: a day."""

_LOGGER: Final = re.compile(r"framegate(\.[a-z_]{1,40}){0,3}")
_FIELDS: Final = ("level", "logger", "seconds")


class Levels:
    """Sets levels of this process's log."""

    def __init__(self) -> None:
        self._to_go_back: dict[str, tuple[int, asyncio.TimerHandle]] = {}

    def levels(self) -> dict[str, str]:
        """The level of ``framegate``, and of every logger below it that has one of its own."""
        names = [name for name in logging.root.manager.loggerDict if _LOGGER.fullmatch(name)]
        own = {name: logging.getLogger(name).level for name in (ROOT, *sorted(names))}
        return {name: logging.getLevelName(level).lower() for name, level in own.items() if level}

    def change(self, level: str, logger: str = ROOT, seconds: float | None = None) -> None:
        """Log from another level on.

        Args:
            level: one of :data:`LEVELS`.
            logger: ``framegate`` or one below it.
            seconds: after which it goes back to what it was; None stays.
        """
        target = logging.getLogger(logger)
        before = self.settle(logger)
        if before is None:
            before = target.level
        target.setLevel(level.upper())
        if seconds is not None:
            handle = asyncio.get_running_loop().call_later(seconds, self._go_back, logger)
            self._to_go_back[logger] = (before, handle)
        _log.info("the level of %s is %s%s", logger, level, "" if seconds is None else f" for {seconds:g} seconds")

    def settle(self, logger: str = ROOT) -> int | None:
        """Whatever holds for a while holds for good; returns what it would have gone back to."""
        before, handle = self._to_go_back.pop(logger, (None, None))
        if handle is not None:
            handle.cancel()
        return before

    def _go_back(self, logger: str) -> None:
        before, _ = self._to_go_back.pop(logger)
        logging.getLogger(logger).setLevel(before)
        _log.info("the level of %s is what it was before", logger)


def checked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of :meth:`Levels.change`.

    Raises:
        ValueError: they break a rule, which the message names.
    """
    unknown = next((name for name in wanted if name not in _FIELDS), None)
    if unknown is not None:
        raise ValueError(f"there is no field {unknown!r}: {', '.join(_FIELDS)} are known")
    level, logger, seconds = wanted.get("level"), wanted.get("logger", ROOT), wanted.get("seconds")
    if level not in LEVELS:
        raise ValueError(f"level must be {', '.join(LEVELS)}, not {level!r}")
    if not isinstance(logger, str) or not _LOGGER.fullmatch(logger):
        raise ValueError(f"logger must be framegate or one below it, such as framegate.plugin, not {logger!r}")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
        raise ValueError(f"seconds must be a number, not {seconds!r}")
    if seconds is not None and not 0 < seconds <= LONGEST:
        raise ValueError(f"seconds must be over 0 and at most {LONGEST}, not {seconds!r}")
    return {"level": level, "logger": logger, "seconds": seconds}
