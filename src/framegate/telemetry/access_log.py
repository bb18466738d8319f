"""The lines of the access log: one for each handshake that was refused and each session that has ended."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from framegate.config.configuration import AccessLog as Config
from framegate.telemetry.facts import flat
from framegate.telemetry.line_file import LineFile

_PLAIN: Final = re.compile(r'[^\s"=\x00-\x20\x7f-\xa0\u2028\u2029]+')


def access_log(config: Config) -> LineFile:
    """The log that ``config`` asks for; a line is put in as a mapping, with ``time`` in seconds since the epoch."""
    return LineFile(config.path, config.queue_size, as_json if config.format == "json" else as_text)


def as_json(entry: Mapping[str, Any]) -> bytes:
    """A JSON object, in one line."""
    return json.dumps(_dated(entry), separators=(",", ":"), default=str).encode() + b"\n"


def as_text(entry: Mapping[str, Any]) -> bytes:
    """``name=value`` with one space between; what is no plain word is in quotes, as JSON writes it."""
    words = (f"{name}={_word(value)}" for name, value in flat(_dated(entry)))
    return " ".join(words).encode("utf-8", "backslashreplace") + b"\n"


def _dated(entry: Mapping[str, Any]) -> dict[str, Any]:
    time = datetime.fromtimestamp(entry["time"], UTC).isoformat(timespec="milliseconds")
    return {**entry, "time": time.replace("+00:00", "Z")}


def _word(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
