"""A bounded queue of records, and the thread that delivers them: whatever happens there never touches a session.

Knows nothing of what a record is and where it goes.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Final

_log = logging.getLogger("framegate.plugin.session-log")

FLUSH_TIME: Final = 3.0
"""Seconds that the process waits at its end for what is still queued."""

_IDLE: Final = 5.0
_LONGEST_DELAY: Final = 30.0
_TELL_AGAIN: Final = 60.0

_process_ends = threading.Event()
_outboxes: weakref.WeakSet[Outbox] = weakref.WeakSet()


class Undeliverable(Exception):
    """A record was not taken; the text tells why."""


class Outbox:
    """One destination.

    Args:
        name: the destination, as the log names it.
        deliver: delivers one record, in the thread; raises OSError or :class:`Undeliverable`.
        size: most records that wait; over it the oldest is dropped.
        retries: how often the delivery of a record is tried again.
        delay: seconds before the first of these, doubled for each further one, up to 30.
        rest: called in the thread when nothing has come for a while.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[bytes], None],
        *,
        size: int,
        retries: int = 0,
        delay: float = 0.0,
        rest: Callable[[], None] | None = None,
    ) -> None:
        self._name = name
        self._deliver = deliver
        self._size = size
        self._retries = retries
        self._delay = delay
        self._rest = rest
        self._records: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._trouble = _Trouble(name)
        _outboxes.add(self)

    def put(self, record: bytes) -> None:
        """Queue a record; it returns at once."""
        with self._changed:
            if len(self._records) >= self._size:
                self._records.popleft()
                self._trouble.lost(f"{self._size} records wait already, the oldest is dropped")
            self._records.append(record)
            # A thread does not survive a fork.
            if self._thread is None or not self._thread.is_alive():
                self._start()
            else:
                self._changed.notify()

    def finish(self, deadline: float) -> None:
        """Wait until all has been delivered or given up, at most until ``deadline`` on the monotonic clock."""
        with self._changed:
            thread = self._thread
            self._changed.notify()
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._records:
            _log.error("%s: records not delivered before the end: %d", self._name, len(self._records))

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"session-log {self._name}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter is about to end
            self._thread = None
            self._trouble.lost(str(error))
            self._records.clear()

    def _run(self) -> None:
        while True:
            record = self._next()
            if record is not None:
                self._deliver_or_lose(record)
                continue
            if self._rest is not None:
                self._rest()
            with self._changed:
                if not self._records:
                    self._thread = None
                    return

    def _next(self) -> bytes | None:
        with self._changed:
            if not self._records and not _process_ends.is_set():
                self._changed.wait(_IDLE)
            return self._records.popleft() if self._records else None

    def _deliver_or_lose(self, record: bytes) -> None:
        delay = self._delay
        for left in range(self._retries, -1, -1):
            try:
                self._deliver(record)
            except Exception as error:  # a destination of whatever kind must not end the thread
                reason = _reason(error)
            else:
                self._trouble.over()
                return
            if left and not _process_ends.is_set():
                self._trouble.met(reason)
                _process_ends.wait(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
        self._trouble.lost(reason)


class _Trouble:
    """Tells the operator of a destination that fails: at first, each minute that it goes on, and when it is over."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0
        self._told_at: float | None = None

    def met(self, reason: str) -> None:
        if self._is_due():
            _log.warning("%s: %s; it is tried again", self._name, reason)

    def lost(self, reason: str) -> None:
        self._count += 1
        if self._is_due() or self._count == 1:
            _log.error("%s: %s; records lost so far: %d", self._name, reason, self._count)

    def over(self) -> None:
        if self._told_at is not None:
            _log.warning("%s: works again; records lost: %d", self._name, self._count)
            self._count, self._told_at = 0, None

    def _is_due(self) -> bool:
        now = time.monotonic()
        if self._told_at is not None and now - self._told_at < _TELL_AGAIN:
            return False
        self._told_at = now
        return True


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


@atexit.register
def _flush() -> None:
    """At the end of the process each record gets one more chance, without waiting between them."""
    _process_ends.set()
    deadline = time.monotonic() + FLUSH_TIME
    for outbox in list(_outboxes):
        outbox.finish(deadline)
