"""The sequence of frames in a message (RFC 6455, section 5.4)."""

from __future__ import annotations

import pytest

from framegate.codec.constants import BINARY, CONTINUATION, NEED, PROTOCOL_ERROR, TEXT
from tests.kit.frames import Frame, binary, cont, ping, text
from tests.kit.parsing import Codec, Failure

LONE = Failure(PROTOCOL_ERROR, "continuation without a message to continue")
NESTED = Failure(PROTOCOL_ERROR, "new data frame inside an unfinished message")


class TestSequence:
    """A message is one frame with FIN, or one without, any number of continuations without, and one with FIN. Fragments
    of one message MUST NOT be interleaved with those of another."""

    @pytest.mark.parametrize(
        "frames",
        [
            [text("a", fin=False), cont("b", fin=True)],
            [binary(b"a", fin=False), cont(b"b", fin=False), cont(b"c", fin=False), cont(b"d", fin=True)],
            [text("", fin=False), cont("", fin=False), cont("", fin=True)],
            [text("a", fin=False), cont("b", fin=True), text("c"), binary(b"d", fin=False), cont(b"e", fin=True)],
        ],
        ids=["two", "four", "empty ones", "one message after the other"],
    )
    def test_messages_in_fragments_are_read(self, codec: Codec, frames: list[Frame]) -> None:
        assert codec.read_any_way(codec.wire(*frames)) == frames

    @pytest.mark.parametrize("fin", [False, True])
    def test_a_lone_continuation_is_refused(self, codec: Codec, fin: bool) -> None:
        assert codec.read_any_way(codec.wire(cont("x", fin=fin))) == [LONE]

    def test_a_continuation_after_a_whole_message_is_refused(self, codec: Codec) -> None:
        assert codec.read_any_way(codec.wire(text("a"), cont("b", fin=True))) == [text("a"), LONE]

    def test_a_continuation_after_the_last_fragment_is_refused(self, codec: Codec) -> None:
        frames = [text("a", fin=False), cont("b", fin=True)]
        assert codec.read_any_way(codec.wire(*frames, cont("c", fin=True))) == [*frames, LONE]

    def test_a_ping_begins_no_message(self, codec: Codec) -> None:
        assert codec.read_any_way(codec.wire(ping(), cont("", fin=True))) == [ping(), LONE]

    @pytest.mark.parametrize("second", [text("b"), binary(b"b"), text("b", fin=False), binary(fin=False)], ids=repr)
    @pytest.mark.parametrize("first", [text("a", fin=False), binary(b"a", fin=False)], ids=repr)
    def test_a_new_data_frame_inside_a_message_is_refused(self, codec: Codec, first: Frame, second: Frame) -> None:
        assert codec.read_any_way(codec.wire(first, second)) == [first, NESTED]

    @pytest.mark.parametrize("first", [text("", fin=False), binary(b"", fin=False)], ids=repr)
    def test_an_empty_first_fragment_begins_a_message_as_well(self, codec: Codec, first: Frame) -> None:
        assert codec.read_any_way(codec.wire(first, text("x"))) == [first, NESTED]

    def test_an_empty_later_fragment_does_not_end_it(self, codec: Codec) -> None:
        frames = [text("", fin=False), cont("", fin=False)]
        assert codec.read_any_way(codec.wire(*frames, binary(b"x"))) == [*frames, NESTED]


class TestKind:
    """The opcode of a continuation is 0; its kind is the opcode of the message that it belongs to."""

    @pytest.mark.parametrize("kind", [TEXT, BINARY])
    def test_a_continuation_has_the_kind_of_its_message(self, codec: Codec, kind: int) -> None:
        window = bytearray(
            codec.wire(Frame(kind, b"a", fin=False), ping(), cont(b"b", fin=False), cont(b"c", fin=True), text("d"))
        )
        parser = codec.parser()
        parser.feed(window, 0, len(window))
        seen = []
        while parser.next() != NEED:
            seen.append((parser.opcode, parser.kind, parser.fin))
        assert seen == [
            (kind, kind, False),
            (9, 9, True),
            (CONTINUATION, kind, False),
            (CONTINUATION, kind, True),
            (TEXT, TEXT, True),
        ]
