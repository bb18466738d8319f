"""objects and calls for each frame: pooled payloads, one hook call a read, beside what the lane does."""

from __future__ import annotations

import ctypes
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.instructions import turns

from .figures import Figures
from .plan import Plan
from .shared_library import compiled, without_compiler

EACH = 8
PAYLOAD = b"x" * 64
COLUMN = "ns"
CHOSEN = "one call a frame"


class FrameObject:
    """What one would make for each frame, were the hook called with one object."""

    __slots__ = ("origin", "typ", "payload", "last", "code")

    def __init__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> None:
        self.origin, self.typ, self.payload, self.last, self.code = origin, typ, payload, last, code


def same(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


def boxed(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return FrameObject(origin, typ, payload, last, code).payload


def all_frames(origin: str, frames: list[tuple[str, bytes, bool, int | None]]) -> list[bytes]:
    return [payload for typ, payload, last, code in frames]


def all_payloads(origin: str, payloads: list[bytes]) -> list[bytes]:
    return payloads


def needs() -> str | None:
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "there is no Python.h (on Debian: apt-get install python3-dev)"
    return without_compiler()


def run(plan: Plan) -> Figures:
    figures = Figures("ns a frame of 64 B, eight of them a read", CHOSEN, digits=1)
    repeat = _library(plan).repeat

    def calling(how: int, hook: Any) -> Callable[[int], None]:
        def turn(times: int) -> None:
            if repeat(how, hook, "client", "binary", PAYLOAD, len(PAYLOAD), EACH, times):
                raise BenchmarkError("a call failed")

        return turn

    ways: list[tuple[str, Callable[[int], None]]] = [
        (CHOSEN, calling(0, same)),
        ("one call a read, list of frames", calling(1, all_frames)),
        ("one call a read, list of payloads", calling(2, all_payloads)),
        ("one call a frame, with a frame object", calling(0, boxed)),
        ("payload alone, from the allocator", calling(3, None)),
        ("payload alone, from a pool", calling(4, None)),
        ("whole lane, no hook", _lane(turns.relayed(64, EACH))),
        ("whole lane, hook keeps the frame", _lane(turns.seen(PAYLOAD, 2, EACH))),
        ("whole lane, hook changes the frame", _lane(turns.edited(64, EACH))),
    ]
    times = max(20, int(plan.seconds / 10 / (EACH * 1.5e-7)))
    for name, turn in plan.turns(ways):
        before = time.process_time_ns()
        turn(times)
        figures.add(name, COLUMN, (time.process_time_ns() - before) / times / EACH)
    return figures


def _lane(make: Callable[[], Callable[[], object]]) -> Callable[[int], None]:
    once = make()

    def turn(times: int) -> None:
        for _ in range(times):
            once()

    return turn


def _library(plan: Plan) -> Any:
    flags = ["-O3", f"-I{sysconfig.get_path('include')}"]
    library = compiled("calls.c", plan.folder, "calls", flags, python=True)
    library.repeat.argtypes = [
        ctypes.c_int, *[ctypes.py_object] * 3, ctypes.c_char_p, ctypes.c_ssize_t, ctypes.c_int, ctypes.c_int,
    ]  # fmt: skip
    return library
