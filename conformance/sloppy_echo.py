"""An echo upstream that checks nothing and negotiates nothing: behind it, every check that is seen is the proxy's own.

Each frame goes back as it came, reserved bits, fragments and invalid text included; a ping as a pong.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE, PING, PONG = 8, 9, 10


def unmasked(data: bytes, key: bytes) -> bytes:
    size = len(data)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


def head(first: int, size: int) -> bytes:
    if size < 126:
        return struct.pack(">BB", first, size)
    return struct.pack(">BBH", first, 126, size) if size < 65536 else struct.pack(">BBQ", first, 127, size)


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    size = second & 127
    if size == 126:
        (size,) = struct.unpack(">H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack(">Q", await reader.readexactly(8))
    key = await reader.readexactly(4) if second & 128 else bytes(4)
    return first, unmasked(await reader.readexactly(size), key)


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\nsec-websocket-key:[ \t]*(\S+)", request)
    key = found.group(1) if found else b""
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await upgrade(reader, writer)
        opcode = 0
        while opcode != CLOSE:
            first, data = await read_frame(reader)
            opcode = first & 15
            if opcode == PONG:
                continue
            answer = first & 0xF0 | PONG if opcode == PING else first
            writer.write(head(answer, len(data)) + data)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(f"listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
