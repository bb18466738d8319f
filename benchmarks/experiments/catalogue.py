"""Which experiments there are."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .figures import Figures
from .plan import Plan

NAMES = ("reading", "loops", "buffers", "writes", "masking", "calls", "dialling", "small", "setup", "shares")


def about(name: str) -> str:
    """The first line of its docstring."""
    return (_module(name).__doc__ or "").splitlines()[0]


def missing(name: str) -> str | None:
    """What it needs and is not there, in a few words."""
    needs = getattr(_module(name), "needs", None)
    said: str | None = needs() if needs is not None else None
    return said


def run(name: str, plan: Plan) -> Figures:
    """Measure it.

    Raises:
        BenchmarkError: it cannot be measured, or what was measured cannot be trusted.
    """
    figures: Figures = _module(name).run(plan)
    return figures


def _module(name: str) -> ModuleType:
    return import_module(f"{__package__}.{name}")
