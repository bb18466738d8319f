"""Runs servers until a signal: the event loop, the ready lines, the drain and the second signal.

SIGTERM and SIGINT drain and end with status 0; a second one of them ends the process at once with status 1.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from framegate.cli._addresses import Listen
from framegate.cli._console import say
from framegate.errors import FramegateError
from framegate.operate.event_loop import loop_factory, settle_memory
from framegate.operate.signals import STOP as STOP
from framegate.operate.signals import StopSignals

logger = logging.getLogger("framegate.cli")


class Server(Protocol):
    """What a running server must offer here."""

    @property
    def port(self) -> int | None: ...

    async def drain(self, timeout: float | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Listener:
    """One ``--listen``, and how to open a server there."""

    listen: Listen
    tls: bool
    open: Callable[[], AbstractAsyncContextManager[Server]]


def loop_name() -> str:
    """The event loop that commands run on, as ``--version`` prints it."""
    return "asyncio" if loop_factory() is None else f"uvloop {sys.modules['uvloop'].__version__}"


def run(command: Coroutine[Any, Any, int]) -> int:
    """Run a command to its end and return its exit status."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(command)


async def serve(
    listeners: Sequence[Listener],
    *,
    ready: Callable[[Sequence[Server]], None] | None = None,
    stop_on: Sequence[signal.Signals] = STOP,
    on_hang_up: str = "there is no configuration file to reload",
) -> int:
    """Open all listeners, say so, and serve until a signal asks for the drain.

    Args:
        listeners: where to listen; either all are open or the command fails.
        ready: called once all of them are open, after the ready lines.
        stop_on: the signals that drain; a SIGHUP that is not among them is logged and changes nothing.
        on_hang_up: why that is so.

    Raises:
        FramegateError: a listener cannot be opened; the message names its address.
    """
    stop = StopSignals(stop_on, lambda: logger.info("SIGHUP: %s", on_hang_up))
    async with AsyncExitStack() as stack:
        servers = [await _open(stack, listener) for listener in listeners]
        for listener, server in zip(listeners, servers, strict=True):
            say(f"listening on {listener.listen.url(server.port, tls=listener.tls)}")
        settle_memory()
        if ready is not None:
            ready(servers)
        logger.info("%s: draining", await stop.first())
        await asyncio.gather(*(server.drain() for server in servers))
    return 0


async def _open(stack: AsyncExitStack, listener: Listener) -> Server:
    try:
        return await stack.enter_async_context(listener.open())
    except OSError as error:
        raise FramegateError(f"cannot listen on {listener.listen}: {_cause(error)}") from error


def _cause(error: OSError) -> str:
    # asyncio puts its own words around the system's, the address among them. Name resolution has numbers of its own.
    if error.errno is not None and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return error.strerror or str(error)
