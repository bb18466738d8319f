"""A lane without a hook: what came in goes out, as the very bytes that came in."""

from __future__ import annotations

import pytest

from framegate.codec.constants import PROTOCOL_ERROR
from framegate.session.signals import BROKEN, CLOSED, DONE, OK, RELAY
from tests.kit.builds import Build
from tests.kit.cuts import cuts
from tests.kit.frames import Frame, binary, close, cont, ping, pong, text
from tests.kit.lanes import Hook, Talk, same

MESSAGES = [
    text("Hällo", fin=False),
    ping("?"),
    cont("wörld", fin=True),
    binary(b"\x00\xff" * 80),
    text(),
    pong("!"),
]


class TestRun:
    """While nothing is changed what goes out is a range of the window itself, and nothing is copied."""

    def test_it_is_the_window(self, build: Build, origin: str) -> None:
        talk = Talk(build, origin=origin)
        wire = talk.codec.wire(*MESSAGES)
        window = bytearray(b"before" + wire + b"behind")
        assert talk.lane.feed(window, 6, 6 + len(wire)) == OK
        assert talk.lane.run_data is window
        assert (talk.lane.out, talk.lane.run_start, talk.lane.run_stop) == (None, 6, 6 + len(wire))

    def test_with_a_hook_that_changes_nothing_too(self, build: Build, origin: str) -> None:
        talk = Talk(build, Hook(same), origin=origin)
        window = bytearray(talk.codec.wire(*MESSAGES))
        assert talk.lane.feed(window, 0, len(window)) == OK
        assert talk.lane.run_data is window
        assert (talk.lane.out, talk.lane.run_start, talk.lane.run_stop) == (None, 0, len(window))

    def test_joining_leaves_whole_messages_as_they_are(self, build: Build, origin: str) -> None:
        talk = Talk(build, origin=origin, aggregate=True)
        window = bytearray(talk.codec.wire(text("one"), ping(), binary(b"two")))
        assert talk.lane.feed(window, 0, len(window)) == OK
        assert talk.lane.run_data is window and talk.lane.out is None

    def test_a_frame_that_is_cut_off_is_relayed_as_far_as_it_came(self, build: Build, origin: str) -> None:
        talk = Talk(build, origin=origin)
        wire = talk.codec.wire(text("one"), text("x" * 100))
        window = bytearray(wire[:-30])
        assert talk.lane.feed(window, 0, len(window)) == OK
        assert talk.lane.run_data is window and talk.lane.run_stop == len(window)

    def test_a_held_frame_and_the_window_behind_it(self, build: Build) -> None:
        talk = Talk(build, Hook(same))
        wire = talk.codec.wire(text("held"), text("second"), text("third"))
        talk.feed_raw(wire[:5])
        window = bytearray(wire[5:])
        assert talk.lane.feed(window, 0, len(window)) == OK
        assert talk.lane.run_data is window
        assert bytes(talk.lane.out) == talk.codec.wire(text("held"))
        talk.take()
        assert talk.taken == wire

    def test_nothing_came_and_nothing_goes(self, build: Build) -> None:
        talk = Talk(build)
        assert talk.feed_raw(b"") == OK
        assert (talk.lane.out, talk.lane.run_data, talk.taken) == (None, None, b"")

    def test_what_was_written_is_forgotten(self, build: Build) -> None:
        talk = Talk(build)
        window = bytearray(talk.codec.wire(text("x")))
        talk.lane.feed(window, 0, len(window))
        talk.lane.written()
        assert (talk.lane.out, talk.lane.run_data, talk.lane.run_start, talk.lane.run_stop) == (None, None, 0, 0)


class TestBytes:
    """What goes out is what came in, to the byte, whatever the cuts."""

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_everything_passes(self, build: Build, origin: str, hook: Hook | None) -> None:
        wire = Talk(build, origin=origin).codec.wire(*MESSAGES, close(4000, "end"))
        for pieces in cuts(wire):
            talk = Talk(build, hook, origin=origin)
            signals = [talk.feed_raw(piece) for piece in pieces]
            assert talk.taken == wire
            assert (signals[-1], set(signals[:-1]) <= {OK}) == (CLOSED, True)

    def test_it_is_counted(self, build: Build, origin: str) -> None:
        for hook in (None, Hook(same)):
            for size in (1, 3, 500):
                talk = Talk(build, hook, origin=origin)
                wire = talk.codec.wire(*MESSAGES)
                for at in range(0, len(wire), size):
                    talk.feed_raw(wire[at : at + size])
                lane = talk.lane
                payload = sum(len(one.payload) for one in MESSAGES)
                assert (lane.frames, lane.messages, lane.payload_bytes) == (len(MESSAGES), 3, payload)
                assert (lane.dropped, lane.changed) == (0, 0)

    def test_the_payload_of_a_frame_that_is_not_whole_is_counted_as_it_comes(self, build: Build) -> None:
        talk = Talk(build)
        wire = talk.codec.wire(binary(b"x" * 1000))
        talk.feed_raw(wire[:-400])
        assert (talk.lane.frames, talk.lane.messages, talk.lane.payload_bytes) == (1, 0, 600)
        talk.feed_raw(wire[-400:])
        assert (talk.lane.frames, talk.lane.messages, talk.lane.payload_bytes) == (1, 1, 1000)


class TestPlace:
    """The lane knows where the stream toward the other side stands."""

    def test_inside_a_frame(self, build: Build) -> None:
        talk = Talk(build)
        wire = talk.codec.wire(text("abcdef"))
        talk.feed_raw(wire[:-2])
        assert (talk.lane.mid_frame, talk.lane.mid_message) == (True, True)
        talk.feed_raw(wire[-2:])
        assert (talk.lane.mid_frame, talk.lane.mid_message) == (False, False)

    def test_inside_a_message(self, build: Build) -> None:
        for hook in (None, Hook(same)):
            talk = Talk(build, hook)
            places = []
            for value in (text("a", fin=False), ping(), cont("b", fin=False), cont("c", fin=True)):
                assert talk.after(value) == [value]
                places.append(talk.lane.mid_message)
            assert places == [True, True, True, False]
            assert not talk.lane.mid_frame

    def test_a_fragment_that_is_cut_off(self, build: Build) -> None:
        talk = Talk(build)
        wire = talk.codec.wire(text("abcdef", fin=False))
        talk.feed_raw(wire[:-2])
        talk.feed_raw(wire[-2:])
        assert (talk.lane.mid_frame, talk.lane.mid_message) == (False, True)


class TestClose:
    """A close frame ends the lane; what stands behind it is not relayed (RFC 6455, section 5.5.1)."""

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    @pytest.mark.parametrize("value", [close(), close(1000), close(4999, "so long")], ids=repr)
    def test_it_is_forwarded_and_told(self, build: Build, origin: str, hook: Hook | None, value: Frame) -> None:
        talk = Talk(build, hook, origin=origin)
        assert talk.feed(text("last words"), value, text("too late")) == CLOSED
        assert talk.came() == [text("last words"), value]
        lane = talk.lane
        code, reason = -1 if value.code is None else value.code, value.payload[2:]
        assert (lane.close_code, lane.close_reason) == (code, reason)
        assert (lane.seen_code, lane.seen_reason) == (code, reason)
        assert lane.mode == DONE

    def test_nothing_is_looked_at_afterwards(self, build: Build) -> None:
        talk = Talk(build)
        assert talk.feed(close(1000)) == CLOSED
        assert talk.feed(text("too late")) == OK
        assert talk.feed_raw(b"\xff\xff\xff") == OK
        assert (talk.came(), talk.lane.frames) == ([close(1000)], 1)

    def test_the_reason_of_a_close_frame_after_a_joined_message_is_its_own(self, build: Build) -> None:
        talk = Talk(build, aggregate=True)
        assert talk.after(binary(b"\xff", fin=False), cont(b"\xfe", fin=True)) == [binary(b"\xff\xfe")]
        assert talk.feed(close(1000, "bye")) == CLOSED
        assert (talk.lane.seen_code, talk.lane.seen_reason) == (1000, b"bye")


class TestBroken:
    """The origin's mistakes are told, and what came before them has gone out."""

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_good_frames_first(self, build: Build, origin: str, hook: Hook | None) -> None:
        talk = Talk(build, hook, origin=origin)
        assert talk.feed(text("good"), Frame(0x3), text("too late")) == BROKEN
        assert talk.came() == [text("good")]
        assert talk.lane.parser.error_code == PROTOCOL_ERROR
        assert (talk.lane.mode, talk.lane.buffered()) == (RELAY, 0)
        assert talk.feed(text("later")) == BROKEN
        assert talk.came() == []

    def test_pieces_of_a_frame_before_a_broken_text(self, build: Build) -> None:
        talk = Talk(build, stream=True, validate_utf8=True)
        wire = talk.codec.wire(text(b"fine" + b"\xff"))
        assert (talk.feed_raw(wire[:-1]), talk.feed_raw(wire[-1:])) == (OK, BROKEN)
        assert talk.taken == wire[:-1]


class TestBuffered:
    """What a lane holds can be asked for."""

    def test_nothing_of_what_streams_through(self, build: Build) -> None:
        talk = Talk(build)
        talk.feed_raw(talk.codec.wire(binary(b"x" * 1000))[:500])
        assert talk.lane.buffered() == 0

    def test_a_frame_that_a_hook_will_read(self, build: Build) -> None:
        talk = Talk(build, Hook(same))
        talk.feed_raw(talk.codec.wire(binary(b"x" * 1000))[:500])
        assert talk.lane.buffered() == 500

    def test_the_fragments_that_are_joined(self, build: Build) -> None:
        talk = Talk(build, aggregate=True)
        talk.feed(text("abc", fin=False), ping(), cont("def", fin=False))
        assert talk.lane.buffered() == 6
        talk.feed(cont("g", fin=True))
        assert talk.lane.buffered() == 0

    def test_our_own_frames_that_wait(self, build: Build) -> None:
        talk = Talk(build)
        talk.feed(text("abc", fin=False))
        talk.lane.send(2, b"1234")
        talk.lane.send(2, b"567")
        assert talk.lane.buffered() == 7
