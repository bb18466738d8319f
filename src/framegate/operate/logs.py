"""The log of a process that must go on whatever becomes of its log: a full disk, or a reader that has gone.

What standard error does not take is lost without an error; everything that comes later is tried again.
"""

from __future__ import annotations

import io
import logging
import sys
from typing import Any

from framegate.telemetry.process_log import ProcessFormatter


class _Forgiving(io.FileIO):
    """A descriptor whose writes never fail."""

    def write(self, data: Any, /) -> int:
        left = memoryview(data).cast("B")
        while left:
            try:
                taken = super().write(left)
            except OSError:
                break
            if not taken:
                break
            left = left[taken:]
        return memoryview(data).nbytes


def forgive() -> None:
    """Let nothing that is written to standard error raise, where that is the process's own."""
    old: io.TextIOWrapper[Any] | None = sys.__stderr__
    if old is None or sys.stderr is not old or old.fileno() != 2:
        return
    raw = _Forgiving(2, "w", closefd=False)
    sys.stderr = io.TextIOWrapper(raw, encoding=old.encoding, errors="backslashreplace", write_through=True)


def start_log(level: str, who: str = "", form: str = "text") -> None:
    """Log to standard error: framegate from ``level`` on, everything else from warnings on.

    Args:
        level: ``"debug"``, ``"info"``, ``"warning"`` or ``"error"``.
        who: put before each line's logger, such as ``"worker 1"``.
        form: ``"text"`` or ``"json"``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ProcessFormatter(who))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    set_form(form)
    set_level(level)


def set_form(form: str) -> None:
    """Write lines as ``"text"`` or as ``"json"`` from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, ProcessFormatter):
            handler.formatter.json = form == "json"


def set_level(level: str) -> None:
    """Log framegate from ``level`` on."""
    logging.getLogger("framegate").setLevel(level.upper())
