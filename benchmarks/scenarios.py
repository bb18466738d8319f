"""The loads: messages of a size, so many at once on so many connections, in a setting."""

from __future__ import annotations

from dataclasses import dataclass

from .peers.kinds import DEFLATE, MIB, PLAIN

UNITS = {"b": 1, "k": 1024, "m": MIB}
# A message of 16 MiB on every connection of the others would keep gigabytes on the way.
LARGE = MIB


@dataclass(frozen=True)
class Scenario:
    """Messages of `size` bytes, `in_flight` of them on each of `connections`."""

    size: int
    connections: int
    in_flight: int
    text: bool = False
    setting: str = PLAIN

    @property
    def name(self) -> str:
        return named(f"{size_name(self.size)}, {self.connections} × {self.in_flight}", self.setting)

    @property
    def is_unloaded(self) -> bool:
        """One message on its way at a time: the figures are latencies."""
        return self.connections * self.in_flight == 1

    @property
    def is_compressed(self) -> bool:
        return self.setting == DEFLATE


def named(load: str, setting: str) -> str:
    return load if setting == PLAIN else f"{load}, {setting}"


def batched(sizes: tuple[int, ...], text: bool, setting: str = PLAIN) -> list[Scenario]:
    """16 × 8 with each size, 16 × 1 with the small ones, 2 × 1 instead of both with those beyond 1 MiB."""
    found = []
    for size in sizes:
        if size > LARGE:
            found.append(Scenario(size, 2, 1, text, setting))
            continue
        # Without batches the system calls are what costs, so small sizes say it all.
        if size <= 64:
            found.append(Scenario(size, 16, 1, text, setting))
        found.append(Scenario(size, 16, 8, text, setting))
    return found


def unloaded(sizes: tuple[int, ...], text: bool, setting: str = PLAIN) -> list[Scenario]:
    return [Scenario(size, 1, 1, text, setting) for size in sizes]


def size_name(size: int) -> str:
    for unit, name in ((MIB, "MiB"), (1024, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


def parse_size(text: str) -> int:
    """`64`, `64b`, `16k` or `1m` as bytes; ValueError for anything else and below 16 bytes."""
    text = text.strip().lower()
    number, unit = (text[:-1], UNITS[text[-1]]) if text[-1:] in UNITS else (text, 1)
    if not number.isdecimal():
        raise ValueError(f"'{text}' is no size: write 64, 64b, 16k or 1m")
    if int(number) * unit < 16:
        raise ValueError(f"{text}: a message has at least 16 bytes")
    return int(number) * unit
