"""What a run measures and how much time it spends on each: the short one, the default and the full one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .peers import DIRECT, KINDS, NGINX, NGINX_64K, WEBSOCKETS
from .peers.kinds import MIB

LOAD = "load"
GRID = "grid"
LATENCY = "latency"
SETUP = "setup"
TLS = "tls"
COMPRESSION = "compression"
FAN_OUT = "fan-out"
IDLE = "idle"
WORKERS = "workers"
SPARE_FILES = 400
SECTIONS = (LOAD, GRID, LATENCY, SETUP, TLS, COMPRESSION, FAN_OUT, IDLE, WORKERS)


@dataclass(frozen=True)
class Plan:
    """One run. `seconds` is the measured time of one scenario with one peer in one round."""

    rounds: int
    seconds: float
    peers: tuple[str, ...]
    sections: tuple[str, ...]
    sizes: tuple[int, ...]
    latency_sizes: tuple[int, ...]
    setup_count: int
    idle_rounds: int
    idle_connections: int
    tls_sizes: tuple[int, ...] = (64, 1024, 16 * 1024, MIB)
    deflate_sizes: tuple[int, ...] = (64, 1024, 16 * 1024)
    grid: tuple[tuple[int, int], ...] = ((1, 1), (1, 64), (16, 1), (16, 8), (16, 64), (1000, 1), (1000, 8))
    fan_out_connections: int = 1000
    workers: tuple[int, ...] = (1, 2)
    worker_seconds: float = 1.0
    text: bool = False
    setup_connections: int = 8
    idle_baseline: int = 100

    @property
    def largest(self) -> int:
        """The largest message, at least what every peer takes by default."""
        return max(MIB, *self.sizes, *self.latency_sizes)

    @property
    def most_connections(self) -> int:
        """The most connections that a proxy has at once."""
        most = [self.setup_connections, 16]
        if GRID in self.sections:
            most += [connections for connections, _ in self.grid]
        if IDLE in self.sections:
            most.append(self.idle_connections)
        if FAN_OUT in self.sections:
            most.append(self.fan_out_connections)
        return max(most)

    @property
    def open_files(self) -> int:
        """Two sockets for each connection in the proxy, and some for the rest."""
        return 2 * self.most_connections + SPARE_FILES

    def within(self, open_files: int) -> Plan:
        """The same with no more idle connections than so many open files allow, in hundreds."""
        allowed = (open_files - SPARE_FILES) // 200 * 100
        return replace(self, idle_connections=max(min(self.idle_connections, allowed), self.idle_baseline + 1))


COMMON_SIZES = (64, 1024, 16 * 1024, MIB)
FULL_SIZES = (16, 64, 256, 1024, 4096, 16 * 1024, 64 * 1024, 256 * 1024, MIB, 16 * MIB)
FRAMEGATE = ("framegate", "framegate-hook", "framegate-edit")
DEFAULT = Plan(
    rounds=7,
    seconds=0.3,
    peers=(
        *(DIRECT, NGINX, NGINX_64K, "haproxy", WEBSOCKETS, "aiohttp", "picows"),
        *(*FRAMEGATE, "framegate-1-plugin"),
    ),
    sections=(LOAD, LATENCY, SETUP, IDLE),
    sizes=COMMON_SIZES,
    latency_sizes=COMMON_SIZES,
    setup_count=400,
    idle_rounds=2,
    idle_connections=2000,
)
QUICK = replace(
    DEFAULT,
    rounds=3,
    seconds=0.12,
    peers=(DIRECT, NGINX, NGINX_64K, WEBSOCKETS, *FRAMEGATE, "framegate-1-plugin"),
    setup_count=100,
    idle_rounds=1,
    idle_connections=1000,
    worker_seconds=0.3,
)
FULL = replace(
    DEFAULT,
    rounds=5,
    peers=tuple(KINDS),
    sections=SECTIONS,
    sizes=FULL_SIZES,
    # Ten thousand take their time, and their memory hardly differs from one round to the next.
    idle_rounds=1,
    idle_connections=10_000,
)
