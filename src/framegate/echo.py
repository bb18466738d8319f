"""A plain echo upstream: texts, binaries and fragments come back as they came, pings are answered, closes echoed.

For trying things out and for tests; it looks at nothing but the protocol.
"""

from __future__ import annotations

import asyncio
import ssl as ssl_module
from typing import Any

from framegate._build import pick
from framegate.codec.close import close_payload
from framegate.codec.constants import CLOSE, FAILED, FIN, FRAME, GOING_AWAY, NEED, NO_CODE, PING, PONG
from framegate.connection import ClientConnection
from framegate.handshake import switching_protocols
from framegate.request import Request
from framegate.server import Serving, serve
from framegate.transport import Receiver

Parser = pick("framegate.codec._parser").Parser
append_frame = pick("framegate.codec._octets").append_frame

MAX_FRAME = 64 * 1024 * 1024
LINGER = 5.0
HIGH_WATER = 256 * 1024


def encode_frame(first: int, payload: bytes) -> bytearray:
    """An unmasked frame: ``first`` is its first byte, FIN and opcode (RFC 6455, section 5.2)."""
    frame = bytearray()
    append_frame(frame, first, payload, False)
    return frame


class Echo(Receiver):
    """One connection; ``done`` is set when it has ended."""

    def __init__(self, connection: ClientConnection) -> None:
        self.transport = connection.transport
        self.loop = connection.server.loop
        self.parser = Parser(masked=True, max_size=MAX_FRAME)
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.closing = False
        self.transport.set_high_water(HIGH_WATER)
        self.transport.set_receiver(self)
        self.transport.resume_reading()

    def received(self, data: bytearray, start: int, end: int) -> None:
        """Answer ``data[start:end]`` in one write."""
        if self.closing:
            return
        parser = self.parser
        parser.feed(data, start, end)
        answer = bytearray()
        while (event := parser.next()) != NEED:
            if event == FAILED:
                answer += encode_frame(FIN | CLOSE, close_payload(parser.error_code, b""))
                self._close()
            elif event == FRAME:
                answer += self._answer(parser)
            if self.closing:
                break
        if answer:
            self.transport.write(answer, None, 0, 0)
            if self.transport.queued >= HIGH_WATER:
                self.transport.pause_reading()
        if self.closing:
            self.transport.shutdown()

    def ended(self, error: Exception | None) -> None:
        """The client has ended its side."""
        self.finish()

    def drained(self) -> None:
        """The client reads on."""
        self.transport.resume_reading()

    def finish(self) -> None:
        """Close the socket."""
        if not self.done.done():
            self.transport.leave()
            self.done.set_result(None)

    def drain(self, code: int) -> None:
        """Send ``code``, because the server ends."""
        if not self.closing:
            self._close()
            self.transport.write(encode_frame(FIN | CLOSE, close_payload(code, b"")), None, 0, 0)
            self.transport.shutdown()

    def abort(self) -> None:
        """End without waiting."""
        self.drain(GOING_AWAY)
        self.finish()

    def conclude(self, error: Exception | None) -> None:
        """The handler is done."""
        self.finish()

    def let_upstream_go(self) -> None:
        """There is none."""

    def _close(self) -> None:
        self.closing = True
        self.loop.call_later(LINGER, self.finish)

    def _answer(self, parser: Any) -> bytearray | bytes:
        opcode = parser.opcode
        if opcode == PONG:
            return b""
        payload = parser.payload()
        if opcode == CLOSE:
            self._close()
            code = parser.close_code
            return encode_frame(FIN | CLOSE, b"" if code == NO_CODE else close_payload(code, payload))
        if opcode == PING:
            return encode_frame(FIN | PONG, payload)
        return encode_frame((FIN if parser.fin else 0) | opcode, payload)


def serve_echo(
    host: str | None = None,
    port: int | None = None,
    *,
    ssl: ssl_module.SSLContext | None = None,
    unix_path: str | None = None,
    **server_limits: Any,
) -> Serving:
    """Serve an echo; the first subprotocol that a client offers is selected.

    Args:
        host, port, ssl, unix_path, server_limits: as for :func:`framegate.serve`.
    """

    async def handler(request: Request) -> None:
        connection = request._connection
        offered = request.subprotocols
        connection.switch(switching_protocols(request._head.key, subprotocol=offered[0] if offered else None))
        echo = Echo(connection)
        early, connection.early = bytearray(connection.early), b""
        connection.proxy = echo
        connection.server.executing(echo)
        try:
            if early:
                echo.received(early, 0, len(early))
            await echo.done
        finally:
            echo.finish()
            connection.server.executed(echo)
            connection.closed()

    return serve(handler, host, port, ssl=ssl, unix_path=unix_path, **server_limits)
