"""The program of a worker: ``python -m framegate.operate.worker CHANNEL DESCRIPTORS``, started by the supervisor alone.

It does what it is told over the channel. When the channel ends, its supervisor has died: it drains and ends.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framegate.config.configuration import Listen
from framegate.errors import FramegateError
from framegate.gateway.site import Key, Opened, keyed
from framegate.operate.control import Channel, Handler, Refused
from framegate.operate.event_loop import loop_factory, settle_memory
from framegate.operate.logs import forgive, start_log
from framegate.operate.member import Member
from framegate.operate.sockets import carried_out, taken_over
from framegate.operate.source import Source

_log = logging.getLogger("framegate.operate")


class Worker:
    """A worker that waits for its orders.

    Args:
        descriptors: where the sockets come from that it is handed.
    """

    def __init__(self, descriptors: socket.socket) -> None:
        self._descriptors = descriptors
        self._member: Member | None = None
        self._places: dict[Key, dict[str, Any]] = {}
        self._handed: list[socket.socket] = []
        self._draining: asyncio.Task[None] | None = None
        self.drained = asyncio.Event()
        self.handlers: dict[str, Handler] = {"start": self._start, "reload": self._take, "drain": self._drain}

    def drain(self) -> asyncio.Task[None]:
        """Begin the drain, once."""
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain_and_end())
        return self._draining

    def orphaned(self) -> None:
        """The supervisor has gone."""
        if self._draining is None:
            _log.warning("the supervisor has gone: draining")
            self.drain()

    async def _start(self, order: dict[str, Any]) -> dict[str, Any]:
        start_log(order["level"] or "info", f"worker {order['number']}")
        source = Source(order["file"], [Path(path) for path in order["plugin_paths"]])
        self._member = Member(source, self._open, number=order["number"], level=order["level"])
        self.handlers.update(self._member.handlers)
        answer = await self._take(order)
        settle_memory()
        return answer

    async def _take(self, order: dict[str, Any]) -> dict[str, Any]:
        member = self._member
        assert member is not None
        self._handed = taken_over(self._descriptors, order["handed"])
        try:
            attempt = member.source.read(order["content"].encode("utf-8", "surrogateescape"))
            if attempt.config is None:
                raise Refused("; ".join(attempt.problems))
            places = zip(keyed(attempt.config.gateway.listen), order["places"], strict=True)
            self._places = dict(places)
            swap = await member.take(attempt, order["generation"])
        except (FramegateError, OSError) as error:
            raise Refused(str(error)) from error
        finally:
            for sock in self._handed:
                sock.close()
        changes = [str(change) for change in swap.changes]
        return {"changes": changes, "kept": swap.kept, "rebound": swap.rebound, "ended": swap.ended}

    async def _open(self, key: Key, listen: Listen) -> Opened:
        return carried_out(self._places[key], self._handed)

    async def _drain(self, arguments: dict[str, Any]) -> dict[str, Any]:
        await asyncio.shield(self.drain())
        return {}

    async def _drain_and_end(self) -> None:
        try:
            if self._member is not None:
                await self._member.site.drain()
        finally:
            self.drained.set()


async def work(channel_descriptor: int, descriptors: int) -> int:
    """Work until the drain is over; returns the exit status."""
    with socket.socket(fileno=descriptors) as handed:
        worker = Worker(handed)
        loop = asyncio.get_running_loop()
        signal.signal(signal.SIGTERM, lambda number, frame: loop.call_soon_threadsafe(worker.drain))
        channel = await Channel.over(socket.socket(fileno=channel_descriptor), worker.handlers)
        channel.ended.add_done_callback(lambda _: worker.orphaned())
        await worker.drained.wait()
        # The last answer goes out with the next turn of the loop.
        await asyncio.sleep(0)
        await channel.close()
    return 0


def main(arguments: Sequence[str]) -> int:
    """The program."""
    forgive()
    # The supervisor is told to reload and to end, and tells us; what a terminal says to all is not for us.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    channel, descriptors = map(int, arguments)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(work(channel, descriptors))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
