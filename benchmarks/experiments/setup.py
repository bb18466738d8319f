"""opening and closing connections, and idle ones: this tree, and other states of it built `--beside`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks import load
from benchmarks.peers.framegate import environment
from benchmarks.peers.kinds import Peer, Site

from .figures import Figures
from .plan import Plan
from .proxies import Start, all_up, announced, memory_per_connection, with_nginx

COLUMN = "CPU µs per connection"
NOW = "this tree"
CONNECTIONS = 400
IDLE = 1000


def proxy(tree: Path | None) -> Start:
    def start(name: str, site: Site) -> Peer:
        env = environment()
        if tree is not None:
            env["PYTHONPATH"] = os.pathsep.join([str(tree.resolve() / "src"), env.get("PYTHONPATH", "")])
        argv = [sys.executable, "-m", "framegate", "proxy", f"ws://127.0.0.1:{site.upstream_port}"]
        return announced(name, [*argv, "--listen", "127.0.0.1:0"], site, env)

    return start


def run(plan: Plan) -> Figures:
    others = {str(tree): proxy(tree) for tree in plan.beside}
    ways = with_nginx({**others, NOW: proxy(None)}, large_buffers=False)
    figures = Figures(
        "TCP, opening handshake, one echo, closing handshake, eight at a time", next(iter(others), NOW), 1
    )
    count = max(20, round(CONNECTIONS * plan.seconds / 0.5))
    with all_up(plan, ways) as (upstream, running):
        for peer in plan.turns(running):
            measured = load.measure_setup(peer, upstream, 8, count)
            assert measured.proxy_cpu is not None
            figures.add(peer.name, COLUMN, measured.proxy_cpu * 1e6 / measured.count)
    memory_per_connection(figures, plan, ways, max(100, round(IDLE * plan.seconds / 0.5)))
    return figures
