"""Says something to the realtime API behind the gateway, and prints what comes back. Needs the library websockets.

    python client.py [--url URL] [--key KEY] [--times N] TEXT
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol


async def say(connection: ClientConnection, text: str) -> None:
    """Say ``text``, and ask for a response."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    # A connection that has been closed may have left something to read.
    with suppress(ConnectionClosed):
        await connection.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await connection.send(json.dumps({"type": "response.create"}))


async def talk(connection: ClientConnection, text: str, times: int) -> None:
    """Say ``text`` so many times, and print the responses as they come."""
    await say(connection, text)
    async for message in connection:
        event: dict[str, Any] = json.loads(message)
        match event["type"]:
            case "response.output_text.delta":
                print(event["delta"], end="", flush=True)
            case "response.done":
                print("\n" + str(event["response"]["usage"]))
                times -= 1
                if not times:
                    return
                await say(connection, text)
            case "error":
                print("error:", event["error"]["message"])


async def main(url: str, key: str, text: str, times: int) -> int:
    # A browser can set no header of a WebSocket: the key comes as a subprotocol, beside the one that is meant.
    protocols = [Subprotocol("realtime"), Subprotocol(f"apikey.{key}")]
    try:
        async with connect(url, subprotocols=protocols) as connection:
            await talk(connection, text, times)
        return 0
    except InvalidStatus as error:
        print(f"refused: {error.response.status_code} {(error.response.body or b'').decode()}")
    except ConnectionClosed as error:
        print("closed:", f"{error.rcvd.code} {error.rcvd.reason}" if error.rcvd else "without a word")
    return 1


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Say something to the realtime API behind the gateway.")
    arguments.add_argument("text")
    arguments.add_argument("--url", default="ws://127.0.0.1:8000/v1/realtime")
    arguments.add_argument("--key", default=os.environ.get("ANNA_KEY", ""))
    arguments.add_argument("--times", type=int, default=1, help="how often to say it")
    given = arguments.parse_args()
    sys.exit(asyncio.run(main(given.url, given.key, given.text, given.times)))
