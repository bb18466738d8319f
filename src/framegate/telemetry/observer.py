"""Who watches the connections of one configuration, and where that is told.

Destinations that a reload leaves as they are are kept; others end with the last connection that they are told of.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from framegate.config.configuration import Gateway
from framegate.pdk.exchange import Exchange, Node
from framegate.request import Request
from framegate.telemetry.access_log import access_log
from framegate.telemetry.account import Account
from framegate.telemetry.facts import whose
from framegate.telemetry.line_file import LineFile

if TYPE_CHECKING:
    from framegate.telemetry.shared import Shared
    from framegate.telemetry.tracing import Tracing

_log = logging.getLogger("framegate.tracing")

FLUSH_TIME: Final = 3.0
"""Seconds that the process waits at its end for what is still to be delivered; as session-log does."""


class Observer:
    """Watches the connections of one configuration. Made on the running loop's thread; begins at once.

    Args:
        config: what is to be told; an access log, traces or both.
        node: the process.
        previous: who watched before a reload.

    Attributes:
        log: the access log, or None.
        tracing: the traces, or None.
    """

    def __init__(self, config: Gateway, node: Node, previous: Observer | None = None) -> None:
        self._config = config
        self._connections = 0
        self._retired = False
        self._released = False
        self.log = self._log(previous)
        self.tracing = self._tracing(node, previous)
        for destination in self._destinations():
            destination.hold()

    def begin(self, request: Request, exchange: Exchange) -> Account:
        """A request has come; :meth:`Account.close` must be called in the end."""
        self._connections += 1
        spans = None if self.tracing is None else self.tracing.begin(exchange)
        return Account(self, request, exchange, spans)

    def turned_away(self, exchange: Exchange, status: int) -> None:
        """A client was answered before a request of its had come that could be served: a limit was reached, or what
        it sent was none."""
        if self.log is not None:
            facts = {**whose(exchange), "status": status, "duration": None, "error": None, "trace_id": None}
            self.log.put({"time": time.time(), "event": "refused", **facts})

    def closed(self) -> None:
        """One that began has ended."""
        self._connections -= 1
        self._release_if_done()

    def retire(self) -> None:
        """No further connection begins."""
        self._retired = True
        self._release_if_done()

    async def finish(self) -> None:
        """Deliver what waits, within :data:`FLUSH_TIME`, because the process ends."""
        destinations = self._destinations()
        for destination in destinations:
            destination.stop()
        deadline = time.monotonic() + FLUSH_TIME
        for destination in destinations:
            await asyncio.to_thread(destination.wait, max(0.0, deadline - time.monotonic()))

    def _release_if_done(self) -> None:
        if self._retired and not self._connections and not self._released:
            self._released = True
            for destination in self._destinations():
                destination.release()

    def _destinations(self) -> list[Shared]:
        return [each for each in (self.log, self.tracing) if each is not None]

    def _log(self, previous: Observer | None) -> LineFile | None:
        wanted = self._config.access_log
        if previous is not None and previous._config.access_log == wanted:
            if previous.log is not None:
                previous.log.refresh()
            return previous.log
        return None if wanted is None else access_log(wanted)

    def _tracing(self, node: Node, previous: Observer | None) -> Tracing | None:
        wanted = self._config.tracing
        if previous is not None and previous._config.tracing == wanted:
            return previous.tracing
        if wanted is None:
            return None
        try:
            from framegate.telemetry.tracing import Tracing

            return Tracing(wanted, node)
        except Exception as error:
            # Such as what OTEL_* variables ask for. A reload that has come so far must be completed.
            _log.error("there are no traces: %s: %s", type(error).__name__, error)
            return None
