"""The lines of the process's own log: for people, or a JSON object each, for programs.

Knows nothing of where they are written.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

TEXT: Final = "%(asctime)s %(levelname)s {who}%(name)s: %(message)s"


class ProcessFormatter(logging.Formatter):
    """Formats records; which way may be changed while it is in use.

    Args:
        who: put before each line's logger, such as ``"worker 1"``; empty for nobody.

    Attributes:
        json: whether lines are JSON objects: ``time`` (RFC 3339), ``level``, ``logger``, ``message``, and where there
            are any, ``who`` and the traceback as ``exception``.
    """

    def __init__(self, who: str = "") -> None:
        super().__init__(TEXT.format(who=f"[{who}] " if who else ""))
        self._who = who
        self.json = False

    def format(self, record: logging.LogRecord) -> str:
        if not self.json:
            return super().format(record)
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._who:
            line["who"] = self._who
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
