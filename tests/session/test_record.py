"""What is kept of a session, and its one line for the log."""

from __future__ import annotations

import pytest

from framegate.errors import LimitExceeded
from framegate.session.record import SessionRecord
from tests.kit.frames import binary, close, cont, ping, pong, text
from tests.kit.lanes import Hook, same
from tests.kit.stage import Play


def test_counts_are_of_what_each_side_sent() -> None:
    play = Play(lambda origin, typ, payload, last, code: None if payload == b"drop" else payload.replace(b"a", b"A"))
    play.client.says(text("a"), text("drop"), binary(b"xyz"), ping())
    play.upstream.says(text("b", fin=False), cont("aa", fin=True), ping("drop"))
    record = play.record
    assert (record.client.frames, record.client.messages, record.client.bytes) == (4, 3, 8)
    assert (record.client.dropped, record.client.changed) == (1, 1)
    assert (record.upstream.frames, record.upstream.messages, record.upstream.bytes) == (3, 1, 7)
    assert (record.upstream.dropped, record.upstream.changed) == (1, 1)


def test_the_running_record_can_be_asked_for_at_any_time() -> None:
    play = Play()
    play.later(2.5)
    assert (play.record.duration, play.record.ended_by, play.record.why) == (2.5, None, None)
    play.client.says(text("x"))
    assert play.record.client.frames == 1


def test_pongs_that_are_consumed_are_counted_and_injected_messages_are_not() -> None:
    play = Play()
    play.session.inject(play.client.leg, "ping", b"ours")
    play.session.inject(play.client.leg, "text", b"ours")
    assert len(play.client.got()) == 2
    play.client.says(pong("ours"))
    assert (play.record.client.frames, play.record.upstream.frames) == (1, 0)


@pytest.mark.parametrize("typ", ["text", "binary", "ping", "pong"])
@pytest.mark.parametrize("name", ["client", "upstream"])
def test_a_message_of_our_own_goes_to_one_side(typ: str, name: str) -> None:
    play = Play(Hook(same))
    side = play.side(name)
    play.session.inject(side.leg, typ, b"ours")
    (frame,) = side.got()
    assert frame.payload == b"ours"  # type: ignore[union-attr]
    assert play.other(side).got() == []
    assert play.session.other(side.leg) is play.other(side).leg
    assert play.session.leg(name) is side.leg


class TestLine:
    """One structured line."""

    def test_of_an_open_session(self) -> None:
        assert str(SessionRecord()) == (
            "session ended_by=- why=- duration=0.000 "
            "client.frames=0 client.messages=0 client.bytes=0 client.dropped=0 client.changed=0 "
            "client.close_received=- client.close_sent=- "
            "upstream.frames=0 upstream.messages=0 upstream.bytes=0 upstream.dropped=0 upstream.changed=0 "
            "upstream.close_received=- upstream.close_sent=-"
        )

    def test_of_a_closed_one(self) -> None:
        play = Play()
        play.client.says(close(1000, "it's done"))
        play.upstream.says(close())
        line = str(play.record)
        assert line.startswith("session ended_by=client why=close duration=0.000 ")
        assert """client.close_received=1000:"it's done" client.close_sent=none""" in line
        assert line.endswith("""upstream.close_received=none upstream.close_sent=1000:"it's done\"""")

    def test_with_a_detail_and_an_error(self) -> None:
        play = Play()
        error = LimitExceeded("over 5 payload bytes", side="client", close_code=1009)
        play.end("limit", ended_by="client", error=error, detail="first\nline")
        line = str(play.record)
        assert line.endswith(r" detail='first\nline' error='client: over 5 payload bytes'")
        assert "ended_by=client why=limit" in line and "close_sent=1001 " in line

    def test_a_reason_cannot_break_the_line(self) -> None:
        play = Play()
        play.client.says(close(1000, "a\r\nsession ended_by=x"))
        assert "\n" not in str(play.record) and "\r" not in str(play.record)
