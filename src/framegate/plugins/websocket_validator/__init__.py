"""``websocket-validator``: messages must be JSON that matches a schema.

Texts and binary messages of each side have schemas of their own; what has none passes, as control frames do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framegate.pdk import FieldError
from framegate.pdk.kong import Kong
from framegate.plugins.websocket_validator.schemas import DRAFTS, BadSchema, Check, check_of

_SIDES = ("client", "upstream")
_TYPES = ("text", "binary")


def _pair(side: str, typ: str) -> dict[str, Any]:
    return {
        "type": "record",
        "description": f"The schema of {typ} messages from the {side}.",
        "fields": (
            {
                "type": {
                    "type": "string",
                    "required": True,
                    "one_of": list(DRAFTS),
                    "description": "The draft of JSON Schema.",
                }
            },
            {"schema": {"type": "string", "required": True, "description": "The JSON Schema, as JSON."}},
        ),
    }


Schema = tuple(
    {
        side: {
            "type": "record",
            "description": f"What the {side} may send.",
            "fields": tuple({typ: _pair(side, typ)} for typ in _TYPES),
        }
    }
    for side in _SIDES
)
entity_checks = ({"at_least_one_of": [f"{side}.{typ}" for side in _SIDES for typ in _TYPES]},)
version = "1.0.0"
priority = 1006


class Plugin:
    """The schemas of one configuration.

    Attributes:
        phases: those in which there is something to validate.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._client = _checks(config, "client")
        self._upstream = _checks(config, "upstream")
        self.phases = {f"ws_{side}_frame" for side, checks in zip(_SIDES, self._both(), strict=True) if checks}

    def ws_client_frame(self, kong: Kong) -> None:
        """Validate a message of the client."""
        _validate(self._client, kong.websocket.client, kong.log, "client")

    def ws_upstream_frame(self, kong: Kong) -> None:
        """Validate a message of the upstream."""
        _validate(self._upstream, kong.websocket.upstream, kong.log, "upstream")

    def _both(self) -> tuple[dict[str, Check], dict[str, Check]]:
        return self._client, self._upstream


def _checks(config: Mapping[str, Any], side: str) -> dict[str, Check]:
    pairs = {typ: pair for typ in _TYPES if (pair := (config.get(side) or {}).get(typ))}
    return {typ: _check(f"{side}.{typ}.schema", pair) for typ, pair in pairs.items()}


def _check(field: str, pair: Mapping[str, Any]) -> Check:
    try:
        return check_of(pair["type"], pair["schema"])
    except BadSchema as error:
        raise FieldError(field, str(error)) from None


def _validate(checks: Mapping[str, Check], face: Any, log: Any, side: str) -> None:
    data, typ, _ = face.get_frame()
    check = checks.get(typ)
    if check is None:
        return
    refusal = check(data)
    if refusal is not None:
        log.info(f"{side}: {refusal.reason}: {refusal.detail}")
        # 1007: what was received is not consistent with the type of the message (RFC 6455, section 7.4.1).
        face.close(1007, refusal.reason, 1001)
