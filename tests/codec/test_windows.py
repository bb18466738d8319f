"""Windows: who owns the bytes, and what happens to them."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.codec.constants import CHUNK, CLOSE, FRAME, NEED
from tests.kit.frames import Frame, binary, close, cont, ping, text
from tests.kit.parsing import Codec, value


def fed(codec: Codec, data: bytes, **options: Any) -> tuple[Any, bytearray]:
    """A parser and the window that it was given."""
    parser, window = codec.parser(**options), bytearray(data)
    parser.feed(window, 0, len(window))
    return parser, window


def rest(parser: Any) -> list[Frame]:
    seen = []
    while parser.next() == FRAME:
        seen.append(value(parser))
    return seen


class TestFeed:
    """A window is a range of a buffer; it is not copied."""

    def test_a_whole_frame_is_described_by_its_place(self, codec: Codec) -> None:
        wire = codec.wire(text("abc"))
        window = bytearray(b"junk" + wire + b"more junk")
        parser = codec.parser()
        parser.feed(window, 4, 4 + len(wire))
        assert parser.next() == FRAME
        assert parser.data is window
        assert (parser.start, parser.payload_start, parser.stop) == (4, 4 + len(wire) - 3, 4 + len(wire))
        assert parser.next() == NEED

    @pytest.mark.parametrize(("start", "end"), [(-1, 2), (0, 6), (4, 3), (6, 6)])
    def test_a_range_outside_of_it_is_an_error(self, codec: Codec, start: int, end: int) -> None:
        with pytest.raises(IndexError, match="range outside of the window"):
            codec.parser().feed(bytearray(5), start, end)

    def test_a_frame_that_was_held_is_delivered_from_the_parsers_own_buffer(self, codec: Codec) -> None:
        wire = codec.wire(text("abc"))
        parser, first = fed(codec, wire[:4])
        assert parser.next() == NEED
        second = bytearray(wire[4:])
        parser.feed(second, 0, len(second))
        assert parser.next() == FRAME
        assert parser.data is not first and parser.data is not second
        assert (bytes(parser.data), parser.start, parser.stop) == (wire, 0, len(wire))
        assert (parser.buffered(), parser.next(), parser.buffered()) == (0, NEED, 0)


class TestOwnWindow:
    """The window becomes the parser's own, with the frame at hand, so that the caller can use his buffer again."""

    def test_the_frame_at_hand_and_those_behind_it_stay_good(self, codec: Codec) -> None:
        parser, window = fed(codec, codec.wire(text("first"), text("second"), ping("third")))
        assert parser.next() == FRAME
        parser.own_window()
        window[:] = b"\xff" * len(window)
        assert value(parser) == text("first")
        assert rest(parser) == [text("second"), ping("third")]

    def test_frames_that_were_delivered_before_are_not_copied(self, codec: Codec) -> None:
        parser, _ = fed(codec, codec.wire(binary(b"x" * 100), text("y")))
        assert (parser.next(), parser.next()) == (FRAME, FRAME)
        parser.own_window()
        assert len(parser.data) == len(codec.wire(text("y")))
        assert (parser.start, parser.stop) == (0, len(parser.data))
        assert parser.buffered() == 0

    def test_what_was_not_parsed_is_counted_as_held(self, codec: Codec) -> None:
        behind = codec.wire(text("behind"))
        parser, _ = fed(codec, codec.wire(text("first")) + behind)
        assert (parser.next(), parser.buffered()) == (FRAME, 0)
        parser.own_window()
        assert parser.buffered() == len(behind)
        assert (rest(parser), parser.buffered()) == ([text("behind")], 0)

    def test_a_frame_that_was_held_need_not_be_copied(self, codec: Codec) -> None:
        wire = codec.wire(text("held"), text("behind"))
        parser, _ = fed(codec, wire[:3])
        assert parser.next() == NEED
        window = bytearray(wire[3:])
        parser.feed(window, 0, len(window))
        assert parser.next() == FRAME
        own = parser.data
        parser.own_window()
        window[:] = b"\xff" * len(window)
        assert parser.data is own
        assert (value(parser), rest(parser)) == (text("held"), [text("behind")])

    def test_doing_it_twice_changes_nothing(self, codec: Codec) -> None:
        parser, _ = fed(codec, codec.wire(text("first"), text("second")))
        parser.next()
        parser.own_window()
        own = parser.data
        parser.own_window()
        assert parser.data is own and rest(parser) == [text("second")]

    def test_the_next_window_is_the_callers_again(self, codec: Codec) -> None:
        parser, _ = fed(codec, codec.wire(text("first")))
        parser.next()
        parser.own_window()
        assert parser.next() == NEED
        window = bytearray(codec.wire(text("second")))
        parser.feed(window, 0, len(window))
        assert parser.next() == FRAME and parser.data is window


class TestExtend:
    """More bytes behind a window of the parser's own."""

    def test_they_are_parsed_in_order(self, codec: Codec) -> None:
        wire = codec.wire(text("first"), text("second"), text("third"))
        for first in range(len(codec.wire(text("first"))), len(wire)):
            for second in range(first, len(wire), 3):
                parser, _ = fed(codec, wire[:first])
                assert parser.next() == FRAME
                parser.own_window()
                for piece in (wire[first:second], wire[second:]):
                    parser.extend(bytearray(b"--" + piece + b"--"), 2, 2 + len(piece))
                assert parser.buffered() == len(wire) - len(codec.wire(text("first")))
                assert (value(parser), rest(parser)) == (text("first"), [text("second"), text("third")])

    def test_a_frame_that_ends_later_is_held(self, codec: Codec) -> None:
        wire = codec.wire(text("first"), text("second"))
        parser, _ = fed(codec, wire[:-8])
        parser.next()
        parser.own_window()
        parser.extend(bytearray(wire[-8:-3]), 0, 5)
        assert rest(parser) == []
        window = bytearray(wire[-3:])
        parser.feed(window, 0, 3)
        assert rest(parser) == [text("second")]


class TestSkim:
    """Who wants nothing but a close frame holds and checks no data frame any more."""

    def test_what_was_held_of_a_data_frame_is_let_go(self, codec: Codec) -> None:
        wire = codec.wire(binary(b"x" * 500), close(1000, "bye"))
        for cut in range(8, 480, 31):
            parser, _ = fed(codec, wire[:cut])
            assert (parser.next(), parser.buffered()) == (NEED, cut)
            parser.skim()
            assert parser.buffered() == 0
            window = bytearray(wire[cut:])
            parser.feed(window, 0, len(window))
            assert (parser.next(), parser.last, parser.opcode) == (CHUNK, True, 2)
            assert (parser.next(), value(parser)) == (FRAME, close(1000, "bye"))

    def test_a_header_that_is_not_whole_is_kept(self, codec: Codec) -> None:
        wire = codec.wire(binary(b"x" * 500), close(1000))
        for cut in range(1, 4):
            parser, _ = fed(codec, wire[:cut])
            assert parser.next() == NEED
            parser.skim()
            window = bytearray(wire[cut:])
            parser.feed(window, 0, len(window))
            assert (parser.next(), parser.next(), parser.opcode) == (FRAME, FRAME, CLOSE)

    def test_a_control_frame_is_kept(self, codec: Codec) -> None:
        wire = codec.wire(close(1000, "bye"))
        parser, _ = fed(codec, wire[:-2])
        assert parser.next() == NEED
        parser.skim()
        assert parser.buffered() == len(wire) - 2
        parser.feed(bytearray(wire[-2:]), 0, 2)
        assert rest(parser) == [close(1000, "bye")]

    def test_a_frame_that_has_just_been_delivered_is_done_with(self, codec: Codec) -> None:
        wire = codec.wire(text("held"), close(1000))
        parser, _ = fed(codec, wire[:3])
        assert parser.next() == NEED
        window = bytearray(wire[3:])
        parser.feed(window, 0, len(window))
        assert parser.next() == FRAME
        parser.skim()
        assert rest(parser) == [close(1000)]

    def test_limits_and_texts_are_not_checked_any_more(self, codec: Codec) -> None:
        parser, _ = fed(codec, b"", max_size=3, max_fragments=1)
        parser.skim()
        window = bytearray(codec.wire(text(b"\xff" * 9, fin=False), cont(b"\xff", fin=True), close(4000)))
        parser.feed(window, 0, len(window))
        assert rest(parser) == [text(b"\xff" * 9, fin=False), cont(b"\xff", fin=True), close(4000)]

    def test_a_text_that_was_cut_off_goes_on_unchecked(self, codec: Codec) -> None:
        wire = codec.wire(text(b"ok\xe2\x82" + b"broken" * 3), close(1000))
        header = len(codec.wire(text(b"x" * 22))) - 22
        parser, _ = fed(codec, wire[: header + 4])
        assert parser.next() == NEED
        parser.skim()
        window = bytearray(wire[header + 4 :])
        parser.feed(window, 0, len(window))
        assert (parser.next(), parser.payload(), parser.next(), parser.opcode) == (CHUNK, b"broken" * 3, FRAME, CLOSE)


class TestDiscard:
    """Everything is forgotten."""

    def test_nothing_is_held_and_nothing_comes(self, codec: Codec) -> None:
        wire = codec.wire(text("first"), text("second"))
        parser, _ = fed(codec, wire[:-2])
        assert (parser.next(), parser.next()) == (FRAME, NEED)
        parser.discard()
        assert (parser.buffered(), parser.next(), parser.error_code) == (0, NEED, 0)

    def test_no_frame_is_at_hand_any_more(self, codec: Codec) -> None:
        parser, _ = fed(codec, codec.wire(text("x")))
        assert (parser.next(), parser.payload()) == (FRAME, b"x")
        parser.discard()
        assert (parser.payload(), parser.stop - parser.start) == (b"", 0)

    def test_a_window_of_its_own_is_forgotten_too(self, codec: Codec) -> None:
        parser, _ = fed(codec, codec.wire(text("first"), text("second")))
        parser.next()
        parser.own_window()
        parser.discard()
        assert (parser.buffered(), parser.next()) == (0, NEED)
