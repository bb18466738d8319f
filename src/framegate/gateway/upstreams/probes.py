"""One active check of one place: does it connect, does it answer HTTP, does it speak WebSocket.

Owns the way to an outcome. When checks are made, and what becomes of an outcome, is not known here.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterable

import httptools

from framegate._build import pick
from framegate._version import __version__
from framegate.codec.close import close_payload
from framegate.codec.constants import CHUNK, CLOSE, FAILED, FIN, FRAME, NORMAL, PING, PONG
from framegate.config.configuration import ActiveChecks
from framegate.errors import UpstreamUnavailable
from framegate.gateway.upstreams.health import SUCCESS, Outcome
from framegate.gateway.upstreams.seat import Place
from framegate.handshake import AnswerReader, build_upstream_request

Parser = pick("framegate.codec._parser").Parser
append_frame = pick("framegate.codec._octets").append_frame

MAX_HEAD = 64 * 1024
"""Most bytes that are read of an answer until its status is known; as of an upstream's 101."""

_READ = 64 * 1024
_OURS = (("User-Agent", f"framegate/{__version__} (health check)"), ("Accept", "*/*"))


class _Wrong(Exception):
    """The place does not do what it should; the message says what."""


async def probe(
    checks: ActiveChecks,
    place: Place,
    *,
    host: str,
    tls: ssl.SSLContext | None,
    server_name: str | None,
    prelude: bytes = b"",
) -> Outcome | None:
    """Check a place, in at most ``checks.timeout`` seconds.

    Args:
        checks: what to do, and what its answers tell.
        place: where to connect to.
        host: the ``Host``.
        tls: for ``https`` and ``websockets``.
        server_name: the name that TLS asks for and verifies.
        prelude: what goes out before TLS and everything else.

    Returns:
        None for an HTTP status that tells nothing.
    """
    try:
        async with asyncio.timeout(checks.timeout):
            reader, writer = await asyncio.open_connection(place.host, place.port)
            try:
                writer.write(prelude)
                if tls is not None:
                    await writer.start_tls(tls, server_hostname=server_name)
                return await _talk(checks, reader, writer, host)
            finally:
                # Nothing more is to be said to either end: a TLS farewell could take as long as the peer likes.
                writer.transport.abort()
    except TimeoutError:
        return Outcome("timeouts", f"no answer within {checks.timeout:g} seconds")
    except (OSError, UnicodeError, _Wrong) as error:
        return Outcome("tcp_failures", str(error))


async def _talk(
    checks: ActiveChecks, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
) -> Outcome | None:
    match checks.type:
        case "http" | "https":
            return await _http(checks, reader, writer, host)
        case "websocket" | "websockets":
            return await _websocket(checks, reader, writer, host)
    return SUCCESS


async def _http(
    checks: ActiveChecks, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
) -> Outcome | None:
    named = {name.lower() for name, _ in checks.headers}
    fields = [("Host", host), *_OURS, ("Connection", "close")]
    head = [pair for pair in fields if pair[0].lower() not in named] + list(checks.headers)
    lines = "".join(f"{name}: {value}\r\n" for name, value in head)
    writer.write(f"GET {checks.http_path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
    status = await _status(reader)
    if status in checks.healthy_statuses:
        return SUCCESS
    return Outcome("http_failures", f"status {status}") if status in checks.unhealthy_statuses else None


async def _status(reader: asyncio.StreamReader) -> int:
    head = _Head()
    read = 0
    while not head.status:
        data = await reader.read(_READ)
        read += len(data)
        if not data or read > MAX_HEAD:
            raise _Wrong("the connection ended before the answer" if not data else "the answer's head has no end")
        try:
            head.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            break
        except httptools.HttpParserError as error:
            if not head.status:
                raise _Wrong(f"what answers speaks no HTTP: {error}") from error
    return head.status or 101


class _Head:
    """Called back by the parser."""

    def __init__(self) -> None:
        self.status = 0
        self.parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        status = int(self.parser.get_status_code())
        # RFC 9110, section 15.2: further answers follow an interim one; a 101 is final.
        if status >= 200 or status == 101:
            self.status = self.status or status


async def _websocket(
    checks: ActiveChecks, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
) -> Outcome:
    own = [value for name, value in checks.headers if name.lower() == "host"]
    request = build_upstream_request(
        host=own[0] if own else host, target=checks.http_path, headers=[_OURS[0], *_without_host(checks.headers)]
    )
    writer.write(request.wire)
    answer = AnswerReader(request.key, offered=())
    try:
        status = await _answered(answer, reader)
    except UpstreamUnavailable as error:
        return Outcome("http_failures", str(error))
    if status != 101:
        return Outcome("http_failures", f"status {status}")
    await _Frames(reader, writer, answer.rest).exchange()
    return SUCCESS


def _without_host(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() != "host"]


async def _answered(answer: AnswerReader, reader: asyncio.StreamReader) -> int:
    while True:
        data = await reader.read(_READ)
        found = answer.feed(data) if data else answer.eof()
        if found is not None:
            return found.status


class _Frames:
    """What follows the 101: a ping with its pong, and a close frame with its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes) -> None:
        self._reader = reader
        self._writer = writer
        # What a server pushes to whoever connects is skipped, in pieces of any size.
        self._parser = Parser(masked=False, stream=True, validate_utf8=False)
        self._parser.feed(bytearray(rest), 0, len(rest))

    async def exchange(self) -> None:
        payload = os.urandom(8)
        self._send(PING, payload)
        while await self._control() != (PONG, payload):
            if self._parser.opcode == CLOSE:
                raise _Wrong(f"closed with {self._parser.close_code} instead of answering a ping")
        self._send(CLOSE, close_payload(NORMAL, b""))
        while (await self._control())[0] != CLOSE:
            pass

    async def _control(self) -> tuple[int, bytes]:
        """The next control frame."""
        while True:
            found = self._parser.next()
            if found == FAILED:
                raise _Wrong(f"broke the protocol: {self._parser.error}")
            if found == FRAME and self._parser.opcode >= CLOSE:
                payload = self._parser.payload()
                if self._parser.opcode == PING:
                    self._send(PONG, payload)
                return self._parser.opcode, payload
            if found not in (FRAME, CHUNK):
                data = await self._reader.read(_READ)
                if not data:
                    raise _Wrong("the connection ended without a close frame")
                self._parser.feed(bytearray(data), 0, len(data))

    def _send(self, opcode: int, payload: bytes) -> None:
        out = bytearray()
        append_frame(out, FIN | opcode, payload, True)
        self._writer.write(bytes(out))
