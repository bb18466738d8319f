"""Several workers: whether twice the processes forward twice as much. Not on one CPU, but on all that there are."""

from __future__ import annotations

import time
from contextlib import ExitStack

from .. import cpu, load
from ..bench import Bench, in_turn
from ..errors import BenchmarkError
from ..load import Generator, Measured
from ..peers.kinds import WORKERS, Peer
from ..results import CPU_PER_FRAME, LOADED_P50, LOADED_P99, TRIPS
from ..scenarios import Scenario

GENERATORS = 2
LOAD = Scenario(64, 16, 8)
# Time for the connections before the measurement begins.
OPENING_SECONDS = 0.5


def measure(bench: Bench) -> None:
    if len(bench.cpus) < 2:
        bench.leave_out(WORKERS, "several workers need at least two CPUs to run on")
        return
    with cpu.spread_over(bench.cpus), bench.echo() as upstream:
        names = _who_starts(bench, upstream)
        with ExitStack() as stack:
            running = {
                workers: stack.enter_context(bench.all_up(names, upstream, WORKERS, workers))
                for workers in bench.plan.workers
            }
            for number in range(bench.plan.rounds if names else 0):
                bench.say(f"workers: round {number + 1} of {bench.plan.rounds}")
                for workers, peers in running.items():
                    for peer in in_turn(peers, number):
                        _note(bench, workers, peer, measure_together(peer, upstream, bench.plan.worker_seconds))


def _who_starts(bench: Bench, upstream: Peer) -> list[str]:
    """The peers that start with the most workers of the plan; the others are left out with their own words."""
    able = []
    for name in bench.who_can(WORKERS):
        try:
            with bench.all_up([name], upstream, WORKERS, max(bench.plan.workers)):
                able.append(name)
        except BenchmarkError as error:
            bench.leave_out(f"{name} with {max(bench.plan.workers)} workers", str(error))
    return able


def measure_together(peer: Peer, upstream: Peer, seconds: float) -> list[Measured]:
    """The load of several generators over the same time; the CPU time of all processes stands with each."""
    begin_at = time.monotonic_ns() + int(OPENING_SECONDS * 1e9)
    arguments = [*load.trips(LOAD), "--seconds", str(seconds), "--begin-at", str(begin_at)]
    generators: list[Generator] = []
    try:
        for _ in range(GENERATORS):
            generators.append(Generator(peer, upstream, arguments))
        return [generator.result() for generator in generators]
    finally:
        for generator in generators:
            generator.stop()


def _note(bench: Bench, workers: int, peer: Peer, together: list[Measured]) -> None:
    connections = GENERATORS * LOAD.connections
    scenario = f"64 B, {connections} × {LOAD.in_flight}, {workers} {'worker' if workers == 1 else 'workers'}"
    results = bench.results
    if together[0].proxy_cpu is not None:
        trips = sum(measured.count for measured in together)
        results.add(CPU_PER_FRAME, scenario, peer.name, together[0].proxy_cpu * 1e6 / (2 * trips))
    results.add(TRIPS, scenario, peer.name, sum(measured.count / measured.seconds for measured in together))
    results.add(LOADED_P50, scenario, peer.name, max(measured.p50_us for measured in together))
    results.add(LOADED_P99, scenario, peer.name, max(measured.p99_us for measured in together))
