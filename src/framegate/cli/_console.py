"""What the program says to whoever started it: single lines on standard error, and the log."""

from __future__ import annotations

import logging
import sys
import time

LEVELS = ("debug", "info", "warning", "error")


def say(message: str) -> None:
    """One line on standard error, whatever line breaks the message has."""
    print(f"framegate: {' '.join(message.split())}", file=sys.stderr, flush=True)


def start_log(level: str) -> None:
    """Log to standard error: framegate from ``level`` on, everything else from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("framegate").setLevel(level.upper())
    # What no line has need not be found out for each (Python's logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class _Formatter(logging.Formatter):
    """The usual one, which writes each second's date and time once."""

    _second = -1
    _written = ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = int(record.created)
        if second != self._second:
            self._second = second
            self._written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        return f"{self._written},{int(record.msecs):03d}"
