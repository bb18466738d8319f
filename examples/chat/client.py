"""Visits a room: sends messages and prints what answers each; without messages, listens. Needs the library websockets.

    python client.py USER ROOM [--url URL] [TEXT ...]

A text is said; ``/who`` asks who is there; what begins with ``{`` is sent as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

from make_token import token_for
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


def as_message(text: str) -> str:
    if text.startswith("{"):
        return text
    return json.dumps({"type": "who"} if text == "/who" else {"type": "say", "text": text})


def shown(message: str | bytes) -> str:
    event = json.loads(message)
    match event["type"]:
        case "said":
            return f"{event['from']}: {event['text']}"
        case "here":
            return f"here: {', '.join(event['names'])} (server {event['server']})"
        case _:
            return f"[{event['text']}]"


async def main(user: str, url: str, texts: list[str]) -> int:
    token = token_for(user, 600, os.environ["CHAT_SECRET"])
    try:
        async with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as connection:
            for text in texts:
                await connection.send(as_message(text))
                print(shown(await connection.recv()))
            while not texts:
                print(shown(await connection.recv()), flush=True)
        return 0
    except InvalidStatus as error:
        print(f"refused: {error.response.status_code} {(error.response.body or b'').decode()}")
    except ConnectionClosed as error:
        print("closed:", f"{error.rcvd.code} {error.rcvd.reason}" if error.rcvd else "without a word")
    return 1


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Visit a room of the chat.")
    arguments.add_argument("user")
    arguments.add_argument("room")
    arguments.add_argument("texts", nargs="*")
    arguments.add_argument("--url", default="ws://127.0.0.1:8000")
    given = arguments.parse_args()
    try:
        sys.exit(asyncio.run(main(given.user, f"{given.url}/rooms/{given.room}", given.texts)))
    except KeyboardInterrupt:
        pass
