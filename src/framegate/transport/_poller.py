"""Which of our sockets are ready: an epoll set of our own, drained in one callback of the event loop.

The loop watches one descriptor, that of the set, however many connections there are. A callback a connection on the
loop itself was tried first; it costs a handle each, and libuv stops to watch a socket whose peer has reset the
connection without a word to the callback, so that the end of the connection is never seen.

The read buffer lives here too: one a loop, for all connections take turns in it.
"""

from __future__ import annotations

import asyncio
import select
import weakref
from typing import Any

try:
    import cython
except ImportError:  # Cython is not installed
    from framegate import _pure as cython

READ_SIZE = 256 * 1024
"""Size of a loop's read buffer: what a socket's receive buffer usually holds at the most."""

BATCH = 128
"""Sockets that are served before the loop's other work gets its turn."""

READ = 1
WRITE = 2


class Watcher:
    """Who is told that a descriptor is ready."""

    def ready(self, events: int) -> None:
        """The descriptor can be read (``READ``) or written (``WRITE``) without waiting. A broken connection is both."""


class Poller:
    """The epoll set of one event loop; :func:`framegate.transport.poller_of` makes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # The loop holds the poller while it watches something; the other way round nothing would ever be freed.
        self.loop = weakref.ref(loop)
        self.buffer = bytearray(READ_SIZE)
        self.epoll = select.epoll()
        self.fd = self.epoll.fileno()
        self.watchers: list[Watcher | None] = []
        self.count = 0

    def change(self, fd: int, watcher: Watcher, before: int, after: int) -> None:
        """Watch ``fd`` for ``after`` instead of ``before``, both sums of ``READ`` and ``WRITE``.

        A descriptor that is watched for nothing is not in the set: the kernel would report its errors all the same.
        """
        if before == after:
            return
        mask = (select.EPOLLIN if after & READ else 0) | (select.EPOLLOUT if after & WRITE else 0)
        if before == 0:
            self.epoll.register(fd, mask)
            if fd >= len(self.watchers):
                self.watchers.extend([None] * (fd + 64 - len(self.watchers)))
            self.watchers[fd] = watcher
            self.count += 1
            if self.count == 1:
                self._loop().add_reader(self.fd, self.drain)
        elif after == 0:
            self.epoll.unregister(fd)
            self.watchers[fd] = None
            self.count -= 1
            if self.count == 0:
                self._loop().remove_reader(self.fd)
        else:
            self.epoll.modify(fd, mask)

    def drain(self) -> None:
        """Tell the watchers of all descriptors that are ready."""
        if cython.compiled:
            tell_ready(self)
        else:
            for fd, events in self.epoll.poll(0, BATCH):
                failed = events & (select.EPOLLERR | select.EPOLLHUP)
                self._tell(
                    fd,
                    (READ if failed or events & select.EPOLLIN else 0)
                    | (WRITE if failed or events & select.EPOLLOUT else 0),
                )

    def _tell(self, fd: int, events: int) -> None:
        # None: a watcher before this one has closed it.
        watcher = self.watchers[fd]
        if watcher is None:
            return
        try:
            watcher.ready(events)
        except Exception as error:
            self._loop().call_exception_handler({"message": "a socket's receiver failed", "exception": error})

    def _loop(self) -> Any:
        loop = self.loop()
        assert loop is not None, "a callback without its loop"
        return loop
