"""A relay that looks at nothing: ``relay.py PORT``, with flags that choose how it reads, buffers and writes.

Everything but the way to read and write is the same: one Python call for what was read, which writes it to the other
side. It is for measuring: who resets a connection may leave its other half open.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections.abc import Callable
from typing import Any

from framegate._build import pick
from framegate.transport import Receiver, TcpTransport, poller_of
from framegate.transport.loop_poller import LoopPoller

Connection = tuple[socket.socket, socket.socket]
HIGH_WATER = 1 << 30  # nobody is told to wait: the loads bound what is on its way


class Lent:
    """A poller that lends another buffer than its own."""

    def __init__(self, poller: Any, buffer: bytearray) -> None:
        self.buffer = buffer
        self.change = poller.change


class Other(Receiver):
    """Hands what one side sends to the other."""

    def __init__(self, target: Any) -> None:
        self.target = target

    def received(self, data: bytearray, start: int, end: int) -> None:
        self.target.write(None, data, start, end)

    def ended(self, error: Exception | None) -> None:
        self.target.close()


class FrameByFrame(Other):
    """The same, cut into frames by the parser, with a write for each."""

    each = True

    def __init__(self, target: Any, masked: bool) -> None:
        super().__init__(target)
        self.parser = pick("framegate.codec._parser").Parser(masked, stream=True, validate_utf8=False)
        self.handshake = True

    def received(self, data: bytearray, start: int, end: int) -> None:
        if self.handshake:
            # One head and nothing behind it, as the load generator and the echo send it.
            self.handshake = not data.endswith(b"\r\n\r\n", start, end)
            self.target.write(None, data, start, end)
            return
        parser, first = self.parser, start
        parser.feed(data, start, end)
        while parser.next():
            if self.each:
                self.target.write(None, data, first, parser.stop)
                first = parser.stop
        if first < end:
            self.target.write(None, data, first, end)


class ReadByRead(FrameByFrame):
    """Cut into frames as well, with one write for all of them."""

    each = False


class Buffered(asyncio.BufferedProtocol):
    """For transports that read into a buffer which the protocol lends them."""

    def __init__(self, buffer: bytearray) -> None:
        self.view = memoryview(buffer)
        self.target: Any = None
        self.early = b""

    def begin(self, target: Any) -> None:
        self.target = target
        if self.early:
            target.write(self.early)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.view

    def buffer_updated(self, size: int) -> None:
        # The transport may keep what it cannot send at once: it is given bytes of its own.
        data = bytes(self.view[:size])
        if self.target is None:
            self.early += data
        else:
            self.target.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.target is not None:
            self.target.close()


async def by_transports(connection: Connection, lend: Callable[[], bytearray], fast: bool) -> None:
    loop: Any = asyncio.get_running_loop()
    made = [Buffered(lend()), Buffered(lend())]
    transports = []
    for sock, protocol in zip(connection, made, strict=True):
        factory = lambda protocol=protocol: protocol  # noqa: E731
        if fast:
            import aiofastnet

            transport, _ = await aiofastnet.create_connection(loop, factory, sock=sock)
        else:
            transport, _ = await loop.create_connection(factory, sock=sock)
        transport.set_write_buffer_limits(HIGH_WATER)
        transports.append(transport)
    made[0].begin(transports[1])
    made[1].begin(transports[0])


def by_ourselves(connection: Connection, poller: Any, lend: Callable[[], bytearray], writes: str) -> None:
    client, upstream = (TcpTransport(Lent(poller, lend()), sock, HIGH_WATER) for sock in connection)
    for source, target, masked in ((client, upstream, True), (upstream, client, False)):
        if writes == "blind":
            source.set_receiver(Other(target))
        else:
            source.set_receiver((FrameByFrame if writes == "frame" else ReadByRead)(target, masked))
        source.resume_reading()


async def serve(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    shared = bytearray(arguments.buffer)
    poller = poller_of(loop) if arguments.io == "set" else LoopPoller(loop, 1)

    def lend() -> bytearray:
        return bytearray(arguments.buffer) if arguments.own_buffer else shared

    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.setblocking(False)
    print(f"relay: listening on ws://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        client, _ = await loop.sock_accept(listener)
        upstream = socket.socket()
        upstream.setblocking(False)
        await loop.sock_connect(upstream, ("127.0.0.1", arguments.port))
        for sock in (client, upstream):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if arguments.io in ("transports", "aiofastnet"):
            await by_transports((client, upstream), lend, arguments.io == "aiofastnet")
        else:
            by_ourselves((client, upstream), poller, lend, arguments.writes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int, help="of the upstream on 127.0.0.1")
    parser.add_argument("--io", choices=("transports", "aiofastnet", "callbacks", "set"), default="set")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--buffer", type=int, default=256 * 1024, help="bytes of a read buffer")
    parser.add_argument("--own-buffer", action="store_true", help="a buffer for each side of each connection")
    parser.add_argument("--writes", choices=("blind", "read", "frame"), default="blind")
    arguments = parser.parse_args()
    factory = None
    if arguments.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(arguments))


if __name__ == "__main__":
    main()
