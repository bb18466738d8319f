"""The same face as ``TcpTransport`` over a transport of the event loop: TLS, and whatever else the loop offers.

Knows nothing of HTTP, frames or sessions.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from framegate._build import pick

Receiver = pick("framegate.transport._tcp").Receiver

_LEAVE_TIME = 1.0


class StreamTransport(asyncio.BufferedProtocol):
    """A protocol for the event loop and a transport for us.

    Args:
        loop: the running event loop.
        buffer: the loop's read buffer.
        high_water: queued bytes above which ``Receiver.drained`` is owed once they are sent.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: bytearray, high_water: int) -> None:
        self.loop = loop
        self.buffer = buffer
        self.high_water = high_water
        self.receiver: Any = Receiver()
        self.reading = False
        self.at_end = False
        self.server_name: str | None = None
        self._transport: asyncio.Transport | None = None
        self._closing = False

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def set_receiver(self, receiver: Any) -> None:
        """From now on tell ``receiver``."""
        self.receiver = receiver

    def set_high_water(self, high_water: int) -> None:
        """Queued bytes above which ``Receiver.drained`` is owed."""
        self.high_water = high_water
        if self._transport is not None:
            self._set_limits()

    def resume_reading(self) -> None:
        """Read, and tell the receiver. New transports do not read."""
        if not self.reading and not self.at_end and self._transport is not None:
            self.reading = True
            self._transport.resume_reading()

    def pause_reading(self) -> None:
        """Stop reading; what is on its way inside the loop's transport may still be delivered."""
        if self.reading:
            self.reading = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.pause_reading()

    def write(self, first: bytearray | None, second: bytearray | None, start: int, stop: int) -> None:
        """Send ``first``, then ``second[start:stop]``; either may be None."""
        if self._transport is None or self._closing:
            return
        data = b"" if first is None else bytes(first)
        if second is not None:
            data += second[start:stop]
        self._transport.write(data)

    def cork(self) -> None:
        """The library underneath sends as it likes."""

    def shutdown(self) -> None:
        """Send what is queued and say that no more will come. TLS has no half-closed state here: the loop's transport
        ends the connection in order once the queue is out."""
        if self._transport is None or self._closing:
            return
        self._closing = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def close(self) -> None:
        """Send what is queued, then close."""
        if self._transport is not None:
            self._closing = True
            self._transport.close()

    def abort(self) -> None:
        """Close the connection now. The receiver hears nothing more."""
        self.receiver = Receiver()
        self.at_end = True
        self._closing = True
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def leave(self) -> None:
        """Close in order without waiting; who does not take part is cut off soon."""
        transport = self._transport
        self.receiver = Receiver()
        self.at_end = True
        if transport is not None:
            self.close()
            self.loop.call_later(_LEAVE_TIME, transport.abort)
            self._transport = None

    def is_open(self) -> bool:
        """Whether the connection is still held."""
        return self._transport is not None

    def get_extra_info(self, name: str) -> Any:
        """What the loop's transport knows: ``"peername"``, ``"ssl_object"``, …, and the ``"server_name"`` that a TLS
        client asked for; None for anything else."""
        if name == "server_name":
            return self.server_name
        return None if self._transport is None else self._transport.get_extra_info(name)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._set_limits()
        self._transport.pause_reading()

    def _set_limits(self) -> None:
        # The loop's transports tell of more than `high`; a queue at the mark is full here.
        assert self._transport is not None
        self._transport.set_write_buffer_limits(high=max(self.high_water - 1, 0), low=self.high_water >> 2)

    def get_buffer(self, sizehint: int) -> memoryview:
        # A view, not the bytearray: asyncio's TLS reads into slices of what it is given, and those of a bytearray are
        # copies.
        return memoryview(self.buffer)

    def buffer_updated(self, nbytes: int) -> None:
        self.receiver.received(self.buffer, 0, nbytes)

    def eof_received(self) -> bool:
        # Told in a turn of its own: the receiver may abort, which the loop's TLS does not bear inside of this call.
        self.loop.call_soon(self._end, None)
        # The loop's TLS transports close after an end of stream whatever is answered here.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end(exc)

    def pause_writing(self) -> None:
        """The loop's transport holds more than the high-water mark; ``queued`` tells the driver."""

    def resume_writing(self) -> None:
        self.receiver.drained()

    def _end(self, error: Exception | None) -> None:
        if not self.at_end:
            self.at_end = True
            self.reading = False
            self.receiver.ended(error)
