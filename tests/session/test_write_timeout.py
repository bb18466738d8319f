"""write_timeout: a side that takes nothing while the queue toward it is full, with a clock that is moved by hand.

The driver notes in ``leg.blocked`` since when nothing was taken.
"""

from __future__ import annotations

from typing import Any

import pytest

from framegate.session.closing import State
from tests.kit.frames import close, text
from tests.kit.stage import ABORTED, FIN, Play, Side

SIDES = pytest.mark.parametrize("name", ["client", "upstream"])


def opened(name: str, **options: Any) -> tuple[Play, Side, Side]:
    """A session, the side that takes nothing, and the other one."""
    play = Play(**options)
    side = play.side(name)
    return play, side, play.other(side)


def stuck(play: Play, side: Side) -> None:
    """The queue toward ``side`` is full from now on, so the other side is not read."""
    side.leg.blocked = play.now
    play.session.suspend(play.other(side).leg, play.now)


def taking(play: Play, side: Side) -> None:
    """The queue toward ``side`` is no longer full."""
    side.leg.blocked = None
    play.session.unsuspend(play.other(side).leg, play.now)


@SIDES
def test_a_stuck_side_is_aborted_and_the_other_told_1001(name: str) -> None:
    play, side, other = opened(name, write_timeout=10)
    stuck(play, side)
    play.later(9.9)
    play.silence()
    play.later(0.1)
    assert (side.got(), other.got()) == ([ABORTED], [close(1001), FIN])
    record = play.record
    assert (record.ended_by, record.why) == ("proxy", "timeout")
    assert record.detail == f"write_timeout: the {name} takes nothing"
    assert getattr(record, name).close_sent is None
    other.leaves()
    assert play.session.over


def test_the_clock_runs_only_while_a_side_is_stuck() -> None:
    play = Play(write_timeout=10)
    assert play.due() is None
    play.later(1e6)
    play.silence()
    assert play.states == (State.OPEN, State.OPEN)


@SIDES
def test_a_side_that_takes_again_in_time_stays(name: str) -> None:
    play, side, other = opened(name, write_timeout=10)
    for _ in range(5):
        stuck(play, side)
        play.later(9.9)
        taking(play, side)
        assert play.due() is None
    other.says(text("on"))
    assert side.got() == [text("on")]


@SIDES
def test_what_is_taken_meanwhile_starts_the_time_again(name: str) -> None:
    play, side, _ = opened(name, write_timeout=10)
    stuck(play, side)
    play.later(8)
    side.leg.blocked = play.now
    assert play.due() == pytest.approx(10)
    play.later(9.9)
    play.silence()
    play.later(0.1)
    assert side.got() == [ABORTED]


@SIDES
def test_a_stuck_side_is_left_alone_without_the_option(name: str) -> None:
    play, side, _ = opened(name, max_lifetime=1000)
    stuck(play, side)
    play.later(999)
    play.silence()


@SIDES
def test_the_side_that_sends_is_not_held_to_account(name: str) -> None:
    play, side, other = opened(name, write_timeout=10, idle_timeout=5, recv_timeout=5)
    stuck(play, side)
    play.later(10)
    assert (side.got(), other.got()) == ([ABORTED], [close(1001), FIN])
    assert play.record.detail.startswith("write_timeout")


@SIDES
def test_once_a_close_frame_was_sent_the_lingering_limits_decide(name: str) -> None:
    play, side, other = opened(name, write_timeout=2, lingering_timeout=50, lingering_time=50)
    other.says(close(1000))
    assert side.got() == [close(1000)]
    side.leg.blocked = play.now
    play.later(49)
    play.silence()
    play.later(1)
    assert other.got() == [close(1000), FIN]
