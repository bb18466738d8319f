"""The gateway as several processes: a supervisor that serves nobody itself, and workers that it keeps alive.

The supervisor reads and checks the file, holds the addresses, and gives all workers the same text. Each worker loads
that text itself, so that no half of the file that is being written can part them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from framegate.config.configuration import Configuration
from framegate.errors import FramegateError
from framegate.gateway.handler import LAST_WORDS
from framegate.gateway.site import keyed
from framegate.operate.control import Refused, Reply
from framegate.operate.sockets import Reservations, url_of
from framegate.operate.source import Attempt, Source
from framegate.operate.systemd import Passed
from framegate.operate.worker_process import WorkerProcess
from framegate.options import ServerLimits

_log = logging.getLogger("framegate.operate")

FIRST_DELAY: Final = 0.1
"""Seconds until a worker that has died is started again; doubled each time, up to :data:`LONGEST_DELAY`."""

LONGEST_DELAY: Final = 10.0

HEALTHY_AFTER: Final = 60.0
"""A worker that has lived for so many seconds begins with :data:`FIRST_DELAY` again."""

LONGEST_CALM: Final = 10.0
"""Seconds after which a worker is asked for a sign of life, if not sooner."""

PATIENCE: Final = 60.0
"""Seconds that a worker may take for starting, and for a reload; over it, it is started anew."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What every worker is to serve."""

    generation: int
    config: Configuration
    content: bytes
    places: list[dict[str, Any]] = field(default_factory=list)
    handed: list[socket.socket] = field(default_factory=list)


class Supervisor:
    """Keeps workers alive.

    Args:
        source: the gateway's file.
        count: how many workers.
        passed: sockets that the service manager has passed.
        level: what to log, whatever the file says; None leaves it to the file.

    Attributes:
        restarts: how many workers have been started in place of others.
    """

    def __init__(self, source: Source, count: int, passed: Sequence[Passed] = (), level: str | None = None) -> None:
        self._source = source
        self._level = level
        self._reservations = Reservations(passed)
        self._slots = [Slot(self, number) for number in range(1, count + 1)]
        self.orders: Orders | None = None
        self.stopping = False
        self.restarts = 0

    async def start(self, attempt: Attempt) -> list[str]:
        """Hold the addresses and start the workers; returns the addresses once all workers are ready.

        Raises:
            FramegateError: an address cannot be listened on, or a worker does not become ready.
        """
        assert attempt.config is not None
        # From here on the code of plugins is the workers' affair.
        self._source.forget()
        held = await self._reservations.reserve(attempt.config.gateway.listen, strict=True)
        self._reservations.keep(held)
        self._order(attempt, 1)
        try:
            await asyncio.gather(*(slot.begin() for slot in self._slots))
        except BaseException:
            await self._give_up()
            raise
        listens = keyed(attempt.config.gateway.listen)
        return [url_of(listens[key], reservation.port) for key, reservation in self._reservations.held.items()]

    async def reload(self, attempt: Attempt, generation: int) -> str:
        """Have all workers serve another configuration; returns what has changed, in words.

        Raises:
            FramegateError: an address cannot be listened on, and nothing has changed.
        """
        assert attempt.config is not None
        self._source.forget()
        held = await self._reservations.reserve(attempt.config.gateway.listen)
        before = self._reservations.held
        self._reservations.held = held
        self._order(attempt, generation)
        try:
            answers = await asyncio.gather(*(slot.reload() for slot in self._slots))
        finally:
            self._reservations.held = before
            self._reservations.keep(held)
        return _summed([answer for answer in answers if answer is not None])

    async def drain(self) -> None:
        """End all workers in order."""
        self.stopping = True
        await asyncio.gather(*(slot.drain(self._drain_limit()) for slot in self._slots))
        self._reservations.keep({})

    def kill(self) -> None:
        """End all workers at once."""
        self.stopping = True
        for slot in self._slots:
            slot.kill()

    async def ask_all(self, name: str, arguments: Mapping[str, Any], *, timeout: float) -> list[Reply]:
        """:meth:`framegate.operate.control.Crew.ask_all`."""
        return list(await asyncio.gather(*(slot.ask(name, arguments, timeout) for slot in self._slots)))

    def order_for(self, number: int) -> dict[str, Any]:
        """What worker ``number`` is told."""
        orders = self.orders
        assert orders is not None
        return {
            "number": number,
            "generation": orders.generation,
            "file": self._source.file,
            "plugin_paths": [str(path) for path in self._source.plugin_paths],
            "content": orders.content.decode("utf-8", "surrogateescape"),
            "level": self._level,
            "places": orders.places,
        }

    def _order(self, attempt: Attempt, generation: int) -> None:
        assert attempt.config is not None and attempt.content is not None
        orders = Orders(generation, attempt.config, attempt.content)
        orders.places.extend(reservation.order(orders.handed) for reservation in self._reservations.held.values())
        self.orders = orders

    def _drain_limit(self) -> float | None:
        assert self.orders is not None
        # A worker keeps the limit itself; this is for one that does not.
        limit = ServerLimits.of(**self.orders.config.gateway.limits).drain_timeout
        return None if limit is None else limit + LAST_WORDS + 5

    async def _give_up(self) -> None:
        self.kill()
        await asyncio.gather(*(slot.gone() for slot in self._slots))
        self._reservations.keep({})


class Slot:
    """The place of one worker, which is filled again when the worker dies.

    Args:
        supervisor: whose orders it obeys.
        number: of the worker, from 1.
    """

    def __init__(self, supervisor: Supervisor, number: int) -> None:
        self._supervisor = supervisor
        self._number = number
        self._worker: WorkerProcess | None = None
        self._generation = 0
        self._replaced = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._old: set[asyncio.Task[None]] = set()
        # The process that runs, ready or not: what must not outlive us.
        self._process: WorkerProcess | None = None

    async def begin(self) -> None:
        """Start the worker.

        Raises:
            FramegateError: it does not become ready.
        """
        self._process = await WorkerProcess.spawned(self._number)
        try:
            await self._make_ready(self._process)
        except (Refused, ConnectionError, TimeoutError) as error:
            self._process.kill()
            how = await self._process.ended()
            reason = str(error) if isinstance(error, Refused) else f"worker {self._number} {how} before it was ready"
            raise FramegateError(reason) from None
        self._keeping = asyncio.create_task(self._keep())

    async def reload(self) -> dict[str, Any] | None:
        """Obey new orders; a worker that cannot is started anew with them."""
        worker = self._worker
        if worker is None:
            # It is being started; what it gets then are the new orders.
            return None
        try:
            return await self._obey(worker, "reload")
        except (Refused, ConnectionError, TimeoutError) as error:
            if not self._supervisor.stopping:
                _log.error("worker %d (%d) does not reload, it is replaced: %s", self._number, worker.pid, error)
                self._replaced.set()
            return None

    async def ask(self, name: str, arguments: Mapping[str, Any], timeout: float) -> Reply:
        """Ask the worker."""
        worker = self._worker
        if worker is None:
            return Reply(self._number, 0, error="the worker is being started")
        try:
            answer = await worker.channel.ask(name, arguments, timeout=timeout)
        except TimeoutError:
            return Reply(self._number, worker.pid, error=f"{name}: no answer in {timeout:g} seconds")
        except (Refused, ConnectionError) as error:
            return Reply(self._number, worker.pid, error=str(error))
        return Reply(self._number, worker.pid, answer=answer)

    async def drain(self, limit: float | None) -> None:
        """End the worker in order, and in the end at any rate."""
        if self._keeping is not None:
            self._keeping.cancel()
        if self._process is not None:
            await _drained(self._process, limit)
        if self._old:
            await asyncio.wait(self._old)

    def kill(self) -> None:
        """End the worker at once."""
        if self._keeping is not None:
            self._keeping.cancel()
        if self._process is not None:
            self._process.kill()

    async def gone(self) -> None:
        """Wait until the process has gone."""
        if self._process is not None:
            await self._process.ended()

    async def _keep(self) -> None:
        delay = FIRST_DELAY
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            how = await self._one_life()
            if loop.time() - begun >= HEALTHY_AFTER:
                delay = FIRST_DELAY
            if how is not None:
                _log.error("worker %d %s; it starts again in %g seconds", self._number, how, delay)
                await asyncio.sleep(delay)
                delay = min(2 * delay, LONGEST_DELAY)
            self._process = None
            try:
                self._process = await WorkerProcess.spawned(self._number)
                self._supervisor.restarts += 1
                await self._make_ready(self._process)
            except (OSError, Refused, TimeoutError) as error:
                _log.error("worker %d does not start: %s", self._number, error or "no answer")
                if self._process is not None:
                    self._process.kill()
            else:
                _log.info("worker %d (%d) is ready", self._number, self._process.pid)

    async def _one_life(self) -> str | None:
        """Wait for the end of the worker; None where it is to be replaced and ends by itself."""
        process = self._process
        if process is None:
            return "was not started"
        self._replaced.clear()
        ended = asyncio.create_task(process.ended())
        replaced = asyncio.create_task(self._replaced.wait())
        silent = asyncio.create_task(self._until_silent(process))
        try:
            await asyncio.wait({ended, replaced, silent}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            replaced.cancel()
            silent.cancel()
        self._worker = None
        if silent.done() and not ended.done():
            process.kill()
            await ended
        if ended.done():
            return f"({process.pid}) {ended.result()}"
        task = asyncio.create_task(_drained(process, PATIENCE))
        self._old.add(task)
        task.add_done_callback(self._old.discard)
        return None

    async def _until_silent(self, process: WorkerProcess) -> None:
        """Return when the worker has not answered for as long as the file allows."""
        while True:
            orders = self._supervisor.orders
            limit = None if orders is None else orders.config.gateway.worker_timeout
            await asyncio.sleep(LONGEST_CALM if limit is None else min(LONGEST_CALM, limit / 3000))
            if limit is None or process is not self._worker:
                continue
            try:
                await process.channel.ask("status", {}, timeout=limit / 1000)
            except TimeoutError:
                text = "worker %d (%d) has not answered for %g seconds: it is killed"
                _log.error(text, self._number, process.pid, limit / 1000)
                return
            except (Refused, ConnectionError):
                # An answer of its kind; a process that has ended is seen elsewhere.
                continue

    async def _make_ready(self, process: WorkerProcess) -> None:
        await self._obey(process, "start")
        orders = self._supervisor.orders
        while orders is not None and self._generation < orders.generation:
            # There were new orders while it started.
            await self._obey(process, "reload")
            orders = self._supervisor.orders
        self._worker = process

    async def _obey(self, process: WorkerProcess, name: str) -> dict[str, Any]:
        orders = self._supervisor.orders
        assert orders is not None
        answer = await process.order(name, self._supervisor.order_for(self._number), orders.handed, PATIENCE)
        self._generation = orders.generation
        return answer


async def _drained(process: WorkerProcess, limit: float | None) -> None:
    try:
        async with asyncio.timeout(limit):
            with contextlib.suppress(Refused, ConnectionError):
                await process.channel.ask("drain", {}, timeout=None)
            await process.ended()
    except TimeoutError:
        _log.error("worker %d (%d) does not end: it is killed", process.number, process.pid)
        process.kill()
        await process.ended()


def _summed(answers: Sequence[Mapping[str, Any]]) -> str:
    if not answers:
        return "the workers are being started with it"
    counts = (sum(answer[fate] for answer in answers) for fate in ("kept", "rebound", "ended"))
    changes = "; ".join(answers[0]["changes"]) or "nothing has changed"
    return "{} (sessions: {} kept, {} rebound, {} closed with 1012)".format(changes, *counts)
