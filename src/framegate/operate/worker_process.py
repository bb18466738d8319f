"""A worker as its supervisor sees it: a process, the channel to it, and the descriptors that it is handed.

Workers are fresh interpreters and not forks: by the time one is started (again), the supervisor has a running event
loop and has run the code of plugins, and neither survives a fork.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from framegate.operate.control import Channel
from framegate.operate.sockets import hand_over

MODULE: Final = "framegate.operate.worker"


class WorkerProcess:
    """A running worker. Made by :meth:`spawned`.

    Attributes:
        number: its number, from 1.
        process: the process.
        channel: to it.
    """

    def __init__(
        self, number: int, process: asyncio.subprocess.Process, channel: Channel, descriptors: socket.socket
    ) -> None:
        self.number = number
        self.process = process
        self.channel = channel
        self._descriptors = descriptors
        self._exit: asyncio.Task[int] = asyncio.create_task(process.wait())

    @classmethod
    async def spawned(cls, number: int) -> Self:
        """Start one.

        Raises:
            OSError: the system has no room for it.
        """
        ours, theirs = socket.socketpair()
        our_end, their_end = socket.socketpair()
        with theirs, their_end, contextlib.ExitStack() as stack:
            stack.callback(ours.close)
            stack.callback(our_end.close)
            # Nothing of its folder gets into a worker's way that was not in the supervisor's.
            flags = [] if os.getcwd() in sys.path or "" in sys.path else ["-P"]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *flags,
                "-m",
                MODULE,
                str(theirs.fileno()),
                str(their_end.fileno()),
                pass_fds=(theirs.fileno(), their_end.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                # What a terminal sends to its foreground is for the supervisor, which passes it on in order.
                start_new_session=True,
            )
            channel = await Channel.over(ours, {})
            stack.pop_all()
        return cls(number, process, channel, our_end)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return not self._exit.done()

    async def order(
        self, name: str, order: Mapping[str, Any], handed: Sequence[socket.socket], timeout: float
    ) -> dict[str, Any]:
        """Give an order, together with sockets.

        Raises:
            Refused: it cannot be carried out.
            ConnectionError: the worker has gone.
            TimeoutError: the worker does not answer.
        """
        hand_over(self._descriptors, handed)
        return await self.channel.ask(name, {**order, "handed": len(handed)}, timeout=timeout)

    async def ended(self) -> str:
        """Wait for its end; returns how it ended, in words."""
        status = await asyncio.shield(self._exit)
        await self.channel.close()
        self._descriptors.close()
        if status < 0:
            return f"was killed by {_signal_name(-status)}"
        return f"ended with status {status}"

    def kill(self) -> None:
        """End it at once."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
