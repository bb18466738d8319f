"""Requests and answers as peers send them, and what reads them whole."""

from __future__ import annotations

from collections.abc import Iterable

from framegate.handshake import (
    AnswerReader,
    BadRequest,
    RequestHead,
    RequestReader,
    UpstreamAnswer,
    accept_for,
    check_opening_request,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, section 1.3, as is ACCEPT
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

Fields = Iterable[tuple[str, str]]

OPENING = (
    ("Host", "example.com"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", KEY),
)

# What Chrome sends, 522 bytes.
BROWSER_REQUEST = (
    b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com:8000\r\nConnection: Upgrade\r\nPragma: no-cache\r\n"
    b"Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/131.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://example.com:8000\r\n"
    b"Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.9\r\n"
    b"Cookie: sid=0123456789abcdef\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)


def lines(first: str, fields: Fields) -> bytes:
    head = "\r\n".join([first, *(f"{name}: {value}" for name, value in fields)])
    return (head + "\r\n\r\n").encode("latin-1")


def request(*more: tuple[str, str], line: str = "GET /chat HTTP/1.1", without: str = "") -> bytes:
    """An opening request with ``more`` fields behind the usual ones, of which ``without`` is left out."""
    return lines(line, [*(field for field in OPENING if field[0] != without), *more])


def changed(name: str, value: str) -> bytes:
    """An opening request whose field ``name`` has another value."""
    return request((name, value), without=name)


def read(*pieces: bytes) -> RequestHead:
    """The head that the last piece completes."""
    reader = RequestReader()
    for piece in pieces[:-1]:
        assert reader.feed(piece) is None
    head = reader.feed(pieces[-1])
    assert head is not None, "the head is not complete"
    return head


def verdict(raw: bytes) -> int:
    """101 for an opening handshake, else the status that it is refused with."""
    try:
        check_opening_request(read(raw))
    except BadRequest as refused:
        return refused.status
    return 101


SWITCHING = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_for(KEY)))


def answer(*more: tuple[str, str], line: str = "HTTP/1.1 101 Switching Protocols", without: str = "") -> bytes:
    """A valid 101 with ``more`` fields behind the usual ones, of which ``without`` is left out."""
    return lines(line, [*(field for field in SWITCHING if field[0] != without), *more])


def read_answer(*pieces: bytes, offered: tuple[str, ...] = ()) -> UpstreamAnswer:
    """The answer that the last piece completes."""
    reader = AnswerReader(KEY, offered=offered)
    for piece in pieces[:-1]:
        assert reader.feed(piece) is None
    read = reader.feed(pieces[-1])
    assert read is not None, "the answer is not complete"
    return read
