"""What the program says to whoever started it: single lines on standard error, and the log."""

from __future__ import annotations

import sys

from framegate.operate import logs

LEVELS = ("debug", "info", "warning", "error")


def say(message: str) -> None:
    """One line on standard error, whatever line breaks the message has."""
    print(f"framegate: {' '.join(message.split())}", file=sys.stderr, flush=True)


def start_log(level: str, form: str = "text") -> None:
    """Log to standard error: framegate from ``level`` on, everything else from warnings on. From now on nothing fails
    because standard error takes no more."""
    logs.forgive()
    logs.start_log(level, form=form)
