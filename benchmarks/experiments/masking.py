"""XOR with the masking key: by bytes, by words, by vectors, and what the compiler makes of each."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.scenarios import size_name

from .figures import Figures
from .plan import Plan
from .shared_library import compiled, without_compiler

SIZES = (64, 1024, 16384, 1048576)
KEY = 0x3D21FA37
CHOSEN = "words, -O3"
BYTES, WORDS, SSE2, AVX2, COPY = range(1, 6)
SCALAR = ["-O2", "-fno-tree-vectorize"]
WAYS: dict[str, tuple[int, list[str]]] = {
    CHOSEN: (WORDS, ["-O3"]),
    "bytes, not vectorised": (BYTES, SCALAR),
    "bytes, -O3": (BYTES, ["-O3"]),
    "words, not vectorised": (WORDS, SCALAR),
    "words, -O3 -mavx2": (WORDS, ["-O3", "-mavx2"]),
    "SSE2 by hand": (SSE2, ["-O3"]),
    "AVX2 by hand": (AVX2, ["-O3"]),
    "memcpy alone": (COPY, ["-O3"]),
}


def needs() -> str | None:
    if platform.machine() != "x86_64" or " avx2 " not in Path("/proc/cpuinfo").read_text():
        return "it needs an x86-64 CPU with AVX2"
    return without_compiler()


def run(plan: Plan) -> Figures:
    figures = Figures("ns a payload", CHOSEN, digits=1)
    ways = [(name, _library(plan, name)) for name in WAYS]
    for size in SIZES:
        # A little behind the alignment, as payloads stand behind headers.
        source, target = (ctypes.create_string_buffer(bytes(range(256)) * (size // 256 + 2)) for _ in range(2))
        places = (ctypes.c_void_p(ctypes.addressof(target) + 6), ctypes.c_void_p(ctypes.addressof(source) + 6))
        times = max(3, int(plan.seconds / 10 / (size / 8e9 + 5e-9)))
        for name, library in plan.turns(ways):
            figures.add(name, size_name(size), library.nanoseconds(*places, size, KEY, times))
    return figures


def _library(plan: Plan, name: str) -> Any:
    way, flags = WAYS[name]
    library = compiled("masking.c", plan.folder, f"masking-{list(WAYS).index(name)}", [f"-DWAY={way}", *flags])
    library.nanoseconds.restype = ctypes.c_double
    library.nanoseconds.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_ulong]
    library.run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32]
    if way != COPY:
        _check(name, library)
    return library


def _check(name: str, library: Any) -> None:
    plain, target = bytes(range(203)), ctypes.create_string_buffer(203)
    library.run(target, plain, len(plain), KEY)
    if target.raw != bytes(octet ^ KEY >> 8 * (at & 3) & 0xFF for at, octet in enumerate(plain)):
        raise BenchmarkError(f"{name}: the result is wrong")
