"""uvloop or asyncio's own loop under `framegate proxy`."""

from __future__ import annotations

import sys

from benchmarks import load
from benchmarks.peers.framegate import environment
from benchmarks.peers.kinds import Peer, Site

from .figures import Figures
from .plan import Plan
from .proxies import USUAL, Start, all_up, announced, cpu_per_frame, without

# As if it were not installed: None in sys.modules makes the import fail, and framegate takes asyncio's loop.
WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; from framegate.cli import main; main()"
CONNECTIONS = 200


def proxy(program: list[str]) -> Start:
    def start(name: str, site: Site) -> Peer:
        argv = [*program, "proxy", f"ws://127.0.0.1:{site.upstream_port}", "--listen", "127.0.0.1:0"]
        return announced(name, argv, site, environment())

    return start


WAYS = {
    "uvloop": proxy([sys.executable, "-m", "framegate"]),
    "asyncio": proxy([sys.executable, "-c", WITHOUT_UVLOOP]),
}


def needs() -> str | None:
    return without("uvloop")


def run(plan: Plan) -> Figures:
    figures = Figures("CPU µs per forwarded frame and per connection", "uvloop")
    cpu_per_frame(figures, plan, WAYS, USUAL)
    with all_up(plan, WAYS) as (upstream, running):
        for peer in plan.turns(running):
            measured = load.measure_setup(peer, upstream, 8, max(20, round(CONNECTIONS * plan.seconds / 0.5)))
            assert measured.proxy_cpu is not None
            figures.add(peer.name, "per connection", measured.proxy_cpu * 1e6 / measured.count)
    return figures
