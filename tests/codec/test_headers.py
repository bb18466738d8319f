"""The header of a frame (RFC 6455, sections 5.1 to 5.3)."""

from __future__ import annotations

import pytest

from framegate.codec.constants import FAILED, NEED, PROTOCOL_ERROR
from tests.kit import frames
from tests.kit.builds import Build
from tests.kit.frames import BINARY, CLOSE, PING, PONG, TEXT, Frame, binary, close, cont, ping, pong, text
from tests.kit.parsing import KEY, Codec, Failure, Piece

MAX_LENGTH = 2**63 - 1


class TestMasking:
    """Section 5.1: a client MUST mask all frames that it sends, a server MUST NOT mask any."""

    def test_a_masked_frame_of_a_client_is_read(self, build: Build) -> None:
        assert Codec(build, "client").read_any_way(frames.frame(TEXT, b"Hello", mask=KEY)) == [text("Hello")]

    def test_an_unmasked_frame_of_an_upstream_is_read(self, build: Build) -> None:
        assert Codec(build, "upstream").read_any_way(frames.frame(TEXT, b"Hello")) == [text("Hello")]

    def test_an_unmasked_frame_of_a_client_is_refused(self, build: Build) -> None:
        said = Codec(build, "client").read_any_way(frames.frame(TEXT, b"Hello"))
        assert said == [Failure(PROTOCOL_ERROR, "frame not masked")]

    def test_a_masked_frame_of_an_upstream_is_refused(self, build: Build) -> None:
        said = Codec(build, "upstream").read_any_way(frames.frame(TEXT, b"Hello", mask=KEY))
        assert said == [Failure(PROTOCOL_ERROR, "frame masked")]

    @pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
    def test_control_frames_are_no_exception(self, codec: Codec, opcode: int) -> None:
        assert codec.verdict(frames.frame(opcode, mask=False if codec.masked else KEY)) == PROTOCOL_ERROR

    def test_a_key_of_zeros_is_a_key(self, build: Build) -> None:
        assert Codec(build, "client").read_any_way(frames.frame(TEXT, b"Hello", mask=bytes(4))) == [text("Hello")]

    def test_every_byte_of_the_key_masks_its_own_bytes(self, build: Build) -> None:
        for key in (b"\x01\x00\x00\x00", b"\x00\x01\x00\x00", b"\x00\x00\x01\x00", b"\x00\x00\x00\x80"):
            wire = frames.frame(BINARY, bytes(range(9)), mask=key)
            assert Codec(build, "client").read_any_way(wire) == [binary(bytes(range(9)))]

    def test_each_frame_has_a_key_of_its_own(self, build: Build) -> None:
        codec = Codec(build, "client")
        wire = b"".join(codec.wire(text(word), key=key) for word, key in (("one", KEY), ("two", b"\xff\x00\xff\x00")))
        assert codec.read_any_way(wire) == [text("one"), text("two")]


class TestExamples:
    """Section 5.7: the examples of the RFC."""

    def test_a_single_frame_unmasked_text_message(self, build: Build) -> None:
        said = Codec(build, "upstream").read_any_way(bytes.fromhex("810548656c6c6f"))
        assert said == [text("Hello")]

    def test_a_single_frame_masked_text_message(self, build: Build) -> None:
        said = Codec(build, "client").read_any_way(bytes.fromhex("818537fa213d7f9f4d5158"))
        assert said == [text("Hello")]

    def test_a_fragmented_unmasked_text_message(self, build: Build) -> None:
        said = Codec(build, "upstream").read_any_way(bytes.fromhex("010348656c 80026c6f"))
        assert said == [text("Hel", fin=False), cont("lo", fin=True)]

    def test_an_unmasked_ping_and_its_masked_pong(self, build: Build) -> None:
        said = Codec(build, "upstream").read_any_way(bytes.fromhex("890548656c6c6f"))
        assert said == [ping("Hello")]
        said = Codec(build, "client").read_any_way(bytes.fromhex("8a8537fa213d7f9f4d5158"))
        assert said == [pong("Hello")]


class TestReservedBits:
    """Section 5.2: RSV1, RSV2, RSV3 MUST be 0 unless an extension defines meanings for them."""

    @pytest.mark.parametrize("rsv", [0b100, 0b010, 0b001, 0b111])
    @pytest.mark.parametrize("value", [text("x"), binary(), ping(), pong("x"), close(1000)], ids=repr)
    def test_a_set_bit_is_refused(self, codec: Codec, value: Frame, rsv: int) -> None:
        said = codec.read_any_way(codec.wire(value._replace(rsv=rsv)))
        assert said == [Failure(PROTOCOL_ERROR, "reserved bits set without an extension")]

    @pytest.mark.parametrize("rsv", [0b100, 0b010, 0b001])
    def test_a_set_bit_on_a_later_fragment_is_refused(self, codec: Codec, rsv: int) -> None:
        wire = codec.wire(text("a", fin=False), cont("b", fin=True)._replace(rsv=rsv))
        assert codec.read_any_way(wire)[0] == text("a", fin=False)
        assert codec.verdict(wire) == PROTOCOL_ERROR


class TestOpcodes:
    """Section 5.2: %x3-7 are reserved for further non-control frames, %xB-F for further control frames."""

    @pytest.mark.parametrize("opcode", [0x3, 0x4, 0x5, 0x6, 0x7])
    def test_a_reserved_data_opcode_is_refused(self, codec: Codec, opcode: int) -> None:
        assert codec.read_any_way(codec.frame(opcode, b"x")) == [Failure(PROTOCOL_ERROR, "reserved data opcode")]

    @pytest.mark.parametrize("opcode", [0xB, 0xC, 0xD, 0xE, 0xF])
    def test_a_reserved_control_opcode_is_refused(self, codec: Codec, opcode: int) -> None:
        assert codec.read_any_way(codec.frame(opcode, b"x")) == [Failure(PROTOCOL_ERROR, "reserved control opcode")]

    @pytest.mark.parametrize("opcode", [0x3, 0x7, 0xB, 0xF])
    def test_a_reserved_opcode_is_no_part_of_a_message_either(self, codec: Codec, opcode: int) -> None:
        assert codec.verdict(codec.wire(text("a", fin=False)) + codec.frame(opcode, fin=False)) == PROTOCOL_ERROR

    @pytest.mark.parametrize("value", [text("x"), binary(b"x"), ping("x"), pong("x"), close(1000, "x")], ids=repr)
    def test_the_defined_ones_are_read(self, codec: Codec, value: Frame) -> None:
        assert codec.read_any_way(codec.wire(value)) == [value]


class TestLengths:
    """Section 5.2: the minimal number of bytes MUST be used to encode the length; the most significant bit of a 64-bit
    length MUST be 0."""

    @pytest.mark.parametrize("size", [0, 1, 125])
    def test_the_short_form_holds_up_to_125(self, codec: Codec, size: int) -> None:
        assert codec.read_any_way(codec.frame(BINARY, bytes(size))) == [binary(bytes(size))]

    @pytest.mark.parametrize("size", [126, 127, 128, 255, 256])
    def test_the_16_bit_form_begins_at_126(self, codec: Codec, size: int) -> None:
        assert codec.read_any_way(codec.frame(BINARY, bytes(size), length_form=16)) == [binary(bytes(size))]

    @pytest.mark.parametrize(("size", "form"), [(65535, 16), (65536, 64), (65537, 64)])
    def test_the_64_bit_form_begins_where_the_16_bit_form_ends(self, codec: Codec, size: int, form: int) -> None:
        wire = codec.frame(BINARY, b"\x5a" * size, length_form=form)  # type: ignore[arg-type]
        for cut in (0, 1, 2, 3, 4, 9, 10, 11, 13, 14, 15, len(wire) - 1):
            assert codec.read(wire[:cut], wire[cut:]) == [binary(b"\x5a" * size)]
            assert codec.read(wire[:cut], wire[cut:], stream=True) == [binary(b"\x5a" * size)]

    @pytest.mark.parametrize("size", [0, 1, 125])
    @pytest.mark.parametrize("form", [16, 64])
    def test_a_longer_form_for_a_short_length_is_refused(self, codec: Codec, size: int, form: int) -> None:
        wire = codec.frame(BINARY, bytes(size), length_form=form)  # type: ignore[arg-type]
        assert codec.read_any_way(wire) == [Failure(PROTOCOL_ERROR, "length not in its minimal form")]

    @pytest.mark.parametrize("size", [126, 65535])
    def test_the_64_bit_form_for_a_16_bit_length_is_refused(self, codec: Codec, size: int) -> None:
        header = codec.frame(BINARY, length_form=64, announced=size)
        assert codec.read_any_way(header) == [Failure(PROTOCOL_ERROR, "length not in its minimal form")]

    @pytest.mark.parametrize("length", [1 << 63, (1 << 64) - 1, (1 << 63) + 5])
    def test_the_top_bit_of_a_64_bit_length_is_refused(self, codec: Codec, length: int) -> None:
        said = codec.read_any_way(codec.frame(BINARY, announced=length))
        assert said == [Failure(PROTOCOL_ERROR, "64-bit length with its most significant bit set")]

    @pytest.mark.parametrize("length", [MAX_LENGTH, MAX_LENGTH - 13, MAX_LENGTH - 14, 1 << 62, 1 << 32])
    @pytest.mark.parametrize("stream", [False, True])
    def test_the_largest_lengths_can_be_announced(self, codec: Codec, length: int, stream: bool) -> None:
        header = codec.frame(BINARY, announced=length)
        for cut in range(len(header) + 1):
            reading = codec.reading(stream=stream).feed(header[:cut], header[cut:], b"payload", b"and more")
            delivered = b"".join(event.payload for event in reading.events if isinstance(event, Piece))
            assert delivered == (_unmasked(codec, b"payloadand more") if stream else b"")
            assert reading.parser.error_code == 0 and reading.parser.length == length
            assert reading.parser.buffered() == (0 if stream else len(header) + 15)

    def test_the_forms_are_judged_before_the_masking_key_is_read(self, build: Build) -> None:
        codec = Codec(build, "client")
        assert codec.verdict(codec.frame(BINARY, announced=125, length_form=16)[:4]) == PROTOCOL_ERROR
        assert codec.verdict(codec.frame(BINARY, announced=1 << 63)[:3]) is None
        assert codec.verdict(codec.frame(BINARY, announced=1 << 63)[:10]) == PROTOCOL_ERROR

    def test_wrong_headers_are_refused_with_their_second_byte(self, codec: Codec) -> None:
        for wire in (codec.frame(0x3), codec.frame(0xB), codec.frame(TEXT, rsv=1), codec.frame(PING, fin=False)):
            assert codec.read(wire[:1]) == []
            assert codec.verdict(wire[:2]) == PROTOCOL_ERROR


class TestManyFrames:
    """Frames follow each other without anything between."""

    ALL = [
        text("one"),
        ping(),
        binary(b"\x00\xff" * 70),
        text("", fin=False),
        pong("p"),
        cont("", fin=False),
        cont("end", fin=True),
        close(4000, "bye"),
    ]

    def test_they_are_read_in_order_however_they_are_cut(self, codec: Codec) -> None:
        assert codec.read_any_way(codec.wire(*self.ALL)) == self.ALL

    def test_a_good_frame_before_a_bad_one_is_delivered_first(self, codec: Codec) -> None:
        wire = codec.wire(text("good")) + codec.frame(0x3, b"bad") + codec.wire(text("too late"))
        assert codec.read_any_way(wire) == [text("good"), Failure(PROTOCOL_ERROR, "reserved data opcode")]

    def test_an_empty_window_brings_nothing(self, codec: Codec) -> None:
        assert codec.read(b"", codec.wire(text("x")), b"", b"") == [text("x")]

    def test_a_frame_is_delivered_with_its_last_byte_and_no_sooner(self, codec: Codec) -> None:
        for value in self.ALL[:3]:
            wire = codec.wire(value)
            reading = codec.reading().feed(wire[:-1])
            assert reading.events == []
            assert reading.feed(wire[-1:]).events == [value]


class TestFailedParser:
    """After the first error nothing more is read and nothing is held."""

    def test_it_has_failed_for_good(self, codec: Codec) -> None:
        parser = codec.parser()
        bad = bytearray(codec.frame(0x3))
        parser.feed(bad, 0, len(bad))
        assert [parser.next(), parser.next(), parser.buffered()] == [FAILED, FAILED, 0]
        good = bytearray(codec.wire(text("x")))
        parser.feed(good, 0, len(good))
        assert [parser.next(), parser.buffered()] == [FAILED, 0]
        assert (parser.error_code, parser.error) == (PROTOCOL_ERROR, "reserved data opcode")

    def test_a_fresh_parser_needs_bytes_and_holds_none(self, codec: Codec) -> None:
        parser = codec.parser()
        assert [parser.next(), parser.buffered(), parser.error_code, parser.error] == [NEED, 0, 0, ""]


def _unmasked(codec: Codec, payload: bytes) -> bytes:
    return frames.masked(payload, KEY) if codec.masked else payload
