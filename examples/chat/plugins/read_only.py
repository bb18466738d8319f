"""Lets only consumers of some groups write: what others write goes nowhere, and they are told so.

It expects that websocket-validator has let through JSON objects with a ``type``, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from framegate.pdk.kong import Kong

version = "1.0.0"
# After rate-limit: what is not let through counts as well.
priority = 800

Schema = (
    {
        "writers": {
            "type": "array",
            "required": True,
            "len_min": 1,
            "elements": {"type": "string"},
            "description": "The groups whose consumers may write.",
        }
    },
    {
        "types": {
            "type": "array",
            "required": True,
            "elements": {"type": "string"},
            "default": ["say"],
            "description": "The types of messages that are writing.",
        }
    },
)

NOTICE = json.dumps({"type": "notice", "text": "You may read here, and not write."})


class Plugin:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self._writers = frozenset(config["writers"])
        self._types = frozenset(config["types"])

    def ws_handshake(self, kong: Kong) -> None:
        consumer = kong.client.get_consumer()
        groups = {acl["group"] for acl in kong.db.acls.each_by("consumer", consumer["id"])} if consumer else set()
        kong.ctx.plugin.may_write = not groups.isdisjoint(self._writers)

    def ws_client_frame(self, kong: Kong) -> None:
        data, typ, _ = kong.websocket.client.get_frame()
        if typ == "text" and not kong.ctx.plugin.may_write and json.loads(data)["type"] in self._types:
            kong.websocket.inject("client", "text", NOTICE)
            kong.websocket.client.drop_frame()
