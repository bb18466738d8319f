"""A way not taken: one timer of the event loop, over a heap, for times that nearly always pass unused.

Each connection has a limit for its request, for its upstream's answer and for its closing, and nearly every one is
cancelled.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from weakref import ref

_SPARE = 1000
"""Cancelled entries that may wait for their time before they are swept out."""


class Deadline:
    """One call to come; :meth:`cancel` prevents it."""

    __slots__ = ("_call", "_deadlines")

    def __init__(self, deadlines: Deadlines, call: Callable[[], object]) -> None:
        self._deadlines = deadlines
        self._call: Callable[[], object] | None = call

    def cancel(self) -> None:
        """Prevent the call, if it has not been made."""
        if self._call is not None:
            self._call = None
            self._deadlines.note_cancelled()

    def is_due(self) -> Callable[[], object] | None:
        """What is to be called now, once; None where it was cancelled."""
        call, self._call = self._call, None
        return call

    @property
    def cancelled(self) -> bool:
        """Whether there is nothing left to call."""
        return self._call is None


class Deadlines:
    """The deadlines of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # Its timer holds the loop; without one, nothing here does.
        self._loop = ref(loop)
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._cancelled = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def call_at(self, at: float, call: Callable[[], object]) -> Deadline:
        """Call ``call()`` at the time ``at`` of the loop's clock."""
        deadline = Deadline(self, call)
        heapq.heappush(self._heap, (at, next(self._numbers), deadline))
        if self._timer is None or at < self._timer_at:
            self._arm(at)
        return deadline

    def call_later(self, seconds: float, call: Callable[[], object]) -> Deadline:
        """Call ``call()`` in so many seconds."""
        loop = self._loop()
        assert loop is not None
        return self.call_at(loop.time() + seconds, call)

    def note_cancelled(self) -> None:
        """One of the deadlines is void now."""
        self._cancelled += 1
        if self._cancelled > _SPARE and self._cancelled > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if not entry[2].cancelled]
            heapq.heapify(self._heap)
            self._cancelled = 0
        if self._cancelled == len(self._heap):
            # Nothing is waited for: a loop that is about to end must not be kept busy.
            self._heap.clear()
            self._cancelled = 0

    def _arm(self, at: float) -> None:
        loop = self._loop()
        assert loop is not None
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = loop.call_at(at, self._run), at

    def _run(self) -> None:
        loop = self._loop()
        assert loop is not None
        self._timer = None
        # The loop's clock may be a little short of the time that it woke up for.
        now = max(loop.time(), self._timer_at)
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].cancelled):
            call = heapq.heappop(self._heap)[2].is_due()
            if call is None:
                self._cancelled -= 1
            else:
                self._call(loop, call)
        if self._heap and (self._timer is None or self._heap[0][0] < self._timer_at):
            self._arm(self._heap[0][0])

    def _call(self, loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            loop.call_exception_handler({"message": "a deadline's callback failed", "exception": error})
