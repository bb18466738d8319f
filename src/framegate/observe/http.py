"""A small HTTP/1.1 server for people and programs that watch: one request a connection, small and in time.

It knows no metrics and no gateway; what is asked is answered by a function.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from multidict import CIMultiDictProxy

from framegate.handshake import BadRequest, RequestReader, refusal
from framegate.handshake.request import RequestHead

_log = logging.getLogger("framegate.observe")

REQUEST_TIMEOUT: Final = 5.0
"""Seconds until a request must be there."""

ANSWER_TIMEOUT: Final = 30.0
"""Seconds until its answer must be made and taken."""

LINGER: Final = 1.0
"""Seconds in which the peer may end its side after that."""

MOST_CONNECTIONS: Final = 32
"""Connections at one time: whoever watches needs a few, and none of them may cost the gateway its descriptors."""

MAX_BODY: Final = 4096
_MAX_LINE, _MAX_FIELDS, _MAX_HEADERS = 2048, 16384, 64
_READ = 16384


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        method: such as ``"GET"``; a HEAD request is told as GET.
        path: without the query.
        headers: its fields.
        body: what came with it.
    """

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered.

    Attributes:
        status: of HTTP.
        body: the whole body.
        content_type: what it is.
        headers: further fields.
    """

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Answer:
        """A JSON value."""
        return cls(status, json.dumps(value, indent=2).encode() + b"\n", "application/json")

    def wire(self, *, with_body: bool) -> bytes:
        """Its bytes."""
        fields = [("Content-Type", self.content_type), ("Cache-Control", "no-store"), *self.headers.items()]
        whole = refusal(self.status, headers=fields, body=self.body or None)
        return whole if with_body else whole[: len(whole) - len(self.body)]


Respond = Callable[[Asked], Awaitable[Answer]]


class HttpServer:
    """Answers requests on listening sockets, which are its own from now on.

    Args:
        sockets: at least one; the file of a Unix socket goes with the server.
        respond: answers.
    """

    def __init__(self, sockets: list[socket.socket], respond: Respond) -> None:
        self._sockets = sockets
        self._respond = respond
        self._servers: list[asyncio.Server] = []
        self._talking: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where it listens, the real port included."""
        name = self._sockets[0].getsockname()
        if not isinstance(name, tuple):
            return f"unix:{os.fsdecode(name)}"
        return f"http://[{name[0]}]:{name[1]}" if ":" in name[0] else f"http://{name[0]}:{name[1]}"

    async def start(self) -> None:
        """Begin."""
        for sock in self._sockets:
            sock.setblocking(False)
            unix = sock.family == getattr(socket, "AF_UNIX", None)
            start = asyncio.start_unix_server if unix else asyncio.start_server
            self._servers.append(await start(self._connected, sock=sock, limit=_READ))

    async def close(self) -> None:
        """End; whoever is being answered is cut off."""
        paths = [sock.getsockname() for sock in self._sockets if sock.fileno() >= 0]
        for server in self._servers:
            server.close()
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)
        for path in paths:
            if not isinstance(path, tuple):
                with contextlib.suppress(OSError):
                    os.unlink(path)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._talking) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._talking.add(task)
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                await self._talk(reader, writer)
        finally:
            self._talking.discard(task)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method = ""
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                asked, method = await _request_of(reader)
        except BadRequest as error:
            answer = Answer(error.status, f"{error.message}\n".encode())
        except TimeoutError:
            answer = Answer(408, b"the request was not complete in time\n")
        else:
            if asked is None:
                return
            answer = await self._answer(asked)
        async with asyncio.timeout(ANSWER_TIMEOUT):
            writer.write(answer.wire(with_body=method != "HEAD"))
            await writer.drain()
        writer.write_eof()
        # What the peer has sent too much would make a reset of our closing, and the answer would be lost.
        async with asyncio.timeout(LINGER):
            while await reader.read(_READ):
                pass

    async def _answer(self, asked: Asked) -> Answer:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await self._respond(asked)
        except TimeoutError:
            return Answer(504, b"the answer was not made in time\n")
        except Exception as error:
            _log.error("%s %s failed", asked.method, asked.path, exc_info=error)
            return Answer(500, b"internal error, the log has more\n")


async def _request_of(reader: asyncio.StreamReader) -> tuple[Asked | None, str]:
    head_reader = RequestReader(
        max_request_line=_MAX_LINE, max_header_bytes=_MAX_FIELDS, max_headers=_MAX_HEADERS
    )
    head: RequestHead | None = None
    while head is None:
        data = await reader.read(_READ)
        if not data:
            return None, ""
        head = head_reader.feed(data)
    body = await _body_of(head, head_reader.rest, reader)
    method = "GET" if head.method == "HEAD" else head.method
    return Asked(method, head.path, head.headers, body), head.method


async def _body_of(head: RequestHead, begun: bytes, reader: asyncio.StreamReader) -> bytes:
    headers = head.headers
    if "Transfer-Encoding" in headers:
        raise BadRequest(411, "a body needs a Content-Length here")
    lengths = set(headers.getall("Content-Length", ()))
    if not lengths:
        return b""
    length = lengths.pop()
    if lengths or not (length.isascii() and length.isdigit()):
        raise BadRequest(400, "Content-Length must be one number")
    if int(length) > MAX_BODY:
        raise BadRequest(413, f"a body has at most {MAX_BODY} bytes here")
    body = begun[: int(length)]
    while len(body) < int(length):
        data = await reader.read(int(length) - len(body))
        if not data:
            raise BadRequest(400, "the body ended before its Content-Length")
        body += data
    return body
