"""A lane gets another policy while it runs: at the end of a message, and never within one."""

from __future__ import annotations

import random
from typing import Any

import pytest

from framegate.session.policy import LanePolicy
from framegate.session.signals import BROKEN, CLOSED, OK, WAITING
from tests.kit import frames
from tests.kit.builds import NAMES, Build
from tests.kit.lanes import Awaited, Hook, Talk, same


@pytest.fixture(params=NAMES)
def build(request: pytest.FixtureRequest) -> Build:
    return Build(request.param)


@pytest.fixture(params=["client", "upstream"])
def origin(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def loud(hook: Any = None) -> LanePolicy:
    return LanePolicy(hook or Hook(lambda payload: payload.upper()), aggregate=True, validate=True)


QUIET = LanePolicy()


def test_an_idle_lane_has_it_at_once(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    talk.lane.rebind(loud())
    assert talk.after(frames.text("a"), frames.text("b")) == [frames.text("A"), frames.text("B")]
    talk.lane.rebind(QUIET)
    assert talk.after(frames.text("c")) == [frames.text("c")]


def test_a_fragmented_message_ends_under_the_policy_that_it_began_under(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    begun = frames.text("one ", fin=False)
    assert talk.after(begun) == [begun]
    talk.lane.rebind(loud())
    ended = frames.cont("message", fin=True)
    assert talk.after(frames.ping("p"), ended, frames.text("next")) == [frames.ping("p"), ended, frames.text("NEXT")]


def test_an_aggregated_message_ends_under_the_hook_that_will_be_shown_it(build: Build, origin: str) -> None:
    talk = Talk(build, Hook(same), origin=origin, aggregate=True)
    assert talk.after(frames.text("one ", fin=False)) == []
    talk.lane.rebind(loud())
    assert talk.after(frames.cont("message", fin=True), frames.text("next")) == [
        frames.text("one message"),
        frames.text("NEXT"),
    ]


def test_a_frame_that_streams_through_ends_as_it_began(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    wire = talk.codec.wire(frames.text("x" * 300), frames.text("next"))
    assert talk.feed_raw(wire[:100]) == OK
    talk.lane.rebind(loud())
    assert talk.feed_raw(wire[100:]) == OK
    assert talk.came() == [frames.text("x" * 300), frames.text("NEXT")]


def test_a_frame_that_is_held_incomplete_ends_under_the_old_policy(build: Build, origin: str) -> None:
    talk = Talk(build, Hook(same), origin=origin, aggregate=True)
    wire = talk.codec.wire(frames.text("x" * 300), frames.text("next"))
    assert talk.feed_raw(wire[:100]) == OK
    talk.lane.rebind(loud())
    assert talk.feed_raw(wire[100:]) == OK
    assert talk.came() == [frames.text("x" * 300), frames.text("NEXT")]


def test_half_a_header_is_no_message_yet(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    wire = talk.codec.wire(frames.text("y" * 300))
    assert talk.feed_raw(wire[:1]) == OK
    talk.lane.rebind(loud())
    assert talk.feed_raw(wire[1:]) == OK
    assert talk.came() == [frames.text("Y" * 300)]


def test_a_hook_that_is_pending_decides_on_its_own_frame_and_no_other(build: Build, origin: str) -> None:
    talk = Talk(build, Hook(Awaited()), origin=origin, aggregate=True)
    assert talk.feed(frames.text("first"), frames.text("second")) == WAITING
    talk.lane.rebind(loud())
    assert talk.resume(b"decided") == OK
    assert talk.came() == [frames.text("decided"), frames.text("SECOND")]


def test_the_last_of_several_holds(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    begun = frames.text("a", fin=False)
    assert talk.after(begun) == [begun]
    talk.lane.rebind(loud())
    talk.lane.rebind(loud(Hook(lambda payload: payload + b"!")))
    assert talk.after(frames.cont("b", fin=True), frames.text("c")) == [frames.cont("b", fin=True), frames.text("c!")]


def test_limits_change_with_it(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    talk.lane.rebind(LanePolicy(aggregate=True, max_size=10, max_fragments=2))
    assert talk.after(frames.text("x" * 10)) == [frames.text("x" * 10)]
    assert talk.feed(frames.text("x" * 11)) == BROKEN
    assert talk.lane.parser.error_code == 1009


def test_texts_are_checked_from_then_on(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    broken = frames.text(b"\xff")
    assert talk.after(broken) == [broken]
    talk.lane.rebind(loud())
    assert talk.feed(broken) == BROKEN
    assert talk.lane.parser.error_code == 1007


def test_frames_of_our_own_that_wait_still_go_out_in_their_place(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    begun = frames.text("one ", fin=False)
    assert talk.after(begun) == [begun]
    assert not talk.lane.send(1, b"ours")
    talk.lane.rebind(loud())
    ended = frames.cont("message", fin=True)
    assert talk.after(ended, frames.text("next")) == [ended, frames.text("ours"), frames.text("NEXT")]


def test_a_lane_that_has_seen_the_close_takes_it_without_a_word(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    assert talk.feed(frames.close(1000)) == CLOSED
    talk.lane.rebind(loud())
    assert talk.feed(frames.text("late")) == OK
    assert talk.came() == [frames.close(1000)]


def test_a_lane_that_waits_for_the_end_of_a_message_is_free_for_a_close_frame(build: Build, origin: str) -> None:
    talk = Talk(build, origin=origin)
    begun = frames.text("a", fin=False)
    assert talk.after(begun) == [begun]
    talk.lane.rebind(loud())
    assert talk.lane.halt()
    assert talk.lane.queue is None


@pytest.mark.parametrize("seed", range(40))
def test_whenever_it_comes_one_policy_treats_a_message_as_a_whole(build: Build, origin: str, seed: int) -> None:
    chance = random.Random(seed)
    talk = Talk(build, origin=origin)
    said = [chance.choice("abcdefgh") * chance.choice([0, 1, 20, 130, 400]) for _ in range(60)]
    wire = talk.codec.wire(*(part for text in said for part in in_fragments(text, chance)))
    while wire:
        if chance.random() < 0.3:
            talk.lane.rebind(chance.choice([QUIET, loud()]))
        size = chance.choice([1, 2, 7, 50, 300, 1000])
        assert talk.feed_raw(wire[:size]) == OK
        wire = wire[size:]
    came = whole([frame for frame in talk.came() if frame.opcode < 8])
    assert len(came) == len(said)
    assert all(text in (plain, plain.upper()) for text, plain in zip(came, said, strict=True))
    if seed == 0:
        assert any(text.isupper() for text in came) and any(text.islower() for text in came)


def in_fragments(text: str, chance: random.Random) -> list[frames.Frame]:
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.choice([0, 0, 1, 3])))
    parts = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    first, *rest = parts
    found = [frames.text(first, fin=not rest)]
    for index, part in enumerate(rest, 1):
        if chance.random() < 0.3:
            found.append(frames.ping("between"))
        found.append(frames.cont(part, fin=index == len(rest)))
    return found


def whole(seen: list[frames.Frame]) -> list[str]:
    texts, begun = [], b""
    for frame in seen:
        begun += frame.payload
        if frame.fin:
            texts.append(begun.decode())
            begun = b""
    return texts
