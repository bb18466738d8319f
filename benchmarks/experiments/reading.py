"""ways to read and write under one blind relay: loop's transports, aiofastnet's, our own calls."""

from __future__ import annotations

from .figures import Figures
from .plan import Plan
from .proxies import USUAL, cpu_per_frame, memory_per_connection, relay, with_nginx, without

OWN_SET = "own set of epoll"
CONNECTIONS = 400
WAYS = {
    OWN_SET: relay("--io", "set"),
    "a callback a socket": relay("--io", "callbacks"),
    "uvloop's transports": relay("--io", "transports"),
    "aiofastnet's transports": relay("--io", "aiofastnet"),
}


def needs() -> str | None:
    return without("aiofastnet") or without("uvloop")


def run(plan: Plan) -> Figures:
    ways = with_nginx(WAYS)
    figures = Figures("CPU µs per forwarded frame, and memory", OWN_SET)
    cpu_per_frame(figures, plan, ways, USUAL)
    memory_per_connection(figures, plan, ways, CONNECTIONS)
    return figures
