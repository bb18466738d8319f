"""The charts of lines: CPU per frame over the size of the messages, round trips over the number of connections."""

from __future__ import annotations

from ..peers import NGINX
from ..peers.kinds import DEFLATE, PLAIN, TLS
from ..results import CPU_PER_FRAME, TRIPS, Metric
from .run import Load, Run, is_ours
from .scales import figure
from .shapes import Chart, Line, LinePanel

# Of framegate's own ways these; others would only lie over them.
OURS = ("framegate", "framegate-hook", "framegate-edit")
USUAL = (16, 8)
SETTINGS = {TLS: ", with TLS", DEFLATE: ", compressed"}


def over_size(run: Run, setting: str = PLAIN) -> Chart | None:
    """CPU per frame: of each size the load of 16 × 8, and where that is not measured the one with most in flight."""
    by_size: dict[int, Load] = {}
    for load in run.loads(CPU_PER_FRAME.key, setting):
        if load.connections * load.in_flight > 1:
            by_size[load.size] = max(by_size.get(load.size, load), load, key=_preference)
    loads = [by_size[size] for size in sorted(by_size)]
    lines = _lines(run, CPU_PER_FRAME, [(load.size, load.scenario) for load in loads])
    if len(loads) < 2 or not lines:
        return None
    unless = "" if all(_is_usual(load) for load in loads) else ", or as written below the size"
    return Chart(
        title=f"CPU time to forward a frame by message size{SETTINGS.get(setting, '')}",
        unit="µs of the proxy's CPU time per frame",
        how=f"16 connections × 8 messages in flight{unless}. Both axes are logarithmic. Less is better.",
        says=_told(run, loads, lines),
        lines=(LinePanel("", lines, tuple((load.size, _stop(load)) for load in loads)),),
        across="message",
    )


def _preference(load: Load) -> tuple[bool, int]:
    return _is_usual(load), load.connections * load.in_flight


def _is_usual(load: Load) -> bool:
    return (load.connections, load.in_flight) == USUAL


def _stop(load: Load) -> str:
    return load.size_name if _is_usual(load) else f"{load.size_name}\n{load.shape}"


def _told(run: Run, loads: list[Load], lines: tuple[Line, ...]) -> str:
    """The lines in figures, and framegate's ratio to the tunnels, size by size."""
    figures = [f"{line.label} {' / '.join(_medians(run, line.label, loads))}" for line in lines]
    sentences = [f"µs per frame at {' / '.join(load.size_name for load in loads)}: {'; '.join(figures)}"]
    for base in (NGINX, "nginx-64k", "haproxy"):
        ratios = [(load, run.results.ratio(CPU_PER_FRAME, load.scenario, "framegate", base)) for load in loads]
        told = [f"{figure(ratio.median)} at {load.size_name}" for load, ratio in ratios if ratio is not None]
        if told:
            sentences.append(f"framegate’s ratio to {base}: {', '.join(told)}")
    return ". ".join(sentences) + "."


def _medians(run: Run, peer: str, loads: list[Load]) -> list[str]:
    spreads = [run.results.spread(CPU_PER_FRAME, load.scenario, peer) for load in loads]
    return [figure(spread.median) if spread else "–" for spread in spreads]


def over_connections(run: Run) -> Chart | None:
    """A panel for each number of messages in flight that was measured with several numbers of connections."""
    usual = min(run.loads(TRIPS.key), key=lambda load: (load.size != 64, load.size), default=None)
    if usual is None:
        return None
    panels, said = [], []
    for in_flight, loads in _windows(run, usual.size):
        lines = _lines(run, TRIPS, [(load.connections, load.scenario) for load in loads])
        if len(loads) > 1 and lines:
            stops = tuple((load.connections, f"{load.connections:,}") for load in loads)
            heading = f"{in_flight} in flight on each connection"
            panels.append(LinePanel(heading, lines, stops))
            said.append(f"With {heading} and {' / '.join(label for _, label in stops)} connections: {_rates(lines)}.")
    if not panels:
        return None
    return Chart(
        title=f"Round trips of {usual.size_name} over the number of connections",
        unit="round trips per second",
        how="Load, proxy and upstream share one CPU. Both axes are logarithmic. More is better.",
        says=" ".join(said),
        lines=tuple(panels),
        across="connections",
    )


def _windows(run: Run, size: int) -> list[tuple[int, list[Load]]]:
    """The loads of that size by the number of messages in flight on each connection, both ascending."""
    windows: dict[int, list[Load]] = {}
    for load in sorted(run.loads(TRIPS.key), key=lambda load: load.connections):
        if load.size == size:
            windows.setdefault(load.in_flight, []).append(load)
    return sorted(windows.items())


def _rates(lines: tuple[Line, ...]) -> str:
    return "; ".join(f"{line.label} {' / '.join(figure(spread.median) for _, spread in line.points)}" for line in lines)


def _lines(run: Run, metric: Metric, stops: list[tuple[int, str]]) -> tuple[Line, ...]:
    """A line for each peer with at least two points."""
    found: dict[str, list[tuple[float, str]]] = {}
    for x, scenario in stops:
        for peer in run.peers(metric.key, scenario):
            found.setdefault(peer, []).append((x, scenario))
    lines = []
    for peer, places in found.items():
        points = [(x, run.results.spread(metric, scenario, peer)) for x, scenario in places]
        kept = tuple((x, spread) for x, spread in points if spread is not None and spread.low > 0)
        if len(kept) > 1 and _drawn(peer):
            lines.append(Line(peer, kept, is_ours(peer)))
    return tuple(lines)


def _drawn(peer: str) -> bool:
    return peer in OURS or not is_ours(peer)
