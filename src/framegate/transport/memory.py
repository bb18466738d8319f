"""Two transports joined in memory, with the face of ``TcpTransport``: for tests, without a socket.

What one writes the other receives in a later turn of the event loop, in order. A transport that does not read leaves
the bytes in the writer's queue, so backpressure works as on a socket.
"""

from __future__ import annotations

import asyncio
from typing import Any

from framegate._build import pick

Receiver = pick("framegate.transport._tcp").Receiver


class MemoryTransport:
    """One end of a pair; see :func:`memory_pair`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, high_water: int) -> None:
        self.loop = loop
        self.name = name
        self.high_water = high_water
        self.receiver: Any = Receiver()
        self.reading = False
        self.at_end = False
        self.peer: MemoryTransport | None = None
        self._queue = bytearray()
        self._shut = False
        self._closing = False
        self._open = True
        self._drain_owed = False
        self._scheduled = False

    @property
    def queued(self) -> int:
        """Bytes that wait for the other end to read them."""
        return len(self._queue)

    def set_receiver(self, receiver: Any) -> None:
        """From now on tell ``receiver``."""
        self.receiver = receiver

    def set_high_water(self, high_water: int) -> None:
        """Queued bytes above which ``Receiver.drained`` is owed."""
        self.high_water = high_water

    def resume_reading(self) -> None:
        """Read, and tell the receiver."""
        if not self.at_end and self._open:
            self.reading = True
            if self.peer is not None:
                self.peer._schedule()

    def pause_reading(self) -> None:
        """Stop reading."""
        self.reading = False

    def write(self, first: bytearray | None, second: bytearray | None, start: int, stop: int) -> None:
        """Send ``first``, then ``second[start:stop]``; either may be None."""
        if self._shut or not self._open or self.peer is None or not self.peer._open:
            return
        if first is not None:
            self._queue += first
        if second is not None:
            self._queue += second[start:stop]
        if len(self._queue) >= self.high_water:
            self._drain_owed = True
        self._schedule()

    def cork(self) -> None:
        """Nothing is sent in packets here."""

    def shutdown(self) -> None:
        """Send what is queued, then the end of the stream; reading goes on."""
        if not self._shut and self._open:
            self._shut = True
            # Whoever ends the stream waits for the last bytes to be out, however few they are.
            self._drain_owed = bool(self._queue)
            self._schedule()

    def close(self) -> None:
        """Send what is queued, then close. Nothing more is read."""
        self._closing = True
        self.reading = False
        self.shutdown()
        self._schedule()

    def abort(self) -> None:
        """Close now: the other end sees a connection reset."""
        if self._open:
            self._release()
            self._queue.clear()
            if self.peer is not None:
                self.loop.call_soon(self.peer._ended, ConnectionResetError("reset by the other end"))

    def leave(self) -> None:
        """Close in order without waiting for the other end, which still gets what is queued."""
        if self._open:
            self.shutdown()
            self._release()
            self._schedule()

    def is_open(self) -> bool:
        """Whether this end is still held."""
        return self._open

    def get_extra_info(self, name: str) -> Any:
        """``"peername"`` and ``"sockname"`` are names of the ends."""
        if name == "sockname":
            return self.name
        return self.peer.name if name == "peername" and self.peer is not None else None

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._scheduled = False
        peer = self.peer
        if peer is None or not peer._open:
            self._queue.clear()
        elif self._queue and peer.reading:
            data, self._queue = self._queue, bytearray()
            peer.receiver.received(data, 0, len(data))
        if self._queue:
            return
        if self._drain_owed:
            self._drain_owed = False
            self.receiver.drained()
        if self._shut and not self._queue:
            if peer is not None:
                peer._ended(None)
            if self._closing:
                self._release()

    def _ended(self, error: Exception | None) -> None:
        if not self.at_end:
            self.at_end = True
            self.reading = False
            self.receiver.ended(error)

    def _release(self) -> None:
        self._open = False
        self.at_end = True
        self.reading = False
        self.receiver = Receiver()


def memory_pair(
    loop: asyncio.AbstractEventLoop, names: tuple[str, str] = ("near", "far"), high_water: int = 65536
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two joined transports.

    Args:
        loop: the event loop that delivers.
        names: what the ends are called.
        high_water: queued bytes above which ``Receiver.drained`` is owed.
    """
    near, far = MemoryTransport(loop, names[0], high_water), MemoryTransport(loop, names[1], high_water)
    near.peer, far.peer = far, near
    return near, far
