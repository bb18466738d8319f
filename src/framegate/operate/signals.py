"""The signals that end a process, and the one that makes it reload.

The handlers are Python's rather than the loop's, so that the second signal ends the process even while a hook keeps the
loop busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

STOP: Final = (signal.SIGTERM, signal.SIGINT)
"""What asks for the drain."""


class EarlySignals:
    """Stands in before there is a loop, while the program still reads its file: a signal that comes then is not lost.

    Attributes:
        hung_up: whether there was a SIGHUP. SIGTERM ends the process at once, with status 0: there is nothing to drain.
    """

    def __init__(self) -> None:
        self.hung_up = False
        signal.signal(signal.SIGHUP, self._on_hang_up)
        # Not an exception: it could be raised inside of a plugin that is being imported, which would be blamed for it.
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))

    def _on_hang_up(self, number: int, frame: FrameType | None) -> None:
        self.hung_up = True


class StopSignals:
    """Waits for signals; made while the loop runs, on its thread.

    Args:
        stop_on: the signals that ask for the drain; a second one of them ends the process at once with status 1.
        on_hang_up: called on the loop for each SIGHUP that is not among them.
        last_act: called in the signal handler before a second signal ends the process.
    """

    def __init__(
        self,
        stop_on: Sequence[signal.Signals],
        on_hang_up: Callable[[], None],
        last_act: Callable[[], None] | None = None,
    ) -> None:
        self._on_hung_up = on_hang_up
        self._last_act = last_act
        self._loop = asyncio.get_running_loop()
        self._first: asyncio.Future[str] = self._loop.create_future()
        self._seen = False
        signal.signal(signal.SIGHUP, self._on_hang_up)
        for number in stop_on:
            signal.signal(number, self._on_stop)

    async def first(self) -> str:
        """Wait for the first signal and return its name."""
        return await asyncio.shield(self._first)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        if self._seen:
            if self._last_act is not None:
                self._last_act()
            with contextlib.suppress(OSError):
                os.write(2, b"framegate: second signal, stopping at once\n")
            os._exit(1)
        self._seen = True
        self._loop.call_soon_threadsafe(self._first.set_result, signal.Signals(number).name)

    def _on_hang_up(self, number: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._on_hung_up)
