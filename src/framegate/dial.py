"""Reaching an upstream: TCP or Unix socket, TLS, and the opening handshake as its client.

Knows no session and no client.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl as ssl_module
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from framegate.errors import FramegateError, UpstreamUnavailable
from framegate.handshake import AnswerReader, UpstreamAnswer, UpstreamURL
from framegate.handshake.extensions import Extension
from framegate.options import ProxyOptions
from framegate.transport import Receiver, TcpTransport, Transport, poller_of
from framegate.transport.stream import StreamTransport


class Connected(NamedTuple):
    """An upstream that has answered with a verified 101."""

    transport: Transport
    answer: UpstreamAnswer
    rest: bytes


async def dial(
    url: UpstreamURL,
    request: bytes,
    key: str,
    *,
    offered: Sequence[str],
    extensions: Sequence[Extension] = (),
    options: ProxyOptions,
    ssl: ssl_module.SSLContext | None,
    server_hostname: str | None,
    unix_path: str | None,
) -> Connected:
    """Connect to ``url`` and shake hands.

    Raises:
        UpstreamUnavailable: anything short of a verified 101 and of an answer of 300 and above.
        HandshakeRefused: an answer of 300 and above.
    """
    where = unix_path or f"{url.host}:{url.port}"
    transport: Transport | None = None
    try:
        async with asyncio.timeout(options.connect_timeout):
            transport = await _open(url, ssl, server_hostname, unix_path, options.write_high_water)
            return await _shake_hands(transport, request, AnswerReader(
                key, offered=offered, extensions=extensions, max_refusal_body=options.max_refusal_body
            ))  # fmt: skip
    except TimeoutError as error:
        _abort(transport)
        raise UpstreamUnavailable(
            f"upstream {where} did not complete the handshake within {options.connect_timeout:g} seconds",
            timed_out=True,
        ) from error
    except (OSError, ssl_module.SSLError) as error:
        _abort(transport)
        raise UpstreamUnavailable(f"upstream {where} is not reachable: {error}") from error
    except BaseException:
        _abort(transport)
        raise


def _abort(transport: Transport | None) -> None:
    if transport is not None:
        transport.abort()


async def _open(
    url: UpstreamURL,
    ssl: ssl_module.SSLContext | None,
    server_hostname: str | None,
    unix_path: str | None,
    high_water: int,
) -> Transport:
    loop = asyncio.get_running_loop()
    sock = await _connect(loop, url, unix_path)
    poller = poller_of(loop)
    if not url.secure:
        transport: Transport = TcpTransport(poller, sock, high_water)
        return transport
    stream = StreamTransport(loop, poller.buffer, high_water)
    try:
        await loop.create_connection(
            lambda: stream,
            sock=sock,
            ssl=ssl or ssl_module.create_default_context(),
            server_hostname=server_hostname or url.host,
        )
    except BaseException:
        sock.close()
        raise
    return stream


async def _connect(loop: asyncio.AbstractEventLoop, url: UpstreamURL, unix_path: str | None) -> socket.socket:
    if unix_path is not None:
        return await _connect_to(loop, socket.AF_UNIX, unix_path)
    error: OSError | None = None
    for family, address in await _resolve(loop, url.host, url.port):
        try:
            return await _connect_to(loop, family, address)
        except OSError as failure:
            error = failure
    raise error or OSError(f"{url.host} has no address")


async def _resolve(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[tuple[int, Any]]:
    numeric = _family_of(host)
    if numeric is not None:
        # Needs no resolver thread.
        return [(numeric, (host, port))]
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in infos]


@lru_cache(256)
def _family_of(host: str) -> int | None:
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    return socket.AF_INET if version == 4 else socket.AF_INET6


async def _connect_to(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


class _Answer(Receiver):
    """Feeds the reader until the answer is whole."""

    def __init__(self, transport: Transport, reader: AnswerReader, answered: asyncio.Future[UpstreamAnswer]) -> None:
        self.transport = transport
        self.reader = reader
        self.answered = answered

    def received(self, data: bytearray, start: int, end: int) -> None:
        if self.answered.done():
            return
        try:
            answer = self.reader.feed(bytes(data[start:end]))
        except FramegateError as error:
            self.answered.set_exception(error)
            return
        if answer is not None:
            self.transport.pause_reading()
            self.answered.set_result(answer)

    def ended(self, error: Exception | None) -> None:
        if self.answered.done():
            return
        if error is not None:
            self.answered.set_exception(error)
            return
        try:
            self.answered.set_result(self.reader.eof())
        except FramegateError as failure:
            self.answered.set_exception(failure)


async def _shake_hands(transport: Transport, request: bytes, reader: AnswerReader) -> Connected:
    answered: asyncio.Future[UpstreamAnswer] = asyncio.get_running_loop().create_future()
    transport.set_receiver(_Answer(transport, reader, answered))
    transport.write(bytearray(request), None, 0, 0)
    transport.resume_reading()
    answer = await answered
    if answer.status >= 300:
        raise answer.refused()
    return Connected(transport, answer, reader.rest)
