"""Frames of our own among those of the origin (RFC 6455, sections 5.4 and 5.5)."""

from __future__ import annotations

import os

import pytest

from framegate.codec.constants import BINARY, CLOSE, PING, PONG, TEXT
from framegate.session.signals import OK, WAITING
from tests.kit.builds import Build
from tests.kit.frames import Frame, binary, close, cont, ping, pong, text
from tests.kit.lanes import Awaited, Hook, Talk, same

BIG = binary(b"x" * 300)


class TestAtOnce:
    """Between messages everything goes out at once."""

    @pytest.mark.parametrize(
        ("opcode", "value"),
        [(TEXT, text("ours")), (BINARY, binary(b"ours")), (PING, ping("ours")), (PONG, pong("ours"))],
    )
    def test_every_type(self, build: Build, origin: str, opcode: int, value: Frame) -> None:
        talk = Talk(build, origin=origin)
        assert talk.lane.send(opcode, b"ours")
        assert (talk.came(), talk.lane.queue) == ([value], None)

    def test_it_stands_behind_what_came_before_it(self, build: Build) -> None:
        talk = Talk(build)
        window = bytearray(talk.codec.wire(text("a")))
        talk.lane.feed(window, 0, len(window))
        talk.lane.send(TEXT, b"ours")
        assert talk.came() == [text("a"), text("ours")]

    @pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
    def test_every_length_form(self, build: Build, origin: str, size: int) -> None:
        talk = Talk(build, origin=origin)
        talk.lane.send(BINARY, b"y" * size)
        assert talk.came() == [binary(b"y" * size)]

    def test_it_is_not_counted_as_the_origins(self, build: Build) -> None:
        talk = Talk(build)
        talk.lane.send(TEXT, b"ours")
        assert (talk.lane.frames, talk.lane.messages, talk.lane.payload_bytes) == (0, 0, 0)

    def test_the_hook_does_not_see_it(self, build: Build) -> None:
        hook = Hook(same)
        talk = Talk(build, hook)
        talk.lane.send(TEXT, b"ours")
        assert (talk.came(), hook.calls) == ([text("ours")], [])

    def test_from_within_the_hook_it_goes_before_the_frame_in_hand(self, build: Build) -> None:
        def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
            talk.lane.send(PING, b"ours")
            return payload

        talk = Talk(build, hook)
        assert talk.after(text("a"), text("b")) == [ping("ours"), text("a"), ping("ours"), text("b")]


class TestInsideAMessage:
    """Fragments of one message are not interleaved with another; control frames may stand between them."""

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_a_message_waits_for_the_end(self, build: Build, origin: str, hook: Hook | None) -> None:
        talk = Talk(build, hook, origin=origin)
        assert talk.after(text("1", fin=False)) == [text("1", fin=False)]
        assert not talk.lane.send(TEXT, b"ours")
        assert talk.after(cont("2", fin=False)) == [cont("2", fin=False)]
        assert talk.after(cont("3", fin=True), text("next")) == [cont("3", fin=True), text("ours"), text("next")]
        assert talk.lane.queue is None

    def test_a_control_frame_does_not(self, build: Build) -> None:
        talk = Talk(build)
        talk.after(text("1", fin=False))
        assert talk.lane.send(PING, b"ours")
        assert talk.came() == [ping("ours")]
        assert talk.after(cont("2", fin=True)) == [cont("2", fin=True)]

    def test_a_control_frame_overtakes_messages_that_wait(self, build: Build) -> None:
        talk = Talk(build)
        talk.after(text("1", fin=False))
        assert not talk.lane.send(TEXT, b"first")
        assert not talk.lane.send(BINARY, b"second")
        assert talk.lane.send(PONG, b"third")
        assert talk.came() == [pong("third")]
        assert talk.after(cont("2", fin=True)) == [cont("2", fin=True), text("first"), binary(b"second")]

    def test_the_end_may_come_of_a_dropped_last_fragment(self, build: Build) -> None:
        talk = Talk(build, Hook(same, None))
        talk.after(text("1", fin=False))
        talk.lane.send(TEXT, b"ours")
        assert talk.after(cont("2", fin=True)) == [cont("", fin=True), text("ours")]

    def test_a_message_that_was_dropped_from_its_start_is_no_message(self, build: Build) -> None:
        talk = Talk(build, Hook(None, same))
        talk.after(text("1", fin=False))
        assert talk.lane.send(TEXT, b"ours")
        assert talk.after(cont("2", fin=True)) == [text("ours"), text("2")]

    def test_the_end_may_come_of_an_awaited_result(self, build: Build) -> None:
        talk = Talk(build, Hook(same, Awaited()))
        talk.after(text("1", fin=False))
        assert talk.feed(cont("2", fin=True)) == WAITING
        assert not talk.lane.send(TEXT, b"ours")
        assert talk.resume(b"two") == OK
        assert talk.came() == [cont("two", fin=True), text("ours")]


class TestInsideAFrame:
    """Inside a frame there is no place for anything; what waits goes out behind it, in order."""

    @pytest.mark.parametrize("opcode", [TEXT, PING, PONG])
    def test_everything_waits(self, build: Build, origin: str, opcode: int) -> None:
        talk = Talk(build, origin=origin)
        wire = talk.codec.wire(BIG)
        talk.feed_raw(wire[:100])
        assert not talk.lane.send(opcode, b"ours")
        talk.feed_raw(wire[100:-1])
        assert talk.came() == []
        assert talk.lane.queue == [(opcode, b"ours")]
        talk.feed_raw(wire[-1:] + talk.codec.wire(text("next")))
        assert talk.came() == [BIG, Frame(opcode, b"ours"), text("next")]

    def test_messages_go_on_waiting_where_the_frame_was_a_fragment(self, build: Build) -> None:
        talk = Talk(build)
        wire = talk.codec.wire(BIG._replace(fin=False))
        talk.feed_raw(wire[:100])
        talk.lane.send(TEXT, b"first")
        talk.lane.send(PING, b"second")
        talk.lane.send(TEXT, b"third")
        talk.feed_raw(wire[100:])
        assert talk.came() == [BIG._replace(fin=False), ping("second")]
        assert talk.after(cont("end", fin=True)) == [cont("end", fin=True), text("first"), text("third")]


class TestPongs:
    """Section 5.5.3: a pong sent in response to a ping has its payload; one may be left out when a later one is
    answered. Those that answer our own pings are ours."""

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_the_answer_to_our_own_ping_is_consumed(self, build: Build, origin: str, hook: Hook | None) -> None:
        talk = Talk(build, hook, origin=origin)
        talk.lane.own_pings = [b"ours"]
        before = len(hook.calls) if hook is not None else 0
        assert talk.after(pong("ours")) == []
        assert (talk.lane.own_pings, talk.lane.frames) == ([], 1)
        assert hook is None or len(hook.calls) == before

    def test_once(self, build: Build) -> None:
        talk = Talk(build)
        talk.lane.own_pings = [b"ours"]
        assert talk.after(pong("ours"), pong("ours")) == [pong("ours")]

    def test_other_pongs_pass(self, build: Build) -> None:
        talk = Talk(build)
        talk.lane.own_pings = [b"ours"]
        assert talk.after(pong("theirs"), pong()) == [pong("theirs"), pong()]
        assert talk.lane.own_pings == [b"ours"]

    def test_a_pong_passes_where_we_never_pinged(self, build: Build) -> None:
        talk = Talk(build)
        assert talk.lane.own_pings is None
        assert talk.after(pong("ours")) == [pong("ours")]

    def test_pings_pass_whatever_they_hold(self, build: Build) -> None:
        talk = Talk(build)
        talk.lane.own_pings = [b"ours"]
        assert talk.after(ping("ours")) == [ping("ours")]

    def test_an_answer_to_a_later_ping_answers_those_before_it(self, build: Build) -> None:
        talk = Talk(build)
        talk.lane.own_pings = [b"one", b"two", b"three"]
        assert talk.after(pong("two"), pong("one")) == [pong("one")]
        assert talk.lane.own_pings == [b"three"]

    def test_a_consumed_pong_leaves_what_stands_around_it_alone(self, build: Build) -> None:
        talk = Talk(build)
        talk.lane.own_pings = [b"ours"]
        assert talk.after(text("1", fin=False), pong("ours"), cont("2", fin=True)) == [
            text("1", fin=False),
            cont("2", fin=True),
        ]


class TestMasks:
    """Section 5.3: frames toward an upstream are masked with fresh keys, frames toward a client with none."""

    def test_toward_an_upstream(self, build: Build) -> None:
        keys = set()
        for _ in range(50):
            talk = Talk(build, origin="client")
            talk.lane.send(TEXT, b"ours")
            wire = talk.take()
            assert wire[:2] == b"\x81\x84"
            keys.add(wire[2:6])
        assert len(keys) == 50 and bytes(4) not in keys

    def test_toward_a_client(self, build: Build) -> None:
        talk = Talk(build, origin="upstream")
        talk.lane.send(CLOSE, close(1000, "bye").payload)
        assert talk.take() == b"\x88\x05\x03\xe8bye"

    def test_a_frame_that_is_encoded_anew_has_a_new_key(self, build: Build) -> None:
        talk = Talk(build, Hook(b"new"))
        wire = talk.codec.wire(text("old"))
        talk.feed_raw(wire)
        assert talk.taken[2:6] != wire[2:6]

    def test_a_forked_child_does_not_take_the_keys_of_its_parent(self, build: Build) -> None:
        def keys() -> bytes:
            talk = Talk(build)
            for _ in range(8):
                talk.lane.send(TEXT, b"")
            return b"".join(talk.taken[at + 2 : at + 6] for at in range(0, len(talk.take()), 6))

        keys()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, keys())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            theirs = pipe.read()
        os.waitpid(child, 0)
        assert (len(theirs), theirs != keys()) == (32, True)
