"""Awaits a plugin and measures how long it keeps the event loop at a time.

Knows nothing of phases; what is too long is told by :class:`~framegate.pdk.failure.Watch`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Generator
from typing import Any


class Watched:
    """``awaitable``, to be awaited in its place; the result and what it raises are the same.

    Attributes:
        longest: the longest time, in seconds, between two of its waits.
    """

    __slots__ = ("_awaitable", "longest")

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._awaitable = awaitable
        self.longest = 0.0

    def __await__(self) -> Generator[Any, Any, Any]:
        steps: Any = self._awaitable.__await__()
        thrown: BaseException | None = None
        while True:
            before = time.monotonic()
            try:
                # The event loop sends nothing into what it runs; it throws in a cancellation.
                waits_for = next(steps) if thrown is None else steps.throw(thrown)
            except StopIteration as done:
                return done.value
            finally:
                self.longest = max(self.longest, time.monotonic() - before)
            try:
                yield waits_for
            except BaseException as error:
                thrown = error
            else:
                thrown = None
