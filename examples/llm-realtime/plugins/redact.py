"""Takes secrets out of the texts of JSON events, in both directions, streamed texts included; audio is left alone.

It expects that websocket-validator has let through JSON objects with a ``type``, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from framegate.pdk import FieldError
from framegate.pdk.kong import Kong

from ._events import DELTAS, Event, StreamKey, ends, stream_key, texts
from ._secrets import KINDS, MOST_HELD, Secrets, Stream

version = "1.0.0"
# Before meter, which may pass on what it has seen.
priority = 700

Schema = (
    {
        "kinds": {
            "type": "array",
            "required": True,
            "elements": {"type": "string", "one_of": list(KINDS)},
            "default": list(KINDS),
            "description": "Which of the secrets that the plugin knows are taken out.",
        }
    },
    {
        "patterns": {
            "type": "map",
            "keys": {"type": "string"},
            "values": {"type": "string"},
            "default": {},
            "description": "Regular expressions of further secrets, by the name that stands in their place.",
        }
    },
    {
        "hold": {
            "type": "integer",
            "required": True,
            "between": [0, MOST_HELD],
            "default": 0,
            "description": "How many characters of a streamed text are held back at least: as many as the longest "
            "secret has that matches one of your patterns and contains white space.",
        }
    },
)


@dataclass(slots=True)
class OpenText:
    """A text that is being streamed, and the last event that brought some of it."""

    stream: Stream
    last: Event


class Connection:
    """What the plugin remembers of a connection."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.open: dict[StreamKey, OpenText] = {}


class Plugin:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self._hold: int = config["hold"]
        try:
            self._secrets = Secrets(config["kinds"], config["patterns"])
        except re.error as error:
            raise FieldError("patterns", f"{error.pattern!r} is no regular expression: {error}") from None

    def ws_handshake(self, kong: Kong) -> None:
        kong.ctx.plugin.connection = Connection()

    def ws_client_frame(self, kong: Kong) -> None:
        data, typ, _ = kong.websocket.client.get_frame()
        if typ != "text":
            return
        event = json.loads(data)
        # What holds no secret stays byte for byte as it was sent.
        if self._redact(event, kong.ctx.plugin.connection):
            kong.websocket.client.set_frame_data(written(event))

    def ws_upstream_frame(self, kong: Kong) -> None:
        data, typ, _ = kong.websocket.upstream.get_frame()
        if typ != "text":
            return
        event = json.loads(data)
        connection: Connection = kong.ctx.plugin.connection
        for more in self._ended_by(event, connection):
            kong.websocket.inject("client", "text", written(more))
        redact = self._redact_delta if event["type"] in DELTAS else self._redact
        if redact(event, connection):
            kong.websocket.upstream.set_frame_data(written(event))

    def ws_close(self, kong: Kong) -> None:
        # How many there were, never what they were.
        kong.log.set_serialize_value("redacted", dict(kong.ctx.plugin.connection.found))

    def _redact(self, event: Event, connection: Connection) -> bool:
        """Redact the texts of an event; whether that changed it."""
        changed = False
        for parent, key in texts(event):
            before = parent[key]
            parent[key] = self._secrets.redact(before, connection.found)
            changed = changed or parent[key] != before
        return changed

    def _redact_delta(self, event: Event, connection: Connection) -> bool:
        """Leave in a delta what can go out by now, which may be nothing; whether that changed it."""
        text = connection.open.setdefault(stream_key(event), OpenText(Stream(self._secrets, self._hold), event))
        text.last = event
        before: str = event["delta"]
        event["delta"] = after = text.stream.feed(before, connection.found)
        return after != before

    def _ended_by(self, event: Event, connection: Connection) -> Iterator[Event]:
        """What the streams that an event ends have held back, each as one more delta."""
        for key in [key for key in connection.open if ends(event, key)]:
            text = connection.open.pop(key)
            if rest := text.stream.rest(connection.found):
                yield {**text.last, "event_id": f"{text.last.get('event_id')}_rest", "delta": rest}


def written(event: Event) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
