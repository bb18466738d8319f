"""Tracebacks as the author of a hook or plugin wants them."""

from __future__ import annotations

from types import TracebackType


def without_our_frames(failure: BaseException) -> BaseException:
    """``failure`` with the lines of framegate at the top of its traceback cut off; what the hook's own lines called
    stays."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None and _is_ours(trace):
        trace = trace.tb_next
    return failure.with_traceback(trace)


def _is_ours(trace: TracebackType) -> bool:
    name: str = trace.tb_frame.f_globals.get("__name__", "")
    return name == "framegate" or (name.startswith("framegate.") and not name.startswith("framegate.plugins."))
