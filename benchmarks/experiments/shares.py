"""where the CPU time of a frame goes, with a hook that returns every payload: kernel, interpreter, lane, and so on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from benchmarks import load
from benchmarks.errors import BenchmarkError
from benchmarks.peers import framegate
from benchmarks.peers.kinds import Peer
from benchmarks.scenarios import Scenario

from .figures import Figures
from .plan import Plan
from .proxies import all_up, with_nginx

SCENARIO = Scenario(64, 16, 8)
HOOK = "framegate with a hook"
WAYS = {HOOK: framegate.proxy("unchanged"), "framegate without": framegate.proxy()}
_LINE = re.compile(r"^\s*([\d.]+)%\s+(\S+)\s*$")
# By the name of the library in which a sample was taken; what is in none of them is the interpreter or its C library.
_PARTS = (
    ("[", "kernel"), ("_parser_c", "parser"), ("_lane_c", "lane"), ("_conduit_c", "conduit"), ("_tcp_c", "transport"),
    ("_poller_c", "poller"), ("uvloop", "uvloop"), ("libc", "C library"), ("nginx", "nginx itself"),
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
    assert peer.server is not None
    data = plan.folder / "perf.data"
    processes = ",".join(map(str, peer.server.family()))
    recording = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "5000", "-p", processes, "-o", str(data)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        measured = load.measure_trips(peer, upstream, SCENARIO, plan.seconds)
    finally:
        recording.send_signal(2)
        recording.wait(20)
    assert measured.proxy_cpu is not None
    figure = measured.proxy_cpu * 1e6 / (2 * measured.count)
    return {"whole": figure, **{part: share * figure for part, share in _shares(data).items()}}


def _shares(data: Path) -> dict[str, float]:
    report = subprocess.run(
        ["perf", "report", "-i", str(data), "--sort", "dso", "--stdio", "-q"], capture_output=True, text=True
    )
    found = {part: 0.0 for part in ("kernel", "interpreter", *(part for _, part in _PARTS[1:]))}
    for line in report.stdout.splitlines():
        if match := _LINE.match(line):
            part = next((part for name, part in _PARTS if match[2].startswith(name)), "interpreter")
            found[part] += float(match[1]) / 100
    if not any(found.values()):
        raise BenchmarkError(f"perf has no samples: {report.stderr.strip()[-300:]}")
    return found
