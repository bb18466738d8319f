"""Turns results into tables: one for each metric, the ratios to nginx at a glance, and what more workers bring."""

from __future__ import annotations

import re
from typing import Any

from .peers import DIRECT, KINDS, MEANINGS, NGINX, NGINX_64K, WEBSOCKETS
from .results import (
    CPU_PER_FRAME,
    FAN_OUT,
    IDLE,
    LOADED_P50,
    LOADED_P99,
    LOADED_P999,
    METRICS,
    P50,
    P99,
    SETUP,
    TRIPS,
    Metric,
    Results,
    Spread,
)
from .tables import Table

# What the kept rows have ratios to; the report shows the first two.
BASES = (NGINX, NGINX_64K, WEBSOCKETS)
SHOWN_BASES = BASES[:2]
# Above this share the figures say as much about the neighbours as about the peers.
NOTICEABLE = 0.1
UNLOADED = re.compile(r", 1 × 1(,|$)")
WORKERS = re.compile(r", (\d+) workers?$")
LOADED = (LOADED_P50, LOADED_P99, LOADED_P999)


def render(document: dict[str, Any], markdown: bool) -> str:
    """The whole report of a result document, as text or as Markdown."""
    results = Results.from_json(document["rows"])
    tables = [_metric_table(results, metric) for metric in METRICS if metric not in LOADED]
    tables[2:2] = [_loaded_latencies(results)]
    tables += [_scaling(results), _glance(results)]
    drawn = [table.as_markdown() if markdown else table.as_text() for table in tables if table.rows]
    return "\n\n".join([_heading(document, markdown), *drawn, _peers(results, markdown)])


def _heading(document: dict[str, Any], markdown: bool) -> str:
    machine, versions, plan = document["machine"], document["versions"], document["plan"]
    lines = [
        f"{document['started_at']}, commit {document['commit']}: {document['command']}",
        f"{machine['cpu_model']}, {machine['cpus']} CPUs, all on CPU {machine['pinned_to_cpu']}; {machine['kernel']}",
        "; ".join(f"{name}: {version}" for name, version in versions.items()),
        f"medians of {plan['rounds']} interleaved rounds of {plan['seconds']} s, with least and greatest; "
        "ratios are taken within each round",
        f"CPU time that went to other processes: {document['elsewhere']['median']:.0%} "
        f"(worst window {document['elsewhere']['high']:.0%})",
    ]
    lines += [f"without {what}: {why}" for what, why in document.get("left_out", {}).items()]
    if document["elsewhere"]["median"] > NOTICEABLE:
        lines.append("THE CPU WAS SHARED during this run: trust no rate and no latency in it, CPU times only as ratios")
    return "\n".join(f"- {line}" for line in lines) if markdown else "\n".join(lines)


def _metric_table(results: Results, metric: Metric) -> Table:
    header = ["load", "peer", "median", "range"]
    for base in SHOWN_BASES:
        header += [f"× {base}", "range"]
    rows = []
    # What a frame costs unloaded is in the kept result; the report has the latencies there.
    for scenario in _loaded(results, metric) if metric is CPU_PER_FRAME else results.scenarios(metric):
        for peer in KINDS:
            spread = results.spread(metric, scenario, peer)
            if spread is None:
                continue
            cells = _cells(spread, metric.digits)
            for base in SHOWN_BASES:
                cells += _cells(results.ratio(metric, scenario, peer, base), 2)
            rows.append([scenario, peer, *cells])
    return Table(metric.title, header, rows)


def _loaded_latencies(results: Results) -> Table:
    rows = []
    for scenario in results.scenarios(LOADED_P50):
        for peer in KINDS:
            spreads = [results.spread(metric, scenario, peer) for metric in LOADED]
            if spreads[0] is not None:
                rows.append([scenario, peer, *(_cells(spread, 0)[0] for spread in spreads)])
    return Table("Round trip under load, µs, medians of the rounds", ["load", "peer", "p50", "p99", "p99.9"], rows)


def _cells(spread: Spread | None, digits: int) -> list[str]:
    if spread is None:
        return ["–", "–"]
    return [f"{spread.median:,.{digits}f}", f"{spread.low:,.{digits}f}–{spread.high:,.{digits}f}"]


def _scaling(results: Results) -> Table:
    """Each peer with several workers beside itself with the fewest, in the same round."""
    found = {int(match[1]): name for name in results.scenarios(TRIPS) if (match := WORKERS.search(name))}
    rows = []
    for workers in sorted(found)[1:]:
        for peer in KINDS:
            ratios = [
                results.between(metric, peer, found[workers], found[min(found)]) for metric in (TRIPS, CPU_PER_FRAME)
            ]
            if any(ratios):
                rows.append([found[workers], peer, *(cell for ratio in ratios for cell in _cells(ratio, 2))])
    header = ["load", "peer", "× round trips", "range", "× CPU per frame", "range"]
    return Table("More workers, beside the fewest", header, rows)


def _glance(results: Results) -> Table:
    lines = [(CPU_PER_FRAME, scenario) for scenario in _loaded(results, CPU_PER_FRAME)]
    for metric in (P50, P99):
        lines += [(metric, scenario) for scenario in results.scenarios(metric)[:1]]
    for metric in (SETUP, FAN_OUT, IDLE):
        lines += [(metric, scenario) for scenario in results.scenarios(metric)]
    peers = [peer for peer in _measured(results) if peer not in (DIRECT, NGINX)]
    rows = []
    for metric, scenario in lines:
        ratios = [results.ratio(metric, scenario, peer, NGINX) for peer in peers]
        if any(ratios):
            rows.append([_short_name(metric, scenario), *(f"{ratio.median:.2f}" if ratio else "–" for ratio in ratios)])
    title = "At a glance: medians of the ratios to nginx with Debian's defaults (below 1 is less)"
    return Table(title, ["load", *peers], rows)


def _loaded(results: Results, metric: Metric) -> list[str]:
    return [scenario for scenario in results.scenarios(metric) if not UNLOADED.search(scenario)]


def _short_name(metric: Metric, scenario: str) -> str:
    if metric in (P50, P99):
        return f"{metric.key[:3]} {scenario}"
    return f"KiB {scenario}" if metric is IDLE else f"CPU {scenario}"


def _measured(results: Results) -> list[str]:
    measured = {peer for scenarios in results.series.values() for peers in scenarios.values() for peer in peers}
    return [peer for peer in KINDS if peer in measured]


def _peers(results: Results, markdown: bool) -> str:
    mark = "- " if markdown else ""
    return "\n".join(f"{mark}{peer}: {MEANINGS[peer]}" for peer in _measured(results))
