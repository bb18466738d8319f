"""Random conversations with random verdicts: both builds do the same, and what goes out is well formed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framegate import _build
from framegate.session.signals import OK, WAITING
from tests.kit.builds import Build
from tests.kit.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close
from tests.kit.lanes import Awaited, Talk
from tests.kit.utf8 import is_valid

BUILDS = ("pure", "compiled") if _build.COMPILED else ("pure",)

words = st.text("aß€😀", max_size=6).map(str.encode)
control = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=6)).map(lambda parts: Frame(*parts))
endings = st.builds(close, st.sampled_from([1000, 1001, 4000]), words.filter(lambda word: len(word) < 20))


@st.composite
def messages(draw: st.DrawFn) -> list[Frame]:
    """One message in fragments that cut its characters anywhere, with control frames between them."""
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    payload = draw(words) + draw(words)
    places = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    parts = [payload[a:b] for a, b in zip([0, *places], [*places, len(payload)], strict=True)]
    frames = []
    for number, part in enumerate(parts):
        frames.append(Frame(opcode if number == 0 else CONTINUATION, part, number == len(parts) - 1))
        frames += draw(st.lists(control, max_size=1))
    return frames


conversations = st.tuples(st.lists(messages(), max_size=4), st.none() | endings).map(
    lambda parts: [frame for message in parts[0] for frame in message] + ([parts[1]] if parts[1] else [])
)

KEEP = "keep"
verdicts = st.lists(
    st.sampled_from([KEEP, KEEP, KEEP, None, b"new", "neu ß", b"\xe2\x82", (b"why", 1001), ("why", None), 17])
    | st.sampled_from([KEEP, None, b"new"]).map(lambda result: ("later", result)),
    max_size=12,
)


class Told:
    """A hook that gives the verdicts in order, then keeps everything; ``later`` is awaited."""

    def __init__(self, results: list[Any]) -> None:
        self.results = list(results)
        self.later: Any = None

    def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        result = self.results.pop(0) if self.results else KEEP
        if isinstance(result, tuple) and result[0] == "later":
            self.later = payload if result[1] == KEEP else result[1]
            return Awaited()
        return payload if result == KEEP else result


def heard(name: str, frames: list[Frame], size: int, results: list[Any] | None, aggregate: bool, origin: str) -> Any:
    hook = None if results is None else Told(results)
    talk = Talk(Build(name), hook, origin=origin, aggregate=aggregate)
    wire = talk.codec.wire(*frames)
    signals = []
    for at in range(0, len(wire), size):
        signal = talk.feed_raw(wire[at : at + size])
        while signal == WAITING and hook is not None:
            signals.append(signal)
            signal = talk.resume(hook.later)
        signals.append(signal)
        if signal not in (OK, WAITING):
            break
    lane = talk.lane
    counts = (lane.frames, lane.messages, lane.payload_bytes, lane.dropped, lane.changed, lane.mid_frame)
    return talk.came(), signals, counts, lane.mid_message, bytes(talk.received), str(lane.failure)


def check_well_formed(frames: list[Frame]) -> None:
    """Sections 5.4 to 5.6 of RFC 6455, of what has gone out so far."""
    kind, text = None, b""
    for number, frame in enumerate(frames):
        if frame.opcode >= CLOSE:
            assert frame.fin and len(frame.payload) <= 125
            assert frame.opcode != CLOSE or number == len(frames) - 1, "nothing follows a close frame"
            continue
        assert (frame.opcode == CONTINUATION) == (kind is not None), f"{frame} inside {frames}"
        kind = kind or frame.opcode
        text += frame.payload if kind == TEXT else b""
        if frame.fin:
            assert is_valid(text), f"{text!r} is no text"
            kind, text = None, b""


@settings(max_examples=250, deadline=None)
@given(conversations, st.integers(1, 40), st.none() | verdicts, st.booleans(), st.sampled_from(["client", "upstream"]))
def test_what_goes_out_is_well_formed_and_the_builds_agree(
    frames: list[Frame], size: int, results: list[Any] | None, aggregate: bool, origin: str
) -> None:
    pure, *others = [heard(name, frames, size, results, aggregate, origin) for name in BUILDS]
    assert all(other[:4] == pure[:4] and other[5] == pure[5] for other in others)
    check_well_formed(pure[0])


@settings(max_examples=100, deadline=None)
@given(conversations, st.integers(1, 40), st.booleans())
def test_without_changes_everything_passes(frames: list[Frame], size: int, seen: bool) -> None:
    for name in BUILDS:
        assert heard(name, frames, size, [] if seen else None, False, "client")[0] == frames


@pytest.mark.parametrize(
    "frames",
    [
        [Frame(TEXT, b"a"), Frame(CONTINUATION, b"b")],
        [Frame(TEXT, b"a", False), Frame(TEXT, b"b")],
        [Frame(TEXT, b"\xff")],
        [close(1000), Frame(PING)],
    ],
    ids=repr,
)
def test_what_is_not_well_formed_would_be_seen(frames: list[Frame]) -> None:
    with pytest.raises(AssertionError):
        check_well_formed(frames)
