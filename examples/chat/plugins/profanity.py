"""Puts stars in the place of words that nobody wants to read, in what clients say.

It expects that websocket-validator has let through JSON objects with a ``type``, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from framegate.pdk.kong import Kong

version = "1.0.0"
# After read-only: what is not sent on need not be looked at.
priority = 700

Schema = (
    {
        "words": {
            "type": "array",
            "required": True,
            "len_min": 1,
            "elements": {"type": "string", "len_min": 1},
            "description": "The words, without regard to case. Other words that contain them are left alone.",
        }
    },
)


class Plugin:
    def __init__(self, config: Mapping[str, Any]) -> None:
        words = "|".join(map(re.escape, config["words"]))
        self._words = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)

    def ws_handshake(self, kong: Kong) -> None:
        kong.ctx.plugin.count = 0

    def ws_client_frame(self, kong: Kong) -> None:
        data, typ, _ = kong.websocket.client.get_frame()
        if typ != "text":
            return
        message = json.loads(data)
        if message["type"] != "say":
            return
        # In the decoded text: in the JSON itself a letter may be written in many ways.
        message["text"], count = self._words.subn(stars, message["text"])
        if count:
            kong.ctx.plugin.count += count
            kong.websocket.client.set_frame_data(json.dumps(message, ensure_ascii=False))

    def ws_close(self, kong: Kong) -> None:
        kong.log.set_serialize_value("profanity", kong.ctx.plugin.count)


def stars(word: re.Match[str]) -> str:
    return "*" * len(word[0])
