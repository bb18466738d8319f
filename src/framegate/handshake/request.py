"""The client's opening request: read from bytes, and kept in as little memory as will do.

Owns the syntax of a request line and the mapping of a broken head to its HTTP status. What a WebSocket request must
hold is told in :mod:`framegate.handshake.opening`.
"""

from __future__ import annotations

import re
import weakref

from multidict import CIMultiDictProxy

from framegate.errors import FramegateError, UsageError
from framegate.handshake.grammar import TCHAR, list_members
from framegate.handshake.head import Data, HeadCutter, HeadError, request_fields
from framegate.handshake.response import refusal

# RFC 9112, section 3: method SP request-target SP HTTP-version. One space each, nothing missing, no fragment.
_REQUEST_LINE = re.compile(rb"([%s]+) ([\x21\x22\x24-\x7e]+) HTTP/([0-9]\.[0-9])" % TCHAR.encode())

_STATUS_OF = {"line": 414, "fields": 431, "syntax": 400}


class BadRequest(FramegateError):
    """The client's request cannot be served.

    Args:
        status: the HTTP status of the answer.
        message: what is wrong with it, in one line that may be shown to the client.
        headers: fields that the answer must have, such as ``Allow``.
    """

    def __init__(self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers

    def response(self) -> bytes:
        """The whole answer to send before closing; the message is its body."""
        content_type = ("Content-Type", "text/plain; charset=utf-8")
        return refusal(self.status, headers=(*self.headers, content_type), body=f"{self.message}\n".encode())


class RequestHead:
    """One request's head, whose syntax has been checked.

    It lives as long as the connection, so it holds the bytes that came and little else; everything below is read from
    them when it is asked for. Hold on to :attr:`headers` while more than one field is wanted.
    """

    __slots__ = ("raw", "method", "http_version", "_headers")

    def __init__(self, raw: bytes, headers: CIMultiDictProxy[str] | None = None) -> None:
        match = _REQUEST_LINE.match(raw)
        assert match, "a head that its reader did not check"
        method, _, version = match.groups()
        self.raw = raw
        self.method = "GET" if method == b"GET" else method.decode()
        self.http_version = "1.1" if version == b"1.1" else version.decode()
        self._headers = None if headers is None else weakref.ref(headers)

    def __repr__(self) -> str:
        return f"<RequestHead {self.method} {self.target} HTTP/{self.http_version}>"

    @property
    def target(self) -> str:
        """The request target as it came, in ASCII."""
        return self.raw.split(b" ", 2)[1].decode()

    @property
    def path(self) -> str:
        """The target without the query, percent-encoding as it came."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as it came, without the question mark; empty where there is none."""
        return self.target.partition("?")[2]

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields: case-insensitive names, latin-1 values, order and duplicates kept."""
        headers = self._headers() if self._headers is not None else None
        if headers is None:
            headers = CIMultiDictProxy(request_fields(self.raw))
            self._headers = weakref.ref(headers)
        return headers

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The offered subprotocols, most wanted first, each once (RFC 6455, section 11.3.4)."""
        offers = self.headers.getall("Sec-WebSocket-Protocol", ())
        return tuple(dict.fromkeys(list_members(offers))) if offers else ()

    @property
    def key(self) -> str:
        """The ``Sec-WebSocket-Key``, or an empty string."""
        return self.headers.get("Sec-WebSocket-Key", "")


class RequestReader:
    """Reads one request head from bytes that may be cut anywhere.

    Args:
        max_request_line: most bytes of the request line, 8 KiB (what nginx and Apache allow): over it, 414.
        max_header_bytes: most bytes of all header lines with their CRLFs, 64 KiB: over it, 431.
        max_headers: most header lines, 128: over it, 431.

    Exactly the limit passes, and a limit is broken as soon as the bytes show it, not only at the end of the head.
    """

    __slots__ = ("_cutter", "_failure", "fields", "rest")

    def __init__(self, *, max_request_line: int = 8192, max_header_bytes: int = 65536, max_headers: int = 128) -> None:
        self._cutter: HeadCutter | None = HeadCutter(
            _REQUEST_LINE, max_line=max_request_line, max_header_bytes=max_header_bytes, max_headers=max_headers
        )
        self._failure: tuple[int, str] | None = None
        self.rest = b""  #: what came behind the head
        self.fields: CIMultiDictProxy[str] | None = None  #: the head's fields

    @property
    def held(self) -> int:
        """How many bytes of an unfinished head are held."""
        return self._cutter.held if self._cutter else 0

    def feed(self, data: Data) -> RequestHead | None:
        """Take the next bytes; return the head once it is complete. Its fields, which had to be read, are in
        :attr:`fields` for whoever wants to hold on to them.

        Raises:
            BadRequest: 400 for the syntax, 414 or 431 for a limit; raised again for whatever follows.
            UsageError: the head has been returned already.
        """
        if self._failure:
            raise BadRequest(*self._failure)
        if self._cutter is None:
            raise UsageError("the request's head has been read: what follows it is not for its reader")
        try:
            cut = self._cutter.feed(data)
            if cut is None:
                return None
            raw, self.rest = cut
            self.fields = CIMultiDictProxy(request_fields(raw))
        except HeadError as error:
            self._cutter, self.rest = None, b""
            self._failure = _STATUS_OF[error.part], f"bad request: {error}"
            raise BadRequest(*self._failure) from error
        self._cutter = None
        return RequestHead(raw, self.fields)
