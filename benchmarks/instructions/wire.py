"""The fixed bytes that the scenarios are fed with: frames of a client, and the heads of an opening handshake."""

from __future__ import annotations

import base64
import hashlib

TEXT, BINARY, CONTINUATION = 1, 2, 0
FIN = 0x80

KEY = b"\x37\xfa\x21\x3d"
"""The masking key of RFC 6455, section 5.7."""

REQUEST = "\r\n".join([
    "GET /chat/rooms/4711?token=8f14e45fceea167a5a36dedd4bea2543 HTTP/1.1",
    "Host: gateway.example.com",
    "Connection: Upgrade",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Upgrade: websocket",
    "Origin: https://app.example.com",
    "Sec-WebSocket-Version: 13",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7",
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: chat.v2, chat.v1",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "",
    "",
]).encode()  # fmt: skip
"""What a browser sends."""

UPSTREAM_KEY = "x3JJHMbDL1EzLkh9GBhXDw=="


def answer() -> bytes:
    """The upstream's 101 to ``UPSTREAM_KEY``."""
    digest = hashlib.sha1(f"{UPSTREAM_KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return "\r\n".join([
        "HTTP/1.1 101 Switching Protocols",
        "Server: nginx/1.22.1",
        "Date: Thu, 01 Jan 2026 00:00:00 GMT",
        "Upgrade: websocket",
        "Connection: upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}",
        "Sec-WebSocket-Protocol: chat.v2",
        "Set-Cookie: node=b; Path=/; HttpOnly",
        "X-Request-Id: 4c1f0a2e",
        "",
        "",
    ]).encode()  # fmt: skip


def frame(payload: bytes, opcode: int = BINARY, fin: bool = True) -> bytes:
    """A client's frame, masked with ``KEY``, its length in the shortest form (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 0x10000:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    pattern = (KEY * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")
    return bytes([FIN * fin | opcode]) + length + KEY + masked


def ascii_text(size: int) -> bytes:
    """So many bytes of ASCII."""
    return (b"The quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size]


def multibyte_text(size: int) -> bytes:
    """So many bytes of UTF-8 with characters of one to four bytes; ``size`` is a multiple of 16."""
    piece = "aé\u20ac\u4e2d\U0001f600bcd".encode()
    assert len(piece) == 16 and size % 16 == 0
    return piece * (size // 16)
