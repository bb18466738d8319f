"""What the sections of a run share: plan, peers, results, and how peers are brought up and measured in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import certificates, load, native, peers
from .errors import BenchmarkError
from .peers import KINDS, upstreams
from .peers.kinds import DEFLATE, PLAIN, TLS, Peer, Site
from .plans import Plan
from .results import CPU_PER_FRAME, LOADED_P50, LOADED_P99, LOADED_P999, P50, P99, P999, TRIPS, Results
from .scenarios import Scenario

# What a setting needs of the load generator.
PROGRAMS = {TLS: "load-tls", DEFLATE: "load-deflate"}


@dataclass
class Bench:
    """One run. `names` are the peers that can be measured; `cpus` those that this process was allowed before pinning.

    `left_out` says why something that the plan asks for was not measured.
    """

    plan: Plan
    names: list[str]
    folder: Path
    say: Callable[[str], None]
    cpus: set[int]
    install: bool
    insist: bool
    results: Results = field(default_factory=Results)
    left_out: dict[str, str] = field(default_factory=dict)
    _folders: int = 0

    def new_folder(self) -> Path:
        self._folders += 1
        folder = self.folder / str(self._folders)
        folder.mkdir()
        return folder

    def who_can(self, setting: str) -> list[str]:
        return [name for name in self.names if KINDS[name].can(setting)]

    def provides(self, setting: str) -> bool:
        """Whether the load generator can be had for a setting; if not, that is noted, or raised with `insist`."""
        try:
            native.provide(PROGRAMS.get(setting, "load"), self.install)
        except BenchmarkError as error:
            if self.insist:
                raise
            self.leave_out(setting, str(error))
            return False
        return True

    def leave_out(self, what: str, why: str) -> None:
        self.left_out[what] = why
        self.say(f"without {what}: {why}")

    def site(self, upstream: Peer, setting: str, folder: Path, workers: int = 1) -> Site:
        plan = self.plan
        return Site(
            upstream_port=upstream.port,
            folder=folder,
            certificate=certificates.make(folder) if setting == TLS else None,
            deflate=setting == DEFLATE,
            workers=workers,
            connections=plan.most_connections,
            largest=plan.largest,
        )

    @contextmanager
    def echo(self, setting: str = PLAIN) -> Iterator[Peer]:
        with running(upstreams.start_echo(self.new_folder(), setting == DEFLATE)) as upstream:
            yield upstream

    @contextmanager
    def all_up(self, names: list[str], upstream: Peer, setting: str = PLAIN, workers: int = 1) -> Iterator[list[Peer]]:
        """The named peers, all started; those that lead to the upstream in one setting share its certificate."""
        with ExitStack() as stack:
            site = self.site(upstream, setting, self.new_folder(), workers)
            yield [stack.enter_context(running(peers.start(name, site))) for name in names]

    def note_trips(self, scenario: Scenario, peer: Peer, measured: load.Measured) -> None:
        results = self.results
        results.elsewhere.append(measured.elsewhere)
        if measured.proxy_cpu is not None:
            # A round trip is two forwarded frames, one in each direction.
            per_frame = measured.proxy_cpu * 1e6 / (2 * measured.count)
            results.add(CPU_PER_FRAME, scenario.name, peer.name, per_frame)
        metrics = (P50, P99, P999) if scenario.is_unloaded else (LOADED_P50, LOADED_P99, LOADED_P999)
        for metric, value in zip(metrics, (measured.p50_us, measured.p99_us, measured.p999_us), strict=True):
            results.add(metric, scenario.name, peer.name, value)
        if not scenario.is_unloaded:
            results.add(TRIPS, scenario.name, peer.name, measured.count / measured.seconds)


@contextmanager
def running(peer: Peer) -> Iterator[Peer]:
    try:
        yield peer
    finally:
        peer.stop()


def in_turn(running: list[Peer], number: int) -> list[Peer]:
    """Whoever is measured first in one round is last in the next."""
    turn = number % len(running) if running else 0
    return running[turn:] + running[:turn]
