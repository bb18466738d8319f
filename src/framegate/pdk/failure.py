"""How a plugin's failure, its slowness and its useless results are told to the operator."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Any, Final

from framegate._tracebacks import without_our_frames
from framegate.errors import PDKError
from framegate.session.verdict import NamedFailure

_log = logging.getLogger("framegate.plugin")

DEFAULT_TIME_LIMIT = 0.1
"""Seconds that a plugin may keep the event loop before it is logged: what people begin to notice."""

_QUIET = 1.0
"""Seconds between two such lines about one plugin, so that the log does not slow down what is slow already."""


TIMED_ONE_IN: Final = 16
"""Of so many frames that a side's plugins see, one is timed: the time of a call is known well enough from a sixteenth
of them, and taking it down for each would cost more than many a plugin does."""


class PluginFailure(NamedFailure):
    """A plugin has raised; the exception is ``__cause__``.

    Attributes:
        plugin: its name.
        phase: where.
    """

    def __init__(self, plugin: str, phase: str, error: BaseException) -> None:
        place = place_of(error) if isinstance(error, PDKError) else None
        told = f"{error} ({place})" if place else f"{type(error).__name__}: {error}"
        super().__init__(f"plugin {plugin!r} in {phase}", told)
        self.plugin = plugin
        self.phase = phase
        self.__cause__ = error


def log_failure(failure: PluginFailure) -> None:
    """Log a failure outside of the frame phases, where the session logs it."""
    error = failure.__cause__
    assert error is not None
    if isinstance(error, PDKError):
        _log.error("%s failed: %s", failure.hook, failure)
    else:
        _log.error("%s failed", failure.hook, exc_info=without_our_frames(error))


def place_of(error: BaseException) -> str | None:
    """``file:line`` of the plugin's own line that ended in ``error``, or None."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/framegate/pdk/" not in frame.filename.replace("\\", "/")]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else None


class Watch:
    """Tells the operator which plugin keeps the event loop.

    Args:
        limit: seconds that one call may take; 0 watches nothing.
        durations: gives what takes down the durations of a plugin's calls in a phase (``add(seconds)``); by default
            nobody wants to know.

    Attributes:
        stride: one frame in so many is timed; 0 is none.
    """

    def __init__(
        self, limit: float = DEFAULT_TIME_LIMIT, durations: Callable[[str, str], Any] | None = None
    ) -> None:
        self.limit = limit
        self.stride = 0 if durations is None else TIMED_ONE_IN
        self._durations = durations
        self._offset = 0
        self._told: dict[tuple[str, str], float] = {}
        self._useless: set[tuple[str, str]] = set()

    def durations(self, plugin: str, phase: str) -> Any:
        """What takes down how long the calls of ``plugin`` in ``phase`` take, or None."""
        return None if self._durations is None else self._durations(plugin, phase)

    def next_offset(self) -> int:
        """Which frame of the next chain is the first that is timed: each of the first :attr:`stride` equally often, so
        that short sessions are neither left out nor counted more than others."""
        self._offset = self._offset % self.stride + 1
        return self._offset

    def slow(self, plugin: str, phase: str, seconds: float) -> None:
        """``plugin`` has kept the loop for ``seconds``."""
        now = time.monotonic()
        if now - self._told.get((plugin, phase), -_QUIET) >= _QUIET:
            self._told[plugin, phase] = now
            _log.warning(
                "plugin %r blocked the event loop for %.3f seconds in %s; nothing else was served meanwhile",
                plugin, seconds, phase,
            )  # fmt: skip

    def useless(self, plugin: str, phase: str, result: object) -> None:
        """``plugin`` has returned something, which has no meaning."""
        if (plugin, phase) not in self._useless:
            self._useless.add((plugin, phase))
            _log.warning(
                "plugin %r returned %s from %s: what a phase returns has no effect, it acts through kong",
                plugin, type(result).__name__, phase,
            )  # fmt: skip
