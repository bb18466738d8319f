"""Messages in fragments: dropped, changed or joined, they stay well formed (RFC 6455, section 5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.session.signals import CLOSED, HOOK_FAILED, OK
from tests.kit.builds import Build
from tests.kit.frames import Frame, binary, close, cont, ping, text
from tests.kit.lanes import Call, Hook, Talk, same

MESSAGE = [text("1", fin=False), cont("2", fin=False), cont("3", fin=True)]


def dropping(*numbers: int) -> Hook:
    """Drops the calls with these numbers, counted from 1."""
    return Hook(*(None if at in numbers else same for at in range(1, 8)), same)


class TestDropped:
    """The first fragment that is forwarded carries the type; a dropped last one becomes an empty last continuation if
    anything was forwarded."""

    @pytest.mark.parametrize(
        ("dropped", "came"),
        [
            ((), MESSAGE),
            ((1,), [text("2", fin=False), cont("3", fin=True)]),
            ((2,), [text("1", fin=False), cont("3", fin=True)]),
            ((3,), [text("1", fin=False), cont("2", fin=False), cont("", fin=True)]),
            ((1, 2), [text("3")]),
            ((1, 3), [text("2", fin=False), cont("", fin=True)]),
            ((2, 3), [text("1", fin=False), cont("", fin=True)]),
            ((1, 2, 3), []),
        ],
    )
    def test_every_choice_of_three(
        self, build: Build, origin: str, dropped: tuple[int, ...], came: list[Frame]
    ) -> None:
        talk = Talk(build, dropping(*dropped), origin=origin)
        assert talk.after(*MESSAGE) == came
        assert (talk.lane.dropped, talk.lane.frames, talk.lane.messages) == (len(dropped), 3, 1)
        assert not talk.lane.mid_message
        assert talk.after(binary(b"next")) == [binary(b"next")]

    def test_of_a_binary_message(self, build: Build) -> None:
        talk = Talk(build, dropping(1))
        assert talk.after(binary(b"\xff", fin=False), cont(b"\xfe", fin=True)) == [binary(b"\xfe")]

    def test_control_frames_between_them_pass(self, build: Build) -> None:
        talk = Talk(build, dropping(1, 4))
        assert talk.after(text("1", fin=False), ping("p"), cont("2", fin=False), cont("3", fin=True)) == [
            ping("p"),
            text("2", fin=False),
            cont("", fin=True),
        ]

    def test_a_fragment_that_takes_the_type_is_told_by_its_own_type(self, build: Build) -> None:
        hook = dropping(1)
        Talk(build, hook).feed(*MESSAGE)
        assert [call.typ for call in hook.calls] == ["text", "continuation", "continuation"]

    def test_over_many_windows(self, build: Build) -> None:
        talk = Talk(build, dropping(1, 3))
        wire = talk.codec.wire(*MESSAGE)
        for at in range(len(wire)):
            assert talk.feed_raw(wire[at : at + 1]) == OK
        assert talk.came() == [text("2", fin=False), cont("", fin=True)]


class TestTexts:
    """A text that is changed or dropped in parts must be UTF-8 as a whole (RFC 6455, section 5.6)."""

    HALVES = [text(b"\xe2\x82", fin=False), cont(b"\xac", fin=True)]

    def test_halves_of_a_character_may_be_changed_in_step(self, build: Build) -> None:
        talk = Talk(build, Hook(b"\xf0\x9f", b"\x98\x80"))
        assert talk.after(*self.HALVES) == [text(b"\xf0\x9f", fin=False), cont(b"\x98\x80", fin=True)]

    @pytest.mark.parametrize(
        ("results", "came"),
        [
            ((b"x", same), [text("x", fin=False)]),
            ((same, b"x"), [text(b"\xe2\x82", fin=False)]),
            ((None, same), []),
            ((same, None), [text(b"\xe2\x82", fin=False)]),
            ((b"\xff", same), []),
            ((b"x", b"\xe2\x82"), [text("x", fin=False)]),
        ],
        ids=["first changed", "second changed", "first dropped", "second dropped", "not utf-8", "ends inside"],
    )
    def test_what_breaks_the_text_is_a_failed_hook(
        self, build: Build, origin: str, results: tuple[Any, ...], came: list[Frame]
    ) -> None:
        talk = Talk(build, Hook(*results), origin=origin)
        assert (talk.feed(*self.HALVES), talk.came()) == (HOOK_FAILED, came)
        assert "UTF-8" in str(talk.lane.failure) or "inside a character" in str(talk.lane.failure)

    def test_a_middle_fragment_that_held_part_of_a_character(self, build: Build) -> None:
        talk = Talk(build, dropping(2))
        frames = [text(b"\xf0\x9f", fin=False), cont(b"\x98", fin=False), cont(b"\x80", fin=True)]
        assert (talk.feed(*frames), talk.came()) == (HOOK_FAILED, frames[:1])

    def test_a_whole_character_may_be_dropped(self, build: Build) -> None:
        talk = Talk(build, dropping(2))
        frames = [text("a", fin=False), cont("€", fin=False), cont("b", fin=True)]
        assert talk.after(*frames) == [frames[0], frames[2]]

    def test_the_next_message_begins_anew(self, build: Build) -> None:
        talk = Talk(build, dropping(1, 2))
        frames = [text(b"\xe2\x82", fin=False), cont(b"\xac", fin=True), text("ok", fin=False), cont("€", fin=True)]
        assert talk.after(*frames) == frames[2:]

    def test_nothing_of_this_where_texts_are_not_checked(self, build: Build) -> None:
        talk = Talk(build, Hook(same, None), check_text=False)
        assert talk.after(*self.HALVES) == [text(b"\xe2\x82", fin=False), cont("", fin=True)]

    def test_binary_messages_may_be_cut_anywhere(self, build: Build) -> None:
        talk = Talk(build, dropping(2))
        assert talk.after(binary(b"\xe2", fin=False), cont(b"\x82", fin=False), cont(b"\xac", fin=True)) == [
            binary(b"\xe2", fin=False),
            cont(b"\xac", fin=True),
        ]


class TestJoined:
    """Where fragments are joined the hook sees messages, and the other side gets them in one frame."""

    def test_the_hook_sees_one_message(self, build: Build, origin: str) -> None:
        hook = Hook(same)
        talk = Talk(build, hook, origin=origin, aggregate=True)
        assert talk.after(*MESSAGE) == [text("123")]
        assert hook.calls == [Call("text", b"123", True, None)]
        assert (talk.lane.frames, talk.lane.messages, talk.lane.changed) == (3, 1, 0)

    def test_without_a_hook_too(self, build: Build, origin: str) -> None:
        talk = Talk(build, origin=origin, aggregate=True)
        assert talk.after(*MESSAGE, binary(b"\xff", fin=False), cont(b"\xfe", fin=True)) == [
            text("123"),
            binary(b"\xff\xfe"),
        ]

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_control_frames_overtake_an_unfinished_message(self, build: Build, hook: Hook | None) -> None:
        talk = Talk(build, hook, aggregate=True)
        assert talk.after(text("1", fin=False), ping("p"), cont("2", fin=False)) == [ping("p")]
        assert talk.after(ping("q"), cont("3", fin=True)) == [ping("q"), text("123")]

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_a_close_frame_overtakes_it_for_good(self, build: Build, hook: Hook | None) -> None:
        talk = Talk(build, hook, aggregate=True)
        assert talk.feed(text("1", fin=False), close(1000)) == CLOSED
        assert talk.came() == [close(1000)]

    def test_it_stands_between_messages_meanwhile(self, build: Build) -> None:
        talk = Talk(build, aggregate=True)
        talk.feed(text("1", fin=False))
        assert not talk.lane.mid_message
        assert talk.lane.send(2, b"ours")
        assert talk.came() == [binary(b"ours")]
        assert talk.after(cont("2", fin=True)) == [text("12")]

    def test_a_joined_message_is_changed_or_dropped_as_a_whole(self, build: Build, origin: str) -> None:
        talk = Talk(build, Hook(b"new", None, same), origin=origin, aggregate=True)
        assert talk.after(*MESSAGE, *MESSAGE, *MESSAGE) == [text("new"), text("123")]
        assert (talk.lane.changed, talk.lane.dropped, talk.lane.messages) == (1, 1, 3)

    def test_halves_of_characters_come_together(self, build: Build) -> None:
        talk = Talk(build, Hook(same), aggregate=True)
        assert talk.after(text(b"\xe2", fin=False), cont(b"\x82", fin=False), cont(b"\xac", fin=True)) == [text("€")]

    def test_a_joined_text_that_is_changed_is_checked(self, build: Build) -> None:
        talk = Talk(build, Hook(b"\xff"), aggregate=True)
        assert (talk.feed(*MESSAGE), talk.came()) == (HOOK_FAILED, [])

    def test_empty_fragments_join_to_an_empty_message(self, build: Build) -> None:
        assert Talk(build, aggregate=True).after(text(fin=False), cont(fin=True)) == [text()]

    @pytest.mark.parametrize("size", [40, 100, 30000])
    def test_messages_of_every_length_form(self, build: Build, origin: str, size: int) -> None:
        talk = Talk(build, origin=origin, aggregate=True)
        parts = [binary(b"a" * size, fin=False), cont(b"b" * size, fin=False), cont(b"c" * size, fin=True)]
        assert talk.after(*parts) == [binary(b"a" * size + b"b" * size + b"c" * size)]
