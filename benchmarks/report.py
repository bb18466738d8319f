"""Turns results into tables: one for each metric, and the ratios to nginx at a glance."""

from __future__ import annotations

from typing import Any

from .peers import DIRECT, MEANINGS, NGINX, STARTS, WEBSOCKETS
from .results import CPU_PER_FRAME, IDLE, METRICS, P50, P99, SETUP, Metric, Results, Spread
from .tables import Table

BASES = (NGINX, WEBSOCKETS)
# Above this share the figures say as much about the neighbours as about the peers.
NOTICEABLE = 0.1


def render(document: dict[str, Any], markdown: bool) -> str:
    """The whole report of a result document, as text or as Markdown."""
    results = Results.from_json(document["rows"])
    tables = [table for metric in METRICS if (table := _metric_table(results, metric)).rows]
    glance = _glance(results)
    if glance.rows:
        tables.append(glance)
    parts = [_heading(document, markdown), *(table.as_markdown() if markdown else table.as_text() for table in tables)]
    return "\n\n".join([*parts, _peers(results, markdown)])


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
    if document["elsewhere"]["median"] > NOTICEABLE:
        lines.append("THE CPU WAS SHARED during this run: trust no rate and no latency in it, CPU times only as ratios")
    return "\n".join(f"- {line}" for line in lines) if markdown else "\n".join(lines)


def _metric_table(results: Results, metric: Metric) -> Table:
    header = ["load", "peer", "median", "range", "× nginx", "range", "× websockets", "range"]
    rows = []
    # What a frame costs unloaded is in the kept result; the report has the latencies there.
    for scenario in _loaded(results, metric) if metric is CPU_PER_FRAME else results.scenarios(metric):
        for peer in STARTS:
            spread = results.spread(metric, scenario, peer)
            if spread is None:
                continue
            cells = _cells(spread, metric.digits)
            for base in BASES:
                cells += _cells(results.ratio(metric, scenario, peer, base), 2)
            rows.append([scenario, peer, *cells])
    return Table(metric.title, header, rows)


def _cells(spread: Spread | None, digits: int) -> list[str]:
    if spread is None:
        return ["–", "–"]
    return [f"{spread.median:,.{digits}f}", f"{spread.low:,.{digits}f}–{spread.high:,.{digits}f}"]


def _glance(results: Results) -> Table:
    columns = [(CPU_PER_FRAME, scenario) for scenario in _loaded(results, CPU_PER_FRAME)]
    for metric in (P50, P99):
        columns += [(metric, scenario) for scenario in results.scenarios(metric)[:1]]
    for metric in (SETUP, IDLE):
        columns += [(metric, scenario) for scenario in results.scenarios(metric)]
    rows = []
    for peer in STARTS:
        ratios = [results.ratio(metric, scenario, peer, NGINX) for metric, scenario in columns]
        if peer not in (DIRECT, NGINX) and any(ratios):
            rows.append([peer, *(f"{ratio.median:.2f}" if ratio else "–" for ratio in ratios)])
    header = ["peer", *(_short_name(metric, scenario) for metric, scenario in columns)]
    return Table("At a glance: medians of the ratios to nginx with Debian's defaults (below 1 is less)", header, rows)


def _loaded(results: Results, metric: Metric) -> list[str]:
    return [scenario for scenario in results.scenarios(metric) if not scenario.endswith(", 1 × 1")]


def _short_name(metric: Metric, scenario: str) -> str:
    if metric is CPU_PER_FRAME:
        return f"CPU {scenario}"
    if metric in (P50, P99):
        return f"{metric.key[:3]} {scenario}"
    return "CPU setup" if metric is SETUP else "KiB idle"


def _peers(results: Results, markdown: bool) -> str:
    measured = {peer for scenarios in results.series.values() for peers in scenarios.values() for peer in peers}
    mark = "- " if markdown else ""
    return "\n".join(f"{mark}{peer}: {MEANINGS[peer]}" for peer in STARTS if peer in measured)
