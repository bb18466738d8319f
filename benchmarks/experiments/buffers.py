"""read buffers: one a loop or one a connection, and how large."""

from __future__ import annotations

from benchmarks.scenarios import Scenario

from .figures import Figures
from .plan import Plan
from .proxies import SMALL, cpu_per_frame, memory_per_connection, relay

KIB = 1024
SCENARIOS = (SMALL[1], Scenario(16 * KIB, 16, 8), Scenario(1024 * KIB, 16, 8))
CONNECTIONS = 200
CHOSEN = "one a loop, 256 KiB"
WAYS = {
    CHOSEN: relay("--buffer", str(256 * KIB)),
    "one a loop, 64 KiB": relay("--buffer", str(64 * KIB)),
    "one a loop, 1 MiB": relay("--buffer", str(1024 * KIB)),
    "one a socket, 64 KiB": relay("--buffer", str(64 * KIB), "--own-buffer"),
    "one a socket, 256 KiB": relay("--buffer", str(256 * KIB), "--own-buffer"),
}


def run(plan: Plan) -> Figures:
    figures = Figures("CPU µs per forwarded frame, and memory", CHOSEN)
    cpu_per_frame(figures, plan, WAYS, SCENARIOS)
    memory_per_connection(figures, plan, WAYS, CONNECTIONS)
    return figures
