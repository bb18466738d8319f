"""The processors and the memory of processes: pinning, limits on open files, resident size, children. Linux only."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def spread_over(cpus: set[int]) -> Iterator[None]:
    """Let this process, and all that it starts meanwhile, run on these CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_open_files(wanted: int) -> str | None:
    """Raise this process's limit on open files; what it starts inherits it. Says so where the hard limit was raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    except (OSError, ValueError):
        raise BenchmarkError(
            f"needs {wanted} open files, the hard limit is {hard} and may not be raised from here (that takes "
            f"CAP_SYS_RESOURCE): raise it outside, with `ulimit -Hn {wanted}` or LimitNOFILE, or give a smaller --idle"
        ) from None
    return f"the hard limit on open files was {hard}; raised to {wanted} for this run"


def hard_limit() -> int:
    """The hard limit on open files."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def resident_kib(pid: int) -> int:
    """Resident memory of a process in KiB, counted from its page tables (VmRSS may lag by some pages a CPU)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Rss:\s+(\d+) kB", rollup, re.MULTILINE)
    if found is None:
        raise BenchmarkError(f"/proc/{pid}/smaps_rollup names no Rss")
    return int(found.group(1))


def children(pid: int) -> list[int]:
    """The processes that a process has started, in any of its threads, and that still live."""
    found = []
    for listed in sorted(Path(f"/proc/{pid}/task").glob("*/children")):
        found += [int(child) for child in listed.read_text().split()]
    return found


def family(pid: int) -> list[int]:
    """A process with its children, and theirs."""
    return [pid, *(member for child in children(pid) for member in family(child))]
