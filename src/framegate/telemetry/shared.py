"""A destination that outlives the configuration that named it: kept over reloads, and ended with its last user."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Shared(ABC):
    """Something with a thread of its own, which several observers may use: those of older configurations until their
    last connection has ended."""

    def __init__(self) -> None:
        self._users = 0
        self._waited_for = False

    def hold(self) -> None:
        """One more user."""
        self._users += 1

    def release(self) -> None:
        """One less; the last one ends it."""
        self._users -= 1
        if not self._users:
            self.stop()

    @abstractmethod
    def stop(self) -> None:
        """Deliver what waits, in the background, and end. A second call does nothing."""

    def wait(self, limit: float) -> None:
        """Wait until :meth:`stop` is done, at most ``limit`` seconds; blocks. A second call does nothing."""
        if not self._waited_for:
            self._waited_for = True
            self._wait(limit)

    @abstractmethod
    def _wait(self, limit: float) -> None: ...
