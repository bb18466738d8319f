"""Figures of a run: a series for each metric, scenario and peer, its median, spread and ratios. Knows no layout."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """The median of some values, and the least and the greatest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Metric:
    key: str
    title: str
    digits: int


CPU_PER_FRAME = Metric("cpu_us_per_frame", "CPU µs per forwarded frame, proxy process, all threads", 2)
TRIPS = Metric("trips_per_second", "Round trips per second", 0)
LOADED_P50 = Metric("loaded_p50_us", "Round trip under load, p50, µs", 0)
LOADED_P99 = Metric("loaded_p99_us", "Round trip under load, p99, µs", 0)
LOADED_P999 = Metric("loaded_p999_us", "Round trip under load, p99.9, µs", 0)
P50 = Metric("p50_us", "Unloaded round trip, p50, µs", 1)
P99 = Metric("p99_us", "Unloaded round trip, p99, µs", 1)
P999 = Metric("p999_us", "Unloaded round trip, p99.9, µs", 1)
SETUP = Metric(
    "cpu_us_per_connection", "CPU µs per connection (TCP, opening handshake, one echo, close), proxy process", 0
)
FAN_OUT = Metric("cpu_us_per_fanned_frame", "CPU µs per frame delivered of one message to all, proxy process", 2)
FAN_OUT_P50 = Metric("fan_out_p50_us", "Until the last one has the message to all, p50, µs", 0)
FAN_OUT_P99 = Metric("fan_out_p99_us", "Until the last one has the message to all, p99, µs", 0)
IDLE = Metric("kib_per_idle_connection", "Resident KiB per idle connection, proxy process", 1)
METRICS = (
    *(CPU_PER_FRAME, TRIPS, LOADED_P50, LOADED_P99, LOADED_P999, P50, P99, P999),
    *(SETUP, FAN_OUT, FAN_OUT_P50, FAN_OUT_P99, IDLE),
)


@dataclass
class Results:
    """Values in the order of their rounds: `series[metric key][scenario][peer]`."""

    series: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    elsewhere: list[float] = field(default_factory=list)

    def add(self, metric: Metric, scenario: str, peer: str, value: float) -> None:
        self.series.setdefault(metric.key, {}).setdefault(scenario, {}).setdefault(peer, []).append(value)

    def scenarios(self, metric: Metric) -> list[str]:
        return list(self.series.get(metric.key, {}))

    def spread(self, metric: Metric, scenario: str, peer: str) -> Spread | None:
        values = self.series.get(metric.key, {}).get(scenario, {}).get(peer)
        return Spread.of(values) if values else None

    def ratio(self, metric: Metric, scenario: str, peer: str, base: str) -> Spread | None:
        """The peer's value over the base's of the same round; rounds in which either is 0 tell nothing."""
        peers = self.series.get(metric.key, {}).get(scenario, {})
        return _ratio(peers.get(peer, []), peers.get(base, []))

    def between(self, metric: Metric, peer: str, scenario: str, base: str) -> Spread | None:
        """The peer's value in one scenario over its value of the same round in another."""
        scenarios = self.series.get(metric.key, {})
        return _ratio(scenarios.get(scenario, {}).get(peer, []), scenarios.get(base, {}).get(peer, []))

    def as_json(self, bases: tuple[str, ...]) -> list[dict[str, Any]]:
        """One object for each series, with its values, its spread and its ratios to each base."""
        rows = []
        for metric in METRICS:
            for scenario, peers in self.series.get(metric.key, {}).items():
                rows += [self._row(metric, scenario, peer, bases) for peer in peers]
        return rows

    def _row(self, metric: Metric, scenario: str, peer: str, bases: tuple[str, ...]) -> dict[str, Any]:
        values = self.series[metric.key][scenario][peer]
        row: dict[str, Any] = {"metric": metric.key, "scenario": scenario, "peer": peer}
        row |= {"values": values, **Spread.of(values)._asdict()}
        for base in bases:
            ratio = self.ratio(metric, scenario, peer, base)
            if ratio is not None and peer != base:
                row[f"ratio_to_{base}"] = ratio._asdict()
        return row

    @classmethod
    def from_json(cls, rows: list[dict[str, Any]]) -> Results:
        results = cls()
        for row in rows:
            results.series.setdefault(row["metric"], {}).setdefault(row["scenario"], {})[row["peer"]] = row["values"]
        return results


def _ratio(values: list[float], bases: list[float]) -> Spread | None:
    ratios = [value / base for value, base in zip(values, bases, strict=False) if base]
    return Spread.of(ratios) if ratios else None
