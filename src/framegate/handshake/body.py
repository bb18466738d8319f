"""The body of a refusal, decoded by llhttp and cut at a limit (RFC 9112, section 6.3).

Owns which of the three framings applies: a length, chunks, or the end of the stream. It keeps no more than the limit.
"""

from __future__ import annotations

import httptools
from multidict import CIMultiDict

from framegate.handshake.grammar import list_members
from framegate.handshake.head import Data

_WITHOUT_BODY = (204, 304)


class BodyError(Exception):
    """The body's framing is broken."""


class RefusalBody:
    """Decodes one body.

    Args:
        status: the answer's status; 204 and 304 have no body.
        headers: the answer's fields.
        limit: most decoded bytes that are kept; with them the body counts as complete.
        overhead_limit: most bytes of chunk extensions or trailers in a row. Over it, the body ends with what is there.

    Raises:
        BodyError: a transfer coding that is not ``chunked``, or a ``Content-Length`` that is no number.
    """

    __slots__ = ("_parser", "_sink", "_limit", "_overhead", "_overhead_limit")

    def __init__(self, status: int, headers: CIMultiDict[str], *, limit: int, overhead_limit: int) -> None:
        self._limit = limit
        self._overhead = 0
        self._overhead_limit = overhead_limit
        self._sink = _Sink(limit)
        self._parser = httptools.HttpResponseParser(self._sink)
        # llhttp gets a head of our own with the framing alone, so that nothing else in the real one can speak to it.
        framing = "Content-Length: 0\r\n" if status in _WITHOUT_BODY else _framing(headers)
        self._parser.feed_data(f"HTTP/1.1 400 \r\n{framing}\r\n".encode())

    @property
    def done(self) -> bool:
        """Whether the body is complete, or as much of it is there as is wanted."""
        return self._sink.complete or len(self._sink.body) >= self._limit or self._overhead > self._overhead_limit

    @property
    def body(self) -> bytes:
        """What has been decoded so far."""
        return bytes(self._sink.body)

    def feed(self, data: Data) -> None:
        """Take the next bytes.

        Raises:
            BodyError: a chunk is malformed.
        """
        if self.done:
            return
        before = len(self._sink.body)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            # What follows a complete body is of no interest: the connection is closed.
            if not self.done:
                raise BodyError(str(error)) from error
        self._overhead = self._overhead + len(data) if len(self._sink.body) == before else 0

    def complete_at_eof(self) -> bool:
        """Whether the end of the stream is the end of the body too."""
        return self.done or not self._sink.framed


class _Sink:
    """llhttp's callbacks. A trailer field counts as the end: nothing of it is kept."""

    __slots__ = ("body", "complete", "framed", "_limit", "_in_head")

    def __init__(self, limit: int) -> None:
        self.body = bytearray()
        self.complete = False
        self.framed = False
        self._limit = limit
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self.framed = True
        else:
            self.complete = True

    def on_headers_complete(self) -> None:
        self._in_head = False

    def on_body(self, data: bytes) -> None:
        self.body += data[: self._limit - len(self.body)]

    def on_message_complete(self) -> None:
        self.complete = True


def _framing(headers: CIMultiDict[str]) -> str:
    if "Transfer-Encoding" in headers:
        codings = list(list_members(headers.getall("Transfer-Encoding")))
        if [coding.lower() for coding in codings] != ["chunked"]:
            raise BodyError("its transfer coding is not chunked")
        return "Transfer-Encoding: chunked\r\n"
    lengths = headers.getall("Content-Length", [])
    if not lengths:
        return ""
    if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()) or len(lengths[0]) > 18:
        raise BodyError("its Content-Length is not one number")
    return f"Content-Length: {lengths[0]}\r\n"
