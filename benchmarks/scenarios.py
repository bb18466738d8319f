"""What is measured: the loads, and how much time a run spends on each."""

from __future__ import annotations

from dataclasses import dataclass

SIZES = {"64 B": 64, "1 KiB": 1024, "16 KiB": 16 * 1024, "1 MiB": 1024 * 1024}
SECTIONS = ("load", "latency", "setup", "idle")
UNITS = {"b": 1, "k": 1024, "m": 1024 * 1024}


@dataclass(frozen=True)
class Scenario:
    """Messages of `size` bytes, `in_flight` of them on each of `connections`."""

    size: int
    connections: int
    in_flight: int
    text: bool = False

    @property
    def name(self) -> str:
        return f"{size_name(self.size)}, {self.connections} × {self.in_flight}"

    @property
    def is_unloaded(self) -> bool:
        """One message on its way at a time: the figures are latencies."""
        return self.connections * self.in_flight == 1


@dataclass(frozen=True)
class Plan:
    """One run. `seconds` is the measured time of one scenario with one peer in one round."""

    rounds: int
    seconds: float
    sizes: tuple[int, ...]
    sections: tuple[str, ...]
    setup_count: int
    idle_rounds: int
    idle_connections: int
    text: bool = False
    setup_connections: int = 8
    idle_baseline: int = 100

    @property
    def scenarios(self) -> list[Scenario]:
        found = []
        if "load" in self.sections:
            # Without batches the system calls are what costs, so one small size says it all.
            found += [Scenario(size, 16, 1, self.text) for size in self.sizes if size <= 64]
            found += [Scenario(size, 16, 8, self.text) for size in self.sizes]
        if "latency" in self.sections:
            found += [Scenario(size, 1, 1, self.text) for size in self.sizes]
        return found


def size_name(size: int) -> str:
    for name, known in SIZES.items():
        if known == size:
            return name
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
