"""The events of the API that carry text, and where in them it stands. What is not in these tables is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

Event = dict[str, Any]

TEXTS: Final = {
    # the client's
    "session.update": ("session.instructions",),
    "conversation.item.create": ("item.content.*.text", "item.content.*.transcript", "item.output"),
    "response.create": (
        "response.instructions",
        "response.input.*.content.*.text",
        "response.input.*.content.*.transcript",
        "response.input.*.output",
    ),
    # the upstream's
    "session.created": ("session.instructions",),
    "session.updated": ("session.instructions",),
    "conversation.item.added": ("item.content.*.text", "item.content.*.transcript", "item.output"),
    "conversation.item.done": ("item.content.*.text", "item.content.*.transcript", "item.output"),
    "conversation.item.input_audio_transcription.completed": ("transcript",),
    "response.output_text.done": ("text",),
    "response.output_audio_transcript.done": ("transcript",),
    "response.content_part.done": ("part.text", "part.transcript"),
    "response.output_item.done": ("item.content.*.text", "item.content.*.transcript"),
    "response.done": ("response.output.*.content.*.text", "response.output.*.content.*.transcript"),
    "error": ("error.message",),
}
"""Where text stands, by the event's type: names with dots between, and ``*`` for each entry of a list."""

ENDS: Final = {
    "response.output_text.done": "response.output_text.delta",
    "response.output_audio_transcript.done": "response.output_audio_transcript.delta",
    "conversation.item.input_audio_transcription.completed": "conversation.item.input_audio_transcription.delta",
}
"""The events with a ``delta`` of text, by those that end them."""

DELTAS: Final = frozenset(ENDS.values())


class StreamKey(NamedTuple):
    """Which deltas make one text."""

    type: str
    response: str | None
    item: str | None
    part: int | None


def stream_key(event: Event) -> StreamKey:
    """The stream that an event of :data:`ENDS` or :data:`DELTAS` belongs to."""
    typ: str = event["type"]
    return StreamKey(ENDS.get(typ, typ), event.get("response_id"), event.get("item_id"), event.get("content_index"))


def ends(event: Event, key: StreamKey) -> bool:
    """Whether a stream is over with this event: the stream's own last one, or the one that ends its response."""
    if event["type"] == "response.done":
        return key.response is not None and key.response == event["response"].get("id")
    return event["type"] in ENDS and stream_key(event) == key


def texts(event: Event) -> Iterator[tuple[Any, Any]]:
    """Each text of an event: the mapping or list that it stands in, and where in it."""
    for path in TEXTS.get(event["type"], ()):
        yield from _at(event, path.split("."))


def _at(value: Any, path: list[str]) -> Iterator[tuple[Any, Any]]:
    name, rest = path[0], path[1:]
    if isinstance(value, dict):
        keys: list[Any] = [name] if name in value else []
    else:
        keys = list(range(len(value))) if name == "*" and isinstance(value, list) else []
    for key in keys:
        if rest:
            yield from _at(value[key], rest)
        elif isinstance(value[key], str):
            yield value, key
