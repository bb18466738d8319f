"""The body of the upstream's refusal: three framings (RFC 9112, section 6.3), one bound."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from framegate.errors import UpstreamUnavailable
from framegate.handshake import AnswerReader, UpstreamAnswer
from framegate.handshake.body import BodyError, RefusalBody
from tests.handshake.samples import KEY
from tests.kit.cuts import cuts

BY_LENGTH = b"HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\n0123456789"
BY_CHUNKS = (
    b"HTTP/1.1 403 No\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"4\r\n0123\r\n5;name=value\r\n45678\r\n1\r\n9\r\n0\r\nX-Trailer: a\r\n\r\n"
)
BY_END = b"HTTP/1.1 403 No\r\n\r\n0123456789"
BY_END_1_0 = b"HTTP/1.0 403 No\r\nServer: old\r\n\r\n0123456789"


def run(pieces: list[bytes], **limits: int) -> tuple[UpstreamAnswer, int]:
    """The answer, and how many pieces it took; all of them and the end of the stream count one more."""
    reader = AnswerReader(KEY, offered=(), **limits)
    for number, piece in enumerate(pieces, 1):
        if (read := reader.feed(piece)) is not None:
            return read, number
    return reader.eof(), len(pieces) + 1


@pytest.mark.parametrize("raw", [BY_LENGTH, BY_CHUNKS, BY_END, BY_END_1_0])
def test_body_is_the_same_at_every_cut(raw):
    for pieces in cuts(raw):
        assert run(pieces)[0].body == b"0123456789"


def test_body_with_a_length_is_complete_with_its_last_byte():
    assert run([BY_LENGTH[:-1], BY_LENGTH[-1:], b"more"])[1] == 2


def test_body_in_chunks_is_complete_with_its_last_chunk():
    assert run([BY_CHUNKS[:-2], BY_CHUNKS[-2:], b"more"])[1] <= 2


def test_body_without_framing_ends_with_the_stream():
    assert run([BY_END])[1] == 2


def test_what_follows_a_body_is_ignored():
    assert run([BY_LENGTH + b"garbage\0"])[0].body == b"0123456789"
    assert run([BY_CHUNKS + b"HTTP/1.1 200 OK\r\n\r\n"])[0].body == b"0123456789"


@pytest.mark.parametrize("raw", [BY_LENGTH, BY_CHUNKS, BY_END])
def test_body_at_the_limit_is_whole_and_over_it_is_cut(raw):
    for pieces in cuts(raw):
        assert run(pieces, max_refusal_body=10)[0].body == b"0123456789"
        assert run(pieces, max_refusal_body=9)[0].body == b"012345678"
        assert run(pieces, max_refusal_body=0)[0].body == b""


@pytest.mark.parametrize("raw", [BY_LENGTH, BY_CHUNKS, BY_END])
def test_answer_is_returned_at_the_limit_without_waiting_for_the_rest(raw):
    upto = raw.index(b"23") + 2
    assert run([raw[:upto]], max_refusal_body=4)[1] == 1


def test_length_beyond_the_limit_is_no_reason_to_wait():
    raw = b"HTTP/1.1 403 No\r\nContent-Length: 999999999999\r\n\r\nabcd"
    assert run([raw], max_refusal_body=4) == (run([raw], max_refusal_body=4)[0], 1)
    assert run([raw], max_refusal_body=4)[0].body == b"abcd"


def test_empty_bodies():
    assert run([b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"])[1] == 1
    assert run([b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])[1] == 1
    assert run([b"HTTP/1.1 403 No\r\n\r\n"]) == (run([b"HTTP/1.1 403 No\r\n\r\n"])[0], 2)


def test_304_has_no_body_whatever_it_announces():
    read, pieces = run([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"])
    assert (read.status, read.body, pieces) == (304, b"", 1)


@pytest.mark.parametrize("raw", [BY_LENGTH, BY_CHUNKS])
def test_framed_body_that_the_stream_cuts_off_is_a_failure(raw):
    reader = AnswerReader(KEY, offered=())
    assert reader.feed(raw[: raw.index(b"23")]) is None
    with pytest.raises(UpstreamUnavailable, match="within the body of its 403"):
        reader.eof()


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"\r\n", b"f" * 20 + b"\r\n"])
def test_malformed_chunk_is_a_failure(chunk):
    with pytest.raises(UpstreamUnavailable, match="malformed"):
        run([BY_CHUNKS[: BY_CHUNKS.index(b"4\r\n")] + chunk])


def test_refusal_that_speaks_of_an_upgrade_has_its_body_too():
    raw = b"HTTP/1.1 426 No\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno"
    assert run([raw])[0].body == b"no"


ENDLESS = {
    "an extension": (b"1;", b"x" * 100),
    "a trailer": (b"0\r\nX: ", b"x" * 100),
}


@pytest.mark.parametrize(("start", "more"), ENDLESS.values(), ids=ENDLESS)
def test_endless_overhead_of_chunks_ends_the_body(start, more):
    reader = AnswerReader(KEY, offered=(), max_header_bytes=1000)
    assert reader.feed(b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n" + start) is None
    for _ in range(9):
        assert reader.feed(more) is None
    read = next(read for _ in range(3) if (read := reader.feed(more)) is not None)
    assert read.body == b"ab"


def test_reader_never_holds_more_than_the_limit():
    reader = AnswerReader(KEY, offered=(), max_refusal_body=1000)
    assert reader.feed(b"HTTP/1.1 403 No\r\n\r\n") is None
    for _ in range(9):
        assert reader.feed(b"x" * 100) is None
        assert reader.held <= 1000
    read = reader.feed(b"x" * 1_000_000)
    assert read is not None and len(read.body) == 1000 and reader.held == 0


FRAMING = [
    ("two lengths", [("Content-Length", "1"), ("Content-Length", "1")]),
    ("a signed length", [("Content-Length", "+1")]),
    ("an empty length", [("Content-Length", "")]),
    ("a length of other digits", [("Content-Length", "\xb2")]),
    ("a length beyond counting", [("Content-Length", "1" * 19)]),
    ("an unknown coding", [("Transfer-Encoding", "gzip")]),
    ("chunks twice", [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")]),
    ("chunks not last", [("Transfer-Encoding", "chunked, gzip")]),
]


@pytest.mark.parametrize("headers", [headers for _, headers in FRAMING], ids=[name for name, _ in FRAMING])
def test_framing_that_is_unclear_is_refused_without_the_help_of_llhttp(headers):
    with pytest.raises(BodyError):
        RefusalBody(403, CIMultiDict(headers), limit=10, overhead_limit=10)
