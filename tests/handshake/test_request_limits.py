"""The limits of a request's head: exactly the limit passes, one more is refused as soon as it shows."""

from __future__ import annotations

import tracemalloc

import pytest

from framegate.handshake import BadRequest, RequestReader
from tests.kit.cuts import cuts

LINE = b"GET /" + b"a" * 18 + b" HTTP/1.1"  # 32 bytes


def run(raw: bytes | list[bytes], **limits: int) -> int:
    """The status of the refusal, 0 while the head is not complete, 200 once it is."""
    reader = RequestReader(**limits)
    try:
        heads = [reader.feed(piece) for piece in ([raw] if isinstance(raw, bytes) else raw)]
    except BadRequest as refused:
        return refused.status
    return 200 if heads[-1] else 0


def test_request_line_at_the_limit_passes_and_one_byte_less_of_it_is_414():
    assert run(LINE + b"\r\n\r\n", max_request_line=32) == 200
    assert run(LINE + b"\r\n\r\n", max_request_line=31) == 414


def test_request_line_limit_at_every_cut():
    for pieces in cuts(LINE + b"\r\n\r\n"):
        assert run(pieces, max_request_line=32) == 200
        assert run(pieces, max_request_line=31) == 414


def test_request_line_without_an_end_is_414_at_the_first_byte_too_many():
    assert run(LINE, max_request_line=32) == 0
    assert run(LINE + b"\r", max_request_line=32) == 0
    assert run(LINE + b"x", max_request_line=32) == 414
    assert run(b"G" * 33, max_request_line=32) == 414


def test_request_line_over_the_limit_is_414_whatever_stands_behind_it():
    assert run(LINE + b"x\r\n\x00\n", max_request_line=32) == 414


def test_default_request_line_limit_is_8_kib():
    fill = b"a" * (8192 - len(b"GET / HTTP/1.1"))
    assert run(b"GET /" + fill + b" HTTP/1.1\r\n\r\n") == 200
    assert run(b"GET /" + fill + b"a HTTP/1.1\r\n\r\n") == 414


FIELDS = b"Host: a\r\n" + b"X: " + b"b" * 18 + b"\r\n"  # 9 + 23 bytes


def test_header_bytes_at_the_limit_pass_and_one_byte_less_of_it_is_431():
    assert run(LINE + b"\r\n" + FIELDS + b"\r\n", max_header_bytes=32) == 200
    assert run(LINE + b"\r\n" + FIELDS + b"\r\n", max_header_bytes=31) == 431


def test_header_bytes_limit_at_every_cut():
    for pieces in cuts(LINE + b"\r\n" + FIELDS + b"\r\n"):
        assert run(pieces, max_header_bytes=32) == 200
        assert run(pieces, max_header_bytes=31) == 431


def test_headers_without_an_end_are_431_at_the_first_byte_too_many():
    begun = LINE + b"\r\n" + FIELDS
    assert run(begun, max_header_bytes=32) == 0
    assert run(begun + b"\r", max_header_bytes=32) == 0
    assert run(begun + b"Y", max_header_bytes=32) == 431
    assert run(LINE + b"\r\nX: " + b"b" * 30, max_header_bytes=32) == 431


def test_no_headers_pass_under_a_limit_of_none():
    assert run(LINE + b"\r\n\r\n", max_header_bytes=0, max_headers=0) == 200
    assert run(LINE + b"\r\nX", max_header_bytes=0) == 431


def test_default_header_bytes_limit_is_64_kib():
    fill = b"X: " + b"b" * (65536 - 5)
    assert run(LINE + b"\r\n" + fill + b"\r\n\r\n") == 200
    assert run(LINE + b"\r\n" + fill + b"b\r\n\r\n") == 431


def test_as_many_headers_as_the_limit_pass_and_one_more_is_431():
    assert run(LINE + b"\r\n" + b"a: b\r\n" * 3 + b"\r\n", max_headers=3) == 200
    assert run(LINE + b"\r\n" + b"a: b\r\n" * 4 + b"\r\n", max_headers=3) == 431


def test_header_count_limit_at_every_cut():
    for pieces in cuts(LINE + b"\r\n" + b"a: b\r\n" * 3 + b"\r\n"):
        assert run(pieces, max_headers=3) == 200
        assert run(pieces, max_headers=2) == 431


def test_one_header_too_many_is_431_at_its_first_byte():
    begun = LINE + b"\r\n" + b"a: b\r\n" * 3
    assert run(begun, max_headers=3) == 0
    assert run(begun + b"\r", max_headers=3) == 0
    assert run(begun + b"a", max_headers=3) == 431
    assert run([begun, b"a"], max_headers=3) == 431


def test_default_header_count_limit_is_128():
    assert run(LINE + b"\r\n" + b"a: b\r\n" * 128 + b"\r\n") == 200
    assert run(LINE + b"\r\n" + b"a: b\r\n" * 129 + b"\r\n") == 431


@pytest.mark.parametrize("endless", [b"a", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"])
def test_reader_never_holds_more_than_a_head_may_have(endless):
    reader, most = RequestReader(max_request_line=64, max_header_bytes=256, max_headers=1000), 64 + 256 + 4
    with pytest.raises(BadRequest):
        reader.feed(endless)
        while True:
            reader.feed(b"a: b\r\n" if endless.endswith(b"\r\n") else b"a")
            assert reader.held <= most
    assert reader.held == 0


def test_one_huge_piece_is_not_copied_before_it_is_refused():
    reader, huge = RequestReader(), memoryview(b"a" * 10_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(BadRequest) as caught:
            reader.feed(huge)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.status == 414 and reader.held == 0


@pytest.mark.parametrize("size", [0, 1, 8192 + 65536 + 4, 1_000_000])
def test_all_that_came_behind_the_head_is_in_rest_however_much(size):
    reader, behind = RequestReader(), bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert reader.feed(LINE + b"\r\n") is None
    assert reader.feed(FIELDS + b"\r\n" + behind) is not None
    assert reader.rest == behind
