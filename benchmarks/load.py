"""Runs the load generator against one peer and returns what it measured; every surprise is an error."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from typing import IO, Any

from . import cpu, native, payloads
from .errors import BenchmarkError
from .peers.kinds import MIB, Peer
from .scenarios import Scenario

RUN_SECONDS = 120
SETTLING_SECONDS = 0.3
# Enough round trips for a figure, where each takes long.
LEAST_TRIPS = 50
LEAST_LARGE_TRIPS = 8


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


class Generator:
    """One run of the load generator that goes on; `result` waits for it."""

    def __init__(self, peer: Peer, upstream: Peer, arguments: list[str], compressed: bool = False) -> None:
        peer.check()
        self._peer, self._upstream, self._arguments = peer, upstream, arguments
        processes = [*_family(upstream), *_family(peer)]
        self._upstream_count = len(_family(upstream))
        argv = [*argv_of(peer, arguments, compressed), *(part for pid in processes for part in ("--cpu-of", str(pid)))]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)

    def result(self) -> Measured:
        peer, said = self._peer, " ".join(self._arguments)
        try:
            output, errors = self._process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            self.stop()
            raise BenchmarkError(f"{peer.name}: no result within {RUN_SECONDS} s from {said}") from None
        if self._process.returncode != 0:
            peer.check_soon()
            self._upstream.check_soon()
            raise BenchmarkError(f"{peer.name}: {errors.strip()} ({said}){_said(peer)}")
        peer.check()
        self._upstream.check()
        return _parsed(peer, json.loads(output), self._upstream_count)

    def stop(self) -> None:
        """End it; nothing happens if it has ended."""
        self._process.kill()
        self._process.communicate()


def measure_trips(peer: Peer, upstream: Peer, scenario: Scenario, seconds: float) -> Measured:
    """Keep a scenario's messages in flight for this long, after a fifth of it to warm up."""
    timing = ["--seconds", str(seconds), "--warm-up", str(seconds / 5)]
    return measured(peer, upstream, [*trips(scenario), *timing], scenario.is_compressed)


def trips(scenario: Scenario) -> list[str]:
    """The load generator's arguments for a scenario, but for its times."""
    in_all = scenario.connections * scenario.in_flight
    least = LEAST_TRIPS if scenario.size <= MIB else LEAST_LARGE_TRIPS
    return [
        *("trips", "--size", str(scenario.size), "--connections", str(scenario.connections)),
        *("--in-flight", str(scenario.in_flight), "--least", str(max(in_all, least))),
        *(["--text"] if scenario.text else []),
    ]


def measure_setup(peer: Peer, upstream: Peer, connections: int, count: int) -> Measured:
    """Open, use for one echo and close `count` connections, `connections` at a time."""
    return measured(peer, upstream, ["setup", "--connections", str(connections), "--count", str(count)])


def measure_fan_out(peer: Peer, upstream: Peer, connections: int, seconds: float) -> Measured:
    """Have one connection's messages sent to all; counts what was delivered, latencies are until the last one."""
    arguments = ["fan-out", "--size", "64", "--connections", str(connections), "--least", "10"]
    return measured(peer, upstream, [*arguments, "--seconds", str(seconds), "--warm-up", str(seconds / 5)])


def measured(peer: Peer, upstream: Peer, arguments: list[str], compressed: bool = False) -> Measured:
    return Generator(peer, upstream, arguments, compressed).result()


def idle_kib(peer: Peer, baseline: int, connections: int) -> float:
    """Resident KiB that each connection adds to the peer between the baseline and all connections."""
    assert peer.server is not None
    argv = argv_of(peer, ["idle", "--connections", str(connections), "--baseline", str(baseline)])
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as run:
        assert run.stdin is not None and run.stdout is not None and run.stderr is not None
        sizes = []
        for count in (baseline, connections):
            if run.stdout.readline() != f"open {count}\n":
                raise _failed(peer, run.stderr)
            time.sleep(SETTLING_SECONDS)
            sizes.append(sum(cpu.resident_kib(pid) for pid in peer.server.family()))
            run.stdin.write("\n")
            run.stdin.flush()
        if run.wait() != 0:
            raise _failed(peer, run.stderr)
    return (sizes[1] - sizes[0]) / (connections - baseline)


def argv_of(peer: Peer, arguments: list[str], compressed: bool = False) -> list[str]:
    """The command of the load generator that speaks as the peer expects it."""
    last = peer.last or (payloads.LAST if compressed else None)
    more = ["--last", last] if last is not None else []
    name = "load"
    if compressed:
        size = int(arguments[arguments.index("--size") + 1])
        more += ["--deflated", str(payloads.write(native.BUILD, size))]
        name = "load-deflate"
    if peer.certificate is not None:
        more += ["--tls", str(peer.certificate.certificate)]
        name = "load-tls"
    return [str(native.program(name)), *arguments, "--port", str(peer.port), *more]


def _family(peer: Peer) -> list[int]:
    return peer.server.family() if peer.server is not None else []


def _parsed(peer: Peer, result: dict[str, Any], upstreams: int) -> Measured:
    if result["count"] == 0:
        raise BenchmarkError(f"{peer.name}: no round trip in {result['seconds']:.2f} s")
    cpu_seconds = result["cpu_seconds"]
    proxy_cpu = sum(cpu_seconds[upstreams:]) if peer.server is not None else None
    if proxy_cpu is not None and proxy_cpu <= 0:
        raise BenchmarkError(f"{peer.name}: echoes came, but its process used no CPU: not the process that forwards?")
    return Measured(
        count=result["count"],
        seconds=result["seconds"],
        proxy_cpu=proxy_cpu,
        upstream_cpu=sum(cpu_seconds[:upstreams]),
        load_cpu=result["own_cpu_seconds"],
        p50_us=result["p50_us"],
        p99_us=result["p99_us"],
        p999_us=result["p999_us"],
    )


def _failed(peer: Peer, errors: IO[str]) -> BenchmarkError:
    peer.check_soon()
    return BenchmarkError(f"{peer.name}: {errors.read().strip() or 'the load generator ended'}{_said(peer)}")


def _said(peer: Peer) -> str:
    said = peer.server.said() if peer.server is not None else ""
    return f"; {peer.name} said:\n{said}" if said else ""
