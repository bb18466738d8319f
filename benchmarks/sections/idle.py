"""What idle connections take of memory: a fresh process each time."""

from __future__ import annotations

from .. import load
from ..bench import Bench
from ..peers import DIRECT
from ..results import IDLE


def measure(bench: Bench) -> None:
    plan = bench.plan
    scenario = f"{plan.idle_connections} connections"
    for number in range(plan.idle_rounds):
        bench.say(f"idle connections: round {number + 1} of {plan.idle_rounds}")
        for name in bench.names:
            if name == DIRECT:
                continue
            # A process that has been under load holds free memory that hides what a connection takes. An upstream of
            # its own leaves nothing of the last peer's connections on the ports of this one's.
            with bench.echo() as upstream, bench.all_up([name], upstream) as (peer,):
                kib = load.idle_kib(peer, plan.idle_baseline, plan.idle_connections)
                bench.results.add(IDLE, scenario, name, kib)
