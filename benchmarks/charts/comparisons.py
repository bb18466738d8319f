"""The charts of bars: what each peer costs under one load."""

from __future__ import annotations

from dataclasses import replace

from ..peers import DIRECT, NGINX
from ..results import CPU_PER_FRAME, FAN_OUT, IDLE, P50, P99, SETUP, TRIPS, Metric
from .barred import bars, panels, ratio_note, told
from .run import WORKERS, Load, Run
from .scales import figure
from .shapes import Bar, BarPanel, Chart

PLUGINS = (NGINX, "framegate-gateway", "framegate-1-plugin", "framegate-5-plugins")


def cpu_per_frame(run: Run, shape: str) -> Chart | None:
    """`shape` is the load, such as "16 × 8"; of the sizes the smallest is drawn."""
    load = smallest(run, CPU_PER_FRAME, shape)
    if load is None:
        return None
    made = bars(run, CPU_PER_FRAME, load.scenario)
    return Chart(
        title=f"CPU time to forward a frame of {load.size_name}, {load.shape}",
        unit="µs of the proxy's CPU time, all its threads, kernel included",
        how=f"{load.connections} connections, {_messages(load.in_flight)} in flight on each. Less is better.",
        says=f"CPU µs per frame: {told(run, CPU_PER_FRAME, load.scenario, made)}.",
        bars=tuple(panels("", made)),
    )


def _messages(number: int) -> str:
    return "one message" if number == 1 else f"{number} messages"


def smallest(run: Run, metric: Metric, shape: str) -> Load | None:
    """64 B under the load of that shape, else the smallest size that there is."""
    found = [load for load in run.loads(metric.key) if load.shape == shape]
    return min(found, key=lambda load: (load.size != 64, load.size), default=None)


def latency(run: Run) -> Chart | None:
    load = smallest(run, P50, "1 × 1")
    if load is None:
        return None
    made = [_with_p99(run, load.scenario, bar) for bar in bars(run, P50, load.scenario)]
    told_of = "; ".join(f"{bar.label} {bar.note}" for bar in made)
    without = " `direct` is without a proxy." if any(bar.label == DIRECT for bar in made) else ""
    return Chart(
        title=f"Round trip of one message of {load.size_name}, nothing else on the way",
        unit="µs",
        how=f"Full colour: p50. Faded: p99.{without} Less is better.",
        says=f"p50 / p99 in µs: {told_of}.",
        bars=tuple(panels("", made)),
    )


def _with_p99(run: Run, scenario: str, bar: Bar) -> Bar:
    tail = run.results.spread(P99, scenario, bar.label)
    if tail is None:
        return bar
    note = f"{figure(bar.spread.median)} / {figure(tail.median)}{ratio_note(run, P50, scenario, bar.label, '’s p50')}"
    return replace(bar, tail=tail, note=note)


def setup(run: Run) -> Chart | None:
    return _each_scenario(
        run,
        SETUP,
        title="CPU time to open and close a connection",
        unit="µs of the proxy's CPU time",
        how="TCP, opening handshake, one echo, closing handshake. Less is better.",
        says="CPU µs per connection",
    )


def idle(run: Run) -> Chart | None:
    return _each_scenario(
        run,
        IDLE,
        title="Memory of an idle connection",
        unit="KiB of the proxy's resident memory",
        how="What each connection adds, after one echo. Less is better.",
        says="KiB per idle connection",
    )


def fan_out(run: Run) -> Chart | None:
    return _each_scenario(
        run,
        FAN_OUT,
        title="CPU time to deliver a frame of a message that goes to all connections",
        unit="µs of the proxy's CPU time per delivered frame",
        how="The upstream sends each message on to every connection. Less is better.",
        says="CPU µs per delivered frame",
    )


def _each_scenario(run: Run, metric: Metric, title: str, unit: str, how: str, says: str) -> Chart | None:
    scenarios = run.scenarios(metric.key)
    made = {scenario: bars(run, metric, scenario) for scenario in scenarios}
    drawn = [panel for scenario in scenarios for panel in panels(_several(scenario), made[scenario])]
    said = [f"{says}, {_several(scenario)}: {told(run, metric, scenario, found)}." for scenario, found in made.items()]
    return Chart(title, unit, how, " ".join(said), bars=tuple(drawn)) if drawn else None


def _several(scenario: str) -> str:
    """Such as "10,000 connections" for "10000 connections"."""
    first, _, rest = scenario.partition(" ")
    return f"{int(first):,} {rest}" if first.isdecimal() else scenario


def plugins(run: Run) -> Chart | None:
    loads = [load for shape in ("16 × 8", "16 × 1") if (load := smallest(run, CPU_PER_FRAME, shape)) is not None]
    made = {load: bars(run, CPU_PER_FRAME, load.scenario, PLUGINS) for load in loads}
    made = {load: found for load, found in made.items() if sum(bar.ours for bar in found) > 1}
    if not made:
        return None
    said = [f"{load.scenario}: {told(run, CPU_PER_FRAME, load.scenario, found)}" for load, found in made.items()]
    return Chart(
        title="What plugins cost that read every frame: none, one and five of them",
        unit="µs of the proxy's CPU time per frame",
        how="The gateway with a route; nginx's tunnel for comparison. Less is better.",
        says=f"CPU µs per frame, {'. '.join(said)}.",
        bars=tuple(BarPanel(load.scenario, tuple(found)) for load, found in made.items()),
    )


def workers(run: Run) -> Chart | None:
    """Whatever was measured with a number of workers, in the scenario's name or in the peer's, all on one scale."""
    drawn, said = [], []
    for scenario in run.scenarios(TRIPS.key):
        number = WORKERS.search(scenario)
        peers = [peer for peer in run.peers(TRIPS.key, scenario) if number or WORKERS.search(peer)]
        made = bars(run, TRIPS, scenario, peers)
        if made:
            drawn += [replace(bar, label=f"{bar.label}, {number[0]}") if number else bar for bar in made]
            said.append(f"{scenario}: {told(run, TRIPS, scenario, made)}.")
    if not drawn:
        return None
    return Chart(
        title="Round trips over the number of worker processes",
        unit="round trips per second",
        how="More is better.",
        says=f"Round trips per second, {' '.join(said)}",
        bars=(BarPanel("", tuple(drawn)),),
    )
