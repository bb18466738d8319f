"""All charts, and of which rows each is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..peers.kinds import DEFLATE, TLS
from . import comparisons, curves
from .run import Run
from .shapes import Chart


@dataclass(frozen=True)
class Entry:
    """`needs` says which rows a result must have for this chart."""

    name: str
    needs: str
    make: Callable[[Run], Chart | None]

    def chart(self, run: Run) -> Chart | None:
        """The chart, or None when the result has no rows for it."""
        made = self.make(run)
        return None if made is None else replace(made, source=run.source)


CATALOGUE = (
    Entry("cpu-16x8", "CPU per frame at 16 × 8", lambda run: comparisons.cpu_per_frame(run, "16 × 8")),
    Entry("cpu-16x1", "CPU per frame at 16 × 1", lambda run: comparisons.cpu_per_frame(run, "16 × 1")),
    Entry("cpu-over-size", "CPU per frame with two or more sizes", curves.over_size),
    Entry("cpu-tls", "CPU per frame under TLS with two or more sizes", lambda run: curves.over_size(run, TLS)),
    Entry(
        "cpu-deflate", "CPU per frame with deflate and two or more sizes", lambda run: curves.over_size(run, DEFLATE)
    ),
    Entry("latency", "round trips at 1 × 1", comparisons.latency),
    Entry("setup", "CPU per connection", comparisons.setup),
    Entry("idle", "memory per idle connection", comparisons.idle),
    Entry("fan-out", "CPU per frame of a message to all connections", comparisons.fan_out),
    Entry("plugins", "CPU per frame of the gateway with and without plugins", comparisons.plugins),
    Entry("throughput", "round trips with two or more numbers of connections", curves.over_connections),
    Entry("workers", "round trips with a number of workers", comparisons.workers),
)
