"""Runs the load generator against one peer and returns what it measured; every surprise is an error."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from typing import IO, Any

from . import cpu, native
from .errors import BenchmarkError
from .peers import Peer
from .scenarios import Scenario

RUN_SECONDS = 120
SETTLING_SECONDS = 0.3


@dataclass(frozen=True)
class Measured:
    """Of one window: round trips or connections, seconds, CPU seconds of each process, latencies in µs."""

    count: int
    seconds: float
    proxy_cpu: float | None
    upstream_cpu: float
    load_cpu: float
    p50_us: float
    p99_us: float
    p999_us: float

    @property
    def elsewhere(self) -> float:
        """The share of the CPU's time that went to none of the three processes."""
        return max(0.0, 1 - ((self.proxy_cpu or 0.0) + self.upstream_cpu + self.load_cpu) / self.seconds)


def measure_trips(peer: Peer, upstream: Peer, scenario: Scenario, seconds: float) -> Measured:
    """Keep a scenario's messages in flight for this long, after a fifth of it to warm up."""
    in_all = scenario.connections * scenario.in_flight
    arguments = [
        *("trips", "--size", str(scenario.size), "--connections", str(scenario.connections)),
        *("--in-flight", str(scenario.in_flight), "--seconds", str(seconds), "--warm-up", str(seconds / 5)),
        *("--least", str(max(in_all, 50))),
        *(["--text"] if scenario.text else []),
    ]
    return _measure(peer, upstream, arguments)


def measure_setup(peer: Peer, upstream: Peer, connections: int, count: int) -> Measured:
    """Open, use for one echo and close `count` connections, `connections` at a time."""
    return _measure(peer, upstream, ["setup", "--connections", str(connections), "--count", str(count)])


def idle_kib(peer: Peer, baseline: int, connections: int) -> float:
    """Resident KiB that each connection adds to the peer between the baseline and all connections."""
    assert peer.server is not None
    argv = _argv(peer, ["idle", "--connections", str(connections), "--baseline", str(baseline)])
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as run:
        assert run.stdin is not None and run.stdout is not None and run.stderr is not None
        sizes = []
        for count in (baseline, connections):
            if run.stdout.readline() != f"open {count}\n":
                raise _failed(peer, run.stderr)
            time.sleep(SETTLING_SECONDS)
            sizes.append(cpu.resident_kib(peer.server.pid))
            run.stdin.write("\n")
            run.stdin.flush()
        if run.wait() != 0:
            raise _failed(peer, run.stderr)
    return (sizes[1] - sizes[0]) / (connections - baseline)


def _argv(peer: Peer, arguments: list[str]) -> list[str]:
    edited = ["--last", peer.last] if peer.last is not None else []
    return [str(native.program("load")), *arguments, "--port", str(peer.port), *edited]


def _measure(peer: Peer, upstream: Peer, arguments: list[str]) -> Measured:
    assert upstream.server is not None
    peer.check()
    argv = [*_argv(peer, arguments), "--cpu-of", str(upstream.server.pid)]
    if peer.server is not None:
        argv += ["--cpu-of", str(peer.server.pid)]
    try:
        run = subprocess.run(argv, capture_output=True, text=True, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{peer.name}: no result within {RUN_SECONDS} s from {' '.join(arguments)}") from None
    peer.check()
    upstream.check()
    if run.returncode != 0:
        raise BenchmarkError(f"{peer.name}: {run.stderr.strip()} ({' '.join(arguments)}){_said(peer)}")
    return _parsed(peer, json.loads(run.stdout))


def _parsed(peer: Peer, result: dict[str, Any]) -> Measured:
    if result["count"] == 0:
        raise BenchmarkError(f"{peer.name}: no round trip in {result['seconds']:.2f} s")
    upstream_cpu, *proxy_cpu = result["cpu_seconds"]
    if proxy_cpu and proxy_cpu[0] <= 0:
        raise BenchmarkError(f"{peer.name}: echoes came, but its process used no CPU: not the process that forwards?")
    return Measured(
        count=result["count"],
        seconds=result["seconds"],
        proxy_cpu=proxy_cpu[0] if proxy_cpu else None,
        upstream_cpu=upstream_cpu,
        load_cpu=result["own_cpu_seconds"],
        p50_us=result["p50_us"],
        p99_us=result["p99_us"],
        p999_us=result["p999_us"],
    )


def _failed(peer: Peer, errors: IO[str]) -> BenchmarkError:
    peer.check()
    return BenchmarkError(f"{peer.name}: {errors.read().strip() or 'the load generator ended'}{_said(peer)}")


def _said(peer: Peer) -> str:
    said = peer.server.said() if peer.server is not None else ""
    return f"; {peer.name} said:\n{said}" if said else ""
