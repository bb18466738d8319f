"""One process that serves: its site, and what it answers when it is asked.

New questions are added to :attr:`Member.handlers`; they are asked with ``ask_all`` of the crew, be it this process
alone or all workers.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Any

from framegate.gateway.site import Open, Site, Swap
from framegate.operate.control import Handler, Refused
from framegate.operate.logs import set_level
from framegate.operate.source import Attempt, Source

_LEVELS = ("debug", "info", "warning", "error")


class Member:
    """A serving process.

    Args:
        source: the gateway's file.
        open: opens listening sockets.
        number: of the worker; 0 where the gateway is a single process.
        level: what to log, whatever the file says; None leaves it to the file.

    Attributes:
        site: the running gateway.
        generation: how many configurations this process has been given, its first one included; workers are told.
        handlers: what answers, by name: ``status``, ``health``, ``level`` and ``metrics``.
        metrics: makes the text that ``metrics`` answers.
    """

    def __init__(self, source: Source, open: Open, *, number: int = 0, level: str | None = None) -> None:
        self.source = source
        self.site = Site(open)
        self.number = number
        self.generation = 0
        self.started_at = time.time()
        self.metrics: Callable[[], str] = str
        self.handlers: dict[str, Handler] = {
            "status": self._status,
            "health": self._health,
            "level": self._level,
            "metrics": self._metrics,
        }
        self._fixed_level = level
        self._file_level = level

    async def take(self, attempt: Attempt, generation: int) -> Swap:
        """Serve a configuration from now on.

        Raises:
            FramegateError, OSError: it cannot be served; whatever served before goes on.
        """
        assert attempt.config is not None
        try:
            prepared = await self.site.prepare(attempt.config)
            swap = self.site.commit(prepared)
        finally:
            self.source.forget(self.site.packages())
        self.generation = generation
        level = attempt.config.gateway.log_level
        if self._fixed_level is None and level != self._file_level:
            self._file_level = level
            set_level(level)
        return swap

    async def _status(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {
            "worker": self.number,
            "pid": os.getpid(),
            "started_at": self.started_at,
            "generation": self.generation,
            "sessions": self.site.sessions,
        }

    async def _health(self, arguments: dict[str, Any]) -> dict[str, Any]:
        gateway = self.site.gateway
        return {"upstreams": [] if gateway is None else gateway.health()}

    async def _level(self, arguments: dict[str, Any]) -> dict[str, Any]:
        level = arguments.get("level")
        if level is not None:
            if level not in _LEVELS:
                raise Refused(f"level must be {', '.join(_LEVELS)}, not {level!r}")
            set_level(level)
        return {"level": logging.getLevelName(logging.getLogger("framegate").level).lower()}

    async def _metrics(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"text": self.metrics()}
