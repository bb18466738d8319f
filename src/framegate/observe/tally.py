"""What one process has counted since it started: plain numbers by label values, for :mod:`framegate.observe.collector`.

Label values are names of the configuration and words of closed sets; nothing that a peer has typed becomes one. It
knows no sockets and no format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from framegate._build import pick
from framegate.observe.catalogue import PLUGIN_SECONDS, SESSION_SECONDS
from framegate.session.record import SessionRecord, SideRecord

_Durations = pick("framegate.pdk._frames").Durations

OTHER: Final = "other"
"""The label value of whatever is outside a closed set."""

UNNAMED: Final = ("", "")
"""The labels ``route`` and ``service`` of what has not come to a route."""

CODES: Final = frozenset(range(1000, 1016)) | {3000, 3003, 3008}
"""The close codes of RFC 6455, section 7.4, and of its registry; others are told as ``other``."""

STATUSES: Final = frozenset(map(int, HTTPStatus))
"""The statuses that have a meaning; others are told by their class, as ``4xx``."""

NO_CODE, NO_CLOSE = "1005", "1006"
"""A close frame without a code, and an end without a close frame (RFC 6455, section 7.1.5)."""

DIRECTIONS: Final = ("from_client", "from_upstream")

Labels = tuple[str, str]
"""Route and service."""


def name_of(entity: Mapping[str, Any] | None) -> str:
    """What an entity is called in a label: its name, else its id; empty where there is none."""
    return "" if entity is None else str(entity.get("name") or entity.get("id") or "")


class Traffic:
    """What both sides of sessions have sent.

    Attributes:
        values: for each of :data:`DIRECTIONS`, the numbers of :attr:`FIELDS`.
    """

    FIELDS: Final = (
        "data", "ping", "pong", "close", "texts", "binaries", "text_bytes", "other_bytes", "dropped", "edited",
    )  # fmt: skip

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values = [[0] * len(self.FIELDS) for _ in DIRECTIONS]

    def add(self, record: SessionRecord) -> None:
        """Add one session, as its record stands."""
        for total, side in zip(self.values, (record.client, record.upstream), strict=True):
            for index, value in enumerate(_measured(side)):
                total[index] += value

    def add_all(self, other: Traffic) -> None:
        """Add those of others."""
        for total, values in zip(self.values, other.values, strict=True):
            for index, value in enumerate(values):
                total[index] += value

    def copy(self) -> Traffic:
        """The same numbers, which no longer grow."""
        twin = Traffic()
        twin.add_all(self)
        return twin

    def items(self) -> Iterator[tuple[str, dict[str, int]]]:
        """The numbers of each direction, by field."""
        for direction, values in zip(DIRECTIONS, self.values, strict=True):
            yield direction, dict(zip(self.FIELDS, values, strict=True))


def _measured(side: SideRecord) -> tuple[int, ...]:
    closes = 0 if side.close_received is None else 1
    data = max(0, side.frames - side.pings - side.pongs - closes)
    return (
        data, side.pings, side.pongs, closes, side.texts, side.messages - side.texts,
        side.text_bytes, side.bytes - side.text_bytes, side.dropped, side.changed,
    )  # fmt: skip


class Tally:
    """What has been counted.

    Attributes:
        accepted: client connections.
        handshakes: by status, route and service.
        sessions: that have ended, by route, service, who ended them and why.
        closes: by initiator, code, reason, route and service.
        traffic: of sessions that have ended, by route and service.
        lifetimes: likewise, how long they lasted.
        failures: of plugins, by plugin and phase.
        calls: how long calls of plugins took, likewise.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self.handshakes: Counter[tuple[str, str, str]] = Counter()
        self.sessions: Counter[tuple[str, ...]] = Counter()
        self.closes: Counter[tuple[str, ...]] = Counter()
        self.traffic: dict[Labels, Traffic] = {}
        self.lifetimes: dict[Labels, Any] = {}
        self.failures: Counter[tuple[str, str]] = Counter()
        self.calls: dict[tuple[str, str], Any] = {}
        self._looked_at: set[Hashable] | None = None
        self._put_off: list[tuple[Labels, SessionRecord]] = []

    def answered(self, status: int, labels: Labels) -> None:
        """A client's opening request has been answered."""
        shown = str(status) if status in STATUSES else f"{status // 100}xx" if 100 <= status < 600 else OTHER
        self.handshakes[shown, *labels] += 1

    def durations(self, plugin: str, phase: str) -> Any:
        """Takes down the durations of the calls of ``plugin`` in ``phase``."""
        found = self.calls.get((plugin, phase))
        if found is None:
            found = self.calls[plugin, phase] = _Durations(PLUGIN_SECONDS)
        return found

    def failed(self, plugin: str, phase: str) -> None:
        """A plugin has raised."""
        self.failures[plugin, phase] += 1

    def ended(self, session: Hashable, labels: Labels, record: SessionRecord) -> None:
        """A session has ended."""
        if self._looked_at is not None and session in self._looked_at:
            # It has just been counted among those that live; it is counted among the others from the next look on.
            self._put_off.append((labels, record))
        else:
            self._add(labels, record)

    def begin_look(self) -> set[Hashable]:
        """Live sessions are being added up from now on; each that has been is to be put into the set."""
        self._looked_at = set()
        return self._looked_at

    def end_look(self) -> None:
        """What was counted has been told: sessions that ended meanwhile are counted now."""
        self._looked_at = None
        put_off, self._put_off = self._put_off, []
        for labels, record in put_off:
            self._add(labels, record)

    def _add(self, labels: Labels, record: SessionRecord) -> None:
        self.sessions[*labels, record.ended_by or OTHER, record.why or OTHER] += 1
        self.closes[record.ended_by or OTHER, code_of(record), record.why or OTHER, *labels] += 1
        if labels not in self.traffic:
            self.traffic[labels] = Traffic()
            self.lifetimes[labels] = _Durations(SESSION_SECONDS)
        self.traffic[labels].add(record)
        self.lifetimes[labels].add(record.duration)


def code_of(record: SessionRecord) -> str:
    """The close code that decided a session, for a label.

    Where a side closed, its own; where its connection just ended, 1006; where framegate ended the session because of a
    side, what that side was sent; where it did so for itself, what the client was sent.
    """
    if record.why == "eof":
        return NO_CLOSE
    side = record.upstream if record.ended_by == "upstream" else record.client
    info = side.close_received if record.why == "close" else side.close_sent
    if info is None:
        return NO_CLOSE
    code, _ = info
    if code is None:
        return NO_CODE
    return str(code) if code in CODES else OTHER
