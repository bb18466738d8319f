"""Cuts an HTTP/1.1 head out of a stream of bytes, and reads its fields.

Owns the line discipline (CRLF alone ends a line), the limits, and the strict grammar of a head; llhttp is the second
opinion. It knows nothing of what a field means.

Stricter than RFC 9112 asks for: no empty lines before the first line (section 2.2), no bare LF (section 2.2), no
folded line (section 5.2), and no control character other than tab anywhere.
"""

from __future__ import annotations

import re

import httptools
from multidict import CIMultiDict

from framegate.handshake.grammar import OWS, TCHAR, VALUE_CHAR

Data = bytes | bytearray | memoryview

_FIELD = re.compile(f"[{TCHAR}]+:[{VALUE_CHAR}]*+\r\n".encode("latin-1"))
_FIELDS = re.compile(f"(?:[{TCHAR}]+:[{VALUE_CHAR}]*+\r\n)*+".encode("latin-1"))
_MALFORMED = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n|\Z)|(?<!\r)\n")
_TOKEN = re.compile(f"[{TCHAR}]+".encode("latin-1"))
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

# llhttp judges the fields under a first line of its own liking: the real one has been checked by a stricter pattern,
# and a method or version that llhttp does not know must not hide the answer that it deserves.
_REQUEST_LINE = b"GET / HTTP/1.1\r\n"
_STATUS_LINE = b"HTTP/1.1 200 OK\r\n"


class HeadError(Exception):
    """A head that is refused. ``part``: ``"line"`` or ``"fields"`` for a limit passed there, else ``"syntax"``."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


class HeadCutter:
    """Collects bytes until a head is complete, and holds no more of them than a head may have.

    Args:
        first_line: the pattern that the whole first line must match.
        max_line: most bytes of the first line, without its CRLF.
        max_header_bytes: most bytes of all field lines with their CRLFs, without the empty line.
        max_headers: most field lines.
    """

    __slots__ = (
        "_first_line",
        "_max_line",
        "_max_header_bytes",
        "_max_headers",
        "_buffer",
        "_seen",
        "_line_end",
        "_lines",
    )

    def __init__(
        self, first_line: re.Pattern[bytes], *, max_line: int, max_header_bytes: int, max_headers: int
    ) -> None:
        self._first_line = first_line
        self._max_line = max_line
        self._max_header_bytes = max_header_bytes
        self._max_headers = max_headers
        self._buffer = bytearray()
        self._seen = 0  # so many bytes of the buffer have been looked at
        self._line_end = -1  # where the first line's CRLF stands, once it is known
        self._lines = 0  # so many field lines have ended in the bytes that have been looked at

    @property
    def held(self) -> int:
        """How many bytes are held."""
        return len(self._buffer)

    def forget(self) -> None:
        """Hold nothing any more; the cutter is of no further use."""
        self._buffer = bytearray()

    def feed(self, data: Data) -> tuple[bytes, bytes] | None:
        """Take the next bytes; return the head with its empty line and what came behind it, or None.

        Raises:
            HeadError: a limit or the grammar was broken. The reader is of no further use and holds nothing.
        """
        if not self._buffer and type(data) is bytes and (whole := self._cut_whole(data)) is not None:
            return whole
        buffer = self._buffer
        # With two CRLFs a head that keeps to its limits fits into this.
        taken = self._max_line + self._max_header_bytes + 4 - len(buffer)
        buffer += data[:taken]
        try:
            end = self._find_end()
            if end < 0:
                return None
            raw = bytes(buffer[:end])
            rest = bytes(buffer[end:]) + bytes(data[taken:])
            self._check_fields(raw)
        except HeadError:
            self._buffer = bytearray()
            raise
        self._buffer = bytearray()
        return raw, rest

    def _cut_whole(self, data: bytes) -> tuple[bytes, bytes] | None:
        # A head that comes in one piece, as nearly all do, need not be collected.
        end = data.find(b"\r\n\r\n") + 4
        line_end = data.find(b"\r\n", 0, self._max_line + 2)
        if end < 4 or line_end < 0 or not self._first_line.fullmatch(data, 0, line_end):
            return None
        self._line_end = line_end
        raw = data[:end]
        self._check_fields(raw)
        return raw, data[end:]

    def _find_end(self) -> int:
        if self._line_end < 0 and not self._find_line():
            return -1
        buffer, start = self._buffer, self._line_end
        end = buffer.find(b"\r\n\r\n", max(start, self._seen - 3))
        if end < 0:
            self._check_unfinished_fields()
            self._seen = len(buffer)
            return -1
        return end + 4

    def _find_line(self) -> bool:
        buffer = self._buffer
        end = buffer.find(b"\r\n", max(0, self._seen - 1), self._max_line + 2)
        if end < 0:
            self._check_unfinished_line()
            self._seen = len(buffer)
            return False
        if not self._first_line.fullmatch(buffer, 0, end):
            raise HeadError("syntax", "the first line is malformed")
        self._line_end = end
        self._seen = end
        return True

    def _check_unfinished_line(self) -> None:
        buffer, limit = self._buffer, self._max_line
        if _MALFORMED.search(buffer, max(0, self._seen - 1), limit + 2):
            raise HeadError("syntax", "a line ends without CRLF, or a control character stands in the first line")
        if len(buffer) > limit + 1 or (len(buffer) == limit + 1 and buffer[-1] != 0x0D):
            raise HeadError("line", f"the first line is longer than {limit} bytes")

    def _check_unfinished_fields(self) -> None:
        buffer, start = self._buffer, self._line_end + 2
        if _MALFORMED.search(buffer, max(start, self._seen - 1), start + self._max_header_bytes + 2):
            raise HeadError("syntax", "a line ends without CRLF, or a control character stands in a header")
        held = len(buffer) - start
        ends_in_cr = held > 0 and buffer[-1] == 0x0D
        self._check_size(held - 1 if ends_in_cr else held)
        self._lines += buffer.count(b"\n", max(start, self._seen))
        begun = buffer[-1] not in b"\r\n"
        self._check_count(self._lines + begun)

    def _check_fields(self, raw: bytes) -> None:
        start = self._line_end + 2
        self._check_size(len(raw) - 2 - start)
        self._check_count(raw.count(b"\n", start) - 1)
        if not _FIELDS.fullmatch(raw, start, len(raw) - 2):
            raise HeadError("syntax", _what_is_wrong(raw, start))

    def _check_size(self, size: int) -> None:
        if size > self._max_header_bytes:
            raise HeadError("fields", f"the headers are longer than {self._max_header_bytes} bytes")

    def _check_count(self, count: int) -> None:
        if count > self._max_headers:
            raise HeadError("fields", f"there are more than {self._max_headers} headers")


def _what_is_wrong(raw: bytes, start: int) -> str:
    while match := _FIELD.match(raw, start):
        start = match.end()
    line = raw[start : raw.index(b"\r\n", start)]
    name, colon, value = line.partition(b":")
    if line[:1] in (b" ", b"\t"):
        return "a header is folded over two lines"
    if not colon:
        return "a header line has no colon"
    if not _TOKEN.fullmatch(name):
        return "a header's name is empty" if not name else "a header's name is not a token"
    assert _CONTROL.search(value), "a line of the grammar was refused by it"
    return f"a control character stands in the value of {name.decode()}"


def request_fields(raw: bytes) -> CIMultiDict[str]:
    """The fields of a request's head, decoded as latin-1, in order, duplicates kept.

    Raises:
        HeadError: llhttp refuses them, for example for a Content-Length beside a Transfer-Encoding.
    """
    _judge(httptools.HttpRequestParser(_NOBODY), _REQUEST_LINE, raw)
    return _split(raw)


def answer_fields(raw: bytes) -> CIMultiDict[str]:
    """The fields of an answer's head, decoded as latin-1, in order, duplicates kept.

    Raises:
        HeadError: llhttp refuses them.
    """
    _judge(httptools.HttpResponseParser(_NOBODY), _STATUS_LINE, raw)
    return _split(raw)


class _Nobody:
    """Listens to none of llhttp's callbacks."""


_NOBODY = _Nobody()


def _split(raw: bytes) -> CIMultiDict[str]:
    # The grammar has been checked: each line has its colon, and none is folded.
    lines = raw[raw.index(b"\r\n") + 2 : -4].decode("latin-1").split("\r\n")
    pairs = [line.split(":", 1) for line in lines if line]
    return CIMultiDict([(name, value.strip(OWS)) for name, value in pairs])


def _judge(
    parser: httptools.HttpRequestParser | httptools.HttpResponseParser, first_line: bytes, raw: bytes
) -> None:
    try:
        parser.feed_data(first_line + raw[raw.index(b"\r\n") + 2 :])
    except httptools.HttpParserUpgrade:
        pass  # all fields have been read: it only says that another protocol follows
    except httptools.HttpParserError as error:
        raise HeadError("syntax", f"the headers contradict each other ({error})") from error
