"""As much of an event loop as a driver over memory needs, with a clock that is moved by hand: no time, no sockets."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from typing import Any


class VirtualLoop:
    """Runs callbacks in order; what a callback raises is raised by :meth:`settle`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        self.faults: list[str] = []
        self.tasks: list[asyncio.Task[Any]] = []

    # What drivers, transports, futures and tasks ask for.

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)  # type: ignore[arg-type]
        self._ready.append(handle)
        return handle

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)  # type: ignore[arg-type]
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are passed over when they are due."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)  # type: ignore[arg-type]

    def create_task(self, coro: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self)  # type: ignore[arg-type, var-annotated]
        self.tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")

    # What the stage does with it.

    def settle(self, most: int = 5000) -> None:
        """Run what is ready, at most so many callbacks."""
        for _ in range(most):
            if not self._ready:
                return
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._context.run(handle._callback, *handle._args)  # type: ignore[attr-defined]
        assert most < 5000, "the callbacks never come to an end"

    def advance(self, seconds: float) -> None:
        """Let time pass, and run each timer when it is due."""
        until = self.now + seconds
        for _ in range(2000):
            self.settle()
            if not self._timers or self._timers[0][0] > until:
                self.now = until
                return
            when, _, handle = heapq.heappop(self._timers)
            if not handle.cancelled():
                self.now = max(self.now, when)
                handle._context.run(handle._callback, *handle._args)  # type: ignore[attr-defined]
        raise AssertionError("a timer is due again and again")

    @property
    def idle(self) -> bool:
        return not self._ready

    @property
    def timers(self) -> int:
        """How many timers are set."""
        return sum(not handle.cancelled() for _, _, handle in self._timers)

    def forget(self) -> None:
        """The case is over, perhaps in the middle: what is left of it is let go without a word."""
        for task in self.tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
