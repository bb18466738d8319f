"""Compiles the two C programs when a source is newer than the program. Knows nothing of what they do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .errors import BenchmarkError

SOURCES = Path(__file__).parent / "native"
BUILD = Path(__file__).parent / ".build"
FLAGS = ["-std=c11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic"]
PROGRAMS = {
    "echo": ["echo.c", "ws.c", "net.c"],
    "load": ["load.c", "client.c", "histogram.c", "ws.c", "net.c"],
}


def program(name: str) -> Path:
    """The path of an up-to-date program, compiled with `$CC` or cc when needed."""
    target = BUILD / name
    if not target.exists() or target.stat().st_mtime < _newest_source():
        _compile(target, PROGRAMS[name])
    return target


def _newest_source() -> float:
    return max(path.stat().st_mtime for path in SOURCES.iterdir())


def _compile(target: Path, sources: list[str]) -> None:
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None:
        raise BenchmarkError(f"no C compiler: '{compiler}' was not found (Debian: apt-get install gcc libc6-dev)")
    BUILD.mkdir(exist_ok=True)
    command = [compiler, *FLAGS, "-o", str(target), *(str(SOURCES / source) for source in sources)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise BenchmarkError(f"{target.name} does not compile:\n{result.stderr.strip()}")
