"""Two transports that are joined, of every kind, and a receiver that notes what it is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from framegate.transport.loop_poller import LoopPoller
from framegate.transport.memory import memory_pair
from tests.kit.builds import Build

KINDS = ("memory", "pure", "compiled", "pure over the loop")


class Notes:
    """What a receiver was told."""

    data: bytearray
    ends: list[Exception | None]
    drains: int

    def received(self, data: bytearray, start: int, end: int) -> None:
        assert 0 <= start < end <= len(data)
        self.data += data[start:end]

    def ended(self, error: Exception | None) -> None:
        self.ends.append(error)

    def drained(self) -> None:
        self.drains += 1


class Kind:
    """One kind of transport.

    Args:
        name: ``"memory"``; or the build of ``TcpTransport`` with a poller of its own, or with one over the event loop.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.build = Build("compiled" if name == "compiled" else "pure")

    def __repr__(self) -> str:
        return self.name

    def notes(self, base: type = Notes) -> Any:
        """A receiver that a transport of this kind takes."""
        made: Any = type("Noting", (base, self.build.tcp.Receiver), {})()
        made.data, made.ends, made.drains = bytearray(), [], 0
        return made

    def poller(self) -> Any:
        loop = asyncio.get_running_loop()
        if self.name == "pure over the loop":
            return LoopPoller(loop, 4096)
        return self.build.module("framegate.transport._poller").Poller(loop)

    def wrap(self, sock: socket.socket, high_water: int = 65536, poller: Any = None) -> Any:
        """The transport of a connected socket."""
        sock.setblocking(False)
        return self.build.tcp.TcpTransport(poller or self.poller(), sock, high_water)

    def pair(self, high_water: int = 65536) -> tuple[Any, Any]:
        """Two transports that are joined; sockets have small buffers, so that a queue is soon needed."""
        if self.name == "memory":
            return memory_pair(asyncio.get_running_loop(), high_water=high_water)
        poller = self.poller()
        near, far = socket.socketpair()
        for sock in (near, far):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return self.wrap(near, high_water, poller), self.wrap(far, high_water, poller)

    def talk(self, high_water: int = 65536) -> tuple[Any, Any, Any, Any]:
        """A pair that reads on both sides, each end with its notes."""
        near, far = self.pair(high_water)
        ends = []
        for transport in (near, far):
            notes = self.notes()
            transport.set_receiver(notes)
            transport.resume_reading()
            ends += [transport, notes]
        return ends[0], ends[1], ends[2], ends[3]


def tcp_sockets() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    return near, far


async def until(condition: Callable[[], object], patience: float = 5.0) -> None:
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0)


async def turns(number: int = 20) -> None:
    """Let the loop turn, for what is not to happen."""
    for _ in range(number):
        await asyncio.sleep(0)
