"""one write for all frames of a read, or one a frame."""

from __future__ import annotations

from .figures import Figures
from .plan import Plan
from .proxies import SMALL, cpu_per_frame, relay

ONE_A_READ = "one write a read"
WAYS = {ONE_A_READ: relay("--writes", "read"), "one write a frame": relay("--writes", "frame")}


def run(plan: Plan) -> Figures:
    figures = Figures("CPU µs per forwarded frame; both cut the read into frames", ONE_A_READ)
    cpu_per_frame(figures, plan, WAYS, SMALL)
    return figures
