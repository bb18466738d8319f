"""How an async test is run: on which loop, for how long, and with what left behind."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

LOOPS = ("asyncio", "uvloop")


def _factory(loop_kind: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if loop_kind == "asyncio":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop


def run(test: Callable[[], Awaitable[None]], loop_kind: str = "asyncio", timeout: float = 20.0) -> None:
    """Run a test on a loop of its own.

    It fails on what it left behind, too: a task that still runs, an exception that nobody fetched, a socket that
    was never closed.

    Args:
        loop_kind: ``"asyncio"`` or ``"uvloop"``.
        timeout: seconds after which the test is given up.
    """
    unhandled: list[dict[str, Any]] = []
    # What is there already need not be looked through again for what this test leaves behind.
    gc.freeze()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        with asyncio.Runner(loop_factory=_factory(loop_kind)) as runner:
            runner.get_loop().set_exception_handler(lambda loop, context: unhandled.append(context))
            runner.run(_tidy(test, timeout))
        gc.collect()
    assert not unhandled, f"nobody handled: {unhandled}"
    unclosed = [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]
    assert not unclosed, f"left open: {unclosed}"


async def _tidy(test: Callable[[], Awaitable[None]], timeout: float) -> None:
    async with asyncio.timeout(timeout):
        await test()
    running = await _still_running(1.0)
    assert not running, f"still running: {running}"


async def _still_running(grace: float) -> set[asyncio.Task[Any]]:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, others = await asyncio.wait(others, timeout=grace)
    return {task for task in others if not task.done()}
