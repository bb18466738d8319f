"""A chat server with rooms, which it keeps in memory. Needs the library websockets.

    python fake_chat.py --name one [--port 9201]

It believes what the gateway says of a client (X-Consumer-Username): never let anybody else reach it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError


class Chat:
    """The rooms of one server, by path, with who is in them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rooms: dict[str, dict[ServerConnection, str]] = defaultdict(dict)

    async def visit(self, connection: ServerConnection) -> None:
        """Serve one visitor of a room until it leaves."""
        assert connection.request is not None
        room = self._rooms[urlsplit(connection.request.path).path]
        who = connection.request.headers["X-Consumer-Username"]
        room[connection] = who
        try:
            async for message in connection:
                self._hear(room, connection, json.loads(message))
        except ConnectionClosedError:
            pass
        finally:
            del room[connection]

    def _hear(self, room: dict[ServerConnection, str], connection: ServerConnection, message: dict[str, str]) -> None:
        if message["type"] == "who":
            answer = {"type": "here", "names": sorted(room.values()), "server": self._name}
            broadcast([connection], json.dumps(answer))
        else:
            said = {"type": "said", "from": room[connection], "text": message["text"]}
            broadcast(room, json.dumps(said, ensure_ascii=False))


async def main(name: str, port: int) -> None:
    async with serve(Chat(name).visit, "127.0.0.1", port) as server:
        print(f"{name}: listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A chat server with rooms.")
    arguments.add_argument("--name", required=True)
    arguments.add_argument("--port", type=int, default=9201, help="0 takes a free one")
    given = arguments.parse_args()
    try:
        asyncio.run(main(given.name, given.port))
    except KeyboardInterrupt:
        pass
