"""Data frames delivered piece by piece, before they are complete (RFC 6455, section 5.4: "an intermediary")."""

from __future__ import annotations

from framegate.codec.constants import FAILED, PROTOCOL_ERROR
from tests.kit import frames
from tests.kit.cuts import cuts
from tests.kit.frames import PING, TEXT, binary, close, cont, ping, text
from tests.kit.parsing import KEY, Codec, Failure, Piece, Reading

FRAMES = [
    text("Hällo", fin=False),
    ping("p"),
    cont("€" * 5, fin=True),
    binary(bytes(range(140))),
    text(),
    binary(b"z"),
    close(1000, "end"),
]


def pieces(reading: Reading) -> list[Piece]:
    return [event for event in reading.events if isinstance(event, Piece)]


class TestRawRanges:
    """What is delivered is the input itself: no byte is lost, invented or moved."""

    def test_they_make_the_input_whatever_the_cuts(self, codec: Codec) -> None:
        wire = codec.wire(*FRAMES)
        for cut in cuts(wire):
            reading = codec.reading(stream=True).feed(*cut)
            assert reading.raw == wire
            assert reading.frames == FRAMES
            assert reading.parser.buffered() == 0

    def test_they_make_the_input_in_three_pieces_too(self, codec: Codec) -> None:
        wire = codec.wire(*FRAMES[:3])
        for first in range(1, len(wire)):
            for second in range(first, len(wire), 2):
                reading = codec.reading(stream=True).feed(wire[:first], wire[first:second], wire[second:])
                assert (reading.raw, reading.frames) == (wire, FRAMES[:3])

    def test_nothing_of_a_payload_is_held(self, codec: Codec) -> None:
        header, rest = split_header(codec, binary(b"x" * 1000))
        reading = codec.reading(stream=True).feed(header)
        for at in range(0, 999, 37):
            reading.feed(rest[at : at + 37][: 999 - at])
            assert reading.parser.buffered() == 0
        assert [piece.last for piece in pieces(reading)] == [False] * len(pieces(reading))
        assert pieces(reading.feed(rest[999:]))[-1].last


class TestPayloads:
    """The payloads of the pieces make the payload, wherever the masking key stands (section 5.3)."""

    def test_they_are_unmasked_from_their_own_place_on(self, codec: Codec) -> None:
        payload = bytes(range(100, 160))
        header, rest = split_header(codec, binary(payload))
        for size in (1, 2, 3, 4, 5, 7, 8, 9, 11):
            reading = codec.reading(stream=True).feed(header)
            reading.feed(*(rest[at : at + size] for at in range(0, len(rest), size)))
            assert b"".join(piece.payload for piece in pieces(reading)) == payload
            assert [piece.payload for piece in pieces(reading)][1] == payload[:size]

    def test_of_frames_that_follow_each_other(self, codec: Codec) -> None:
        wire = codec.wire(binary(b"first one"), key=KEY) + codec.wire(binary(b"second one"), key=b"\x01\x02\x03\x04")
        for place in range(1, len(wire)):
            reading = codec.reading(stream=True).feed(wire[:place], wire[place:])
            assert reading.frames == [binary(b"first one"), binary(b"second one")]
            assert b"".join(event.payload for event in reading.events) == b"first onesecond one"  # type: ignore[union-attr]


class TestFirstAndLast:
    """A piece says whether it begins and whether it ends its frame."""

    def test_a_frame_in_three_windows(self, codec: Codec) -> None:
        wire = codec.wire(text("abcdefgh"))
        header = len(wire) - 8
        reading = codec.reading(stream=True).feed(wire[: header + 3], wire[header + 3 : header + 5], wire[header + 5 :])
        assert [(piece.payload, piece.first, piece.last) for piece in pieces(reading)] == [
            (b"abc", True, False),
            (b"de", False, False),
            (b"fgh", False, True),
        ]

    def test_a_header_alone_is_a_first_piece_without_payload(self, codec: Codec) -> None:
        header, rest = split_header(codec, text("abc"))
        for cut in cuts(header):
            reading = codec.reading(stream=True).feed(*cut)
            assert reading.events == [Piece(header, b"", True, False)]
        assert pieces(reading.feed(rest))[1:] == [Piece(rest, b"abc", False, True)]

    def test_a_frame_that_ends_in_the_window_is_a_frame(self, codec: Codec) -> None:
        wire = codec.wire(text("abc"))
        for place in range(len(wire) - 3):
            assert codec.reading(stream=True).feed(wire[:place], wire[place:]).events == [text("abc")]

    def test_an_empty_frame_is_never_a_piece(self, codec: Codec) -> None:
        for cut in cuts(codec.wire(text("", fin=False), cont("", fin=True))):
            assert pieces(codec.reading(stream=True).feed(*cut)) == []

    def test_the_fields_describe_the_whole_frame(self, codec: Codec) -> None:
        header, rest = split_header(codec, text("abcdef", fin=False))
        parser = codec.reading(stream=True).feed(header, rest[:2]).parser
        assert (parser.opcode, parser.kind, parser.fin, parser.length) == (TEXT, TEXT, False, 6)

    def test_the_window_may_go_on_behind_the_last_piece(self, codec: Codec) -> None:
        header, rest = split_header(codec, text("abc"))
        reading = codec.reading(stream=True).feed(header + rest[:1], rest[1:] + codec.wire(ping("x"), text("y")))
        assert reading.events[1:] == [Piece(rest[1:], b"bc", False, True), ping("x"), text("y")]


class TestErrors:
    """Errors are found where they stand, and the pieces before them have been delivered."""

    def test_a_bad_frame_behind_the_last_piece(self, codec: Codec) -> None:
        wire = codec.wire(binary(b"abcd")) + codec.frame(PING, fin=False)
        reading = codec.reading(stream=True).feed(wire[:-3], wire[-3:])
        assert reading.frames == [binary(b"abcd"), Failure(PROTOCOL_ERROR, "fragmented control frame")]

    def test_a_parser_that_fails_inside_a_frame_reads_no_more_of_it(self, codec: Codec) -> None:
        header, _ = split_header(codec, text(b"x" * 50))
        parser = codec.parser(stream=True)
        for data in (header, _masked(codec, b"ok"), _masked(codec, b"\xff\xff\xff\xff", phase=2)):
            parser.feed(bytearray(data), 0, len(data))
            said = parser.next()
        assert (said, parser.remaining, parser.next()) == (FAILED, 0, FAILED)


def split_header(codec: Codec, value: frames.Frame) -> tuple[bytes, bytes]:
    """The header of a frame, masking key included, and its payload as it is sent."""
    wire = codec.wire(value)
    size = len(wire) - len(value.payload)
    return wire[:size], wire[size:]


def _masked(codec: Codec, payload: bytes, phase: int = 0) -> bytes:
    return frames.masked(payload, KEY[phase:] + KEY[:phase]) if codec.masked else payload
