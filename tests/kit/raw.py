"""Raw WebSocket peers on plain asyncio streams: every byte and every TCP ending is the test's own choice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl as ssl_module
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.kit import frames, heads
from tests.kit.frames import Frame, Wire
from tests.kit.heads import Head

PATIENCE = 5.0
"""Longest wait for anything that must happen, in seconds."""


class RawPeer:
    """One end of a connection, read frame by frame.

    Attributes:
        head: what the other end said in the opening handshake, once it was read.
        received: all frames that ``recv`` handed out, in order.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_client: bool) -> None:
        self.is_client = is_client
        self.head = Head("", ())
        self.received: list[Frame] = []
        self._reader, self._writer = reader, writer
        self._held = bytearray()
        sock = writer.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # Sending

    def encode(self, value: Frame) -> bytes:
        return frames.frame(value.opcode, value.payload, value.fin, mask=self.is_client, rsv=value.rsv)

    def send(self, *values: Frame) -> None:
        """Send frames in one write, masked as this end has to."""
        self.send_raw(b"".join(map(self.encode, values)))

    def send_raw(self, octets: bytes) -> None:
        self._writer.write(octets)

    async def drained(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._writer.drain()

    @property
    def unsent(self) -> int:
        """Bytes that the system did not take from this end yet."""
        return self._writer.transport.get_write_buffer_size()

    async def stalled(self) -> int:
        """What is unsent, once its number stands still."""
        before = -1
        async with asyncio.timeout(15):
            while (now := self.unsent) != before:
                before = now
                await asyncio.sleep(0.3)
        return before

    # Receiving

    async def _more(self) -> bool:
        data = await self._reader.read(1 << 18)
        self._held += data
        return bool(data)

    async def _wire(self) -> Wire:
        while (wire := frames.split(self._held)) is None:
            if not await self._more():
                raise EOFError(f"the stream ended; held back: {bytes(self._held[:200])!r}")
        del self._held[: len(wire.octets)]
        return wire

    async def recv_wire(self, patience: float = PATIENCE) -> Wire:
        """The next frame with its very bytes; its masking must be that of its sender."""
        async with asyncio.timeout(patience):
            wire = await self._wire()
        assert wire.masked is not self.is_client, f"wrong masking: {wire.frame!r}"
        self.received.append(wire.frame)
        return wire

    async def recv(self, patience: float = PATIENCE) -> Frame:
        return (await self.recv_wire(patience)).frame

    async def recv_many(self, count: int, patience: float = PATIENCE) -> list[Frame]:
        return [await self.recv(patience) for _ in range(count)]

    async def recv_octets(self, count: int, patience: float = PATIENCE) -> bytes:
        """Exactly so many bytes, whatever they are."""
        async with asyncio.timeout(patience):
            while len(self._held) < count:
                if not await self._more():
                    raise EOFError(f"{len(self._held)} bytes instead of {count}")
        octets = bytes(self._held[:count])
        del self._held[:count]
        return octets

    async def recv_close(self, patience: float = PATIENCE) -> tuple[int | None, str]:
        """The code and reason of the next frame, which has to be a close frame."""
        value = await self.recv(patience)
        assert value.opcode == frames.CLOSE, f"a close frame was due, not {value!r}"
        return value.code, value.reason

    async def recv_head(self, patience: float = PATIENCE) -> Head:
        async with asyncio.timeout(patience):
            while (end := self._held.find(b"\r\n\r\n")) < 0:
                if not await self._more():
                    raise EOFError(f"no whole head: {bytes(self._held[:200])!r}")
        octets = bytes(self._held[: end + 4])
        del self._held[: end + 4]
        self.head = Head.parse(octets)
        return self.head

    async def rest(self, patience: float = PATIENCE) -> bytes:
        """All bytes up to the end of the stream, which has to be an orderly one."""
        async with asyncio.timeout(patience):
            while await self._more():
                pass
        octets = bytes(self._held)
        self._held.clear()
        return octets

    async def ended(self, patience: float = PATIENCE) -> None:
        """The stream ends here, without a further byte and without a reset."""
        left = await self.rest(patience)
        assert left == b"", f"the end of the stream was due, not {left[:200]!r}"

    async def gone(self, patience: float = PATIENCE) -> bytes:
        """The connection ends, by a reset or otherwise; whatever came before is handed back."""
        with contextlib.suppress(ConnectionError, ssl_module.SSLError):
            return await self.rest(patience)
        return bytes(self._held)

    async def silent(self, seconds: float = 0.1) -> None:
        """Nothing comes for a while, not even the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if not self._held and not await self._more():
                    raise AssertionError("the stream ended")
            raise AssertionError(f"nothing was due, not {frames.split(self._held) or bytes(self._held[:100])!r}")

    def stop_reading(self) -> None:
        """Take nothing more from the system, so that its buffers fill; they are made small."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def read_on(self) -> None:
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    # Ending

    def half_close(self) -> None:
        """End our direction of the TCP connection, and go on reading; no matter if it has ended already."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.write_eof()

    def close(self) -> None:
        """Close the connection with an orderly end, without a close frame."""
        self._writer.close()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        sock = self._writer.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def send_and_reset(self, octets: bytes) -> None:
        """Hand bytes to the system and reset the connection at once, so that both arrive together."""
        with socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno())) as sock:
            sock.setblocking(False)
            assert sock.send(octets) == len(octets)
        self.reset()

    async def release(self) -> None:
        """Throw the connection away, whatever its state."""
        with contextlib.suppress(AttributeError):
            # A transport of asyncio that is closed has forgotten its loop, and says it so.
            self._writer.transport.abort()
        with contextlib.suppress(OSError, ssl_module.SSLError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()


# The client's end


@asynccontextmanager
async def dialled(port: int | None, host: str = "127.0.0.1", **how: Any) -> AsyncIterator[RawPeer]:
    """A client whose connection stands and who has said nothing yet.

    Args:
        how: ``ssl``, ``server_hostname``, ``local_addr``, ``sock`` of asyncio; ``unix_path`` instead of host and port.
    """
    unix_path = how.pop("unix_path", None)
    if unix_path is not None:
        reader, writer = await asyncio.open_unix_connection(unix_path, **how)
    else:
        reader, writer = await asyncio.open_connection(host, port, **how)
    peer = RawPeer(reader, writer, is_client=True)
    try:
        yield peer
    finally:
        await peer.release()


async def upgraded(
    peer: RawPeer, target: str = "/", *, request: bytes | None = None, extra: heads.Headers = ()
) -> Head:
    """The opening handshake of a client that is let in."""
    peer.send_raw(heads.upgrade_request(target, extra=extra) if request is None else request)
    head = await peer.recv_head()
    assert head.status == 101, f"refused with {head.start!r}: {bytes(peer._held[:300])!r}"
    return head


@asynccontextmanager
async def connected(port: int | None, target: str = "/", **how: Any) -> AsyncIterator[RawPeer]:
    """A client who is through the opening handshake."""
    request = how.pop("request", None)
    extra = how.pop("extra", ())
    async with dialled(port, **how) as peer:
        await upgraded(peer, target, request=request, extra=extra)
        yield peer


# The upstream's end

Script = Callable[[RawPeer], Awaitable[None]]
"""What an upstream does once it has read the request's head, which is ``peer.head``."""


def accept(**how: Any) -> Script:
    """Answer with the 101 of ``heads.switching``; ``then`` are bytes that follow it in the same write."""
    then = how.pop("then", b"")

    async def script(peer: RawPeer) -> None:
        peer.send_raw(heads.switching(peer.head, **how) + then)

    return script


def answer(octets: bytes, *, ending: str = "close") -> Script:
    """Answer with these bytes; then ``close`` the connection, ``reset`` it, or ``keep`` it."""

    async def script(peer: RawPeer) -> None:
        peer.send_raw(octets)
        if ending != "keep":
            getattr(peer, ending)()

    return script


def answer_with(make: Callable[[Head], bytes]) -> Script:
    """Answer with what ``make`` writes for the request, and keep the connection."""

    async def script(peer: RawPeer) -> None:
        peer.send_raw(make(peer.head))

    return script


async def polite(peer: RawPeer) -> None:
    """Accept, take what comes, answer a close frame and end the connection."""
    await accept()(peer)
    with contextlib.suppress(EOFError, OSError):
        while (value := await peer.recv(60)).opcode != frames.CLOSE:
            pass
        peer.send(value)
    peer.half_close()


async def say_nothing(peer: RawPeer) -> None:
    """Leave the request without an answer."""


class RawUpstream:
    """A scripted upstream; each connection whose request was read comes out of ``accepted``."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.port = 0
        self.unix_path: str | None = None
        self.secure = False
        self.connections = 0
        self._arrived: asyncio.Queue[RawPeer] = asyncio.Queue()
        self._peers: list[RawPeer] = []

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://{self.authority}"

    async def accepted(self, patience: float = PATIENCE) -> RawPeer:
        async with asyncio.timeout(patience):
            return await self._arrived.get()

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        peer = RawPeer(reader, writer, is_client=False)
        self._peers.append(peer)
        try:
            await peer.recv_head(patience=60)
        except (EOFError, OSError):
            return
        self._arrived.put_nowait(peer)
        await self.script(peer)

    def send_and_reset(self, octets: bytes) -> None:
        """Hand bytes to the system and reset the connection at once, so that both arrive together."""
        with socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno())) as sock:
            sock.setblocking(False)
            assert sock.send(octets) == len(octets)
        self.reset()

    async def release(self) -> None:
        for peer in self._peers:
            await peer.release()


@asynccontextmanager
async def raw_upstream(
    script: Script | None = None, *, unix_path: str | None = None, **how: Any
) -> AsyncIterator[RawUpstream]:
    """A scripted upstream on 127.0.0.1, or on a Unix socket; it accepts every client unless told otherwise."""
    upstream = RawUpstream(script or accept())
    upstream.secure = how.get("ssl") is not None
    if unix_path is not None:
        upstream.unix_path = unix_path
        server = await asyncio.start_unix_server(upstream.serve_one, unix_path, **how)
    elif "sock" in how:
        server = await asyncio.start_server(upstream.serve_one, **how)
    else:
        server = await asyncio.start_server(upstream.serve_one, "127.0.0.1", 0, **how)
    if unix_path is None:
        upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        await upstream.release()
