"""The sections of a run, in their order."""

from __future__ import annotations

from .. import scenarios
from ..bench import Bench
from ..peers.kinds import DEFLATE, TLS
from ..plans import COMPRESSION, FAN_OUT, GRID, IDLE, LATENCY, LOAD, SETUP, WORKERS, Plan
from ..plans import TLS as TLS_SECTION
from ..scenarios import Scenario
from . import fan_out, idle, trips, workers


def run(bench: Bench) -> None:
    """Measure all that the plan asks for; raises BenchmarkError at the first surprise."""
    plan = bench.plan
    plain = plain_scenarios(plan)
    if plain or SETUP in plan.sections:
        trips.measure(bench, plain, with_setup=SETUP in plan.sections)
    if TLS_SECTION in plan.sections:
        found = scenarios.batched(plan.tls_sizes, plan.text, TLS) + scenarios.unloaded((64,), plan.text, TLS)
        trips.measure(bench, found, TLS, with_setup=True)
    if COMPRESSION in plan.sections:
        trips.measure(bench, scenarios.batched(plan.deflate_sizes, plan.text, DEFLATE), DEFLATE)
    if FAN_OUT in plan.sections:
        fan_out.measure(bench)
    if IDLE in plan.sections:
        idle.measure(bench)
    if WORKERS in plan.sections:
        workers.measure(bench)


def plain_scenarios(plan: Plan) -> list[Scenario]:
    """Loads and latencies without TLS and compression, each once."""
    found = []
    if LOAD in plan.sections:
        found += scenarios.batched(plan.sizes, plan.text)
    if GRID in plan.sections:
        found += [Scenario(64, connections, in_flight, plan.text) for connections, in_flight in plan.grid]
    if LATENCY in plan.sections:
        found += scenarios.unloaded(plan.latency_sizes, plan.text)
    return list(dict.fromkeys(found))
