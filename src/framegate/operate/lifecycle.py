"""The life of a running gateway: start, reload, drain. The same for one process and for many.

It owns the order in which things happen, and what is logged and told to the service manager about them. How a
configuration comes to be served it leaves to its crew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from framegate.config.configuration import Configuration
from framegate.errors import FramegateError
from framegate.operate.control import Refused, Reply
from framegate.operate.event_loop import loop_factory, settle_memory
from framegate.operate.logs import set_form
from framegate.operate.signals import STOP, StopSignals
from framegate.operate.source import Attempt, Source
from framegate.operate.systemd import Notifier
from framegate.operate.watch import Watch

_log = logging.getLogger("framegate.operate")


class Crew(Protocol):
    """The process or the processes that serve.

    Attributes:
        restarts: how many processes have been started in place of others.
    """

    restarts: int

    async def start(self, attempt: Attempt) -> list[str]:
        """Begin with a sound configuration; returns the addresses."""

    async def reload(self, attempt: Attempt, generation: int) -> str:
        """Serve another one; returns what has changed."""

    async def drain(self) -> None:
        """End in order."""

    def kill(self) -> None:
        """End at once; called in a signal handler."""

    async def ask_all(self, name: str, arguments: Mapping[str, Any], *, timeout: float) -> list[Reply]:
        """:meth:`framegate.operate.control.Crew.ask_all`."""


@dataclass(frozen=True, slots=True)
class Reload:
    """How a reload went.

    Attributes:
        at: when, in seconds since the epoch.
        ok: whether it changed anything.
        message: what has changed, or the first problem.
        problems: every problem, a line each.
    """

    at: float
    ok: bool
    message: str
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class State:
    """How the gateway is.

    Attributes:
        phase: ``"ready"`` is the only one in which it wants new clients.
        generation: how many configurations have been served, the current one included.
        started_at: in seconds since the epoch.
        reloads, failed_reloads: how many went well, and how many did not.
        last_reload: the last one.
    """

    phase: Literal["starting", "ready", "draining", "stopped"] = "starting"
    generation: int = 1
    started_at: float = field(default_factory=time.time)
    reloads: int = 0
    failed_reloads: int = 0
    last_reload: Reload | None = None

    @property
    def ready(self) -> bool:
        """Whether new clients are welcome."""
        return self.phase == "ready"


class Lifecycle:
    """A running gateway.

    Args:
        crew: serves.
        source: the gateway's file.
        first: what it held at the start; sound.
        say: tells whoever started the program a line.
        notifier: the service manager.
        attachments: what runs beside the gateway from before it is ready until after its drain, such as a listener for
            probes; each is called with this object.

    Attributes:
        state: how it is.
        config: the configuration that is served.
    """

    def __init__(
        self,
        crew: Crew,
        source: Source,
        first: Attempt,
        *,
        say: Callable[[str], None],
        notifier: Notifier | None = None,
        attachments: Sequence[Callable[[Lifecycle], AbstractAsyncContextManager[Any]]] = (),
    ) -> None:
        assert first.config is not None
        self.crew = crew
        self.state = State()
        self.config: Configuration = first.config
        self._source = source
        self._first = first
        self._say = say
        self._notifier = notifier or Notifier()
        self._attachments = attachments
        self._wanted = asyncio.Event()
        self._reason = ""
        self._watch: Watch | None = None
        self._watching: asyncio.Task[None] | None = None

    def reload(self, reason: str) -> None:
        """Ask for a reload; several that are asked for while one runs are one."""
        self._reason = reason
        self._wanted.set()

    async def run(self) -> int:
        """Live until a signal asks for the drain; returns the exit status.

        Raises:
            FramegateError: it could not start.
        """
        signals = StopSignals(STOP, lambda: self.reload("SIGHUP"), self.crew.kill)
        try:
            async with AsyncExitStack() as stack:
                for attach in self._attachments:
                    await stack.enter_async_context(attach(self))
                await self._live(asyncio.create_task(signals.first()))
        finally:
            self.state.phase = "stopped"
            self._notifier.close()
        return 0

    async def _live(self, stop: asyncio.Task[str]) -> None:
        # The first look: what changes from now on is a change, also while the crew starts.
        self._keep_watch()
        starting = asyncio.create_task(self.crew.start(self._first))
        await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            addresses = starting.result()
            settle_memory()
            for url in addresses:
                self._say(f"listening on {url}")
            self.state.phase = "ready"
            self._notifier.ready(f"serving {self._source.file}")
            await self._serve(stop)
        else:
            await _cancelled(starting, self._watching)
            _log.info("%s: stopping before it was ready", stop.result())
            await self.crew.drain()

    async def _serve(self, stop: asyncio.Task[str]) -> None:
        background = [asyncio.create_task(self._reload_when_wanted())]
        if self._notifier.watchdog is not None:
            background.append(asyncio.create_task(self._sign_of_life(self._notifier.watchdog / 2)))
        name = await stop
        self.state.phase = "draining"
        self._notifier.stopping()
        _log.info("%s: draining", name)
        # The sign of life goes on: a drain may take longer than the watchdog waits.
        await _cancelled(background[0], self._watching)
        await asyncio.sleep(self.config.gateway.pre_drain_delay / 1000)
        with contextlib.ExitStack() as stack:
            for task in background[1:]:
                stack.callback(task.cancel)
            await self.crew.drain()

    async def _sign_of_life(self, interval: float) -> None:
        while True:
            self._notifier.alive()
            await asyncio.sleep(interval)

    async def _reload_when_wanted(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._reload(self._reason)

    async def _reload(self, reason: str) -> None:
        _log.info("%s: reloading %s", reason, self._source.file)
        self._notifier.reloading()
        if self._watch is not None:
            self._watch.is_told()
        try:
            attempt = self._source.read()
            if attempt.config is None:
                raise _Problems(attempt.problems)
            message = await self.crew.reload(attempt, self.state.generation + 1)
        except _Problems as problems:
            self._failed(problems.lines)
        except (FramegateError, OSError, Refused) as error:
            self._failed((str(error),))
        except Exception as error:
            _log.error("the reload has met a fault of the program", exc_info=error)
            self._failed((f"{type(error).__name__}: {error}",))
        else:
            self._succeeded(attempt, message)
        status = f"serving {self._source.file}"
        last = self.state.last_reload
        self._notifier.ready(status if last is None or last.ok else f"{status} as before: {last.message}")

    def _succeeded(self, attempt: Attempt, message: str) -> None:
        assert attempt.config is not None
        state = self.state
        state.generation += 1
        state.reloads += 1
        state.last_reload = Reload(time.time(), True, message)
        old, self.config = self.config, attempt.config
        set_form(attempt.config.gateway.log_format)
        for warning in attempt.warnings:
            _log.warning("%s", warning)
        _log.info("reloaded, generation %d: %s", state.generation, message)
        if old.gateway.workers != attempt.config.gateway.workers:
            _log.warning("gateway.workers has changed: it takes effect at the next start")
        if str(old.gateway.status_listen) != str(attempt.config.gateway.status_listen):
            _log.warning("gateway.status_listen has changed: it takes effect at the next start")
        self._keep_watch()

    def _failed(self, problems: Sequence[str]) -> None:
        state = self.state
        state.failed_reloads += 1
        state.last_reload = Reload(time.time(), False, problems[0], tuple(problems))
        for problem in problems:
            _log.error("%s", problem)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        _log.error("not reloaded, %s: generation %d serves on", count, state.generation)

    def _keep_watch(self) -> None:
        if not self.config.gateway.watch:
            if self._watching is not None:
                self._watching.cancel()
            self._watch = self._watching = None
        elif self._watching is None:
            self._watch = Watch(
                lambda: self._source.watched(self.config), lambda: self.reload("a file has changed")
            )
            self._watching = asyncio.create_task(self._watch.run())


class _Problems(Exception):
    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = lines


async def _cancelled(*tasks: asyncio.Task[Any] | None) -> None:
    for task in tasks:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


def run(start: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a program's coroutine on the event loop of the program and return its exit status."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(start())
