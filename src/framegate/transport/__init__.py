"""The only sockets: connected streams that are read into one buffer a loop and written with a bounded queue.

``TcpTransport`` (TCP and Unix sockets), ``StreamTransport`` (TLS, over the loop's own transports) and
``MemoryTransport`` (tests) share one face, described by :class:`Transport`. Knows no routes, frames or hooks.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from framegate._build import pick
from framegate.transport.loop_poller import LoopPoller

if TYPE_CHECKING:
    from framegate.transport._tcp import Receiver, TcpTransport
else:
    _tcp = pick("framegate.transport._tcp")
    Receiver = _tcp.Receiver
    TcpTransport = _tcp.TcpTransport

_poller = pick("framegate.transport._poller") if hasattr(select, "epoll") else None

_READ_SIZE = 256 * 1024

__all__ = ["Receiver", "TcpTransport", "Transport", "poller_of"]


class Transport(Protocol):
    """What the driver needs of a connection."""

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent."""

    @property
    def at_end(self) -> bool:
        """Whether the end of the peer's stream has been reported."""

    def set_receiver(self, receiver: Any) -> None:
        """Whom to tell: ``received(data, start, end)``, ``ended(error)``, ``drained()``."""

    def set_high_water(self, high_water: int) -> None:
        """Queued bytes above which ``drained()`` is owed."""

    def resume_reading(self) -> None:
        """Read."""

    def pause_reading(self) -> None:
        """Stop reading."""

    def write(self, first: bytearray | None, second: bytearray | None, start: int, stop: int) -> None:
        """Send ``first``, then ``second[start:stop]``."""

    def cork(self) -> None:
        """What is written next may wait for :meth:`shutdown`, which follows at once."""

    def shutdown(self) -> None:
        """Send what is queued, then shut writing down."""

    def close(self) -> None:
        """Send what is queued, then close."""

    def abort(self) -> None:
        """Close now."""

    def leave(self) -> None:
        """Close in order, without waiting for the peer."""

    def is_open(self) -> bool:
        """Whether the connection is still held."""

    def get_extra_info(self, name: str) -> Any:
        """``"peername"``, ``"sockname"``, ``"ssl_object"``, ``"server_name"``."""


_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()


def poller_of(loop: asyncio.AbstractEventLoop) -> Any:
    """What watches the sockets of ``loop``, and owns the read buffer that they share."""
    poller = _pollers.get(loop)
    if poller is None:
        poller = LoopPoller(loop, _READ_SIZE) if _poller is None else _poller.Poller(loop)
        _pollers[loop] = poller
    return poller
