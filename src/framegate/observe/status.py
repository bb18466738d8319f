"""The status listener: metrics, probes, what runs, and the level of the log.

It stands beside a running gateway and asks its crew, be it this process or many workers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Metric, ProcessCollector

from framegate._build import COMPILED
from framegate._version import __version__
from framegate.errors import FramegateError
from framegate.listeners import open_listeners
from framegate.observe import levels
from framegate.observe.exposition import KONG_PREFIX, answer_for, families_of, renamed
from framegate.observe.http import Answer, Asked, HttpServer
from framegate.observe.merge import Ledger
from framegate.observe.whole import Certificates, families
from framegate.operate.control import Local, Reply
from framegate.operate.sockets import cannot_listen

if TYPE_CHECKING:
    from framegate.operate.lifecycle import Lifecycle

_log = logging.getLogger("framegate.observe")

PROBE_TIMEOUT: Final = 2.0
"""Seconds in which a worker that is alive answers a probe."""

SCRAPE_TIMEOUT: Final = 8.0
"""Seconds for the metrics of a worker: less than the 10 after which Prometheus gives up."""

SUPERVISOR: Final = "supervisor"

Endpoint = Callable[[Asked], Awaitable[Answer]]


class Status:
    """What the listener answers.

    Args:
        lifecycle: the running gateway.
    """

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._ledger = Ledger()
        self._certificates = Certificates()
        self._levels = levels.Levels()
        self._alone = isinstance(lifecycle.crew, Local)
        self._process = ProcessCollector(registry=None)
        self._scraping = asyncio.Lock()
        self._endpoints: dict[str, dict[str, Endpoint]] = {
            "/metrics": {"GET": self._metrics},
            "/livez": {"GET": self._livez},
            "/readyz": {"GET": self._readyz},
            "/status": {"GET": self._status},
            "/log-level": {"GET": self._level, "PUT": self._set_level},
        }

    async def respond(self, asked: Asked) -> Answer:
        """Answer a request."""
        methods = self._endpoints.get(asked.path)
        if methods is None:
            return Answer(404, f"there are {', '.join(self._endpoints)}\n".encode())
        endpoint = methods.get(asked.method)
        if endpoint is None:
            allowed = ", ".join(["HEAD", *methods])
            return Answer(405, f"{asked.path} takes {allowed}\n".encode(), headers={"Allow": allowed})
        return await endpoint(asked)

    async def _metrics(self, asked: Asked) -> Answer:
        async with self._scraping:
            replies = await self._lifecycle.crew.ask_all("metrics", {}, timeout=SCRAPE_TIMEOUT)
            found = self._whole(replies)
            prefix = KONG_PREFIX if self._lifecycle.config.gateway.metric_names == "kong" else None
            accept = asked.headers.get("Accept", "")
            # Text is read and written for milliseconds: the loop has sessions, or workers, to look after.
            content_type, body = await asyncio.to_thread(self._exposed, replies, found, prefix, accept)
        return Answer(200, body, content_type)

    def _whole(self, replies: Sequence[Reply]) -> list[Metric]:
        life = self._lifecycle
        ready = not self._reasons(replies)
        return families(life.state, life.config, replies, life.crew.restarts, self._certificates, ready)

    def _exposed(
        self, replies: Sequence[Reply], whole: list[Metric], prefix: str | None, accept: str
    ) -> tuple[str, bytes]:
        ledger = self._ledger
        ledger.begin_round()
        for reply in replies:
            if reply.answer is not None:
                ledger.take(str(reply.worker), reply.pid, families_of(reply.answer["text"]))
        if not self._alone:
            ledger.take(SUPERVISOR, os.getpid(), list(self._process.collect()))
        found = [*whole, *ledger.merged()]
        return answer_for(accept, found if prefix is None else renamed(found, prefix))

    async def _livez(self, asked: Asked) -> Answer:
        replies = await self._ask("status")
        # A worker that is being started is on its way; one that runs and says nothing is stuck.
        stuck = [f"worker {reply.worker}: {reply.error}" for reply in replies if reply.error and reply.pid]
        return Answer.of_json({"alive": not stuck, "reasons": stuck}, 503 if stuck else 200)

    async def _readyz(self, asked: Asked) -> Answer:
        reasons = self._reasons(await self._ask("status"))
        return Answer.of_json({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    def _reasons(self, replies: Sequence[Reply]) -> list[str]:
        phase = self._lifecycle.state.phase
        reasons = [] if phase == "ready" else [f"the gateway is {phase}"]
        if all(reply.error is not None for reply in replies):
            reasons += [f"worker {reply.worker}: {reply.error}" for reply in replies]
        return reasons

    async def _status(self, asked: Asked) -> Answer:
        replies = await self._ask("status")
        state, now = self._lifecycle.state, time.time()
        last = state.last_reload
        listeners: list[str] = next((reply.answer["listeners"] for reply in replies if reply.answer is not None), [])
        return Answer.of_json(
            {
                "version": __version__,
                "build": "compiled" if COMPILED else "pure",
                "phase": state.phase,
                "generation": state.generation,
                "pid": os.getpid(),
                "started_at": state.started_at,
                "uptime": now - state.started_at,
                "last_reload": None if last is None else _reload_of(last),
                "listeners": listeners,
                "workers": [_worker_of(reply, now) for reply in replies],
                "worker_restarts": self._lifecycle.crew.restarts,
            }
        )

    async def _level(self, asked: Asked) -> Answer:
        replies = await self._ask("level")
        found = next((reply.answer["levels"] for reply in replies if reply.answer is not None), self._levels.levels())
        return Answer.of_json({"level": found.get(levels.ROOT), "levels": found})

    async def _set_level(self, asked: Asked) -> Answer:
        try:
            wanted = json.loads(asked.body)
            if not isinstance(wanted, dict):
                raise ValueError('the body must be an object such as {"level": "debug"}')
            change = levels.checked(wanted)
        except (ValueError, RecursionError) as error:
            return Answer.of_json({"error": str(error)}, 400)
        replies = await self._ask("level", change)
        if not self._alone:
            self._levels.change(**change)
        errors = [f"worker {reply.worker}: {reply.error}" for reply in replies if reply.error is not None]
        if errors:
            return Answer.of_json({"error": "; ".join(errors)}, 503)
        return Answer.of_json(change)

    async def _ask(self, name: str, arguments: dict[str, Any] | None = None) -> list[Reply]:
        return await self._lifecycle.crew.ask_all(name, arguments or {}, timeout=PROBE_TIMEOUT)


def _reload_of(last: Any) -> dict[str, Any]:
    return {"at": last.at, "ok": last.ok, "message": last.message, "problems": list(last.problems)}


def _worker_of(reply: Reply, now: float) -> dict[str, Any]:
    answer = reply.answer
    if answer is None:
        return {"worker": reply.worker, "pid": reply.pid, "up": False, "error": reply.error}
    return {
        "worker": reply.worker,
        "pid": reply.pid,
        "up": True,
        "uptime": now - answer["started_at"],
        "sessions": answer["sessions"],
        "generation": answer["generation"],
    }


@asynccontextmanager
async def attached(lifecycle: Lifecycle) -> AsyncIterator[None]:
    """The listener, from before the gateway is ready until after its drain; nothing where the file wants none.

    Raises:
        FramegateError: the address cannot be listened on.
    """
    listen = lifecycle.config.gateway.status_listen
    if listen is None:
        yield
        return
    try:
        sockets = await open_listeners(listen.host, listen.port, listen.path, None)
    except OSError as error:
        raise FramegateError(f"gateway.status_listen: {cannot_listen(listen, error)}") from error
    server = HttpServer(sockets, Status(lifecycle).respond)
    await server.start()
    _log.info("status at %s", server.address)
    try:
        yield
    finally:
        await server.close()
