"""The table that README and docs show of a result: a row for each peer, figures with their ratio to nginx's tunnel."""

from __future__ import annotations

import re

from ..peers import DIRECT, KINDS, NGINX
from ..results import CPU_PER_FRAME, IDLE, P99, SETUP, Metric
from .run import Run

SUMMARY = re.compile(r"<!-- benchmark summary -->\n.*?<!-- end of benchmark summary -->", re.DOTALL)
COLUMNS: tuple[tuple[str, Metric, str], ...] = (
    ("64 B, 16 × 1", CPU_PER_FRAME, "64 B, 16 × 1"),
    ("64 B, 16 × 8", CPU_PER_FRAME, "64 B, 16 × 8"),
    ("1 KiB, 16 × 8", CPU_PER_FRAME, "1 KiB, 16 × 8"),
    ("16 KiB, 16 × 8", CPU_PER_FRAME, "16 KiB, 16 × 8"),
    ("1 MiB, 16 × 8", CPU_PER_FRAME, "1 MiB, 16 × 8"),
    ("ping-pong p99", P99, "64 B, 1 × 1"),
    ("set-up", SETUP, ""),
    ("idle KiB", IDLE, ""),
)


def filled(text: str, run: Run) -> str:
    """The text with its summaries made anew."""
    return SUMMARY.sub(lambda _: f"<!-- benchmark summary -->\n{table(run)}\n<!-- end of benchmark summary -->", text)


def table(run: Run) -> str:
    """Peers in the order of the reports, those of which there is a figure; each cell is the figure and (ratio)."""
    columns = [(title, metric, _scenario(run, metric, wanted)) for title, metric, wanted in COLUMNS]
    shown = [(title, metric, scenario) for title, metric, scenario in columns if scenario is not None]
    lines = [
        f"| CPU µs per frame, and more | {' | '.join(title for title, _, _ in shown)} |",
        f"| --- |{' --: |' * len(shown)}",
    ]
    for kind in KINDS.values():
        cells = [_cell(run, metric, scenario, kind.name) for _, metric, scenario in shown]
        if kind.name != DIRECT and any(cells):
            lines.append(f"| `{kind.name}` | {' | '.join(cell or '–' for cell in cells)} |")
    return "\n".join(lines)


def _scenario(run: Run, metric: Metric, wanted: str) -> str | None:
    names = run.scenarios(metric.key)
    if wanted:
        return wanted if wanted in names else None
    return names[0] if names else None


def _cell(run: Run, metric: Metric, scenario: str, peer: str) -> str:
    spread = run.results.spread(metric, scenario, peer)
    if spread is None:
        return ""
    figure = f"{spread.median:,.{0 if spread.median >= 100 else metric.digits}f}"
    ratio = None if peer == NGINX else run.results.ratio(metric, scenario, peer, NGINX)
    return figure if ratio is None else f"{figure} ({ratio.median:.2f})"
