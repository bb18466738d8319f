"""Counts what a connection uses (tokens, seconds of audio, events by type), and ends it when its budget is used up.

It expects that websocket-validator has let through JSON objects with a ``type``, and nothing else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from framegate.pdk.kong import Kong

version = "1.0.0"
# After redact: what is passed on at the end has been redacted.
priority = 600

Schema = (
    {
        "max_tokens": {
            "type": "integer",
            "gt": 0,
            "description": "Most tokens of a connection, input and output together; without it there is no limit.",
        }
    },
    {
        "max_audio_seconds": {
            "type": "number",
            "gt": 0,
            "description": "Most seconds of audio, of both directions together; without it there is no limit.",
        }
    },
    {
        "audio_bytes_per_second": {
            "type": "integer",
            "required": True,
            "gt": 0,
            "default": 48_000,
            "description": "How audio is counted; the default is that of 16-bit samples at 24 kHz.",
        }
    },
)

REASON: Final = "budget used up"

# Clients choose what they write into `type`: the rest is counted together.
_MOST_TYPES: Final = 50
_LONGEST_TYPE: Final = 80


class Usage:
    """What has been used so far."""

    def __init__(self) -> None:
        self.input_tokens = 0
        self.output_tokens = 0
        self.audio_bytes = 0
        self.events: Counter[str] = Counter()

    def add_client_event(self, event: dict[str, Any]) -> None:
        """Count an event of the client, whose word counts for nothing but what it sends."""
        self._add_type(event["type"])
        if event["type"] == "input_audio_buffer.append" and isinstance(audio := event.get("audio"), str):
            self.audio_bytes += decoded_size(audio)

    def add_upstream_event(self, event: dict[str, Any]) -> None:
        """Count an event of the upstream, who alone says how many tokens there were."""
        self._add_type(event["type"])
        if event["type"] == "response.output_audio.delta":
            self.audio_bytes += decoded_size(event["delta"])
        elif event["type"] == "response.done":
            usage = event["response"].get("usage") or {}
            self.input_tokens += usage.get("input_tokens", 0)
            self.output_tokens += usage.get("output_tokens", 0)

    def _add_type(self, typ: str) -> None:
        known = typ in self.events or (len(self.events) < _MOST_TYPES and len(typ) <= _LONGEST_TYPE)
        self.events[typ if known else "other"] += 1

    def add_all(self, other: Usage) -> None:
        """Count what ``other`` has counted."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.audio_bytes += other.audio_bytes
        self.events += other.events


class Plugin:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self._most_tokens: int | None = config["max_tokens"]
        self._most_seconds: float | None = config["max_audio_seconds"]
        self._bytes_per_second: int = config["audio_bytes_per_second"]
        # Of the connections that are over, as long as this process lives. What invoices are made of, take from the log.
        self._totals: dict[str, Usage] = {}

    def ws_handshake(self, kong: Kong) -> None:
        kong.ctx.plugin.usage = Usage()

    def ws_client_frame(self, kong: Kong) -> None:
        data, typ, _ = kong.websocket.client.get_frame()
        if typ != "text":
            return
        usage: Usage = kong.ctx.plugin.usage
        usage.add_client_event(json.loads(data))
        if spent := self._spent(usage):
            kong.websocket.inject("client", "text", budget_error(spent))
            kong.websocket.client.close(1008, REASON)

    def ws_upstream_frame(self, kong: Kong) -> None:
        data, typ, _ = kong.websocket.upstream.get_frame()
        if typ != "text":
            return
        usage: Usage = kong.ctx.plugin.usage
        usage.add_upstream_event(json.loads(data))
        if spent := self._spent(usage):
            # close() keeps the frame in flight back; it has been paid for, so the client gets it.
            kong.websocket.inject("client", "text", data)
            kong.websocket.inject("client", "text", budget_error(spent))
            kong.websocket.upstream.close(1001, "", 1008, REASON)

    def ws_close(self, kong: Kong) -> None:
        usage: Usage = kong.ctx.plugin.usage
        consumer = kong.client.get_consumer() or {}
        total = self._totals.setdefault(consumer.get("username") or "nobody", Usage())
        total.add_all(usage)
        kong.log.set_serialize_value("usage", self._figures(usage))
        kong.log.set_serialize_value("consumer_usage", self._figures(total))

    def _spent(self, usage: Usage) -> str | None:
        """What there was too much of, or None."""
        if self._most_tokens and usage.input_tokens + usage.output_tokens > self._most_tokens:
            return f"more than {self._most_tokens} tokens"
        if self._most_seconds and self._seconds(usage) > self._most_seconds:
            return f"more than {self._most_seconds:g} seconds of audio"
        return None

    def _seconds(self, usage: Usage) -> float:
        return round(usage.audio_bytes / self._bytes_per_second, 3)

    def _figures(self, usage: Usage) -> dict[str, Any]:
        return {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "audio_seconds": self._seconds(usage),
            "events": dict(usage.events),
        }


def decoded_size(base64: str) -> int:
    """How many bytes a base64 text holds, without decoding it."""
    return len(base64) * 3 // 4 - base64[-2:].count("=")


def budget_error(spent: str) -> str:
    """An error event as the API itself sends it."""
    error = {"type": "budget_error", "code": "budget_used_up", "message": f"This connection has used {spent}."}
    return json.dumps({"type": "error", "event_id": "event_budget", "error": error})
