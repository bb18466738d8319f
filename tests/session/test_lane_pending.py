"""Hooks whose result is awaitable: the lane waits and keeps its order."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.session.signals import BROKEN, CLOSE_SEEN, CLOSED, DONE, HOOK_FAILED, OK, SWALLOWED, WAITING
from tests.kit.builds import Build
from tests.kit.frames import Frame, binary, close, cont, ping, text
from tests.kit.lanes import Awaited, Call, Hook, Talk, same


class TestWaiting:
    """The frame, and all that stands behind it, waits."""

    def test_the_awaitable_stands_in_pending(self, build: Build, origin: str) -> None:
        awaited = Awaited()
        talk = Talk(build, Hook(same, awaited, same), origin=origin)
        assert talk.feed(text("a"), text("b"), text("c")) == WAITING
        assert talk.lane.pending is awaited
        assert talk.came() == [text("a")]
        assert talk.resume(b"B") == OK
        assert talk.lane.pending is None
        assert talk.came() == [text("B"), text("c")]

    @pytest.mark.parametrize("value", [text("x"), ping("x"), text("x", fin=False)], ids=repr)
    def test_every_type(self, build: Build, value: Frame) -> None:
        talk = Talk(build, Hook(Awaited()))
        assert (talk.feed(value), talk.came()) == (WAITING, [])
        assert (talk.resume(value.payload), talk.came()) == (OK, [value])

    def test_control_frames_keep_their_place(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        assert talk.feed(text("a"), ping("p")) == WAITING
        assert talk.came() == []
        assert (talk.resume(b"a"), talk.came()) == (OK, [text("a"), ping("p")])

    def test_the_window_is_kept(self, build: Build) -> None:
        # Talk scribbles over the window after each call.
        talk = Talk(build, Hook(Awaited(), same))
        talk.feed(binary(b"x" * 300), text("b" * 200), close(1000, "end"))
        held = len(talk.codec.wire(text("b" * 200), close(1000, "end")))
        assert talk.lane.buffered() == held
        payload = talk.lane.hook.calls[0].payload
        assert talk.resume(payload) == CLOSED
        assert talk.came() == [binary(b"x" * 300), text("b" * 200), close(1000, "end")]

    def test_the_same_object_goes_out_as_it_came(self, build: Build) -> None:
        hook = Hook(Awaited(), same)
        talk = Talk(build, hook)
        wire = talk.codec.wire(text("a"), text("b"))
        talk.feed_raw(wire)
        talk.resume(hook.calls[0].payload)
        assert (talk.taken, talk.lane.changed) == (wire, 0)

    def test_a_held_frame_too(self, build: Build) -> None:
        hook = Hook(Awaited(), same)
        talk = Talk(build, hook)
        wire = talk.codec.wire(text("held"), text("b"))
        assert talk.feed_raw(wire[:4]) == OK
        assert talk.feed_raw(wire[4:]) == WAITING
        talk.resume(hook.calls[0].payload)
        assert talk.taken == wire

    def test_what_was_on_its_way_is_kept_in_order(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        wire = talk.codec.wire(*[text(f"message {number}") for number in range(9)])
        assert talk.feed_raw(wire[:20]) == WAITING
        for at in range(20, len(wire), 11):
            assert talk.feed_raw(wire[at : at + 11]) == OK
        assert talk.came() == []
        assert talk.resume(b"message 0") == OK
        assert talk.came() == [text(f"message {number}") for number in range(9)]
        assert talk.lane.buffered() == 0

    def test_again_and_again(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), Awaited(), Awaited(), same))
        assert talk.feed(text("a"), text("b"), text("c"), text("d")) == WAITING
        assert (talk.resume(b"A"), talk.came()) == (WAITING, [text("A")])
        assert (talk.resume(None), talk.came()) == (WAITING, [])
        assert (talk.resume(b"C"), talk.came()) == (OK, [text("C"), text("d")])

    def test_a_frame_that_is_not_whole_yet_stands_behind_it(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        wire = talk.codec.wire(text("a"), text("b" * 50))
        assert talk.feed_raw(wire[:-20]) == WAITING
        assert (talk.resume(b"a"), talk.came()) == (OK, [text("a")])
        assert (talk.feed_raw(wire[-20:]), talk.came()) == (OK, [text("b" * 50)])

    def test_a_joined_message(self, build: Build) -> None:
        hook = Hook(Awaited(), same)
        talk = Talk(build, hook, aggregate=True)
        assert talk.feed(text("1", fin=False), cont("2", fin=True), text("next")) == WAITING
        assert (talk.resume(b"twelve"), talk.came()) == (OK, [text("twelve"), text("next")])
        assert hook.calls[0] == Call("text", b"12", True, None)


class TestResults:
    """An awaited result is a result like any other, but may not be awaitable again."""

    @pytest.mark.parametrize(
        ("result", "came"),
        [(b"new", [text("new")]), ("new", [text("new")]), (None, []), ((b"new", None), [text("new")])],
        ids=repr,
    )
    def test_of_every_kind(self, build: Build, result: Any, came: list[Frame]) -> None:
        talk = Talk(build, Hook(Awaited()))
        talk.feed(text("old"))
        assert (talk.resume(result), talk.came()) == (OK, came)

    @pytest.mark.parametrize(
        ("result", "signal", "came"),
        [
            (b"old", CLOSED, [close(1000, "old")]),
            ((b"new", 4000), CLOSED, [close(4000, "new")]),
            (None, SWALLOWED, []),
        ],
        ids=repr,
    )
    def test_for_a_close_frame(self, build: Build, result: Any, signal: int, came: list[Frame]) -> None:
        talk = Talk(build, Hook(Awaited()))
        assert talk.feed(close(1000, "old"), text("too late")) == WAITING
        assert (talk.resume(result), talk.came(), talk.lane.mode) == (signal, came, DONE)

    def test_nonsense(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited()))
        talk.feed(text("old"))
        assert (talk.resume(17), talk.came()) == (HOOK_FAILED, [])
        assert "the hook returned int" in str(talk.lane.failure)

    def test_an_awaitable_again(self, build: Build) -> None:
        talk, again = Talk(build, Hook(Awaited())), Awaited()
        talk.feed(text("old"))
        assert talk.resume(again) == HOOK_FAILED
        assert str(talk.lane.failure) == "the awaited result of the hook is itself awaitable"
        assert again.closed == 1

    def test_an_exception(self, build: Build) -> None:
        talk, error = Talk(build, Hook(Awaited(), same)), LookupError("no such user")
        talk.feed(text("old"), text("behind"))
        assert talk.lane.fail(error) == HOOK_FAILED
        assert (talk.lane.failure, talk.lane.pending, talk.came()) == (error, None, [])

    def test_a_broken_frame_behind_it_is_told_after_it(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        assert talk.feed(text("a"), Frame(0x3)) == WAITING
        assert (talk.resume(b"a"), talk.came()) == (BROKEN, [text("a")])


class TestEndedMeanwhile:
    """The session may end while a result is awaited: it is of no use any more."""

    def test_a_frame_in_the_hook_of_a_halted_lane_is_discarded(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        talk.feed(text("a"), text("b"), close(1000, "bye"))
        assert talk.lane.halt()
        assert (talk.resume(b"a"), talk.came()) == (CLOSE_SEEN, [])
        assert (talk.lane.seen_code, talk.lane.seen_reason) == (1000, b"bye")

    def test_nothing_is_looked_at_in_a_finished_lane(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        talk.feed(text("a"), close(1000))
        talk.lane.finish()
        assert (talk.resume(b"a"), talk.came(), talk.lane.buffered()) == (OK, [], 0)

    def test_what_comes_while_a_halted_lane_waits_is_discarded(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        talk.feed(text("a"))
        talk.lane.halt()
        assert talk.feed(text("b")) == OK
        assert (talk.resume(b"a"), talk.came(), talk.lane.buffered()) == (OK, [], 0)

    def test_the_close_frame_that_comes_while_a_halted_lane_waits_is_seen(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        talk.feed(text("a"))
        talk.lane.halt()
        signals = [talk.feed(text("b"), close(1001)), talk.resume(b"a")]
        assert CLOSE_SEEN in signals
        assert (talk.came(), talk.lane.seen_code) == ([], 1001)

    def test_the_close_frame_that_came_before_is_seen_once(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        talk.feed(text("a"), close(1001))
        talk.lane.halt()
        signals = [talk.feed(ping()), talk.feed(close(4000)), talk.resume(b"a"), talk.feed(close(4000))]
        assert (signals.count(CLOSE_SEEN), signals.count(OK)) == (1, 3)
        assert (talk.came(), talk.lane.seen_code) == ([], 1001)

    def test_an_exception_is_still_told(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        talk.feed(text("a"))
        talk.lane.halt()
        assert talk.lane.fail(ValueError("late")) == HOOK_FAILED
        assert (talk.lane.go_on(), talk.came()) == (OK, [])
