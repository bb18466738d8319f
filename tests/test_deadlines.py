"""Deadlines: called when due, never when cancelled, with one timer of the loop for all."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from framegate.deadlines import Deadlines, deadlines_of


class CountingLoop:
    """A loop whose clock the test moves, and which counts the timers that it is asked for."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.made = 0

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Any) -> Any:
        self.made += 1
        entry = (at, call)
        self.timers.append(entry)

        class Handle:
            def cancel(_: Any) -> None:
                self.timers.remove(entry)

        return Handle()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def pass_to(self, now: float) -> None:
        self.now = now
        for entry in [entry for entry in self.timers if entry[0] <= now]:
            self.timers.remove(entry)
            entry[1]()


def test_a_deadline_is_called_once_when_it_is_due() -> None:
    loop, said = CountingLoop(), []
    Deadlines(loop).call_at(105, lambda: said.append("due"))  # type: ignore[arg-type]
    loop.pass_to(104)
    assert said == []
    loop.pass_to(105)
    loop.pass_to(200)
    assert said == ["due"] and loop.timers == []


def test_a_cancelled_deadline_is_never_called() -> None:
    loop, said = CountingLoop(), []
    deadlines = Deadlines(loop)  # type: ignore[arg-type]
    first = deadlines.call_at(105, lambda: said.append("first"))
    deadlines.call_at(106, lambda: said.append("second"))
    first.cancel()
    first.cancel()
    assert len(deadlines) == 1
    loop.pass_to(110)
    assert said == ["second"] and len(deadlines) == 0


def test_they_are_called_in_the_order_of_their_times_and_then_of_their_making() -> None:
    loop, said = CountingLoop(), []
    deadlines = Deadlines(loop)  # type: ignore[arg-type]
    for name, at in (("late", 109), ("early", 101), ("same, first", 105), ("same, second", 105)):
        deadlines.call_at(at, lambda name=name: said.append(name))
    loop.pass_to(120)
    assert said == ["early", "same, first", "same, second", "late"]


def test_ten_thousand_limits_of_the_same_length_take_one_timer() -> None:
    loop = CountingLoop()
    deadlines = Deadlines(loop)  # type: ignore[arg-type]
    for _ in range(10_000):
        deadlines.call_later(10, list)
        loop.now += 0.0001
    assert loop.made == 1 and len(deadlines) == 10_000


def test_an_earlier_deadline_moves_the_timer_forward() -> None:
    loop, said = CountingLoop(), []
    deadlines = Deadlines(loop)  # type: ignore[arg-type]
    deadlines.call_at(150, lambda: said.append("late"))
    deadlines.call_at(101, lambda: said.append("early"))
    assert [at for at, _ in loop.timers] == [101]
    loop.pass_to(101)
    assert said == ["early"] and [at for at, _ in loop.timers] == [150]


def test_cancelled_deadlines_do_not_pile_up() -> None:
    loop = CountingLoop()
    deadlines = Deadlines(loop)  # type: ignore[arg-type]
    kept = deadlines.call_at(10_000, list)
    for _ in range(100_000):
        deadlines.call_later(10, list).cancel()
    assert len(deadlines._heap) < 3_000
    kept.cancel()
    assert len(deadlines._heap) == 0


def test_one_may_be_made_and_another_cancelled_while_they_are_called() -> None:
    loop, said = CountingLoop(), []
    deadlines = Deadlines(loop)  # type: ignore[arg-type]

    def first() -> None:
        said.append("first")
        doomed.cancel()
        deadlines.call_at(loop.now, lambda: said.append("made meanwhile"))
        deadlines.call_at(103, lambda: said.append("later"))

    deadlines.call_at(101, first)
    doomed = deadlines.call_at(101, lambda: said.append("doomed"))
    loop.pass_to(101)
    loop.pass_to(103)
    assert said == ["first", "made meanwhile", "later"]


def test_a_callback_that_fails_is_told_to_the_loop_and_the_others_are_called() -> None:
    loop, said = CountingLoop(), []
    deadlines = Deadlines(loop)  # type: ignore[arg-type]
    deadlines.call_at(101, lambda: 1 / 0)
    deadlines.call_at(101, lambda: said.append("next"))
    loop.pass_to(101)
    assert said == ["next"]
    assert [type(context["exception"]) for context in loop.errors] == [ZeroDivisionError]


async def test_a_loop_has_one_set_of_them_and_keeps_time() -> None:
    loop = asyncio.get_running_loop()
    assert deadlines_of(loop) is deadlines_of(loop)
    called, begun = loop.create_future(), time.monotonic()
    deadlines_of(loop).call_later(0.03, lambda: called.set_result(None))
    await called
    assert time.monotonic() - begun >= 0.029
