"""Keepalive, idleness, silence and lifetime, with a clock that is moved by hand."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from framegate.session.closing import State
from framegate.session.timers import deadline, tick
from tests.kit.frames import PING, Frame, close, ping, pong, text
from tests.kit.lanes import Awaited, Hook, same
from tests.kit.stage import ABORTED, FIN, Play, Side

SIDES = pytest.mark.parametrize("name", ["client", "upstream"])


def opened(name: str, hook: Any = None, **options: Any) -> tuple[Play, Side, Side]:
    """A session, the side that something happens to, and the other one."""
    play = Play(hook, **options)
    side = play.side(name)
    return play, side, play.other(side)


def only_ping(side: Side) -> Frame:
    """The one frame that the side has got: our own ping."""
    (frame,) = side.got()
    assert isinstance(frame, Frame) and frame.opcode == PING
    return frame


class TestNothingAsked:
    """Without an option no clock runs while the session is open."""

    def test_no_deadline(self) -> None:
        play = Play()
        assert play.due() is None
        play.client.says(text("x"))
        play.later(1e6)
        assert play.upstream.got() == [text("x")]
        assert not play.session.timed

    def test_a_tick_that_is_too_early_does_nothing(self) -> None:
        play = Play(idle_timeout=10, recv_timeout=9, max_lifetime=8, ping_interval=7)
        tick(play.session, play.now + 6.9)
        play.silence()
        assert play.states == (State.OPEN, State.OPEN)

    def test_last_frames_are_needed_for_the_options_that_count_from_them_and_for_endings(self) -> None:
        assert Play(recv_timeout=1).session.timed
        assert Play(idle_timeout=1).session.timed
        assert not Play(max_lifetime=1, ping_interval=1).session.timed
        for name in ("client", "upstream"):
            play, side, _ = opened(name)
            side.says(close(1000))
            assert play.session.timed


class TestLifetime:
    """max_lifetime: both sides are closed with 1001."""

    def test_whatever_passes(self) -> None:
        play = Play(max_lifetime=60)
        for _ in range(6):
            play.later(9.9)
            play.client.says(text("x"))
        assert play.upstream.got() == [text("x")] * 6
        assert play.due() == pytest.approx(0.6)
        play.later(0.7)
        assert (play.client.got(), play.upstream.got()) == ([close(1001), FIN], [close(1001), FIN])
        record = play.record
        assert (record.ended_by, record.why, record.detail) == ("proxy", "timeout", "max_lifetime")

    @SIDES
    def test_it_does_not_end_what_is_ended(self, name: str) -> None:
        play, closer, other = opened(name, max_lifetime=60)
        play.later(59)
        closer.says(close(1000))
        other.says(close(1000))
        play.later(1.5)
        assert (play.record.why, play.record.ended_by) == ("close", name)
        assert closer.got() == [close(1000), FIN]

    @SIDES
    def test_it_ends_a_closing_that_is_not_answered(self, name: str) -> None:
        play, closer, other = opened(name, max_lifetime=60)
        play.later(59)
        closer.says(close(1000))
        play.later(1)
        assert (closer.got(), other.got()) == ([close(1001), FIN], [close(1000), FIN])

    def test_it_goes_on_while_nothing_is_read(self) -> None:
        play = Play(max_lifetime=60)
        play.session.suspend(play.client.leg, play.now)
        play.later(60)
        assert play.upstream.got() == [close(1001), FIN]


class TestIdle:
    """idle_timeout: no frame of the peers in either direction for this long: both sides are closed with 1001."""

    def test_silence(self) -> None:
        play = Play(idle_timeout=10)
        play.later(9.9)
        play.silence()
        play.later(0.1)
        assert (play.client.got(), play.upstream.got()) == ([close(1001), FIN], [close(1001), FIN])
        record = play.record
        assert (record.ended_by, record.why, record.detail) == ("proxy", "timeout", "idle_timeout")

    @SIDES
    @pytest.mark.parametrize("value", [text("x"), ping(), pong("x"), text("x", fin=False)], ids=repr)
    def test_any_frame_of_either_side_counts(self, name: str, value: Frame) -> None:
        play, side, other = opened(name, idle_timeout=10)
        play.later(9)
        side.says(value)
        play.later(9)
        assert other.got() == [value]
        play.later(1)
        assert other.got() == [close(1001), FIN]

    @SIDES
    def test_what_it_does_not_read_framegate_does_not_hold_against_a_side(self, name: str) -> None:
        play, side, _ = opened(name, idle_timeout=10)
        play.later(4)
        play.session.suspend(side.leg, play.now)
        assert play.due() is None
        play.later(100)
        play.silence()
        play.session.unsuspend(side.leg, play.now)
        assert play.due() == pytest.approx(6)
        play.later(6)
        assert side.got() == [close(1001), FIN]

    def test_our_own_pings_do_not_count(self) -> None:
        play = Play(idle_timeout=10, ping_interval=4, ping_timeout=None)
        play.later(10)
        assert play.client.got()[-2:] == [close(1001), FIN]


class TestRecv:
    """recv_timeout: no frame from a side for this long is logged, and waiting goes on."""

    @SIDES
    def test_it_is_logged_and_nothing_else(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        play, side, other = opened(name, recv_timeout=10)
        with caplog.at_level(logging.INFO, logger="framegate.session"):
            play.later(5)
            other.says(text("x"))
            side.got()
            play.later(5)
        assert [record.getMessage() for record in caplog.records] == [
            f"no frame from the {name} for 10 seconds, waiting on"
        ]
        play.silence()
        assert play.states == (State.OPEN, State.OPEN)

    def test_again_after_as_long(self, caplog: pytest.LogCaptureFixture) -> None:
        play = Play(recv_timeout=2.5)
        with caplog.at_level(logging.INFO, logger="framegate.session"):
            play.later(7.5)
        lines = [record.getMessage() for record in caplog.records]
        assert lines.count("no frame from the client for 2.5 seconds, waiting on") == 3
        assert lines.count("no frame from the upstream for 2.5 seconds, waiting on") == 3

    @SIDES
    def test_suspended_time_does_not_count(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        play, side, other = opened(name, recv_timeout=10)
        play.later(4)
        play.session.suspend(side.leg, play.now)
        other.says(text("x"))
        with caplog.at_level(logging.INFO, logger="framegate.session"):
            for _ in range(10):
                play.later(9)
                other.says(text("x"))
            play.session.unsuspend(side.leg, play.now)
            play.later(5.9)
            assert caplog.records == []
            play.later(0.2)
        assert [record.getMessage() for record in caplog.records] == [
            f"no frame from the {name} for 10 seconds, waiting on"
        ]

    @SIDES
    def test_a_closing_side_is_not_waited_for_by_this_clock(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        play, side, _ = opened(name, recv_timeout=3)
        play.later(2)
        side.says(close(1000))
        with caplog.at_level(logging.INFO, logger="framegate.session"):
            play.later(4)
        assert caplog.records == []


class TestPings:
    """ping_interval: our own keepalive; the matching pong is consumed (RFC 6455, section 5.5.2)."""

    def test_each_side_is_pinged_with_a_payload_of_its_own(self) -> None:
        play = Play(ping_interval=10)
        play.later(9.9)
        play.silence()
        play.later(0.1)
        first, second = only_ping(play.client), only_ping(play.upstream)
        assert first.payload.startswith(b"framegate") and second.payload.startswith(b"framegate")
        assert first.payload != second.payload

    @SIDES
    def test_the_pong_is_consumed(self, name: str) -> None:
        hook = Hook(same)
        play, side, other = opened(name, hook, ping_interval=10)
        play.later(10)
        payload = only_ping(side).payload
        other.got()
        side.says(pong(payload))
        assert (other.got(), hook.calls) == ([], [])
        side.says(pong(payload))
        assert other.got() == [pong(payload)]

    @SIDES
    def test_the_next_ping_comes_after_the_interval(self, name: str) -> None:
        play, side, other = opened(name, ping_interval=10)
        seen = set()
        for _ in range(4):
            play.later(10)
            for one in (side, other):
                frame = only_ping(one)
                seen.add(frame.payload)
                one.says(pong(frame.payload))
        assert len(seen) == 8
        assert (side.leg.incoming.own_pings, other.leg.incoming.own_pings) == ([], [])

    @SIDES
    def test_no_second_ping_while_the_first_is_unanswered(self, name: str) -> None:
        play, side, other = opened(name, ping_interval=3, ping_timeout=10)
        play.later(3)
        first = only_ping(side)
        play.later(6)
        assert side.got() == []
        side.says(pong(first.payload))
        other.got()
        play.later(3)
        assert only_ping(side).payload != first.payload

    @SIDES
    def test_a_silent_side_is_aborted_and_the_other_told_1001(self, name: str) -> None:
        play, dead, other = opened(name, ping_interval=10, ping_timeout=4)
        play.later(10)
        other.says(pong(only_ping(other).payload))
        play.later(3.9)
        assert other.got() == []
        play.later(0.1)
        assert other.got() == [close(1001), FIN]
        assert dead.got()[-1] == ABORTED
        other.leaves()
        assert play.session.over
        record = play.record
        assert (record.ended_by, record.why) == ("proxy", "timeout")
        assert record.detail == f"ping_timeout: no sign of life of the {name}"
        assert getattr(record, name).close_sent is None

    @SIDES
    @pytest.mark.parametrize("value", [text("x"), ping(), pong("other"), text("x", fin=False)], ids=repr)
    def test_any_frame_is_a_sign_of_life(self, name: str, value: Frame) -> None:
        play, side, other = opened(name, ping_interval=10, ping_timeout=4)
        play.later(10)
        other.says(pong(only_ping(other).payload))
        side.says(value)
        play.later(9)
        assert side.leg.state is State.OPEN

    @SIDES
    def test_a_frame_that_is_still_coming_in_is_a_sign_of_life(self, name: str) -> None:
        # Its sender cannot answer: no pong may stand inside a frame (section 5.5).
        play, side, other = opened(name, ping_interval=10, ping_timeout=4)
        wire = side.wire(text("x" * 1000))
        side.says_raw(wire[:100])
        play.later(10)
        for at in range(100, 900, 100):
            other.says(text("alive"))
            play.later(2)
            side.says_raw(wire[at : at + 100])
        assert (side.leg.state, play.record.why) == (State.OPEN, None)

    @SIDES
    def test_a_side_is_not_dead_before_our_ping_has_gone_out(self, name: str) -> None:
        # A ping waits for the end of the frame that the other side is sending.
        play, side, sender = opened(name, ping_interval=10, ping_timeout=4)
        wire = sender.wire(text("x" * 1000))
        sender.says_raw(wire[:100])
        play.later(10)
        assert side.got() == []
        for at in range(100, 900, 100):
            play.later(2)
            sender.says_raw(wire[at : at + 100])
        assert (side.leg.state, play.record.why) == (State.OPEN, None)

    @SIDES
    def test_without_a_ping_timeout_nobody_is_taken_for_dead(self, name: str) -> None:
        play, side, _ = opened(name, ping_interval=10, ping_timeout=None)
        play.later(1000)
        only_ping(side)
        assert play.states == (State.OPEN, State.OPEN)

    @SIDES
    def test_suspended_time_does_not_count(self, name: str) -> None:
        play, side, other = opened(name, ping_interval=10, ping_timeout=4)
        play.later(10)
        other.says(pong(only_ping(other).payload))
        only_ping(side)
        play.later(3)
        play.session.suspend(side.leg, play.now)
        play.later(6)
        assert side.leg.state is State.OPEN
        play.session.unsuspend(side.leg, play.now)
        play.later(0.9)
        assert side.leg.state is State.OPEN
        play.later(0.1)
        assert side.got() == [ABORTED]

    @SIDES
    def test_a_suspended_side_is_not_pinged(self, name: str) -> None:
        play, side, other = opened(name, ping_interval=10)
        play.later(4)
        play.session.suspend(side.leg, play.now)
        play.later(10)
        assert side.got() == []
        only_ping(other)
        play.session.unsuspend(side.leg, play.now)
        play.later(5.9)
        assert side.got() == []
        play.later(0.1)
        only_ping(side)

    @SIDES
    def test_a_closing_side_is_not_pinged(self, name: str) -> None:
        play, side, other = opened(name, ping_interval=3)
        side.says(close(1000))
        play.later(4)
        assert (side.got(), other.got()) == ([], [close(1000)])

    @SIDES
    def test_a_side_that_answers_no_ping_fills_no_memory(self, name: str) -> None:
        play, side, other = opened(name)
        for number in range(200):
            play.session.inject(side.leg, "ping", b"%d" % number)
        assert len(side.leg.incoming.own_pings) < 200
        side.says(pong("199"))
        assert other.got() == []

    @SIDES
    def test_pings_of_the_peers_are_relayed(self, name: str) -> None:
        play, side, other = opened(name, ping_interval=10)
        side.says(ping("theirs"))
        assert other.got() == [ping("theirs")]
        other.says(pong("theirs"))
        assert side.got() == [pong("theirs")]

    def test_both_may_die_at_once(self) -> None:
        play = Play(ping_interval=10, ping_timeout=4)
        play.later(14)
        assert play.client.got()[-1] == ABORTED
        assert play.upstream.got()[-2:] == [close(1001), FIN]
        play.later(5)
        assert play.upstream.got() == [ABORTED]
        assert play.session.over


class TestSuspended:
    """Time in which framegate itself does not read a side."""

    @SIDES
    def test_the_first_suspension_counts_and_the_first_reading_on(self, name: str) -> None:
        play, side, _ = opened(name, idle_timeout=10)
        leg = side.leg
        play.session.suspend(leg, 1005.0)
        play.session.suspend(leg, 1007.0)
        assert leg.suspended == 1005.0
        play.session.unsuspend(leg, 1009.0)
        assert (leg.suspended, leg.incoming.last_frame) == (None, 1004.0)
        play.session.unsuspend(leg, 1011.0)
        assert leg.incoming.last_frame == 1004.0

    @SIDES
    def test_a_pending_hook(self, name: str) -> None:
        play, side, _ = opened(name, Hook(Awaited(), same), idle_timeout=10)
        play.later(4)
        side.says(text("x"))
        play.later(500)
        play.silence()
        side.resume(b"x")
        assert play.due() is not None and play.due() == pytest.approx(10)


class TestBuffered:
    """max_buffered: over it, 1009 to the sender, 1001 to the other."""

    @SIDES
    @pytest.mark.parametrize(("queued", "passes"), [(50, True), (51, False)])
    def test_everything_that_is_held_counts(self, name: str, queued: int, passes: bool) -> None:
        play, sender, other = opened(name, Hook(same), max_buffered=200)
        sender.says_raw(sender.wire(text("x" * 300))[:100])
        other.says_raw(other.wire(text("y" * 300))[:50])
        play.session.check_buffered(sender.leg, queued, play.now)
        play.settle()
        if passes:
            play.silence()
            return
        assert sender.got() == [close(1009, "Payload Too Large"), FIN]
        assert other.got() == [close(1001), FIN]
        record = play.record
        assert (record.ended_by, record.why) == (name, "limit")
        assert str(record.error) == f"{name}: the session holds 201 bytes, over 200"

    @SIDES
    def test_without_the_option_nothing_counts(self, name: str) -> None:
        play, sender, _ = opened(name)
        play.session.check_buffered(sender.leg, 1 << 40, play.now)
        play.silence()

    @SIDES
    def test_an_ended_session_is_let_alone(self, name: str) -> None:
        play, sender, _ = opened(name, max_buffered=1)
        play.end("drain")
        play.session.check_buffered(sender.leg, 100, play.now)
        assert play.record.why == "drain"


def test_the_deadline_is_the_earliest_of_all() -> None:
    play = Play(idle_timeout=10, recv_timeout=9, max_lifetime=8, ping_interval=7, ping_timeout=0.5)
    assert play.due() == 7
    play.later(7)
    assert play.due() == 0.5
    assert deadline(play.session) == play.start + 7.5
