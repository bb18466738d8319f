"""Limits how many messages a client may send: a bucket of tokens for each connection, refilled as time goes by."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

from framegate.pdk.kong import Kong

version = "1.0.0"
# Before all that has work with a message, and after websocket-validator.
priority = 900

Schema = (
    {
        "per_second": {
            "type": "number",
            "required": True,
            "gt": 0,
            "default": 1,
            "description": "How many messages a second are refilled.",
        }
    },
    {
        "burst": {
            "type": "integer",
            "required": True,
            "gt": 0,
            "default": 5,
            "description": "How many messages may come at once.",
        }
    },
)

REASON: Final = "too many messages"
NOTICE: Final = json.dumps({"type": "notice", "text": "That was too fast. Good bye."})


class Bucket:
    """Full at the beginning; each message takes a token."""

    def __init__(self, size: int, per_second: float, now: float) -> None:
        self._size = size
        self._per_second = per_second
        self._tokens = float(size)
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Plugin:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self._burst: int = config["burst"]
        self._per_second: float = config["per_second"]
        # Tests put a clock of their own here.
        self.clock = time.monotonic

    def ws_handshake(self, kong: Kong) -> None:
        kong.ctx.plugin.bucket = Bucket(self._burst, self._per_second, self.clock())

    def ws_client_frame(self, kong: Kong) -> None:
        _, typ, _ = kong.websocket.client.get_frame()
        if typ not in ("text", "binary"):
            return
        bucket: Bucket = kong.ctx.plugin.bucket
        if not bucket.take(self.clock()):
            kong.websocket.inject("client", "text", NOTICE)
            kong.websocket.client.close(1008, REASON)
