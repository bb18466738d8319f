"""How long plugins take: one frame in sixteen is timed, in whatever session, and awaited ones with their waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from framegate.observe.catalogue import PLUGIN_SECONDS
from framegate.pdk.failure import TIMED_ONE_IN, Watch
from tests.kit.builds import NAMES, Build

PHASE = "ws_client_frame"

each_build = pytest.mark.parametrize("build", [Build(name) for name in NAMES], ids=str)


class Bench:
    """Chains of one build with one or more plugins, and what is taken down of each."""

    def __init__(self, build: Build, *, limit: float = 0.0, timed: bool = True) -> None:
        self.frames = build.module("framegate.pdk._frames")
        self.taken: dict[tuple[str, str], Any] = {}
        self.watch = Watch(limit, self.durations if timed else None)

    def durations(self, plugin: str, phase: str) -> Any:
        return self.taken.setdefault((plugin, phase), self.frames.Durations(PLUGIN_SECONDS))

    def chain(self, *plugins: Callable[[Any], Any], finish: Any = None) -> Callable[[], Any]:
        def fresh() -> tuple[Any, Any]:
            face = self.frames.FrameFace("client", PHASE, None)
            return face, face

        steps = [
            self.frames.Step(name, call, fresh, True, self.watch.durations(name, PHASE))
            for name, call in zip("abc", plugins, strict=False)
        ]
        chain = self.frames.Chain(PHASE, steps, self.watch, finish)
        return lambda: chain.on_frame("client", "text", b"hello", True, None)

    def count(self, plugin: str) -> int:
        return sum(self.taken[plugin, PHASE].counts)


def nothing(kong: Any) -> None:
    kong.get_frame()


@each_build
def test_one_frame_in_sixteen_is_timed(build: Build) -> None:
    bench = Bench(build)
    ask = bench.chain(nothing, nothing)
    for _ in range(10 * TIMED_ONE_IN):
        assert ask() == b"hello"
    assert (bench.count("a"), bench.count("b")) == (10, 10)
    assert 0 < bench.taken["a", PHASE].total < 10


@each_build
def test_short_sessions_have_their_share(build: Build) -> None:
    bench = Bench(build)
    for _ in range(10 * TIMED_ONE_IN):
        bench.chain(nothing)()
    assert bench.count("a") == 10


@each_build
def test_where_nobody_wants_to_know_nothing_is_taken_down(build: Build) -> None:
    bench = Bench(build, timed=False)
    ask = bench.chain(nothing)
    for _ in range(2 * TIMED_ONE_IN):
        assert ask() == b"hello"
    assert bench.taken == {}


@each_build
def test_a_plugin_that_ends_the_chain_leaves_no_time_to_the_ones_behind_it(build: Build) -> None:
    bench = Bench(build)
    ask = bench.chain(lambda kong: kong.drop_frame(), nothing)
    for _ in range(TIMED_ONE_IN):
        assert ask() is None
    assert (bench.count("a"), bench.count("b")) == (1, 0)


@each_build
async def test_an_awaited_plugin_takes_as_long_as_it_waits(build: Build) -> None:
    from framegate.pdk import run

    async def slow(kong: Any) -> None:
        await asyncio.sleep(0.006)

    async def finish(chain: Any, awaitable: Any, index: int) -> Any:
        return await run._finish(chain, awaitable, index)

    bench = Bench(build)
    ask = bench.chain(nothing, slow, nothing, finish=finish)
    for _ in range(TIMED_ONE_IN):
        assert await ask() == b"hello"
    assert (bench.count("a"), bench.count("b"), bench.count("c")) == (1, 1, 1)
    assert bench.taken["b", PHASE].total > 0.005
    assert bench.taken["a", PHASE].total < bench.taken["b", PHASE].total


@each_build
def test_a_duration_of_exactly_a_bound_is_below_it(build: Build) -> None:
    durations = build.module("framegate.pdk._frames").Durations((0.1, 1.0))
    for seconds in (0.1, 0.2, 1.0, 1.1, 50.0):
        durations.add(seconds)
    assert durations.counts == [1, 2, 2]
    assert round(durations.total, 6) == 52.4
