"""Where and on what a result was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def describe(cpu: int) -> dict[str, object]:
    """The machine: CPU model, CPUs, the one in use, kernel, and how busy it was before the run."""
    return {
        "cpu_model": _cpu_model(),
        "cpus": os.cpu_count(),
        "pinned_to_cpu": cpu,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def python_version() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def commit() -> str:
    """The commit of the source tree, with "+changes" if it differs from it, or "none"."""
    head = _git("rev-parse", "--short=12", "HEAD")
    if head is None:
        return "none"
    return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str | None:
    try:
        result = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.processor() or "unknown"
