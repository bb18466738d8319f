"""The lingering limits: how long a silent side is waited for, and what it is sent of a frame that is half written."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.session.closing import State
from framegate.session.signals import DISCARD, FINISH
from tests.kit.frames import Frame, binary, close, ping, pong, text
from tests.kit.lanes import Awaited, Hook, same
from tests.kit.stage import ABORTED, FIN, Play, Side

SIDES = pytest.mark.parametrize("name", ["client", "upstream"])
BIG = binary(b"x" * 300)


def opened(name: str, hook: Any = None, **options: Any) -> tuple[Play, Side, Side]:
    """A session, the side that something happens to, and the other one."""
    play = Play(hook, **options)
    side = play.side(name)
    return play, side, play.other(side)


def over(play: Play) -> bool:
    return play.session.over and play.states == (State.GONE, State.GONE)


class TestNoAnswer:
    """No answer within the limits: the closer is sent its own code with an empty reason, the silent side is aborted."""

    @SIDES
    def test_after_lingering_timeout(self, name: str) -> None:
        play, closer, silent = opened(name)
        closer.says(close(4000, "bye"))
        assert silent.got() == [close(4000, "bye")]
        play.later(4.9)
        play.silence()
        play.later(0.1)
        assert closer.got() == [close(4000), FIN]
        assert silent.got() == [ABORTED]
        closer.leaves()
        assert over(play)
        record = play.record
        assert (record.ended_by, record.why) == (name, "close")
        assert record.detail == f"no answer of the {silent.leg.side} to the close frame"
        assert getattr(record, name).close_sent == (4000, "")
        assert getattr(record, silent.leg.side).close_received is None

    @SIDES
    def test_every_frame_of_the_silent_side_is_waited_for_anew(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000))
        for number in range(5):
            play.later(4)
            other.says(text(f"{number}"))
        assert closer.got() == [text(f"{number}") for number in range(5)]
        play.later(4.9)
        assert closer.got() == []
        other.says(close(1000))
        assert closer.got() == [close(1000), FIN]

    @SIDES
    def test_but_not_longer_than_lingering_time(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000))
        for _ in range(29):
            play.later(1)
            other.says(ping())
        assert closer.got() == [ping()] * 29
        play.later(1)
        assert closer.got() == [close(1000), FIN]
        assert other.got() == [close(1000), ABORTED]

    @SIDES
    def test_the_limits_are_options(self, name: str) -> None:
        play, closer, silent = opened(name, lingering_timeout=0.5, lingering_time=0.75)
        closer.says(close(1000))
        play.later(0.4)
        silent.says(text("x"))
        play.later(0.3)
        assert silent.got() == [close(1000)]
        play.later(0.06)
        assert silent.got() == [ABORTED]

    @SIDES
    def test_what_it_sends_when_it_was_let_go_is_not_relayed(self, name: str) -> None:
        play, closer, silent = opened(name)
        closer.says(close(1000))
        play.later(5)
        silent.says(text("too late"), close(1000))
        assert closer.got() == [close(1000), FIN]


class TestEndOfTcp:
    """After the last close frame toward a side its TCP is ended, and its own end is waited for (section 7.1.1)."""

    @SIDES
    def test_a_side_that_does_not_end_its_tcp_is_aborted(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000))
        other.says(close(1000))
        assert (closer.got(), other.got()) == ([close(1000), FIN], [close(1000), FIN])
        other.leaves()
        play.later(4.9)
        assert closer.got() == []
        play.later(0.1)
        assert closer.got() == [ABORTED]
        assert over(play)

    @SIDES
    def test_bytes_that_it_still_sends_are_waited_for_anew(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000))
        other.says(close(1000))
        closer.got()
        for _ in range(7):
            play.later(4)
            closer.says_raw(b"whatever")
        assert closer.got() == []
        play.later(2)
        assert closer.got() == [ABORTED]

    @SIDES
    def test_both_may_be_silent(self, name: str) -> None:
        play, _, _ = opened(name)
        play.end("drain")
        play.later(5)
        assert play.client.got() == play.upstream.got() == [close(1001), FIN, ABORTED]
        assert over(play)
        assert play.record.client.close_received is None

    def test_it_counts_from_the_last_close_frame_toward_that_side(self) -> None:
        play = Play()
        play.client.says(close(1000))
        play.later(4)
        play.upstream.says(close(1000))
        assert (play.client.got(), play.upstream.got()) == ([close(1000), FIN], [close(1000), FIN])
        play.later(4.9)
        play.silence()
        play.later(0.1)
        assert (play.client.got(), play.upstream.got()) == ([ABORTED], [ABORTED])

    def test_nothing_is_due_any_more_when_it_is_over(self) -> None:
        play = Play(idle_timeout=10, max_lifetime=20, recv_timeout=5, ping_interval=3)
        play.end("drain")
        play.later(5)
        assert over(play) and play.due() is None

    @SIDES
    def test_a_lost_side_leaves_the_other_its_time(self, name: str) -> None:
        play, leaver, other = opened(name)
        leaver.leaves()
        other.got()
        play.later(4)
        other.says(text("on its way"))
        play.later(4.9)
        assert other.got() == []
        play.later(0.1)
        assert other.got() == [ABORTED]
        assert over(play)

    @SIDES
    def test_a_side_that_is_not_read_has_only_the_whole_time(self, name: str) -> None:
        # Toward a suspended side only lingering_time counts: nobody knows what it would have sent.
        play, closer, other = opened(name)
        play.session.suspend(other.leg, play.now)
        closer.says(close(1000))
        play.later(29)
        assert closer.got() == []
        play.later(1)
        assert closer.got() == [close(1000), FIN]
        assert other.got() == [close(1000), ABORTED]


class TestHalfWrittenFrame:
    """A close frame cannot stand inside another frame (RFC 6455, section 5.5): it waits for the rest of that frame."""

    def half(self, name: str, **options: Any) -> tuple[Play, Side, Side, bytes]:
        play, sender, receiver = opened(name, **options)
        wire = sender.wire(BIG)
        sender.says_raw(wire[:100])
        return play, sender, receiver, wire[100:]

    @SIDES
    def test_the_rest_arrives_and_then_the_close_frame(self, name: str) -> None:
        play, sender, receiver, rest = self.half(name)
        play.end("drain")
        assert sender.got() == [close(1001), FIN]
        assert receiver.got() == []
        assert sender.leg.incoming.mode == FINISH
        sender.says_raw(rest[:50])
        assert receiver.got() == []
        sender.says_raw(rest[50:] + sender.wire(text("not this"), close(1001)))
        assert receiver.got() == [BIG, close(1001), FIN]
        assert getattr(play.record, receiver.leg.side).close_sent == (1001, "")
        assert sender.leg.state is State.CLOSED

    @SIDES
    def test_the_rest_arrives_late_and_the_limits_count_from_then(self, name: str) -> None:
        play, sender, receiver, rest = self.half(name)
        play.end("drain")
        for at in range(0, len(rest), 50):
            play.later(4)
            sender.says_raw(rest[at : at + 50])
        assert receiver.got() == [BIG, close(1001), FIN]
        assert sender.leg.incoming.mode == DISCARD
        receiver.says(close(1001))
        receiver.leaves()
        sender.leaves()
        assert over(play)

    @SIDES
    def test_the_rest_never_arrives(self, name: str) -> None:
        play, sender, receiver, _ = self.half(name)
        play.end("drain")
        play.later(5)
        assert sender.got() == [close(1001), FIN, ABORTED]
        assert receiver.got() in ([ABORTED], [FIN, ABORTED])
        assert bytes(receiver.partial) == sender.wire(BIG)[:100], "nothing was put inside the frame"
        assert over(play)
        record = play.record
        assert getattr(record, receiver.leg.side).close_sent is None
        assert getattr(record, name).close_sent == (1001, "")

    @SIDES
    def test_the_sender_leaves_inside_it(self, name: str) -> None:
        play, sender, receiver, _ = self.half(name)
        sender.leaves()
        assert receiver.got() == [FIN]
        assert getattr(play.record, receiver.leg.side).close_sent is None
        assert len(receiver.partial) == 100
        receiver.leaves()
        assert over(play)
        assert (play.record.ended_by, play.record.why) == (name, "eof")

    @SIDES
    def test_the_sender_leaves_after_the_drain(self, name: str) -> None:
        play, sender, receiver, _ = self.half(name)
        play.end("drain")
        sender.leaves()
        assert (sender.got(), receiver.got()) == ([close(1001), FIN, ABORTED], [FIN])
        assert getattr(play.record, receiver.leg.side).close_sent is None

    @SIDES
    def test_the_sender_breaks_its_text_inside_it(self, name: str) -> None:
        play, sender, receiver = opened(name, validate_utf8=True)
        wire = sender.wire(text(b"x" * 100 + b"\xff" * 100))
        sender.says_raw(wire[:50])
        sender.says_raw(wire[50:150])
        assert sender.got() == [close(1007), FIN]
        assert receiver.got() == [FIN]
        record = play.record
        assert (record.why, getattr(record, receiver.leg.side).close_sent) == ("protocol", None)

    @SIDES
    def test_the_sender_breaks_its_text_after_the_drain(self, name: str) -> None:
        play, sender, receiver = opened(name, validate_utf8=True)
        wire = sender.wire(text(b"x" * 100 + b"\xff" * 100))
        sender.says_raw(wire[:50])
        play.end("drain")
        sender.says_raw(wire[50:150])
        assert sender.got() == [close(1001), FIN]
        assert receiver.got() == [FIN]
        assert (play.record.why, play.record.error) == ("drain", None)
        assert getattr(play.record, receiver.leg.side).close_sent is None

    @SIDES
    def test_the_receiver_closes_meanwhile(self, name: str) -> None:
        # Its close frame goes to the sender, which ends its frame before it answers.
        _, sender, receiver, rest = self.half(name)
        receiver.says(close(1000, "enough"))
        assert sender.got() == [close(1000, "enough")]
        sender.says_raw(rest + sender.wire(close(1000)))
        assert receiver.got() == [BIG, close(1000), FIN]
        assert sender.got() == [FIN]

    @SIDES
    def test_the_receiver_closes_and_the_sender_falls_silent(self, name: str) -> None:
        play, sender, receiver, _ = self.half(name)
        receiver.says(close(1000, "enough"))
        play.later(5)
        assert sender.got() == [close(1000, "enough"), ABORTED]
        assert receiver.got() == [FIN]
        assert getattr(play.record, receiver.leg.side).close_sent is None

    @SIDES
    def test_the_receiver_leaves_meanwhile(self, name: str) -> None:
        play, sender, receiver, rest = self.half(name)
        receiver.leaves()
        assert sender.got()[1:] == [FIN]
        sender.says_raw(rest + sender.wire(close(1001)))
        sender.leaves()
        assert over(play)

    @SIDES
    def test_an_injected_message_that_waits_is_given_up(self, name: str) -> None:
        play, sender, receiver, rest = self.half(name)
        play.session.inject(receiver.leg, "text", b"ours")
        play.end("drain")
        sender.says_raw(rest)
        assert receiver.got() == [BIG, close(1001), FIN]


class TestPendingHook:
    """A hook may be awaited while the session ends."""

    @SIDES
    def test_its_result_is_not_sent_any_more(self, name: str) -> None:
        play, sender, receiver = opened(name, Hook(Awaited(), same))
        sender.says(text("a"), close(1000, "bye"))
        play.end("drain")
        assert (sender.got(), receiver.got()) == ([close(1001), FIN], [close(1001), FIN])
        sender.resume(b"a")
        play.silence()
        assert sender.leg.state is State.CLOSED
        assert getattr(play.record, name).close_received == (1000, "bye")

    @SIDES
    def test_it_may_stand_behind_an_answer(self, name: str) -> None:
        hook = Hook(same, Awaited(), same)
        _, closer, other = opened(name, hook)
        closer.says(close(1000))
        other.says(text("data"), close(1001))
        assert closer.got() == []
        other.resume(b"data")
        assert closer.got() == [text("data"), close(1001), FIN]
        assert other.got() == [close(1000), FIN]

    @SIDES
    def test_the_wait_for_an_answer_is_not_counted_while_it_is_awaited(self, name: str) -> None:
        play, closer, other = opened(name, Hook(same, Awaited(), same))
        closer.says(close(1000))
        other.says(text("data"))
        play.later(20)
        assert closer.got() == []
        other.resume(b"data")
        play.later(4.9)
        assert closer.got() == [text("data")]
        play.later(0.1)
        assert closer.got() == [close(1000), FIN]

    @SIDES
    def test_the_end_of_tcp_behind_it(self, name: str) -> None:
        play, sender, receiver = opened(name, Hook(Awaited(), same))
        sender.says(text("a"))
        sender.leaves()
        assert receiver.got()[-1:] == [FIN]
        assert play.states.count(State.GONE) == 1


def test_frames_that_nobody_waits_for_do_not_disturb_an_ending() -> None:
    play = Play()
    play.end("drain")
    play.client.says(ping("?"), pong("!"), Frame(0x3), close(1000))
    play.upstream.says_raw(b"\x00\x00\x00")
    assert (play.client.got(), play.upstream.got()) == ([close(1001), FIN], [close(1001), FIN])
    play.later(5)
    assert over(play)
