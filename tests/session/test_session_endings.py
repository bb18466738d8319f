"""Who is sent what, for every way in which a session can end."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.errors import HookError, LimitExceeded, ProtocolError
from framegate.session.closing import State
from tests.kit.frames import Frame, binary, close, cont, ping, text
from tests.kit.lanes import Hook, same
from tests.kit.stage import ABORTED, FIN, Play, Side

SIDES = pytest.mark.parametrize("name", ["client", "upstream"])


def opened(name: str, hook: Any = None, **options: Any) -> tuple[Play, Side, Side]:
    """A session, the side that something happens to, and the other one."""
    play = Play(hook, **options)
    side = play.side(name)
    return play, side, play.other(side)


def over(play: Play) -> bool:
    return play.session.over and play.states == (State.GONE, State.GONE)


class TestCloseFrames:
    """A close frame is forwarded to the other side; its answer is forwarded back (RFC 6455, section 7.1.2)."""

    @SIDES
    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_a_closing_handshake(self, name: str, hook: Any) -> None:
        play, closer, other = opened(name, hook)
        closer.says(text("last words"), close(4000, "bye"))
        assert other.got() == [text("last words"), close(4000, "bye")]
        assert closer.got() == []
        other.says(text("data still flows to the closer"), close(4001, "good bye"))
        assert closer.got() == [text("data still flows to the closer"), close(4001, "good bye"), FIN]
        assert other.got() == [FIN]
        assert play.session.ended and not play.session.over
        other.leaves()
        closer.leaves()
        assert over(play)
        record = play.record
        assert (record.ended_by, record.why, record.error) == (name, "close", None)
        mine, theirs = getattr(record, name), getattr(record, other.leg.side)
        assert (mine.close_received, mine.close_sent) == ((4000, "bye"), (4001, "good bye"))
        assert (theirs.close_received, theirs.close_sent) == ((4001, "good bye"), (4000, "bye"))

    @SIDES
    def test_without_codes(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close())
        other.says(close())
        assert (other.got(), closer.got()) == ([close(), FIN], [close(), FIN])
        assert getattr(play.record, name).close_received == (None, "")
        assert getattr(play.record, name).close_sent == (None, "")

    @SIDES
    def test_close_frames_that_cross_answer_each_other(self, name: str) -> None:
        # Nobody can tell a crossing close frame from an answer, and nobody has to.
        _, first, second = opened(name)
        first.says(close(1000, "one"))
        second.says(close(1001, "two"))
        assert (second.got(), first.got()) == ([close(1000, "one"), FIN], [close(1001, "two"), FIN])

    @SIDES
    def test_the_hook_may_change_both(self, name: str) -> None:
        play, closer, other = opened(name, Hook((b"hook's", 4100)))
        closer.says(close(1000, "bye"))
        other.says(close(1000))
        assert (other.got(), closer.got()) == ([close(4100, "hook's"), FIN], [close(4100, "hook's"), FIN])
        record = getattr(play.record, name)
        assert (record.close_received, record.close_sent, record.changed) == ((1000, "bye"), (4100, "hook's"), 1)

    @SIDES
    def test_the_closer_may_end_its_direction_of_tcp_and_wait_for_the_answer(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000))
        closer.leaves()
        assert (closer.got(), other.got()) == ([], [close(1000)])
        other.says(text("data still flows to the closer"), close(1001))
        assert closer.got() == [text("data still flows to the closer"), close(1001), FIN, ABORTED]
        assert other.got() == [FIN]
        other.leaves()
        assert over(play)
        assert getattr(play.record, name).close_sent == (1001, "")

    @SIDES
    def test_the_closer_may_break_off_without_waiting(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000))
        closer.leaves("connection reset")
        assert closer.got() == [ABORTED]
        assert other.got() == [close(1000), FIN]
        other.says(close(1000))
        assert other.leg.state is State.CLOSED
        other.leaves()
        assert over(play)
        assert (play.record.ended_by, play.record.why, play.record.detail) == (name, "close", "")
        assert getattr(play.record, name).close_sent is None

    @SIDES
    def test_a_closer_that_has_ended_its_tcp_gets_an_answer_from_us(self, name: str) -> None:
        play, closer, silent = opened(name)
        closer.says(close(4000, "bye"))
        closer.leaves()
        play.later(5)
        assert closer.got() == [close(4000), FIN, ABORTED]
        assert silent.got() == [close(4000, "bye"), ABORTED]
        assert over(play)

    @SIDES
    def test_the_other_side_leaves_without_an_answer(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(4000, "bye"))
        other.leaves()
        assert closer.got() == [close(4000), FIN]
        closer.leaves()
        assert over(play)
        assert getattr(play.record, name).close_sent == (4000, "")

    @SIDES
    def test_a_close_frame_without_a_code_is_echoed_without_one(self, name: str) -> None:
        _, closer, other = opened(name)
        closer.says(close())
        other.leaves()
        assert closer.got() == [close(), FIN]

    @SIDES
    def test_what_follows_a_close_frame_is_not_relayed(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000), text("too late"), Frame(0x3))
        closer.says(ping())
        assert other.got() == [close(1000)]
        assert play.record.error is None


class TestDroppedCloseFrames:
    """A close frame that the hook drops counts as not received: data still flows to its sender, nothing more is taken
    from it."""

    @SIDES
    def test_data_still_flows_to_its_sender(self, name: str) -> None:
        play, closer, other = opened(name, lambda origin, typ, payload, last, code: None if typ == "close" else payload)
        closer.says(close(1000), text("too late"))
        closer.says(text("much too late"))
        assert other.got() == []
        other.says(text("still here"))
        assert closer.got() == [text("still here")]
        assert getattr(play.record, name).close_received is None
        assert (getattr(play.record, name).dropped, play.session.ended) == (1, False)

    @SIDES
    def test_its_end_of_tcp_is_a_loss(self, name: str) -> None:
        play, closer, other = opened(name, lambda origin, typ, payload, last, code: None if typ == "close" else payload)
        closer.says(close(1000))
        closer.leaves()
        assert other.got() == [lost(name), FIN]
        assert play.record.why == "eof"

    @SIDES
    def test_a_dropped_answer_is_no_answer(self, name: str) -> None:
        drop = False
        play, closer, other = opened(
            name, lambda origin, typ, payload, last, code: None if drop and typ == "close" else payload
        )
        closer.says(close(1000, "bye"))
        drop = True
        other.says(close(1000))
        assert (closer.got(), other.got()) == ([], [close(1000, "bye")])
        play.later(5)
        assert (closer.got(), other.got()) == ([close(1000), FIN], [ABORTED])


def lost(name: str) -> Frame:
    """What the other side is sent when this one's TCP has ended without a close frame."""
    return close(1001) if name == "client" else close(1014, "upstream connection lost")


class TestLostConnections:
    """A TCP that ends without a close frame: the upstream is sent 1001, the client 1014 with the reason."""

    @SIDES
    def test_the_other_side_is_told(self, name: str) -> None:
        play, leaver, other = opened(name)
        leaver.says(text("and"))
        leaver.leaves("connection reset")
        assert other.got() == [text("and"), lost(name), FIN]
        assert leaver.got() == [ABORTED]
        other.says(text("too late"), close(1000, "so be it"))
        other.leaves()
        assert over(play)
        record = play.record
        assert (record.ended_by, record.why, record.detail) == (name, "eof", "connection reset")
        assert getattr(record, other.leg.side).close_received == (1000, "so be it")
        assert getattr(record, name).close_sent is None

    @SIDES
    def test_both_leave(self, name: str) -> None:
        play, leaver, other = opened(name)
        leaver.leaves()
        other.leaves("second")
        assert over(play)
        assert (play.record.ended_by, play.record.why, play.record.detail) == (name, "eof", "")

    @SIDES
    def test_inside_a_message(self, name: str) -> None:
        _, leaver, other = opened(name)
        leaver.says(text("1", fin=False))
        leaver.leaves()
        assert other.got() == [text("1", fin=False), lost(name), FIN]

    @SIDES
    def test_a_second_end_of_the_same_tcp_is_none(self, name: str) -> None:
        play, leaver, other = opened(name)
        leaver.leaves()
        leaver.leaves()
        assert other.got() == [lost(name), FIN]
        assert play.states.count(State.GONE) == 1


PROTOCOL_ERRORS = {
    "reserved opcode": (Frame(0x3), 1002),
    "reserved bit": (text("x")._replace(rsv=4), 1002),
    "lone continuation": (cont("x", fin=True), 1002),
    "long ping": (ping(b"x" * 126), 1002),
    "close code 1005": (close(1005), 1002),
    "close reason": (close(1000, b"\xff"), 1007),
}


class TestPeersMistakes:
    """The offender is sent 1002, 1007 or 1009, the other side 1001 with an empty reason."""

    @SIDES
    @pytest.mark.parametrize(("bad", "code"), PROTOCOL_ERRORS.values(), ids=PROTOCOL_ERRORS.keys())
    def test_protocol_errors(self, name: str, bad: Frame, code: int) -> None:
        play, offender, other = opened(name)
        offender.says(text("good"), bad, text("too late"))
        assert other.got() == [text("good"), close(1001), FIN]
        assert offender.got() == [close(code), FIN]
        record = play.record
        assert (record.ended_by, record.why) == (name, "protocol")
        assert isinstance(record.error, ProtocolError)
        assert (record.error.side, record.error.close_code) == (name, code)
        offender.says(close(1000))
        other.says(close(1001))
        assert play.states.count(State.CLOSED) == 1, "nothing more is taken from the offender"
        offender.leaves()
        other.leaves()
        assert over(play)

    @SIDES
    def test_a_text_that_is_not_utf8_where_it_is_checked(self, name: str) -> None:
        _, offender, other = opened(name, Hook(same))
        offender.says(text(b"\xff"))
        assert (offender.got(), other.got()) == ([close(1007), FIN], [close(1001), FIN])

    @SIDES
    @pytest.mark.parametrize("validate", [None, False])
    def test_a_text_that_is_not_utf8_where_nobody_reads_it(self, name: str, validate: bool | None) -> None:
        _, sender, other = opened(name, validate_utf8=validate)
        sender.says(text(b"\xff"))
        assert other.got() == [text(b"\xff")]

    @SIDES
    def test_a_text_may_be_checked_though_nobody_reads_it(self, name: str) -> None:
        _, offender, other = opened(name, validate_utf8=True)
        offender.says(text(b"\xff"))
        assert (offender.got(), other.got()) == ([close(1007), FIN], [close(1001), FIN])

    @SIDES
    def test_the_size_limit(self, name: str) -> None:
        play, offender, other = opened(name, **{f"{name}_max_frame_size": 10})
        offender.says(binary(b"x" * 10), binary(b"x" * 11))
        assert other.got() == [binary(b"x" * 10), close(1001), FIN]
        assert offender.got() == [close(1009, "Payload Too Large"), FIN]
        record = play.record
        assert (record.ended_by, record.why, type(record.error)) == (name, "limit", LimitExceeded)
        assert (record.error.side, record.error.close_code) == (name, 1009)

    @SIDES
    def test_the_limit_is_for_this_side_alone(self, name: str) -> None:
        _, sender, other = opened(name, **{f"{'upstream' if name == 'client' else 'client'}_max_frame_size": 1})
        sender.says(binary(b"x" * 300))
        assert other.got() == [binary(b"x" * 300)]

    @SIDES
    def test_the_size_of_a_joined_message(self, name: str) -> None:
        _, offender, other = opened(name, aggregate_fragments=True, **{f"{name}_max_frame_size": 4})
        offender.says(text("ab", fin=False), cont("cd", fin=True), text("ab", fin=False), cont("cde", fin=True))
        assert other.got() == [text("abcd"), close(1001), FIN]
        assert offender.got() == [close(1009, "Payload Too Large"), FIN]

    @SIDES
    @pytest.mark.parametrize("joined", [False, True])
    def test_the_limit_on_fragments(self, name: str, joined: bool) -> None:
        play, offender, other = opened(name, aggregate_fragments=joined, **{f"{name}_max_fragments": 2})
        offender.says(text("1", fin=False), cont("2", fin=True), text("1", fin=False), cont("2", fin=False))
        offender.says(cont("3", fin=True))
        assert offender.got() == [close(1009, "Payload Too Large"), FIN]
        assert other.got()[-2:] == [close(1001), FIN]
        assert play.record.why == "limit"

    @SIDES
    @pytest.mark.parametrize(("limit", "hook"), [(1 << 20, "client"), (16 << 20, "upstream")])
    def test_the_limits_where_payloads_are_read(self, name: str, limit: int, hook: str) -> None:
        play, sender, _ = opened(name, Hook(same))
        wanted = {"client": 1 << 20, "upstream": 16 << 20}[name]
        assert sender.leg.incoming.parser.max_size == wanted
        assert opened(name)[1].leg.incoming.parser.max_size == -1
        assert opened(name, Hook(same), **{f"{name}_max_frame_size": None})[1].leg.incoming.parser.max_size == -1
        assert play.session.leg(hook).incoming.parser.max_size == limit

    @SIDES
    def test_a_mistake_in_the_answer_to_a_close_frame(self, name: str) -> None:
        play, closer, offender = opened(name)
        closer.says(close(1000, "bye"))
        offender.says(Frame(0x3))
        assert closer.got() == [close(1001), FIN]
        assert offender.got() == [close(1000, "bye"), FIN]
        assert (play.record.ended_by, play.record.why) == (offender.leg.side, "protocol")


class TestHooks:
    """A failed hook: 1011 without detail to both sides."""

    @SIDES
    @pytest.mark.parametrize("result", [ValueError("secret"), 17, (b"x", 1, 2)], ids=repr)
    def test_both_are_told_and_neither_hears_why(self, name: str, result: Any) -> None:
        play, sender, other = opened(name, Hook(same, result, same))
        sender.says(text("a"), text("b"), text("c"))
        assert other.got() == [text("a"), close(1011), FIN]
        assert sender.got() == [close(1011), FIN]
        record = play.record
        assert (record.ended_by, record.why, type(record.error)) == ("proxy", "hook", HookError)
        assert str(record.error).startswith(f"on_frame failed on a frame of the {name}: ")

    @SIDES
    def test_the_hooks_own_exception_is_the_cause(self, name: str) -> None:
        error = ValueError("secret")
        play, sender, _ = opened(name, Hook(error))
        sender.says(text("a"))
        assert play.record.error.__cause__ is error

    @SIDES
    def test_a_close_frame_behind_the_failure_is_seen(self, name: str) -> None:
        play, sender, other = opened(name, Hook(ValueError("no")))
        sender.says(text("a"), close(1000, "bye"))
        assert (sender.got(), other.got()) == ([close(1011), FIN], [close(1011), FIN])
        assert sender.leg.state is State.CLOSED
        assert getattr(play.record, name).close_received == (1000, "bye")

    @SIDES
    def test_on_a_close_frame(self, name: str) -> None:
        play, sender, other = opened(name, Hook(ValueError("no")))
        sender.says(close(1000, "bye"))
        assert (sender.got(), other.got()) == ([close(1011), FIN], [close(1011), FIN])
        assert getattr(play.record, name).close_received is None

    @SIDES
    def test_on_the_answer_to_a_close_frame(self, name: str) -> None:
        play, closer, other = opened(name, Hook(same, ValueError("no")))
        closer.says(close(1000))
        other.says(close(1000))
        assert (closer.got(), other.got()) == ([close(1011), FIN], [close(1000), FIN])
        assert play.record.why == "hook"

    @SIDES
    def test_that_was_awaited(self, name: str) -> None:
        from tests.kit.lanes import Awaited

        play, sender, other = opened(name, Hook(Awaited(), same))
        sender.says(text("a"), text("b"))
        play.silence()
        sender.resume(ValueError("no"))
        assert (sender.got(), other.got()) == ([close(1011), FIN], [close(1011), FIN])

    @SIDES
    def test_after_the_session_has_ended_it_is_only_kept(self, name: str) -> None:
        from tests.kit.lanes import Awaited

        play, sender, other = opened(name, Hook(Awaited(), same))
        sender.says(text("a"))
        play.end("drain")
        assert (sender.got(), other.got()) == ([close(1001), FIN], [close(1001), FIN])
        sender.resume(ValueError("no"))
        play.silence()
        assert (play.record.why, type(play.record.error)) == ("drain", HookError)

    @SIDES
    def test_a_second_failure_does_not_hide_the_first(self, name: str) -> None:
        from tests.kit.lanes import Awaited

        first, second = ValueError("first"), ValueError("second")
        play, sender, other = opened(name, Hook(Awaited(), first))
        sender.says(text("a"))
        other.says(text("b"))
        sender.resume(second)
        assert play.record.error.__cause__ is first


class TestEndedByTheProgram:
    """Drains, shut-downs and close() of the program."""

    def test_a_drain_tells_both_1001(self) -> None:
        play = Play()
        assert play.end("drain")
        assert (play.client.got(), play.upstream.got()) == ([close(1001), FIN], [close(1001), FIN])
        assert (play.record.ended_by, play.record.why) == ("proxy", "drain")

    def test_each_side_may_be_told_something_of_its_own(self) -> None:
        play = Play()
        play.end("policy", client=(1008, b"forbidden"), upstream=(1001, b"left"))
        assert (play.client.got(), play.upstream.got()) == ([close(1008, "forbidden"), FIN], [close(1001, "left"), FIN])
        assert play.record.client.close_sent == (1008, "forbidden")
        assert play.record.upstream.close_sent == (1001, "left")

    def test_a_second_end_says_nothing(self) -> None:
        play = Play()
        assert play.end("policy", client=(4000, b""))
        assert not play.end("drain", error=HookError("late"))
        assert play.client.got() == [close(4000), FIN]
        assert (play.record.why, play.record.error) == ("policy", None)

    @SIDES
    def test_the_answers_are_seen_and_not_relayed(self, name: str) -> None:
        play, first, second = opened(name)
        play.end("drain")
        assert (first.got(), second.got()) == ([close(1001), FIN], [close(1001), FIN])
        first.says(text("too late"), close(1001, "ok"))
        second.says(close(1000))
        play.silence()
        assert play.states == (State.CLOSED, State.CLOSED)
        assert getattr(play.record, name).close_received == (1001, "ok")
        first.leaves()
        second.leaves()
        assert over(play)

    @SIDES
    def test_an_answer_is_owed_to_who_has_begun_to_close(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000, "bye"))
        assert play.end("drain")
        assert closer.got() == [close(1001), FIN]
        assert other.got() == [close(1000, "bye"), FIN]
        other.says(close(1000))
        play.silence()
        assert (play.record.ended_by, play.record.why) == (name, "close")

    @SIDES
    def test_nothing_is_left_to_say_when_both_close_frames_have_passed(self, name: str) -> None:
        play, closer, other = opened(name)
        closer.says(close(1000))
        other.says(close(1000))
        assert not play.end("drain")

    def test_inside_a_message(self) -> None:
        play = Play()
        play.client.says(text("1", fin=False))
        play.end("drain")
        play.client.says(cont("2", fin=True))
        assert play.upstream.got() == [text("1", fin=False), close(1001), FIN]

    @SIDES
    def test_from_within_the_hook_the_frame_in_hand_is_discarded(self, name: str) -> None:
        def hook(*frame: Any) -> bytes:
            play.session.end("policy", play.now, client=(1008, b"no"), upstream=(1001, b""))
            return b"not this"

        play, sender, _ = opened(name, hook)
        sender.says(text("a"), text("b"))
        assert (play.client.got(), play.upstream.got()) == ([close(1008, "no"), FIN], [close(1001), FIN])
