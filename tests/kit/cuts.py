"""The same bytes, cut in every way that matters: whole, once at each place, and byte by byte."""

from __future__ import annotations

from collections.abc import Iterator


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Yield ``data`` whole, then in two pieces for every place between two bytes, then as single bytes."""
    yield [data]
    for place in range(1, len(data)):
        yield [data[:place], data[place:]]
    yield [data[place : place + 1] for place in range(len(data))]
