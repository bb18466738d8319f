"""Text payloads are UTF-8 (RFC 6455, sections 5.6 and 8.1), checked piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from framegate.codec.constants import INVALID_PAYLOAD
from tests.kit.frames import Frame, binary, cont, ping, text
from tests.kit.parsing import Codec, Failure
from tests.kit.utf8 import INVALID, UNFINISHED, VALID, breaks_at

NOT_UTF8 = Failure(INVALID_PAYLOAD, "text that is not UTF-8")
CUT_OFF = Failure(INVALID_PAYLOAD, "text that ends inside a character")


def cases(texts: dict[str, bytes]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("payload", texts.values(), ids=texts.keys())


def in_fragments(payload: bytes) -> Iterator[list[Frame]]:
    """The payload as a message of two fragments, cut at each place, empty ones included, and of one-byte fragments."""
    for place in range(len(payload) + 1):
        yield [text(payload[:place], fin=False), cont(payload[place:], fin=True)]
    parts = [cont(payload[at : at + 1], fin=False) for at in range(len(payload))]
    yield [text(fin=False), *parts, cont(fin=True)]


class TestWholeMessages:
    """Section 8.1: when an endpoint is to interpret bytes as UTF-8 and finds that they are not, it MUST fail the
    connection."""

    @cases(VALID)
    def test_utf8_is_read(self, codec: Codec, payload: bytes) -> None:
        assert codec.read_any_way(codec.wire(text(payload))) == [text(payload)]

    @cases(INVALID)
    def test_anything_else_is_refused(self, codec: Codec, payload: bytes) -> None:
        assert codec.read_any_way(codec.wire(text(payload))) == [NOT_UTF8]

    @cases(UNFINISHED)
    def test_a_text_that_ends_inside_a_character_is_refused(self, codec: Codec, payload: bytes) -> None:
        assert codec.read_any_way(codec.wire(text(payload))) == [CUT_OFF]

    @pytest.mark.parametrize("payload", [b"\xff", b"\xed\xa0\x80"])
    def test_binary_messages_are_not_looked_at(self, codec: Codec, payload: bytes) -> None:
        frames = [binary(payload), binary(payload, fin=False), cont(payload, fin=True)]
        assert codec.read_any_way(codec.wire(*frames)) == frames

    @cases(INVALID)
    def test_nothing_is_looked_at_where_nobody_asks(self, codec: Codec, payload: bytes) -> None:
        frames = [text(payload), text(payload, fin=False), cont(payload, fin=True)]
        assert codec.read_any_way(codec.wire(*frames), validate_utf8=False) == frames


class TestFragments:
    """Section 5.6: a particular text frame might include a partial UTF-8 sequence; the whole message MUST be valid."""

    @cases(VALID)
    def test_characters_may_be_cut_by_fragments(self, codec: Codec, payload: bytes) -> None:
        for frames in in_fragments(payload):
            wire = codec.wire(*frames)
            assert codec.read(wire) == frames
            assert codec.read(*(wire[at : at + 1] for at in range(len(wire)))) == frames
            assert codec.read(*(wire[at : at + 5] for at in range(0, len(wire), 5)), stream=True) == frames

    @cases(INVALID)
    def test_the_fragment_that_breaks_the_text_is_refused(self, codec: Codec, payload: bytes) -> None:
        breaking = breaks_at(payload)
        for place, frames in enumerate(in_fragments(payload)):
            if place > len(payload):
                expected = frames[:breaking]
            else:
                expected = frames[: place < breaking]
            for stream in (False, True):
                assert codec.read(codec.wire(*frames), stream=stream) == [*expected, NOT_UTF8]

    @cases(UNFINISHED)
    def test_the_last_fragment_may_not_end_inside_a_character(self, codec: Codec, payload: bytes) -> None:
        for frames in in_fragments(payload):
            assert codec.read(codec.wire(*frames)) == [*frames[:-1], CUT_OFF]

    def test_a_broken_character_is_not_mended_by_the_next_message(self, codec: Codec) -> None:
        frames = [text(b"\xe2\x82", fin=False), cont(b"\xac", fin=True), text(b"ok")]
        assert codec.read_any_way(codec.wire(*frames)) == frames
        cut_off = codec.wire(frames[0], cont(fin=True), cont(b"\xac", fin=True))
        assert codec.read_any_way(cut_off) == [frames[0], CUT_OFF]

    def test_a_character_goes_on_behind_a_ping(self, codec: Codec) -> None:
        frames = [text(b"\xf0\x9f", fin=False), ping(b"\x98"), cont(b"\x98\x80", fin=True)]
        assert codec.read_any_way(codec.wire(*frames)) == frames


class TestFailFast:
    """Section 8.1 is met as soon as it can be: with the byte after which no ending could make the text valid."""

    @cases(INVALID)
    @pytest.mark.parametrize("stream", [False, True])
    def test_inside_a_frame_that_is_not_complete(self, codec: Codec, payload: bytes, stream: bool) -> None:
        wire = codec.wire(text(payload + b"and never the rest"))
        header = len(wire) - len(payload) - 18
        reading = codec.reading(stream=stream)
        for at in range(header + breaks_at(payload) - 1):
            reading.feed(wire[at : at + 1])
        assert reading.frames == []
        assert reading.feed(wire[at + 1 : at + 2]).frames == [NOT_UTF8]

    @cases(INVALID)
    @pytest.mark.parametrize("stream", [False, True])
    def test_in_the_piece_that_came_with_the_header(self, codec: Codec, payload: bytes, stream: bool) -> None:
        wire = codec.wire(text(payload + b"and never the rest"))
        assert codec.read(wire[:-18], stream=stream) == [NOT_UTF8]

    @cases(INVALID)
    def test_inside_a_later_fragment(self, codec: Codec, payload: bytes) -> None:
        start = codec.wire(text(b"a", fin=False), cont(b"b", fin=False))
        wire = codec.wire(cont(payload + b"and never the rest", fin=True))
        said = codec.read(start, wire[:-18])
        assert said == [text(b"a", fin=False), cont(b"b", fin=False), NOT_UTF8]

    def test_a_beginning_is_no_error_yet(self, codec: Codec) -> None:
        wire = codec.wire(text(b"\xe2\x82" + b"\xac"))
        reading = codec.reading().feed(wire[:-1])
        assert (reading.frames, reading.parser.error_code) == ([], 0)
        assert reading.feed(wire[-1:]).frames == [text("€")]


class TestLongTexts:
    """Long texts are checked many bytes at a time; what is wrong is found at every place."""

    @pytest.mark.parametrize("place", [*range(0, 34), 63, 64, 65, 120])
    def test_a_wrong_byte_at_any_place(self, codec: Codec, place: int) -> None:
        payload = b"a" * place + b"\xff" + b"b" * (120 - place)
        wire = codec.wire(text(payload))
        assert codec.read(wire) == [NOT_UTF8]
        for cut in (7, 12, 30):
            assert codec.read(wire[:cut], wire[cut:]) == [NOT_UTF8]
            assert codec.read(wire[:cut], wire[cut:], stream=True) == [NOT_UTF8]

    def test_a_character_across_every_place(self, codec: Codec) -> None:
        for place in range(34):
            for character in ("ß", "€", "😀"):
                payload = (b"a" * place + character.encode() + b"b" * 40)[:60]
                wire = codec.wire(text(payload))
                for cut in range(5, len(wire), 3):
                    assert codec.read(wire[:cut], wire[cut:]) == [text(payload)]
                    assert codec.read(wire[:cut], wire[cut:], stream=True) == [text(payload)]
