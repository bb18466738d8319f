"""The metrics of several workers as one, from which nothing is lost when a worker dies.

Counters and histograms are sums over all processes that there have been: of a worker that has gone, what it last told
still counts, so that no counter goes back. Of gauges, only those of workers that answer count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import Metric

from framegate.observe.catalogue import BY_FAMILY, Merging

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]
"""The name of a sample and its labels."""

_GROWING: Final = ("counter", "histogram")


@dataclass(slots=True)
class _Last:
    """What a process last told."""

    pid: int
    metrics: Sequence[Metric]
    answers: bool = True


class Ledger:
    """What all processes have told."""

    def __init__(self) -> None:
        self._last: dict[str, _Last] = {}
        self._gone: dict[str, Metric] = {}

    def begin_round(self) -> None:
        """All workers are asked anew; whose answer does not come, does not answer."""
        for last in self._last.values():
            last.answers = False

    def take(self, worker: str, pid: int, metrics: Sequence[Metric]) -> None:
        """A worker has answered."""
        before = self._last.get(worker)
        if before is not None and before.pid != pid:
            self._keep(before.metrics)
        self._last[worker] = _Last(pid, metrics)

    def merged(self) -> list[Metric]:
        """One set of families."""
        found: dict[str, _Merge] = {}
        for metric in self._gone.values():
            _merge_of(metric, found).add(metric, None)
        for worker, last in sorted(self._last.items()):
            for metric in last.metrics:
                if metric.type in _GROWING or last.answers:
                    _merge_of(metric, found).add(metric, worker)
        return [merge.metric() for merge in found.values()]

    def _keep(self, metrics: Iterable[Metric]) -> None:
        for metric in metrics:
            if metric.type in _GROWING:
                merge = _Merge(metric, "sum")
                if metric.name in self._gone:
                    merge.add(self._gone[metric.name], None)
                merge.add(metric, None)
                self._gone[metric.name] = merge.metric()


class _Merge:
    """One family that becomes one.

    Args:
        like: a family of that name.
        merging: the rule.
    """

    def __init__(self, like: Metric, merging: Merging) -> None:
        self._like = like
        self._merging = merging
        self._values: dict[Key, float] = {}

    def add(self, metric: Metric, worker: str | None) -> None:
        values = self._values
        for key, value in _samples(metric, worker if self._merging == "worker" else None):
            before = values.get(key)
            if before is None:
                values[key] = value
            elif self._merging == "min":
                values[key] = min(before, value)
            else:
                values[key] = before + value

    def metric(self) -> Metric:
        like = self._like
        metric = Metric(like.name, like.documentation, like.type)
        for (name, labels), value in self._values.items():
            metric.add_sample(name, dict(labels), value)
        return metric


def _merge_of(metric: Metric, found: dict[str, _Merge]) -> _Merge:
    merge = found.get(metric.name)
    if merge is None:
        known = BY_FAMILY.get(metric.name)
        rule: Merging = "sum" if metric.type in _GROWING else "worker" if known is None else known.merging
        merge = found[metric.name] = _Merge(metric, rule)
    return merge


def _samples(metric: Metric, worker: str | None) -> Iterator[tuple[Key, float]]:
    for sample in metric.samples:
        labels = sample.labels if worker is None else {**sample.labels, "worker": worker}
        yield (sample.name, tuple(labels.items())), sample.value
