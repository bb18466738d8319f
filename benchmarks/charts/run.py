"""A kept result, read and checked, and its loads and peers by what they are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BenchmarkError
from ..peers import NGINX
from ..peers.kinds import PLAIN
from ..results import Results
from ..scenarios import UNITS

# From this share on the report warns as well.
SHARED = 0.1
LOAD = re.compile(
    r"(?P<number>\d+) (?P<unit>B|KiB|MiB), (?P<connections>\d+) × (?P<in_flight>\d+)(?:, (?P<setting>.+))?"
)
WORKERS = re.compile(r"\b(\d+)[ -]workers?\b|\bworkers?[ -=](\d+)\b")


@dataclass(frozen=True)
class Load:
    """A scenario's name taken apart."""

    scenario: str
    size: int
    connections: int
    in_flight: int
    setting: str

    @property
    def size_name(self) -> str:
        return self.scenario.split(",")[0]

    @property
    def shape(self) -> str:
        return f"{self.connections} × {self.in_flight}"

    @classmethod
    def parse(cls, scenario: str) -> Load | None:
        found = LOAD.fullmatch(scenario)
        if found is None:
            return None
        size = int(found["number"]) * UNITS[found["unit"][0].lower()]
        return cls(scenario, size, int(found["connections"]), int(found["in_flight"]), found["setting"] or PLAIN)


@dataclass(frozen=True)
class Run:
    """The figures of one result, and where they come from."""

    results: Results
    document: dict[str, Any]

    def peers(self, metric: str, scenario: str) -> list[str]:
        return list(self.results.series.get(metric, {}).get(scenario, {}))

    def scenarios(self, metric: str) -> list[str]:
        return list(self.results.series.get(metric, {}))

    def loads(self, metric: str, setting: str = PLAIN) -> list[Load]:
        """The loads of the metric in a setting; those in the plain one say no more than how much is on the way."""
        loads = [load for scenario in self.scenarios(metric) if (load := Load.parse(scenario)) is not None]
        return [load for load in loads if load.setting == setting]

    @property
    def source(self) -> tuple[str, ...]:
        """Where, when and on which commit it was measured, for the foot of each chart."""
        machine = self.document["machine"]
        counts = [len(row["values"]) for row in self.document["rows"]]
        rounds = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{counts[0]}"
        system = " ".join(str(machine["kernel"]).split()[:2]).split("-")[0]
        lines = [
            f"{machine['cpu_model']}, {machine['cpus']} CPUs, {system}; measured "
            f"{str(self.document['started_at'])[:10]} at commit {self.document['commit']}",
            f"Medians of {rounds} rounds, thin lines from least to greatest; "
            "ratios are medians of the ratios within a round",
        ]
        if self.document["elsewhere"]["median"] > SHARED:
            lines.append("The CPU was shared with other programs during this run: trust only the ratios")
        return tuple(lines)


def load(path: Path) -> Run:
    """Read a kept result. Raises BenchmarkError that says what is wrong with the file."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{path}: {error}") from None
    return checked(document, str(path))


def checked(document: Any, name: str) -> Run:
    wanted = ("started_at", "commit", "command", "machine", "versions", "plan", "elsewhere", "rows")
    missing = [key for key in wanted if not isinstance(document, dict) or key not in document]
    if missing:
        raise BenchmarkError(f"{name}: no {', '.join(missing)} in it: not a result of `python -m benchmarks`")
    if not document["rows"]:
        raise BenchmarkError(f"{name}: has no rows: nothing was measured")
    for number, row in enumerate(document["rows"]):
        known = isinstance(row, dict) and {"metric", "scenario", "peer", "values"} <= row.keys()
        if not known or not row["values"] or not all(isinstance(value, int | float) for value in row["values"]):
            raise BenchmarkError(f"{name}: rows[{number}] is not a metric, scenario, peer and values")
    return Run(Results.from_json(document["rows"]), document)


def is_ours(peer: str) -> bool:
    return peer.startswith("framegate")


def is_base(peer: str) -> bool:
    """Whether the peer stands in each panel that others are compared in: framegate itself, and nginx."""
    return peer in ("framegate", NGINX)
