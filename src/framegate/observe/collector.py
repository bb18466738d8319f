"""The metrics of one process that serves, made when somebody asks.

Live sessions are added up in slices, with a turn of the event loop between two of them, so that a hundred thousand of
them hold up nobody. It reads the gateway and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Metric, ProcessCollector

from framegate.observe import catalogue
from framegate.observe.exposition import family, histogram, text_of
from framegate.observe.tally import Labels, Traffic

if TYPE_CHECKING:
    from framegate.gateway.live import LiveSession
    from framegate.gateway.site import Site

SLICE: Final = 200
"""Sessions that are looked at before other work gets its turn."""

_SIDES: Final = ("client", "upstream")

Values = Iterable[tuple[Sequence[str], float]]


@dataclass(slots=True)
class _Live:
    """What the live sessions come to."""

    sessions: Counter[Labels] = field(default_factory=Counter)
    traffic: dict[Labels, Traffic] = field(default_factory=dict)
    queued: Counter[str] = field(default_factory=Counter)
    blocked: Counter[str] = field(default_factory=Counter)

    def add(self, session: LiveSession) -> None:
        labels = session.labels
        self.sessions[labels] += 1
        traffic = self.traffic.get(labels)
        if traffic is None:
            traffic = self.traffic[labels] = Traffic()
        traffic.add(session.proxy.record())
        for side in _SIDES:
            queued, blocked = session.proxy.backlog(side)
            self.queued[side] += queued
            self.blocked[side] += blocked


class Collector:
    """Makes the metrics of this process.

    Args:
        site: the running gateway.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._one_at_a_time = asyncio.Lock()
        self._told: dict[tuple[str, Sequence[str]], float] = {}
        self._process = ProcessCollector(registry=None)

    async def text(self) -> str:
        """All metrics as text."""
        async with self._one_at_a_time:
            tally = self._site.tally
            try:
                live = await self._look(tally.begin_look())
                families = [*self._families(live), *self._process.collect()]
            finally:
                tally.end_look()
            parts = []
            for metric in families:
                parts.append(text_of([metric]))
                await asyncio.sleep(0)
        return "".join(parts)

    async def _look(self, looked_at: set[Any]) -> _Live:
        live = _Live()
        for number, session in enumerate(list(self._site.live)):
            if number and number % SLICE == 0:
                await asyncio.sleep(0)
            # It may have ended in the meantime, and has been counted then.
            if session.proxy.begun and session in self._site.live:
                live.add(session)
                looked_at.add(session)
        return live

    def _families(self, live: _Live) -> Iterator[Metric]:
        site, tally = self._site, self._site.tally
        yield family(catalogue.CONNECTIONS_ACTIVE, [((), site.connections)])
        yield self._counter(catalogue.CONNECTIONS, [((), tally.accepted)])
        yield self._counter(catalogue.HANDSHAKES, tally.handshakes.items())
        known = {**dict.fromkeys(tally.traffic, 0), **live.sessions}
        yield family(catalogue.SESSIONS_ACTIVE, known.items())
        yield family(catalogue.WORKER_SESSIONS, [((), site.sessions)])
        yield self._counter(catalogue.SESSIONS, tally.sessions.items())
        yield histogram(catalogue.SESSION_DURATION, catalogue.SESSION_SECONDS, tally.lifetimes.items())
        yield self._counter(catalogue.CLOSES, tally.closes.items())
        yield from self._traffic(_added(tally.traffic, live.traffic))
        yield family(catalogue.QUEUED, [((side,), live.queued[side]) for side in _SIDES])
        yield family(catalogue.BLOCKED, [((side,), live.blocked[side]) for side in _SIDES])
        yield histogram(catalogue.PLUGIN_DURATION, catalogue.PLUGIN_SECONDS, tally.calls.items())
        yield self._counter(catalogue.PLUGIN_FAILURES, tally.failures.items())
        yield from self._targets()

    def _traffic(self, traffic: dict[Labels, Traffic]) -> Iterator[Metric]:
        rows = [
            (direction, labels, fields) for labels, found in traffic.items() for direction, fields in found.items()
        ]

        def typed(names: dict[str, str]) -> Values:
            return [
                ((direction, typ, *labels), fields[name])
                for direction, labels, fields in rows
                for typ, name in names.items()
            ]

        def plain(name: str) -> Values:
            return [((direction, *labels), fields[name]) for direction, labels, fields in rows]

        yield self._counter(catalogue.FRAMES, typed({"data": "data", "ping": "ping", "pong": "pong", "close": "close"}))
        yield self._counter(catalogue.MESSAGES, typed({"text": "texts", "binary": "binaries"}))
        yield self._counter(catalogue.BYTES, typed({"text": "text_bytes", "other": "other_bytes"}))
        yield self._counter(catalogue.FRAMES_DROPPED, plain("dropped"))
        yield self._counter(catalogue.FRAMES_EDITED, plain("edited"))

    def _counter(self, definition: catalogue.Definition, values: Values) -> Metric:
        # A close frame that a plugin holds is a data frame until it is known: a counter that went back by one then
        # would look as if the process had started anew.
        told = self._told
        risen = []
        for labels, value in values:
            key = (definition.name, tuple(labels))
            told[key] = value = max(value, told.get(key, 0))
            risen.append((labels, value))
        return family(definition, risen)

    def _targets(self) -> Iterator[Metric]:
        gateway = self._site.gateway
        healthy: Counter[tuple[str, str]] = Counter()
        places: Counter[tuple[str, str]] = Counter()
        live: Counter[tuple[str, str]] = Counter()
        for upstream in [] if gateway is None else gateway.health():
            for target in upstream["targets"]:
                key = (upstream["upstream"], target["target"])
                places[key] += 1
                healthy[key] += target["healthy"]
                live[key] += target["live"]
        yield family(catalogue.TARGET_HEALTH, [(key, healthy[key] / count) for key, count in places.items()])
        yield family(catalogue.TARGET_CONNECTIONS, [(key, live[key]) for key in places])


def _added(ended: dict[Labels, Traffic], live: dict[Labels, Traffic]) -> dict[Labels, Traffic]:
    both = {labels: traffic.copy() for labels, traffic in ended.items()}
    for labels, traffic in live.items():
        both.setdefault(labels, Traffic()).add_all(traffic)
    return both
