"""Runs the guest under valgrind's callgrind, the same way on every machine, and reads what it has counted.

Installs Debian's valgrind where it is missing, allowed and possible.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import framegate
from benchmarks import debian
from benchmarks.errors import BenchmarkError

from . import guest

ROOT = Path(__file__).resolve().parents[2]
GUEST = guest.__name__
SECONDS = 600
"""Longest time of one run under valgrind; it takes half a minute."""

_KEPT = ("PATH", "HOME", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "FRAMEGATE_PURE")

# glibc chooses its memcpy and where it copies past the caches by the CPU, and malloc adapts to what it has seen.
_TUNABLES = {
    "glibc.cpu.hwcaps": "-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-EVEX,-ERMS,-FSRM,-RTM,-BMI2,-AVX_Fast_Unaligned_Load",
    "glibc.cpu.x86_non_temporal_threshold": "268435456",
    "glibc.malloc.mmap_threshold": "33554432",
    "glibc.malloc.top_pad": "67108864",
    "glibc.malloc.trim_threshold": "1073741824",
}
_TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class Runs(NamedTuple):
    """Instructions of the two runs of a scenario; the longer one had twice the turns."""

    shorter: int
    longer: int

    def per_operation(self, operations: int) -> float:
        """Instructions of one of the ``operations`` of the shorter run, without what both runs took once.

        Raises:
            BenchmarkError: the longer run took no more than the shorter one.
        """
        if self.longer <= self.shorter or operations < 1:
            raise BenchmarkError(
                f"{self.longer:,} instructions after {self.shorter:,}: the longer run must take more than the shorter"
            )
        return (self.longer - self.shorter) / operations


def find(install: bool) -> str:
    """The path of valgrind; installs Debian's package when it is missing, allowed and possible.

    Raises:
        BenchmarkError: there is none; the message says what to do.
    """
    path = shutil.which("valgrind")
    if path is not None:
        return path
    debian.provide("valgrind", "valgrind", install, otherwise="")
    return find(install=False)


def version(path: str) -> str:
    """Such as ``"3.19.0"``."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    return said.strip().removeprefix("valgrind-")


def count(valgrind: str, names: Sequence[str]) -> dict[str, Runs]:
    """What the runs of each scenario took.

    Raises:
        BenchmarkError: a scenario failed, or nothing was counted.
    """
    environment = _environment()
    # So that valgrind need not run the compiler: the sources are compiled by who imports them first.
    _completed([sys.executable, "-c", f"import {GUEST}"], environment)
    with tempfile.TemporaryDirectory(prefix="framegate-instructions-") as folder:
        said = _completed(
            [
                valgrind,
                "-q",
                "--tool=callgrind",
                f"--dump-before={guest.MARK}",
                f"--callgrind-out-file={folder}/counted.%p",
                f"--log-file={folder}/log.%p",
                sys.executable,
                "-m",
                GUEST,
                *names,
            ],
            environment,
        )
        children = [line.split() for line in said.splitlines()]
        return {name: _read(Path(folder), name, pid, status) for name, pid, status in children}


def _environment() -> dict[str, str]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # Where framegate runs from the source tree, the guest has to find it there too.
    path = [str(ROOT / "src")] if Path(framegate.__file__).is_relative_to(ROOT / "src") else []
    environment["PYTHONPATH"] = os.pathsep.join([*path, *filter(None, [os.environ.get("PYTHONPATH")])])
    tunables = ":".join(f"{name}={value}" for name, value in _TUNABLES.items())
    return environment | {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "GLIBC_TUNABLES": tunables}


def _completed(command: list[str], environment: dict[str, str]) -> str:
    try:
        result = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"the scenarios did not end within {SECONDS} seconds under valgrind") from None
    if result.stderr.strip():
        print(result.stderr.strip(), file=sys.stderr)
    if result.returncode != 0:
        raise BenchmarkError(f"{Path(command[0]).name} ended with {result.returncode}; what it said stands above")
    return result.stdout


def _read(folder: Path, name: str, pid: str, status: str) -> Runs:
    if status != "0":
        raise BenchmarkError(f"scenario {name} failed with {status}; what it said stands above")
    return Runs(_totals(folder / f"counted.{pid}.2", name), _totals(folder / f"counted.{pid}.3", name))


def _totals(file: Path, name: str) -> int:
    try:
        found = _TOTALS.search(file.read_text())
    except OSError:
        found = None
    if found is None:
        raise BenchmarkError(f"callgrind wrote no count for {name}: it must see the C library's {guest.MARK}()")
    return int(found[1])
