"""The gateway's own answers to a client that is not let through."""

from __future__ import annotations

import json
from collections.abc import Iterable

from framegate.pdk.exit import Exit

JSON = ("Content-Type", "application/json; charset=utf-8")

NO_ROUTE = "no route matched with those values"
UNAVAILABLE = "the upstream server is not available"
UNEXPECTED = "an unexpected error occurred"


def message(status: int, text: str, headers: Iterable[tuple[str, str]] = ()) -> Exit:
    """An answer whose body is ``{"message": text}``."""
    return Exit(status, json.dumps({"message": text}).encode(), [JSON, *headers])
