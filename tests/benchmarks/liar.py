"""An echo upstream that gets one thing wrong, or pings and waits for the pong: `liar.py HOW`.

HOW is refuses, dies, closes, pings or one of CHANGES.
"""

from __future__ import annotations

import asyncio
import http
import os
import sys

from websockets.asyncio.server import Request, Response, ServerConnection, serve

CHANGES = {
    "shortens": lambda message: message[:-1],
    "renumbers": lambda message: b"ffffffff" + message[8:],
    "edits": lambda message: message[:-1] + b"Z",
    "retypes": lambda message: message.decode(),
}


async def main(how: str) -> None:
    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            if how == "dies":
                os._exit(3)
            if how == "pings":
                await (await connection.ping(b"are you there?"))
                await connection.send(message)
            elif how == "closes":
                await connection.close()
            else:
                await connection.send(CHANGES[how](message))

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(http.HTTPStatus.FORBIDDEN, "no") if how == "refuses" else None

    async with serve(answer, "127.0.0.1", 0, compression=None, process_request=refuse) as server:
        print(f"listening on ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
