"""Proxies under the same load, in turn: starts them, measures CPU per frame and memory per idle connection."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import load
from benchmarks.peers import nginx, upstreams
from benchmarks.peers.framegate import environment
from benchmarks.peers.kinds import Peer, Site
from benchmarks.processes import Server
from benchmarks.scenarios import Scenario

from .figures import Figures
from .plan import Plan

RELAY = Path(__file__).with_name("relay.py")
NGINX = "nginx's tunnel"
SMALL = (Scenario(64, 16, 1), Scenario(64, 16, 8))
USUAL = (*SMALL, Scenario(16 * 1024, 16, 8))

Start = Callable[[str, Site], Peer]


def relay(*arguments: str) -> Start:
    """The blind relay with these arguments."""

    def start(name: str, site: Site) -> Peer:
        argv = [sys.executable, str(RELAY), str(site.upstream_port), *arguments]
        return announced(name, argv, site, environment())

    return start


def announced(name: str, argv: list[str], site: Site, env: dict[str, str]) -> Peer:
    """A program that says where it listens."""
    server = Server(name, argv, site.folder / "output.log", env)
    return Peer(name, server.announced_port(), server)


def with_nginx(ways: Mapping[str, Start], large_buffers: bool = True) -> dict[str, Start]:
    """The ways behind nginx's tunnel, where there is an nginx."""
    if shutil.which("nginx") is None:
        return dict(ways)
    return {NGINX: nginx.starting(nginx.LARGE_BUFFERS if large_buffers else nginx.DEFAULT_BUFFERS), **ways}


@contextmanager
def all_up(plan: Plan, ways: Mapping[str, Start]) -> Iterator[tuple[Peer, list[Peer]]]:
    """The echo upstream and all the proxies before it."""
    with ExitStack() as stack:
        upstream = upstreams.start_echo(_folder(plan, "upstream"))
        stack.callback(upstream.stop)
        running = []
        for number, (name, start) in enumerate(ways.items()):
            running.append(start(name, Site(upstream.port, _folder(plan, f"way-{number}"))))
            stack.callback(running[-1].stop)
        yield upstream, running


def cpu_per_frame(figures: Figures, plan: Plan, ways: Mapping[str, Start], scenarios: tuple[Scenario, ...]) -> None:
    """Add each way's CPU µs per forwarded frame, a round after the other."""
    with all_up(plan, ways) as (upstream, running):
        for scenario in scenarios:
            for peer in plan.turns(running):
                measured = load.measure_trips(peer, upstream, scenario, plan.seconds)
                assert measured.proxy_cpu is not None
                figures.add(peer.name, scenario.name, measured.proxy_cpu * 1e6 / (2 * measured.count))


def memory_per_connection(figures: Figures, plan: Plan, ways: Mapping[str, Start], connections: int) -> None:
    """Add each way's KiB per idle connection; memory hardly differs between rounds, so one is taken."""
    with all_up(plan, ways) as (_, running):
        for peer in running:
            figures.add(peer.name, "KiB per idle connection", load.idle_kib(peer, connections // 4, connections))


def without(module: str) -> str | None:
    """Why an experiment that needs this package cannot run."""
    return None if importlib.util.find_spec(module) else f"{module} is not installed: pip install {module}"


def _folder(plan: Plan, name: str) -> Path:
    folder = plan.folder / name
    folder.mkdir(exist_ok=True)
    return folder
