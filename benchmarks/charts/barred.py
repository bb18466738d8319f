"""Makes bars of the rows of a result: their notes, their order, and panels that hold what can be seen side by side."""

from __future__ import annotations

from collections.abc import Iterable

from ..peers import NGINX
from ..results import Metric, Spread
from .run import Run, is_base, is_ours
from .scales import figure
from .shapes import Bar, BarPanel

# A bar so many times as long as those of framegate and nginx goes to a panel with a scale of its own.
FAR = 4


def bars(run: Run, metric: Metric, scenario: str, peers: Iterable[str] | None = None) -> list[Bar]:
    """A bar for each peer (for all of the scenario, shortest first, unless some are given in their order)."""
    chosen = run.peers(metric.key, scenario) if peers is None else peers
    made = [bar for peer in chosen if (bar := _bar(run, metric, scenario, peer)) is not None]
    return made if peers is not None else sorted(made, key=lambda bar: bar.spread.median)


def _bar(run: Run, metric: Metric, scenario: str, peer: str) -> Bar | None:
    spread = run.results.spread(metric, scenario, peer)
    if spread is None:
        return None
    return Bar(peer, spread, figure(spread.median) + ratio_note(run, metric, scenario, peer), is_ours(peer))


def ratio_note(run: Run, metric: Metric, scenario: str, peer: str, of: str = "") -> str:
    """Such as " · 1.13 × nginx"; nothing for nginx itself and where nginx was not measured."""
    ratio = None if peer == NGINX else run.results.ratio(metric, scenario, peer, NGINX)
    return "" if ratio is None else f" · {figure(ratio.median)} × nginx{of}"


def panels(heading: str, made: list[Bar]) -> list[BarPanel]:
    """One panel, or two where some bars would press the others together; the second repeats framegate and nginx."""
    known = [bar.reach for bar in made if is_base(bar.label)]
    far = [bar for bar in made if known and bar.reach > FAR * max(known)]
    near = [bar for bar in made if bar not in far]
    if not far:
        return [BarPanel(heading, tuple(made))] if made else []
    smaller = max(bar.reach for bar in far) / max(bar.reach for bar in near)
    second = f"{heading}, on a scale about {smaller:.0f} times smaller".lstrip(", ")
    return [
        BarPanel(heading, tuple(near)),
        BarPanel(second[0].upper() + second[1:], tuple(bar for bar in made if is_base(bar.label) or bar in far)),
    ]


def told(run: Run, metric: Metric, scenario: str, made: Iterable[Bar]) -> str:
    """The bars as a sentence: "framegate 0.74 (1.13 × nginx, 1.12–1.20); nginx 0.64"."""
    return "; ".join(f"{bar.label} {figure(bar.spread.median)}{_range(run, metric, scenario, bar)}" for bar in made)


def _range(run: Run, metric: Metric, scenario: str, bar: Bar) -> str:
    ratio = None if bar.label == NGINX else run.results.ratio(metric, scenario, bar.label, NGINX)
    return "" if ratio is None else f" ({figure(ratio.median)} × nginx, {between(ratio)})"


def between(spread: Spread) -> str:
    low, high = figure(spread.low), figure(spread.high)
    return low if low == high else f"{low}–{high}"
