"""Control frames (RFC 6455, section 5.5)."""

from __future__ import annotations

import pytest

from framegate.codec.constants import NEED, PROTOCOL_ERROR
from tests.kit.frames import BINARY, CLOSE, PING, PONG, close, cont, ping, pong, text
from tests.kit.parsing import Codec, Failure

CONTROL = pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
CLOSE_BODY = b"\x03\xe8"


class TestSize:
    """Section 5.5: all control frames MUST have a payload length of 125 bytes or less."""

    @CONTROL
    def test_125_bytes_pass(self, codec: Codec, opcode: int) -> None:
        payload = CLOSE_BODY + b"x" * 123
        said = codec.read_any_way(codec.frame(opcode, payload))
        assert [(one.opcode, one.payload) for one in said] == [(opcode, payload)]  # type: ignore[union-attr]

    @CONTROL
    @pytest.mark.parametrize("size", [126, 127, 65535])
    def test_126_bytes_and_more_are_refused_with_the_second_byte(self, codec: Codec, opcode: int, size: int) -> None:
        wire = codec.frame(opcode, announced=size)[:2]
        assert codec.read_any_way(wire) == [Failure(PROTOCOL_ERROR, "control frame with over 125 payload bytes")]

    @CONTROL
    def test_the_64_bit_form_is_refused_likewise(self, codec: Codec, opcode: int) -> None:
        assert codec.verdict(codec.frame(opcode, announced=1 << 20)[:2]) == PROTOCOL_ERROR

    @CONTROL
    def test_a_long_form_of_a_short_length_is_refused(self, codec: Codec, opcode: int) -> None:
        assert codec.verdict(codec.frame(opcode, CLOSE_BODY, length_form=16)) == PROTOCOL_ERROR


class TestFragmentation:
    """Section 5.5: control frames MUST NOT be fragmented."""

    @CONTROL
    def test_a_control_frame_without_fin_is_refused(self, codec: Codec, opcode: int) -> None:
        said = codec.read_any_way(codec.frame(opcode, CLOSE_BODY, fin=False))
        assert said == [Failure(PROTOCOL_ERROR, "fragmented control frame")]

    @CONTROL
    def test_inside_a_message_too(self, codec: Codec, opcode: int) -> None:
        wire = codec.wire(text("a", fin=False)) + codec.frame(opcode, CLOSE_BODY, fin=False)
        assert codec.verdict(wire) == PROTOCOL_ERROR


class TestBetweenFragments:
    """Section 5.4: control frames MAY be injected in the middle of a fragmented message."""

    def test_ping_and_pong_do_not_disturb_the_message(self, codec: Codec) -> None:
        frames = [text("Hel", fin=False), ping("?"), cont("l", fin=False), pong("!"), ping(), cont("o", fin=True)]
        assert codec.read_any_way(codec.wire(*frames)) == frames

    def test_a_close_frame_inside_a_message_is_a_close_frame(self, codec: Codec) -> None:
        frames = [text("Hel", fin=False), close(1001, "going")]
        assert codec.read_any_way(codec.wire(*frames)) == frames

    def test_a_ping_between_halves_of_a_character_does_not_disturb_the_text(self, codec: Codec) -> None:
        frames = [text(b"\xe2\x82", fin=False), ping(b"\xff\xfe"), cont(b"\xac", fin=True)]
        assert codec.read_any_way(codec.wire(*frames), validate_utf8=True) == frames


class TestHeldWhole:
    """A control frame is delivered whole, even where data frames are delivered in pieces."""

    @pytest.mark.parametrize("value", [ping(b"x" * 125), pong(b"y"), close(1000, "z" * 100)], ids=repr)
    def test_it_waits_for_its_last_byte(self, codec: Codec, value: object) -> None:
        wire = codec.wire(value)  # type: ignore[arg-type]
        for cut in range(1, len(wire)):
            reading = codec.reading(stream=True).feed(wire[:cut])
            assert (reading.events, reading.parser.buffered()) == ([], cut)
            assert reading.feed(wire[cut:]).events == [value]

    def test_its_kind_is_its_own_opcode(self, codec: Codec) -> None:
        parser = codec.parser()
        window = bytearray(codec.wire(text("a", fin=False), ping()))
        parser.feed(window, 0, len(window))
        kinds = []
        while parser.next() != NEED:
            kinds.append((parser.opcode, parser.kind))
        assert kinds == [(1, 1), (PING, PING)]

    def test_no_limit_of_messages_counts_it(self, codec: Codec) -> None:
        frames = [ping(b"x" * 125), text("a", fin=False), ping(b"y" * 125), cont("b", fin=True), close(1000, "z" * 120)]
        assert codec.read_any_way(codec.wire(*frames), max_size=2, max_fragments=2, joined=True) == frames

    def test_its_payload_is_any_bytes(self, codec: Codec) -> None:
        frames = [ping(b"\xff\x00\xc0"), pong(bytes(range(125)))]
        assert codec.read_any_way(codec.wire(*frames)) == frames


def test_binary_payloads_are_any_bytes(codec: Codec) -> None:
    wire = codec.frame(BINARY, bytes(range(256)))
    assert codec.read_any_way(wire)[0].payload == bytes(range(256))  # type: ignore[union-attr]
