"""The payload of a close frame (RFC 6455, sections 5.5.1 and 7.4)."""

from __future__ import annotations

import pytest

from framegate.codec.constants import FRAME, INVALID_PAYLOAD, NO_CODE, PROTOCOL_ERROR
from tests.kit.frames import CLOSE, close
from tests.kit.parsing import Codec, Failure

ALLOWED = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3001, 3999, 4000, 4998, 4999]
REFUSED = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001, 32768, 65535]


class TestCodes:
    """Section 7.4: 0-999 are not used; 1004 is reserved; 1005, 1006 and 1015 MUST NOT be set by an endpoint; 1000-2999
    that nobody registered are reserved for the protocol; 3000-4999 are for libraries and applications."""

    @pytest.mark.parametrize("code", ALLOWED)
    def test_a_code_that_may_be_sent_is_read(self, codec: Codec, code: int) -> None:
        assert codec.read_any_way(codec.wire(close(code))) == [close(code)]

    @pytest.mark.parametrize("code", REFUSED)
    def test_a_code_that_may_not_be_sent_is_refused(self, codec: Codec, code: int) -> None:
        said = codec.read_any_way(codec.wire(close(code, "why")))
        assert said == [Failure(PROTOCOL_ERROR, f"close code {code} may not be sent")]


class TestBody:
    """Section 5.5.1: if there is a body, its first two bytes MUST be a status code; UTF-8 text may follow."""

    def test_no_body_is_no_code(self, codec: Codec) -> None:
        parser = codec.parser()
        window = bytearray(codec.wire(close()))
        parser.feed(window, 0, len(window))
        assert (parser.next(), parser.close_code, parser.payload()) == (FRAME, NO_CODE, b"")

    def test_a_body_of_one_byte_is_refused(self, codec: Codec) -> None:
        said = codec.read_any_way(codec.frame(CLOSE, b"\x03"))
        assert said == [Failure(PROTOCOL_ERROR, "close frame with one payload byte")]

    def test_a_code_without_a_reason(self, codec: Codec) -> None:
        parser = codec.parser()
        window = bytearray(codec.wire(close(1001)))
        parser.feed(window, 0, len(window))
        assert (parser.next(), parser.close_code, parser.payload()) == (FRAME, 1001, b"")

    def test_the_payload_of_a_close_frame_is_its_reason(self, codec: Codec) -> None:
        parser = codec.parser()
        window = bytearray(codec.wire(close(4321, "so long €")))
        parser.feed(window, 0, len(window))
        assert (parser.next(), parser.close_code, parser.payload()) == (FRAME, 4321, "so long €".encode())

    def test_a_reason_of_123_bytes_is_read(self, codec: Codec) -> None:
        assert codec.read_any_way(codec.wire(close(1000, "r" * 123))) == [close(1000, "r" * 123)]

    def test_a_reason_of_124_bytes_is_refused(self, codec: Codec) -> None:
        assert codec.verdict(codec.wire(close(1000, "r" * 124))) == PROTOCOL_ERROR

    @pytest.mark.parametrize(
        "reason", [b"\xff", b"ok \xc0\xaf", b"\xed\xa0\x80", b"cut \xe2\x82", b"\xf4\x90\x80\x80"], ids=repr
    )
    def test_a_reason_that_is_not_utf8_is_refused(self, codec: Codec, reason: bytes) -> None:
        said = codec.read_any_way(codec.wire(close(1000, reason)))
        assert said == [Failure(INVALID_PAYLOAD, "close reason that is not UTF-8")]

    def test_the_reason_is_checked_where_texts_are_not(self, codec: Codec) -> None:
        assert codec.verdict(codec.wire(close(1000, b"\xff")), validate_utf8=False) == INVALID_PAYLOAD

    def test_a_wrong_code_is_told_before_a_wrong_reason(self, codec: Codec) -> None:
        assert codec.verdict(codec.wire(close(1005, b"\xff"))) == PROTOCOL_ERROR

    def test_the_code_is_forgotten_with_the_next_frame(self, codec: Codec) -> None:
        # Nothing may follow a close frame; the parser leaves that to those who know the connection.
        parser = codec.parser()
        window = bytearray(codec.wire(close(1000, "a"), close()))
        parser.feed(window, 0, len(window))
        assert [parser.next(), parser.close_code, parser.next(), parser.close_code] == [FRAME, 1000, FRAME, NO_CODE]
