"""What others are told of a running gateway: when it is ready, when it is not any more, and how its reloads went."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from framegate.operate.alone import Alone
from framegate.operate.lifecycle import Lifecycle
from framegate.operate.source import Source
from tests.operate.rig import Place, answer

pytestmark = pytest.mark.patience(60)


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """The handlers of this process are back after the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Observer:
    """What runs beside the gateway, and notes what it sees."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.lifecycle: Lifecycle | None = None
        self.is_there = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, lifecycle: Lifecycle) -> AsyncIterator[None]:
        self.lifecycle = lifecycle
        self.phases.append(lifecycle.state.phase)
        self.is_there.set()
        yield
        self.phases.append(lifecycle.state.phase)

    async def sees(self, phase: str) -> None:
        assert self.lifecycle is not None
        while self.lifecycle.state.phase != phase:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def living(place: Place) -> AsyncIterator[tuple[Lifecycle, Observer, list[str], asyncio.Task[int]]]:
    source = Source(str(place.file))
    said: list[str] = []
    observer = Observer()
    life = Lifecycle(Alone(source), source, source.read(), say=said.append, attachments=[observer])
    task = asyncio.create_task(life.run())
    await observer.is_there.wait()
    await observer.sees("ready")
    yield life, observer, said, task
    if not task.done():
        os.kill(os.getpid(), signal.SIGTERM)
        await task


async def test_it_is_ready_when_it_listens_and_not_ready_before_it_stops_to(place: Place) -> None:
    place.write(gateway="  pre_drain_delay: 400\n")
    async with living(place) as (life, observer, said, task):
        (line,) = said
        url = line.removeprefix("listening on ")
        assert life.state.ready
        os.kill(os.getpid(), signal.SIGTERM)
        await observer.sees("draining")
        assert not life.state.ready
        assert await answer(url) == "A:hello"
        assert await task == 0
        assert life.state.phase == "stopped"
        assert observer.phases == ["starting", "draining"]
        with pytest.raises(OSError):
            await answer(url)


async def test_the_state_says_how_the_last_reload_went(place: Place) -> None:
    place.write()
    async with living(place) as (life, _, said, _):
        assert (life.state.generation, life.state.last_reload) == (1, None)
        place.put(place.text().replace("services:", "servces:"))
        life.reload("a test")
        while life.state.failed_reloads < 1:
            await asyncio.sleep(0.005)
        last = life.state.last_reload
        assert last is not None and not last.ok and "servces" in last.message
        assert (life.state.generation, life.state.reloads) == (1, 0)
        place.write(word="B:")
        life.reload("a test")
        while life.state.reloads < 1:
            await asyncio.sleep(0.005)
        last = life.state.last_reload
        assert last is not None and last.ok and "plugin 'tag' of service 'main' changed" in last.message
        assert life.state.generation == 2 and life.config.plugins[0].instance.config["word"] == "B:"
        assert await answer(said[0].removeprefix("listening on ")) == "B:hello"
