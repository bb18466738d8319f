"""The one error of the benchmarks: a run that cannot be trusted ends, with a sentence and no traceback."""

from __future__ import annotations


class BenchmarkError(Exception):
    """A measurement that cannot be made or cannot be trusted. The message names the peer and what happened."""
