"""where the CPU time of a frame goes, with a hook that returns every payload: kernel, interpreter, lane, and so on."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import load
from benchmarks.errors import BenchmarkError
from benchmarks.peers import framegate
from benchmarks.peers.kinds import Peer
from benchmarks.scenarios import Scenario

from .figures import Figures
from .plan import Plan
from .proxies import all_up, with_nginx

ATTACHING_SECONDS = 20.0
SCENARIO = Scenario(64, 16, 8)
HOOK = "framegate with a hook"
WAYS = {HOOK: framegate.proxy("unchanged"), "framegate without": framegate.proxy()}
_LINE = re.compile(r"^\s*([\d.]+)%\s+(\d+):\S+\s+(\S+)\s*$")
# By the name of the library in which a sample was taken; what is in none of them is the interpreter or its C library.
_PARTS = (
    ("[", "kernel"), ("_parser_c", "parser"), ("_lane_c", "lane"), ("_conduit_c", "conduit"), ("_tcp_c", "transport"),
    ("_poller_c", "poller"), ("loop.cpython", "uvloop"), ("libc.", "C library"), ("nginx", "nginx itself"),
)  # fmt: skip


def needs() -> str | None:
    if shutil.which("perf") is None:
        return "perf is not installed (Debian: apt-get install linux-perf)"
    if os.geteuid() != 0:
        return "perf sees the kernel's share only as root"
    return None


def run(plan: Plan) -> Figures:
    figures = Figures("CPU µs per forwarded frame, 64 B, 16 × 8, by where samples of the CPU clock fell", digits=3)
    with all_up(plan, with_nginx(WAYS, large_buffers=False)) as (upstream, running):
        for peer in plan.turns(running):
            for part, figure in _measured(plan, peer, upstream).items():
                figures.add(peer.name, part, figure)
    return figures


def _measured(plan: Plan, peer: Peer, upstream: Peer) -> dict[str, float]:
    data = plan.folder / "perf.data"
    # Twice: sampling costs time itself, so the figure is of a run without it.
    measured = load.measure_trips(peer, upstream, SCENARIO, plan.seconds)
    with _recorded(plan.folder, data):
        load.measure_trips(peer, upstream, SCENARIO, plan.seconds)
    assert measured.proxy_cpu is not None and peer.server is not None
    figure = measured.proxy_cpu * 1e6 / (2 * measured.count)
    return {"whole": figure, **{part: share * figure for part, share in _shares(data, peer.server.family()).items()}}


@contextmanager
def _recorded(folder: Path, data: Path) -> Iterator[None]:
    control, acknowledged = folder / "perf.control", folder / "perf.acknowledged"
    for path in (control, acknowledged):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    # Of the whole CPU: to be recorded by process would cost each of them something at every switch to another.
    where = ",".join(map(str, os.sched_getaffinity(0)))
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "2500", "-C", where, "-o", str(data)]
    # Both ends, so that neither waits for the other to be opened.
    with control.open("r+b", buffering=0) as said, acknowledged.open("r+b", buffering=0) as heard:
        recording = subprocess.Popen(
            [*command, "--control", f"fifo:{control},{acknowledged}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            said.write(b"ping\n")
            # It answers when it has attached itself.
            if not select.select([heard], [], [], ATTACHING_SECONDS)[0]:
                raise BenchmarkError(f"perf does not answer within {ATTACHING_SECONDS:.0f} s")
            yield
        finally:
            recording.send_signal(signal.SIGINT)
            recording.wait(ATTACHING_SECONDS)


def _shares(data: Path, processes: list[int]) -> dict[str, float]:
    command = ["perf", "report", "-i", str(data), "--sort", "pid,dso", "--stdio", "-q"]
    report = subprocess.run(command, capture_output=True, text=True)
    found = {part: 0.0 for part in ("kernel", "interpreter", *(part for _, part in _PARTS[1:]))}
    for line in report.stdout.splitlines():
        if (match := _LINE.match(line)) and int(match[2]) in processes:
            part = next((part for name, part in _PARTS if match[3].startswith(name)), "interpreter")
            found[part] += float(match[1])
    samples = sum(found.values())
    if not samples:
        raise BenchmarkError(f"perf has no samples of the proxy: {report.stderr.strip()[-300:]}")
    return {part: percents / samples for part, percents in found.items()}
