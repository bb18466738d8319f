"""Compiles a C source of an experiment into a library that ctypes loads."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError

HERE = Path(__file__).parent


def compiled(source: str, folder: Path, name: str, flags: list[str], python: bool = False) -> Any:
    """The loaded library; with ``python`` its functions hold the interpreter's lock."""
    target = folder / f"{name}.so"
    command = [_compiler(), "-shared", "-fPIC", *flags, "-o", str(target), str(HERE / source)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise BenchmarkError(f"{source} does not compile with {' '.join(flags)}:\n{result.stderr.strip()}")
    return (ctypes.PyDLL if python else ctypes.CDLL)(str(target))


def without_compiler() -> str | None:
    """Why an experiment in C cannot run."""
    return None if shutil.which(_compiler()) else f"no C compiler: '{_compiler()}' was not found"


def _compiler() -> str:
    return os.environ.get("CC", "cc")
