"""Last words to a peer: bytes, the end of writing, and what still comes read away for a while.

A socket that is closed with unread data resets the connection, and the reset may destroy what was sent before it
(RFC 9112, section 9.6, tells of the same for HTTP).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from framegate.transport import Receiver, Transport

REFUSAL_LINGER = 2.0
"""Seconds that a refused client is given to read its answer; nginx's ``lingering_timeout`` is 5."""


class Farewell(Receiver):
    """Sends ``words`` over ``transport`` and ends it; ``done`` is called when its socket is closed.

    Args:
        loop: the running event loop.
        transport: the connection, which nobody else uses any more.
        words: the bytes to send.
        linger: longest wait for the peer's end of stream, in seconds.
        done: called once.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: Transport,
        words: bytes,
        linger: float,
        done: Callable[[], None],
    ) -> None:
        self.transport = transport
        self.done: Callable[[], None] | None = done
        self.timer = loop.call_later(linger, self.finish)
        transport.set_receiver(self)
        if words:
            transport.write(bytearray(words), None, 0, 0)
        transport.shutdown()
        if transport.at_end:
            loop.call_soon(self.finish)
        else:
            transport.resume_reading()

    def ended(self, error: Exception | None) -> None:
        """The peer has ended its side."""
        if self.transport.queued == 0 or error is not None:
            self.finish()

    def drained(self) -> None:
        """The words are out."""
        if self.transport.at_end and self.transport.queued == 0:
            self.finish()

    def finish(self) -> None:
        """Close the socket now."""
        done, self.done = self.done, None
        if done is not None:
            self.timer.cancel()
            self.transport.leave()
            done()
