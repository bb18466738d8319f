"""What the program says to whoever started it: single lines on standard error, and the log."""

from __future__ import annotations

import logging
import sys

LEVELS = ("debug", "info", "warning", "error")


def say(message: str) -> None:
    """One line on standard error, whatever line breaks the message has."""
    print(f"framegate: {' '.join(message.split())}", file=sys.stderr, flush=True)


def start_log(level: str) -> None:
    """Log to standard error: framegate from ``level`` on, everything else from warnings on."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("framegate").setLevel(level.upper())
