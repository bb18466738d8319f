"""The processor and the memory of processes: pinning, limits on open files, resident size, children. Linux only."""

from __future__ import annotations

import os
import re
import resource
from pathlib import Path

from .errors import BenchmarkError


def pin(cpu: int | None) -> int:
    """Keep this process, and all that it starts, on one CPU (default: the last one) and return its number.

    With proxy, load and upstream on one CPU there is always somebody to run, so the CPU never halts between two
    frames; waking a halted virtual CPU costs more than the frames do.
    """
    allowed = sorted(os.sched_getaffinity(0))
    chosen = allowed[-1] if cpu is None else cpu
    if chosen not in allowed:
        raise BenchmarkError(f"--cpu {chosen}: this process may run on {', '.join(map(str, allowed))}")
    os.sched_setaffinity(0, {chosen})
    return chosen


def allow_open_files(wanted: int) -> None:
    """Raise this process's limit on open files; what it starts inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BenchmarkError(f"needs {wanted} open files, the hard limit is {hard}: raise it, or give a smaller --idle")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def resident_kib(pid: int) -> int:
    """Resident memory of a process in KiB, counted from its page tables (VmRSS may lag by some pages a CPU)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Rss:\s+(\d+) kB", rollup, re.MULTILINE)
    if found is None:
        raise BenchmarkError(f"/proc/{pid}/smaps_rollup names no Rss")
    return int(found.group(1))


def children(pid: int) -> list[int]:
    """The processes that a process's main thread has started and that still live."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
