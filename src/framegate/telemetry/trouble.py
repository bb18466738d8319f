"""Tells the operator of a destination that fails: once when it begins, and once when it is over."""

from __future__ import annotations

import logging
import threading


class Trouble:
    """The state of one destination; any thread may call it.

    Args:
        log: the logger that is told.
        name: the destination, as the log names it.
        what: what is lost, in the plural.
    """

    def __init__(self, log: logging.Logger, name: str, what: str) -> None:
        self._log = log
        self._name = name
        self._what = what
        self._lost = 0
        self._told = False
        self._lock = threading.Lock()

    @property
    def lasts(self) -> bool:
        """Whether it has begun and is not over."""
        return self._told

    def lost(self, count: int, reason: str) -> None:
        """``count`` of them are lost."""
        with self._lock:
            self._lost += count
            first, self._told = not self._told, True
        if first:
            self._log.error("%s: %s; %s are lost until it works again", self._name, reason, self._what)

    def over(self) -> None:
        """It works; nothing is told where it always did."""
        with self._lock:
            lost, told, self._lost, self._told = self._lost, self._told, 0, False
        if told:
            self._log.warning("%s: works again; %s lost: %d", self._name, self._what, lost)

    def at_the_end(self, count: int) -> None:
        """The process ends, with ``count`` of them undelivered."""
        with self._lock:
            lost, self._lost, self._told = self._lost + count, 0, False
        if lost:
            self._log.error("%s: %s lost at the end: %d", self._name, self._what, lost)
