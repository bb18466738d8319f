"""``websocket-size-limit``: how many bytes a message of the client, or of the upstream, may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framegate.pdk.kong import Kong

_MOST: Final = 32 * 1024 * 1024


def _limit(side: str) -> dict[str, Any]:
    return {
        "type": "integer",
        "between": [1, _MOST],
        "description": f"Most payload bytes of a message from the {side}, all its fragments together.",
    }


Schema = (
    {"client_max_payload": _limit("client")},
    {"upstream_max_payload": _limit("upstream")},
)
entity_checks = ({"at_least_one_of": ["client_max_payload", "upstream_max_payload"]},)
version = "1.0.0"
priority = 1003


class Plugin:
    """The limits of one configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._client: int | None = config["client_max_payload"]
        self._upstream: int | None = config["upstream_max_payload"]

    def ws_handshake(self, kong: Kong) -> None:
        """Set the limits of the session that is about to begin."""
        if self._client is not None:
            kong.websocket.client.set_max_payload_size(self._client)
        if self._upstream is not None:
            kong.websocket.upstream.set_max_payload_size(self._upstream)
