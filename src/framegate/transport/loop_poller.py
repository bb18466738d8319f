"""The face of ``Poller`` over the event loop's own readers and writers, for systems without epoll (macOS)."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from framegate.transport._poller import READ, WRITE


class LoopPoller:
    """One callback a descriptor on the event loop.

    Args:
        loop: the event loop.
        size: bytes of the read buffer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int) -> None:
        self.loop = weakref.ref(loop)
        self.buffer = bytearray(size)

    def change(self, fd: int, watcher: Any, before: int, after: int) -> None:
        """Watch ``fd`` for ``after`` instead of ``before``, both sums of ``READ`` and ``WRITE``."""
        loop = self.loop()
        assert loop is not None, "a callback without its loop"
        if (before ^ after) & READ:
            if after & READ:
                loop.add_reader(fd, watcher.ready, READ)
            else:
                loop.remove_reader(fd)
        if (before ^ after) & WRITE:
            if after & WRITE:
                loop.add_writer(fd, watcher.ready, WRITE)
            else:
                loop.remove_writer(fd)
