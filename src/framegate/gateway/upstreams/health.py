"""Whether a place is healthy: counts of what has happened to it in a row, and the limits that they reach.

Knows no network, no clock and no log. What is counted for active checks and what for sessions is kept apart, so that
handshakes that succeed do not hide that a check fails, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from framegate.config.configuration import Healthchecks, Limits

Kind = Literal["successes", "tcp_failures", "timeouts", "http_failures", "session_failures", "good_sessions"]
Source = Literal["active", "passive"]

_WORDS: dict[str, tuple[str, str]] = {
    "successes": ("success", "successes"),
    "tcp_failures": ("failed connection", "failed connections"),
    "timeouts": ("time-out", "time-outs"),
    "http_failures": ("failure by status", "failures by status"),
    "session_failures": ("session broken off", "sessions broken off"),
}


class Outcome(NamedTuple):
    """What has happened to a place, and more about it for people."""

    kind: Kind
    detail: str = ""


SUCCESS = Outcome("successes")
GOOD_SESSION = Outcome("good_sessions")
"""A session that was not broken off soon. It speaks against broken ones alone: they all began with a success."""


class Tally:
    """Counts in a row. A success clears the failures, a failure clears the successes; failed sessions are cleared by
    good ones only, because each of them was a successful handshake at first.

    Args:
        limits: how many it takes.
    """

    __slots__ = ("_counts", "_limits")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._counts: dict[str, int] = {}

    def count(self, kind: Kind) -> bool:
        """Count it; whether its limit is reached."""
        if kind == "good_sessions":
            self._counts.pop("session_failures", None)
            return False
        if kind == "successes":
            for failure in ("tcp_failures", "timeouts", "http_failures"):
                self._counts.pop(failure, None)
        else:
            self._counts.pop("successes", None)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        limit: int = getattr(self._limits, kind)
        return 0 < limit <= self._counts[kind]

    def clear(self) -> None:
        """Begin anew."""
        self._counts.clear()


class Health:
    """The health of one place; new places are healthy.

    Args:
        checks: the limits; without, nothing changes it.

    Attributes:
        healthy: whether it is.
        reason: why it is not, or what has made it healthy again; empty at first.
        on_change: called after each change.
    """

    __slots__ = ("_tallies", "healthy", "on_change", "reason")

    def __init__(self, checks: Healthchecks | None = None) -> None:
        checks = checks or Healthchecks()
        self._tallies = {"active": Tally(checks.active.limits), "passive": Tally(checks.passive.limits)}
        self.healthy = True
        self.reason = ""
        self.on_change: Callable[[], None] | None = None

    def report(self, source: Source, outcome: Outcome) -> None:
        """Something has happened: count it, and change what it changes."""
        reached = self._tallies[source].count(outcome.kind)
        good = outcome.kind == "successes"
        if reached and good != self.healthy:
            self.turn(good, self._reason(source, outcome))

    def turn(self, healthy: bool, reason: str) -> None:
        """It is, or is not, healthy from now on."""
        self.healthy, self.reason = healthy, reason
        for tally in self._tallies.values():
            tally.clear()
        if self.on_change is not None:
            self.on_change()

    def take_over(self, other: Health) -> None:
        """Be as ``other`` is, before anybody listens."""
        self.healthy, self.reason = other.healthy, other.reason

    def _reason(self, source: Source, outcome: Outcome) -> str:
        tally = self._tallies[source]
        count = tally._counts[outcome.kind]
        words = _WORDS[outcome.kind][count != 1]
        where = "of active checks" if source == "active" else "of sessions"
        detail = f": {outcome.detail}" if outcome.detail else ""
        return f"{count} {words} in a row {where}{detail}"
