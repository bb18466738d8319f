"""The run itself: all peers up at once, measured in turn, round after round, so that a slow minute hits all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from . import load, peers
from .peers import Peer
from .results import CPU_PER_FRAME, IDLE, P50, P99, SETUP, TRIPS, Results
from .scenarios import Plan, Scenario

Say = Callable[[str], None]


def run(plan: Plan, names: list[str], folder: Path, say: Say) -> Results:
    """Measure the named peers; raises BenchmarkError at the first surprise."""
    results = Results()
    with _running(peers.start_upstream(folder)) as upstream:
        if plan.scenarios or "setup" in plan.sections:
            _measure_load(plan, names, upstream, folder, results, say)
        if "idle" in plan.sections:
            _measure_idle(plan, names, upstream, folder, results, say)
    return results


@contextmanager
def _running(peer: Peer) -> Iterator[Peer]:
    try:
        yield peer
    finally:
        peer.stop()


def _measure_load(plan: Plan, names: list[str], upstream: Peer, folder: Path, results: Results, say: Say) -> None:
    with ExitStack() as stack:
        running = [stack.enter_context(_running(peers.start(name, upstream.port, folder))) for name in names]
        for number in range(plan.rounds):
            say(f"round {number + 1} of {plan.rounds}")
            # Whoever is measured first in one round is last in the next.
            turn = number % len(running)
            ordered = running[turn:] + running[:turn]
            for scenario in plan.scenarios:
                for peer in ordered:
                    _note_trips(results, scenario, peer, load.measure_trips(peer, upstream, scenario, plan.seconds))
            if "setup" in plan.sections:
                for peer in ordered:
                    measured = load.measure_setup(peer, upstream, plan.setup_connections, plan.setup_count)
                    _note_setup(results, f"{plan.setup_connections} at a time", peer, measured)


def _note_trips(results: Results, scenario: Scenario, peer: Peer, measured: load.Measured) -> None:
    results.elsewhere.append(measured.elsewhere)
    if measured.proxy_cpu is not None:
        # A round trip is two forwarded frames, one in each direction.
        per_frame = measured.proxy_cpu * 1e6 / (2 * measured.count)
        results.add(CPU_PER_FRAME, scenario.name, peer.name, per_frame)
    if scenario.is_unloaded:
        results.add(P50, scenario.name, peer.name, measured.p50_us)
        results.add(P99, scenario.name, peer.name, measured.p99_us)
    else:
        results.add(TRIPS, scenario.name, peer.name, measured.count / measured.seconds)


def _note_setup(results: Results, scenario: str, peer: Peer, measured: load.Measured) -> None:
    if measured.proxy_cpu is not None:
        results.add(SETUP, scenario, peer.name, measured.proxy_cpu * 1e6 / measured.count)


def _measure_idle(plan: Plan, names: list[str], upstream: Peer, folder: Path, results: Results, say: Say) -> None:
    scenario = f"{plan.idle_connections} connections"
    for number in range(plan.idle_rounds):
        say(f"idle connections, round {number + 1} of {plan.idle_rounds}")
        for name in names:
            if name == peers.DIRECT:
                continue
            # A fresh process: one that has been under load holds free memory that hides what a connection takes.
            fresh = folder / f"idle-{number}"
            fresh.mkdir(exist_ok=True)
            with _running(peers.start(name, upstream.port, fresh)) as peer:
                kib = load.idle_kib(peer, plan.idle_baseline, plan.idle_connections)
                results.add(IDLE, scenario, name, kib)
