"""One process that serves: its site, and what it answers when it is asked.

New questions are added to :attr:`Member.handlers`; they are asked with ``ask_all`` of the crew, be it this process
alone or all workers.
"""

from __future__ import annotations

import os
import time
from typing import Any

from framegate.gateway.site import Open, Site, Swap, keyed
from framegate.observe import levels
from framegate.observe.collector import Collector
from framegate.operate.control import Handler, Refused
from framegate.operate.logs import set_form, set_level
from framegate.operate.sockets import url_of
from framegate.operate.source import Attempt, Source


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
    """

    def __init__(self, source: Source, open: Open, *, number: int = 0, level: str | None = None) -> None:
        self.source = source
        self.site = Site(open)
        self.number = number
        self.generation = 0
        self.started_at = time.time()
        self._levels = levels.Levels()
        self._collector = Collector(self.site)
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
        set_form(attempt.config.gateway.log_format)
        level = attempt.config.gateway.log_level
        if self._fixed_level is None and level != self._file_level:
            self._file_level = level
            self._levels.settle()
            set_level(level)
        return swap

    async def _status(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {
            "worker": self.number,
            "pid": os.getpid(),
            "started_at": self.started_at,
            "generation": self.generation,
            "sessions": self.site.sessions,
            "listeners": self._listeners(),
        }

    def _listeners(self) -> list[str]:
        gateway = self.site.gateway
        if gateway is None:
            return []
        listens = keyed(gateway.config.gateway.listen)
        return [url_of(listens[key], server.port) for key, server in self.site.servers.items()]

    async def _health(self, arguments: dict[str, Any]) -> dict[str, Any]:
        gateway = self.site.gateway
        return {"upstreams": [] if gateway is None else gateway.health()}

    async def _level(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments:
            try:
                self._levels.change(**levels.checked(arguments))
            except ValueError as error:
                raise Refused(str(error)) from error
        found = self._levels.levels()
        return {"level": found.get(levels.ROOT), "levels": found}

    async def _metrics(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"text": await self._collector.text()}
