"""A lane that is halted, finished, or told to go on after a failed hook."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.codec.constants import CLOSE
from framegate.session.signals import BROKEN, CLOSE_SEEN, CLOSED, DISCARD, DONE, FINISH, HOOK_FAILED, OK, RELAY
from tests.kit.builds import Build
from tests.kit.frames import Frame, binary, close, cont, ping, text
from tests.kit.lanes import Awaited, Hook, Talk, same

BIG = binary(b"x" * 300)


class TestHalt:
    """Nothing more is relayed but the rest of the frame that stands half written toward the other side."""

    def test_between_frames_the_way_is_free_for_a_close_frame(self, build: Build, origin: str) -> None:
        talk = Talk(build, origin=origin)
        assert talk.after(text("a")) == [text("a")]
        assert talk.lane.halt()
        assert talk.lane.mode == DISCARD
        assert talk.lane.send(CLOSE, close(1001).payload)
        assert talk.after(text("b"), ping("p")) == [close(1001)]
        assert (talk.lane.frames, talk.lane.messages) == (1, 1)

    def test_inside_a_message_too(self, build: Build) -> None:
        talk = Talk(build)
        talk.after(text("1", fin=False))
        assert talk.lane.halt()
        talk.lane.send(CLOSE, close(1001).payload)
        assert talk.after(cont("2", fin=True)) == [close(1001)]

    def test_inside_a_frame_its_rest_goes_first(self, build: Build, origin: str) -> None:
        talk = Talk(build, origin=origin)
        wire = talk.codec.wire(BIG, text("not this one"), close(1000))
        talk.feed_raw(wire[:100])
        assert not talk.lane.halt()
        assert talk.lane.mode == FINISH
        assert not talk.lane.send(CLOSE, close(1001).payload)
        assert talk.feed_raw(wire[100:200]) == OK
        assert talk.lane.mode == FINISH
        assert talk.feed_raw(wire[200:]) == CLOSE_SEEN
        assert talk.came() == [BIG, close(1001)]
        assert (talk.lane.mode, talk.lane.queue, talk.lane.mid_frame) == (DONE, None, False)

    def test_the_rest_of_a_frame_may_be_all_that_comes(self, build: Build) -> None:
        talk = Talk(build)
        wire = talk.codec.wire(BIG)
        talk.feed_raw(wire[:100])
        talk.lane.halt()
        assert talk.feed_raw(wire[100:]) == OK
        assert (talk.came(), talk.lane.mode, talk.lane.queue) == ([BIG], DISCARD, None)

    def test_a_second_time_changes_nothing(self, build: Build) -> None:
        talk = Talk(build)
        wire = talk.codec.wire(BIG)
        talk.feed_raw(wire[:100])
        assert (talk.lane.halt(), talk.lane.halt(), talk.lane.mode) == (False, False, FINISH)
        talk.feed_raw(wire[100:])
        assert (talk.lane.halt(), talk.lane.mode) == (True, DISCARD)

    def test_what_waited_to_be_sent_is_dropped(self, build: Build) -> None:
        talk = Talk(build)
        talk.after(text("1", fin=False))
        talk.lane.send(2, b"ours")
        talk.lane.halt()
        assert (talk.lane.queue, talk.lane.buffered()) == (None, 0)
        assert talk.after(cont("2", fin=True)) == []

    def test_fragments_that_were_joined_are_dropped(self, build: Build) -> None:
        talk = Talk(build, aggregate=True)
        talk.feed(text("1", fin=False))
        talk.lane.halt()
        assert (talk.lane.buffered(), talk.after(cont("2", fin=True))) == (0, [])

    def test_a_frame_that_was_held_is_dropped(self, build: Build) -> None:
        talk = Talk(build, Hook(same))
        wire = talk.codec.wire(BIG, close(1000))
        talk.feed_raw(wire[:100])
        talk.lane.halt()
        assert talk.lane.buffered() == 0
        assert (talk.feed_raw(wire[100:]), talk.came()) == (CLOSE_SEEN, [])

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_a_close_frame_is_still_noticed_and_nothing_behind_it(self, build: Build, hook: Hook | None) -> None:
        talk = Talk(build, hook)
        talk.lane.halt()
        assert talk.feed(text("a"), BIG, close(4000, "bye"), text("b")) == CLOSE_SEEN
        lane = talk.lane
        assert (lane.mode, lane.seen_code, lane.seen_reason) == (DONE, 4000, b"bye")
        assert (talk.feed(close(1000)), talk.came()) == (OK, [])

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_limits_and_texts_are_no_longer_its_business(self, build: Build, hook: Hook | None) -> None:
        talk = Talk(build, hook, max_size=10)
        talk.lane.halt()
        assert talk.feed(BIG, text(b"\xff"), close(1000)) == CLOSE_SEEN

    def test_who_breaks_the_protocol_now_is_not_told(self, build: Build) -> None:
        talk = Talk(build)
        talk.lane.halt()
        assert talk.feed(Frame(0x3), close(1000)) == OK
        assert (talk.lane.mode, talk.came()) == (DONE, [])

    def test_who_breaks_it_before_the_half_written_frame_has_ended_is(self, build: Build) -> None:
        talk = Talk(build, validate_utf8=True)
        wire = talk.codec.wire(text(b"x" * 100 + b"\xff" * 100))
        talk.feed_raw(wire[:50])
        assert not talk.lane.halt()
        assert talk.feed_raw(wire[50:150]) == BROKEN
        assert talk.lane.mode == FINISH

    def test_from_within_the_hook_the_frame_in_hand_is_discarded(self, build: Build) -> None:
        def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
            if payload == b"end":
                talk.lane.halt()
                talk.lane.send(CLOSE, close(1000).payload)
            return payload

        talk = Talk(build, hook)
        assert talk.feed(text("a"), text("end"), text("b"), close(1000)) == CLOSE_SEEN
        assert talk.came() == [text("a"), close(1000)]

    def test_an_awaitable_of_such_a_hook_is_not_left_behind(self, build: Build) -> None:
        awaited = Awaited()

        def hook(*frame: Any) -> Awaited:
            talk.lane.halt()
            return awaited

        talk = Talk(build, hook)
        assert talk.feed(text("a")) == OK
        assert (talk.lane.pending, awaited.closed, talk.came()) == (None, 1, [])

    @pytest.mark.parametrize("closer", [None, lambda: None])
    def test_a_result_that_is_no_awaitable_is_let_alone(self, build: Build, closer: Any) -> None:
        class Result:
            close = closer

        def hook(*frame: Any) -> Result:
            talk.lane.halt()
            return Result()

        talk = Talk(build, hook)
        assert (talk.feed(text("a")), talk.came()) == (OK, [])


class TestFinish:
    """Nothing more is taken, not even a close frame."""

    def test_nothing_is_looked_at(self, build: Build, origin: str) -> None:
        talk = Talk(build, origin=origin)
        talk.after(text("a"))
        talk.lane.finish()
        assert (talk.feed(text("b"), close(1000)), talk.feed_raw(b"\xff" * 9)) == (OK, OK)
        assert (talk.came(), talk.lane.mode, talk.lane.frames) == ([], DONE, 1)

    def test_nothing_is_held(self, build: Build) -> None:
        talk = Talk(build, aggregate=True)
        talk.feed_raw(talk.codec.wire(text("1", fin=False), BIG._replace(opcode=0))[:100])
        assert talk.lane.buffered() > 90
        talk.lane.finish()
        assert talk.lane.buffered() == 0

    def test_what_waited_to_be_sent_is_dropped(self, build: Build) -> None:
        talk = Talk(build)
        talk.after(text("1", fin=False))
        talk.lane.send(2, b"ours")
        talk.lane.finish()
        assert (talk.lane.queue, talk.came()) == (None, [])

    def test_inside_a_frame_the_place_is_remembered(self, build: Build) -> None:
        talk = Talk(build)
        talk.feed_raw(talk.codec.wire(BIG)[:100])
        talk.lane.finish()
        assert (talk.lane.halt(), talk.lane.mode) == (False, DONE)

    def test_a_frame_may_still_be_sent_to_the_other_side(self, build: Build) -> None:
        talk = Talk(build)
        talk.lane.finish()
        assert talk.lane.halt()
        assert talk.lane.send(CLOSE, close(1001).payload)
        assert talk.came() == [close(1001)]


class TestGoOn:
    """After a failed hook the rest of the window is looked through once the session has decided."""

    def test_for_a_close_frame(self, build: Build) -> None:
        talk = Talk(build, Hook(ValueError("no")))
        window = bytearray(talk.codec.wire(text("a"), text("b"), close(1000, "bye")))
        assert talk.lane.feed(window, 0, len(window)) == HOOK_FAILED
        talk.lane.halt()
        assert talk.lane.go_on() == CLOSE_SEEN
        assert (talk.lane.seen_code, talk.came()) == (1000, [])

    def test_there_is_nothing_to_go_on_with_in_a_finished_lane(self, build: Build) -> None:
        talk = Talk(build, Hook(ValueError("no")))
        window = bytearray(talk.codec.wire(text("a"), close(1000)))
        talk.lane.feed(window, 0, len(window))
        talk.lane.finish()
        assert talk.lane.go_on() == OK

    def test_nor_while_a_result_is_awaited(self, build: Build) -> None:
        talk = Talk(build, Hook(Awaited(), same))
        talk.feed(text("a"), text("b"))
        assert (talk.lane.go_on(), talk.came()) == (OK, [])
        assert (talk.resume(b"a"), talk.came()) == (OK, [text("a"), text("b")])

    def test_a_lane_that_nobody_halted_relays_on(self, build: Build) -> None:
        talk = Talk(build, Hook(ValueError("no"), same))
        window = bytearray(talk.codec.wire(text("a"), text("b"), close(1000)))
        assert talk.lane.feed(window, 0, len(window)) == HOOK_FAILED
        assert talk.lane.mode == RELAY
        assert talk.lane.go_on() == CLOSED
        assert talk.came() == [text("b"), close(1000)]
