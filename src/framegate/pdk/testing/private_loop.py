"""An event loop for one conversation, which nobody has to close."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

from framegate.errors import UsageError

T = TypeVar("T")

_left: list[asyncio.Runner] = []


class PrivateLoop:
    """Runs coroutines; it is closed with :meth:`close`, or when nobody holds it any more."""

    def __init__(self) -> None:
        _close_those_left()
        self._runner = asyncio.Runner()
        self.close = weakref.finalize(self, _close, self._runner)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run ``coroutine`` to its end.

        Raises:
            UsageError: a loop runs in this thread already.
        """
        if _in_a_loop():
            coroutine.close()
            raise UsageError("a Conversation has a loop of its own: use it in a plain def, not in an async def")
        return self._runner.run(coroutine)


def _close(runner: asyncio.Runner) -> None:
    # Garbage may be collected while another loop runs, inside of which this one cannot end its tasks.
    _left.append(runner)
    _close_those_left()


def _close_those_left() -> None:
    if not _in_a_loop():
        while _left:
            _left.pop().close()


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
