"""Close codes and payloads of our own (RFC 6455, section 7.4)."""

from __future__ import annotations

import re

import pytest

from framegate.codec import close
from framegate.codec.constants import NO_CODE
from tests.codec.test_close_payloads import ALLOWED, REFUSED


class TestCodes:
    """The sets of codes that may be received and that may be sent."""

    @pytest.mark.parametrize("code", ALLOWED)
    def test_allowed(self, code: int) -> None:
        assert close.may_be_received(code) and close.may_be_sent(code)

    @pytest.mark.parametrize("code", [-1, *REFUSED, 1 << 70])
    def test_refused(self, code: int) -> None:
        assert not close.may_be_received(code) and not close.may_be_sent(code)

    def test_the_words_for_messages_name_the_same_set(self) -> None:
        named: set[int] = set()
        for first, last in re.findall(r"(\d+)-(\d+)", close.SENDABLE_CODES):
            named |= set(range(int(first), int(last) + 1))
        assert named == {code for code in range(70000) if close.may_be_sent(code)}


class TestCheck:
    """What a program asks to be sent is checked before anything is."""

    def test_the_reason_comes_back_as_utf8(self) -> None:
        assert close.check_sendable(1000, "bye €") == "bye €".encode()

    @pytest.mark.parametrize("code", [True, 1000.0, "1000", None])
    def test_a_code_is_an_int(self, code: object) -> None:
        with pytest.raises(TypeError, match=r"^close: the code must be an int, not "):
            close.check_sendable(code, "")

    @pytest.mark.parametrize("reason", [b"bye", None, 1])
    def test_a_reason_is_a_str(self, reason: object) -> None:
        with pytest.raises(TypeError, match=r"^inject: the reason must be a str, not "):
            close.check_sendable(1000, reason, what="inject")

    @pytest.mark.parametrize("code", [-1, 1004, 1005, 1006, 1015, 5000])
    def test_a_code_that_may_not_be_sent_is_named_with_those_that_may(self, code: int) -> None:
        allowed = "1000-1003, 1007-1014, 3000-4999"
        with pytest.raises(ValueError, match=rf"code {code} may not be sent; one of {allowed} may"):
            close.check_sendable(code, "")

    def test_123_bytes_of_reason_fit(self) -> None:
        assert len(close.check_sendable(1000, "€" * 41)) == 123

    def test_124_bytes_do_not(self) -> None:
        with pytest.raises(ValueError, match="at most 123 bytes of UTF-8, this one has 124"):
            close.check_sendable(1000, "€" * 41 + "x")


class TestPayload:
    """Section 5.5.1: the code in network byte order, then the reason."""

    def test_code_and_reason(self) -> None:
        assert close.close_payload(1001, b"bye") == b"\x03\xe9bye"

    def test_without_a_code_there_is_no_reason_either(self) -> None:
        assert close.close_payload(NO_CODE, b"bye") == b""
