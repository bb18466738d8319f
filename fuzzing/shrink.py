"""Cuts a failing case down: whatever of it can go without the failure going too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

_NAME = 12
"""Characters below which a value with a key is a name, which makes no sense if it is cut."""


def shrunk(case: Any, fails: Callable[[Any], bool], seconds: float) -> Any:
    """The smallest case that ``fails`` was found to hold for, in the time that there is."""
    until = time.monotonic() + seconds
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(case):
            if time.monotonic() > until:
                return case
            if fails(smaller):
                case, progress = smaller, True
                break
    return case


def _smaller(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, str)):
        yield from _shorter(value)
    if isinstance(value, list):
        for at, item in enumerate(value):
            for less in _smaller(item):
                yield [*value[:at], less, *value[at + 1 :]]
    elif isinstance(value, dict):
        for name in value:
            yield {key: item for key, item in value.items() if key != name}
        for name, item in value.items():
            if isinstance(item, str) and len(item) < _NAME:
                continue
            for less in _smaller(item):
                yield {**value, name: less}
    elif isinstance(value, bool):
        if value:
            yield False
    elif isinstance(value, (int, float)) and value > 1:
        yield type(value)(value // 2)


def _shorter(value: Any) -> Iterator[Any]:
    size = len(value)
    step = size
    while step:
        for at in range(0, size, step):
            yield value[:at] + value[at + step :]
        step //= 2
