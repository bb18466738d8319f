"""A connected stream socket (TCP or Unix), read and written by ourselves.

One ``recv`` and one ``send`` a readiness is what a blind tunnel costs; the transports of asyncio and uvloop add a
protocol call, a copy and a write request to each. All connections of a loop read into one buffer, so an idle one owns
none: whoever receives must use or copy the bytes before returning.

Knows nothing of HTTP, frames or sessions. The compiled build makes the system calls directly.
"""

from __future__ import annotations

import socket
from typing import Any

try:
    import cython
except ImportError:  # Cython is not installed
    from framegate import _pure as cython

if cython.compiled:
    from cython.cimports.framegate.transport._poller_c import READ, WRITE, Watcher
    from cython.cimports.libc.errno import EAGAIN, EINTR, errno
else:
    from framegate.transport._poller import READ, WRITE, Watcher


_MORE = getattr(socket, "MSG_MORE", 0)


class Receiver:
    """Who is told what a transport receives. The defaults do nothing."""

    def received(self, data: bytearray, start: int, end: int) -> None:
        """``data[start:end]`` has come; it must not be kept."""

    def ended(self, error: Exception | None) -> None:
        """Nothing more will come: the peer's end of stream (None), or the error that broke the connection."""

    def drained(self) -> None:
        """What waits to be sent has fallen below the low-water mark."""


class TcpTransport(Watcher):
    """A connected, non-blocking stream socket.

    Args:
        poller: the running event loop's.
        sock: the socket, which now belongs to the transport.
        high_water: queued bytes above which :meth:`Receiver.drained` is owed once they are sent.
    """

    def __init__(self, poller: Any, sock: socket.socket, high_water: int) -> None:
        self.poller = poller
        self.sock: socket.socket | None = sock
        self.fd = sock.fileno()
        self.buffer: bytearray = poller.buffer
        self.watched = 0
        self.high_water = high_water
        self.receiver = Receiver()
        self.reading = False
        self.at_end = False
        self.queue: bytearray | None = None
        self.queued = 0
        self.drain_owed = False
        self.shutting = False
        self.closing = False
        self.deaf = False
        self.corked = False

    def set_receiver(self, receiver: Receiver) -> None:
        """From now on tell ``receiver``."""
        self.receiver = receiver

    def set_high_water(self, high_water: int) -> None:
        """Queued bytes above which :meth:`Receiver.drained` is owed."""
        self.high_water = high_water

    def resume_reading(self) -> None:
        """Read, and tell the receiver. New transports do not read."""
        if not self.reading and not self.at_end and self.sock is not None:
            self.reading = True
            self._watch(self.watched | READ)

    def pause_reading(self) -> None:
        """Stop reading; the peer's data waits in the kernel, then at the peer."""
        if self.reading:
            self.reading = False
            self._watch(self.watched & ~READ)

    def write(self, first: bytearray | None, second: bytearray | None, start: int, stop: int) -> None:
        """Send ``first``, then ``second[start:stop]``; either may be None. What the kernel does not take is queued.

        A peer that takes nothing any more makes no error here: what it still sends is worth reading, and the end of
        that is reported.
        """
        if self.deaf or self.shutting or self.sock is None:
            return
        if self.queue is not None:
            self._enqueue(first, second, start, stop)
            return
        sent = self._send(first, second, start, stop)
        if sent < 0:
            return
        size = 0
        if first is not None:
            size = len(first)
            if sent < size:
                self._enqueue_rest(first, sent, size)
                self._enqueue(None, second, start, stop)
                return
        if second is not None and sent - size < stop - start:
            self._enqueue_rest(second, start + sent - size, stop)

    def cork(self) -> None:
        """What is written next may wait in the kernel for :meth:`shutdown`, which follows at once, so that both go out
        in one packet."""
        self.corked = True

    def shutdown(self) -> None:
        """Send what is queued, then shut writing down; reading goes on."""
        if self.shutting or self.sock is None:
            return
        self.shutting = True
        if self.queue is None:
            self._shut()

    def close(self) -> None:
        """Send what is queued, then close. Nothing more is read."""
        if self.queue is None or self.deaf:
            self.abort()
            return
        self.shutting = True
        self.closing = True
        self.pause_reading()

    def abort(self) -> None:
        """Close the socket now. The receiver hears nothing more."""
        sock = self.sock
        if sock is None:
            return
        self.pause_reading()
        self._drop_queue()
        self.sock = None
        self.at_end = True
        self.receiver = Receiver()
        sock.close()

    def leave(self) -> None:
        """Close in order without waiting: what the kernel takes goes out, and what has come is read away first, for a
        socket closed with unread data resets the connection."""
        if self.sock is None:
            return
        self.shutdown()
        self.pause_reading()
        self.receiver = Receiver()
        for _ in range(16):
            if self.at_end or self._recv() <= 0:
                break
        self.abort()

    def is_open(self) -> bool:
        """Whether the socket is still held."""
        return self.sock is not None

    def get_extra_info(self, name: str) -> Any:
        """``"socket"``, ``"peername"``, ``"sockname"``; None for anything else."""
        sock = self.sock
        if sock is None:
            return None
        if name == "socket":
            return sock
        try:
            if name == "peername":
                return sock.getpeername()
            if name == "sockname":
                return sock.getsockname()
        except OSError:
            return None
        return None

    def ready(self, events: int) -> None:
        """The socket can be read or written."""
        if events & READ and self.reading:
            self._readable()
        if events & WRITE and self.queue is not None:
            self._writable()

    def _watch(self, wanted: int) -> None:
        before, self.watched = self.watched, wanted
        self.poller.change(self.fd, self, before, wanted)

    def _readable(self) -> None:
        size = self._recv()
        if size > 0:
            self.receiver.received(self.buffer, 0, size)
        elif size == 0:
            self._end(None)

    def _recv(self) -> int:
        # Bytes read, 0 at the end of the stream, -1 when there is nothing now or the end was reported.
        if cython.compiled:
            size = recv(self.fd, bytearray_data(self.buffer), bytearray_size(self.buffer), 0)
            if size >= 0:
                return size
            if errno == EAGAIN or errno == EINTR:
                return -1
            self._end(os_error(errno))
            return -1
        assert self.sock is not None
        try:
            return self.sock.recv_into(self.buffer)
        except (BlockingIOError, InterruptedError):
            return -1
        except OSError as error:
            self._end(error)
            return -1

    def _end(self, error: Exception | None) -> None:
        self.pause_reading()
        self.at_end = True
        self.receiver.ended(error)

    def _send(self, first: bytearray | None, second: bytearray | None, start: int, stop: int) -> int:
        # Bytes sent, or -1 when the peer takes nothing any more.
        if cython.compiled:
            sent = send_both(self.fd, first, second, start, stop, self.corked)
            if sent >= 0:
                return sent
            if errno == EAGAIN or errno == EINTR:
                return 0
            self.deaf = True
            return -1
        assert self.sock is not None
        parts: list[Any] = [] if first is None else [first]
        try:
            flags = _MORE if self.corked else 0
            if second is None:
                return self.sock.sendmsg(parts, (), flags)
            with memoryview(second) as view:
                return self.sock.sendmsg([*parts, view[start:stop]], (), flags)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.deaf = True
            return -1

    def _enqueue(self, first: bytearray | None, second: bytearray | None, start: int, stop: int) -> None:
        if first is not None:
            self._enqueue_rest(first, 0, len(first))
        if second is not None:
            self._enqueue_rest(second, start, stop)

    def _enqueue_rest(self, data: bytearray, start: int, stop: int) -> None:
        if self.queue is None:
            self.queue = bytearray()
            self._watch(self.watched | WRITE)
        with memoryview(data) as view:
            self.queue += view[start:stop]
        self.queued = len(self.queue)
        if self.queued >= self.high_water:
            self.drain_owed = True

    def _writable(self) -> None:
        queue = self.queue
        sent = self._send(queue, None, 0, 0)
        if queue is not None and 0 <= sent < len(queue):
            del queue[:sent]
            self.queued -= sent
        else:
            self._drop_queue()
            if self.closing:
                self.abort()
                return
            if self.shutting:
                self._shut()
        if self.queued <= self.high_water >> 2 and (self.drain_owed or self.shutting):
            self.drain_owed = False
            self.receiver.drained()

    def _drop_queue(self) -> None:
        if self.queue is not None:
            self.queue = None
            self.queued = 0
            self._watch(self.watched & ~WRITE)

    def _shut(self) -> None:
        assert self.sock is not None
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            # The peer is gone already; reading will tell.
            self.deaf = True
