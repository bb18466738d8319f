"""What one reader takes for one request and another for two, or for another host: refused, or left behind untouched."""

from __future__ import annotations

import pytest

from framegate.handshake import BadRequest, RequestReader, check_opening_request
from tests.handshake.samples import changed, request, verdict
from tests.kit.cuts import cuts

REFUSED = {
    "a body": request(("Content-Length", "5")) + b"hello",
    "a body that is not there yet": request(("Content-Length", "1")),
    "a length with a sign": request(("Content-Length", "+0")),
    "a negative length": request(("Content-Length", "-0")),
    "a length that is no number": request(("Content-Length", "0x0")),
    "an empty length": request(("Content-Length", "")),
    "a list of lengths": request(("Content-Length", "0, 0")),
    "two lengths": request(("Content-Length", "0"), ("Content-Length", "5")),
    "the same length twice": request(("Content-Length", "0"), ("content-length", "0")),
    "a length of other digits": request(("Content-Length", "\xb2")),
    "chunks": request(("Transfer-Encoding", "chunked")) + b"0\r\n\r\n",
    "chunks in other letters": request(("transfer-ENCODING", "ChUnKeD")),
    "the identity coding": request(("Transfer-Encoding", "identity")),
    "an unknown coding": request(("Transfer-Encoding", "xchunked")),
    "an empty coding": request(("Transfer-Encoding", "")),
    "a coding and a length": request(("Transfer-Encoding", "chunked"), ("Content-Length", "0")),
    "a length and a coding": request(("Content-Length", "5"), ("Transfer-Encoding", "chunked")),
    "no host": request(without="Host"),
    "two hosts": request(("Host", "evil.example")),
    "the same host twice": request(("hOST", "example.com")),
    "a list of hosts": changed("Host", "example.com, evil.example"),
    "a host with user information": changed("Host", "example.com@evil.example"),
    "an absolute-form target": request(line="GET http://example.com/chat HTTP/1.1"),
    "an absolute-form target of our scheme": request(line="GET ws://example.com/chat HTTP/1.1"),
    "an authority-form target": request(line="GET example.com:80 HTTP/1.1"),
    "an asterisk-form target": request(line="GET * HTTP/1.1"),
    "a target without a slash": request(line="GET chat HTTP/1.1"),
    "a target that is a query alone": request(line="GET ?a HTTP/1.1"),
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_ambiguous_request_is_400(raw):
    try:
        status = verdict(raw)
    except BadRequest as refused:
        status = refused.status
    assert status == 400


@pytest.mark.parametrize("length", ["0", "00", "0000"])
def test_content_length_of_zero_is_no_body(length):
    assert verdict(request(("Content-Length", length))) == 101


def test_pipelined_request_behind_the_handshake_lands_in_rest_untouched():
    second = b"POST /admin HTTP/1.1\r\nHost: evil\r\nContent-Length: 3\r\n\r\nabc"
    for pieces in cuts(request() + second):
        reader, head, behind = RequestReader(), None, b""
        for piece in pieces:
            if head is None:
                head = reader.feed(piece)
            else:
                behind += piece
        assert head is not None
        check_opening_request(head)
        assert reader.rest + behind == second
        assert "Content-Length" not in head.headers


def test_half_a_second_head_is_not_joined_to_the_first():
    reader = RequestReader()
    head = reader.feed(request() + b"X-Later: a\r\n\r\n")
    assert head is not None and "X-Later" not in head.headers
    assert reader.rest == b"X-Later: a\r\n\r\n"
