"""A stand-in for an LLM's realtime API: the same events, answers that are always the same, and no account.

It prints what reaches it, so that one sees what the gateway lets through. Needs the library websockets.

    python fake_realtime.py [--port 9100]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
from collections.abc import Iterator
from http import HTTPStatus
from itertools import count
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

KEY = "Bearer sk-upstream-demo"
SILENCE = base64.b64encode(bytes(24_000)).decode()  # half a second: 16-bit samples at 24 kHz
ANSWER = "You said: {}. Write to office@example.com, call +49 30 1234567, or pay with 4111 1111 1111 1111."


class Session:
    """One connection: what was said, and the events that answer it."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._said = "nothing"
        self._instructions = "Be kind."

    def opening(self) -> dict[str, Any]:
        return self._event("session.created", session={"instructions": self._instructions})

    def answers(self, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The events that answer one of the client's."""
        match event.get("type"):
            case "session.update":
                self._instructions = event["session"].get("instructions", self._instructions)
                yield self._event("session.updated", session={"instructions": self._instructions})
            case "conversation.item.create":
                self._said = " ".join(part.get("text", "") for part in event["item"]["content"])
                yield self._event("conversation.item.added", item=event["item"])
            case "input_audio_buffer.append":
                pass
            case "response.create":
                yield from self._response(event.get("response", {}).get("output_modalities", ["text"]))
            case other:
                error = {"type": "invalid_request_error", "message": f"There is no event '{other}'."}
                yield self._event("error", error=error)

    def _response(self, modalities: list[str]) -> Iterator[dict[str, Any]]:
        number = next(self._numbers)
        where = {"response_id": f"resp_{number}", "item_id": f"item_{number}", "output_index": 0, "content_index": 0}
        text = ANSWER.format(self._said)
        yield self._event("response.created", response={"id": f"resp_{number}", "status": "in_progress"})
        if "audio" in modalities:
            yield self._event("response.output_audio.delta", **where, delta=SILENCE)
        # Models stream tokens, which end anywhere, in the middle of an address as well.
        pieces = [text[start : start + 5] for start in range(0, len(text), 5)]
        for piece in pieces:
            yield self._event("response.output_text.delta", **where, delta=piece)
        yield self._event("response.output_text.done", **where, text=text)
        usage = {"input_tokens": len(self._said.split()), "output_tokens": len(pieces)}
        item = {"id": f"item_{number}", "type": "message", "content": [{"type": "output_text", "text": text}]}
        response = {"id": f"resp_{number}", "status": "completed", "output": [item], "usage": usage}
        yield self._event("response.done", response=response)

    def _event(self, typ: str, **fields: Any) -> dict[str, Any]:
        return {"type": typ, "event_id": f"event_{next(self._numbers)}", **fields}


async def talk(connection: ServerConnection) -> None:
    async def send(event: dict[str, Any]) -> None:
        await connection.send(json.dumps(event))

    session = Session()
    try:
        await send(session.opening())
        async for message in connection:
            print("event:", shortened(str(message)), flush=True)
            for answer in session.answers(json.loads(message)):
                await send(answer)
    except ConnectionClosed:
        pass


def check(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse whoever has not the key, as the real one does."""
    print("request:", json.dumps({name.lower(): value for name, value in request.headers.raw_items()}), flush=True)
    if request.headers.get("Authorization") != KEY:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no such key\n")
    return None


def shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


async def main(port: int) -> None:
    protocols = [Subprotocol("realtime")]
    async with serve(talk, "127.0.0.1", port, process_request=check, subprotocols=protocols) as server:
        print(f"fake: listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A stand-in for an LLM's realtime API.")
    arguments.add_argument("--port", type=int, default=9100, help="0 takes a free one")
    try:
        asyncio.run(main(arguments.parse_args().port))
    except KeyboardInterrupt:
        pass
