"""Awaiting what may be done already."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from framegate.waiting import Waiting


class Told:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


async def test_what_is_done_at_once_is_not_told() -> None:
    async def hook() -> str:
        return "done"

    told = Told()
    assert await Waiting(hook(), told) == "done"
    assert told.times == 0


async def test_what_waits_is_told_once_before_it_waits() -> None:
    order = []

    async def hook() -> str:
        order.append("begun")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "done"

    assert await Waiting(hook(), lambda: order.append("told")) == "done"
    assert order == ["begun", "told"]


async def test_a_future_is_waited_for() -> None:
    loop, told = asyncio.get_running_loop(), Told()
    future: asyncio.Future[int] = loop.create_future()
    loop.call_soon(future.set_result, 7)
    assert await Waiting(future, told) == 7 and told.times == 1
    assert await Waiting(future, told) == 7 and told.times == 1


@pytest.mark.parametrize("waits", [False, True])
async def test_what_it_raises_comes_out(waits: bool) -> None:
    async def hook() -> None:
        if waits:
            await asyncio.sleep(0)
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await Waiting(hook(), Told())


async def test_what_the_awaited_future_raises_reaches_the_hook() -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(future.set_exception, LookupError())

    async def hook() -> str:
        try:
            await future
        except LookupError:
            return "caught"
        return "nothing came"

    assert await Waiting(hook(), Told()) == "caught"


async def test_a_cancelled_task_cancels_what_it_waits_for() -> None:
    cleaned = []

    async def hook() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    async def wait() -> None:
        await Waiting(hook(), Told())

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == [True]


async def test_a_hook_may_use_time_outs_and_task_groups() -> None:
    async def hook() -> str:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            return await group.create_task(asyncio.sleep(0, "done"))

    async def wait() -> Any:
        return await Waiting(hook(), Told())

    assert await asyncio.create_task(wait()) == "done"


class Steps:
    """An awaitable whose iterator has neither send nor throw."""

    def __init__(self, future: asyncio.Future[None]) -> None:
        self.future = future

    def __await__(self) -> Generator[Any, Any, Any]:
        return Walk(self.future.__await__())  # type: ignore[return-value]


class Walk(Iterator[Any]):
    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def __next__(self) -> Any:
        return next(self.steps)


async def test_an_iterator_that_can_only_go_on_is_enough() -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(future.set_result, None)
    assert await Waiting(Steps(future), Told()) is None


async def test_what_cannot_be_thrown_into_is_left() -> None:
    async def wait() -> None:
        await Waiting(Steps(asyncio.get_running_loop().create_future()), Told())

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
