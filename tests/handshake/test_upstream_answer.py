"""What the upstream may answer: a 101 that is verified in every point, interim answers before it, or a refusal."""

from __future__ import annotations

import pytest

from framegate.errors import HandshakeRefused, UpstreamUnavailable, UsageError
from framegate.handshake import AnswerReader, UpstreamAnswer
from tests.handshake.samples import ACCEPT, KEY, answer, lines, read_answer
from tests.kit.cuts import cuts


def failure(raw: bytes, *, offered: tuple[str, ...] = ()) -> str:
    with pytest.raises(UpstreamUnavailable) as caught:
        read_answer(raw, offered=offered)
    assert "\n" not in str(caught.value) and not caught.value.timed_out
    return str(caught.value)


def test_valid_101_is_returned_with_its_headers():
    read = read_answer(answer(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")))
    assert (read.status, read.reason, read.subprotocol, read.body) == (101, "Switching Protocols", None, b"")
    assert read.headers.getall("set-cookie") == ["a=1", "b=2"]


def test_every_cut_of_a_101_gives_the_same_answer_and_rest():
    frames = b"\x81\x05hello\r\n\r\n\x8a\x00"
    for pieces in cuts(answer() + frames):
        reader, read, late = AnswerReader(KEY, offered=()), None, b""
        for piece in pieces:
            if read is None:
                read = reader.feed(piece)
            else:
                late += piece
        assert read is not None and read.status == 101
        assert reader.rest + late == frames


@pytest.mark.parametrize("line", ["HTTP/1.1 101 Web Socket Protocol Handshake", "HTTP/1.1 101 ", "HTTP/1.1 101"])
def test_reason_of_a_101_does_not_matter(line):
    assert read_answer(answer(line=line)).status == 101


@pytest.mark.parametrize("value", ["websocket", "WebSocket", "WEBSOCKET"])
def test_upgrade_of_a_101_in_any_case(value):
    assert read_answer(answer(("Upgrade", value), without="Upgrade")).status == 101


@pytest.mark.parametrize("value", ["upgrade", "keep-alive, Upgrade", "Upgrade,close"])
def test_connection_of_a_101_holds_upgrade_in_any_case(value):
    assert read_answer(answer(("Connection", value), without="Connection")).status == 101


NOT_VALID = {
    "no Upgrade": answer(without="Upgrade"),
    "another Upgrade": answer(("Upgrade", "h2c"), without="Upgrade"),
    "more than Upgrade": answer(("Upgrade", "h2c")),
    "no Connection": answer(without="Connection"),
    "another Connection": answer(("Connection", "keep-alive"), without="Connection"),
    "no Accept": answer(without="Sec-WebSocket-Accept"),
    "an empty Accept": answer(("Sec-WebSocket-Accept", ""), without="Sec-WebSocket-Accept"),
    "a wrong Accept": answer(("Sec-WebSocket-Accept", ACCEPT[::-1]), without="Sec-WebSocket-Accept"),
    "an Accept in other letters": answer(("Sec-WebSocket-Accept", ACCEPT.lower()), without="Sec-WebSocket-Accept"),
    "our key for an Accept": answer(("Sec-WebSocket-Accept", KEY), without="Sec-WebSocket-Accept"),
    "the Accept twice": answer(("Sec-WebSocket-Accept", ACCEPT)),
    "a second, wrong Accept": answer(("sec-websocket-accept", "x")),
    "a list of Accepts": answer(("Sec-WebSocket-Accept", f"{ACCEPT}, {ACCEPT}"), without="Sec-WebSocket-Accept"),
    "an extension": answer(("Sec-WebSocket-Extensions", "permessage-deflate")),
    "an empty extension": answer(("Sec-WebSocket-Extensions", "")),
    "HTTP/1.0": answer(line="HTTP/1.0 101 Switching Protocols"),
}


@pytest.mark.parametrize("raw", NOT_VALID.values(), ids=NOT_VALID)
def test_101_that_fails_verification_is_no_upstream(raw):
    assert failure(raw).startswith("the upstream's 101 is not valid: ")


def test_selected_subprotocol_is_among_the_offered_ones():
    raw = answer(("Sec-WebSocket-Protocol", "b"))
    assert read_answer(raw, offered=("a", "b")).subprotocol == "b"


def test_no_subprotocol_selected_is_fine():
    assert read_answer(answer(), offered=("a", "b")).subprotocol is None


@pytest.mark.parametrize("selected", ["c", "A", "", "a, b", "a,"])
def test_subprotocol_that_was_not_offered_is_a_failure(selected):
    assert "was not offered" in failure(answer(("Sec-WebSocket-Protocol", selected)), offered=("a", "b"))


def test_subprotocol_where_none_was_offered_is_a_failure():
    assert "was not offered" in failure(answer(("Sec-WebSocket-Protocol", "a")))


def test_subprotocol_selected_twice_is_a_failure():
    twice = answer(("Sec-WebSocket-Protocol", "a"), ("Sec-WebSocket-Protocol", "a"))
    assert "more than one" in failure(twice, offered=("a", "b"))


def test_length_in_a_101_announces_nothing():
    reader = AnswerReader(KEY, offered=())
    read = reader.feed(answer(("Content-Length", "3")) + b"abc")
    assert read is not None and read.body == b"" and reader.rest == b"abc"


INTERIM = lines("HTTP/1.1 103 Early Hints", [("Link", "</a>")]) + b"HTTP/1.1 100 Continue\r\n\r\n"


def test_interim_answers_are_skipped_at_every_cut():
    for pieces in cuts(INTERIM + answer(("X", "final"))):
        assert read_answer(*pieces).headers["X"] == "final"


def test_interim_answers_before_a_refusal_are_skipped():
    assert read_answer(INTERIM + b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n").status == 404


def test_as_many_interim_answers_as_the_limit_pass_and_one_more_fails():
    hint = b"HTTP/1.1 102 Processing\r\n\r\n"
    assert read_answer(hint * 8 + answer()).status == 101
    assert "more than 8 interim" in failure(hint * 9 + answer())
    reader = AnswerReader(KEY, offered=(), max_interim=0)
    with pytest.raises(UpstreamUnavailable):
        reader.feed(hint)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_no_upstream(status):
    assert f"answered the handshake with {status}" in failure(lines(f"HTTP/1.1 {status} OK", [("Content-Length", "0")]))


MALFORMED = [
    b"hello\r\n",
    b"\r\nHTTP/1.1 404 No\r\n\r\n",
    b"HTTP/1.1 404\n\n",
    b"HTTP/1.1  404 No\r\n\r\n",
    b"HTTP/1.1 4040 No\r\n\r\n",
    b"HTTP/1.1 40 No\r\n\r\n",
    b"HTTP/1.1 099 No\r\n\r\n",
    b"HTTP/1.1 600 No\r\n\r\n",
    b"HTTP/1.1 999 No\r\n\r\n",
    b"HTTP/2.0 404 No\r\n\r\n",
    b"HTTP/2 404 No\r\n\r\n",
    b"http/1.1 404 No\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"HTTP/1.1 404 a\x00b\r\n\r\n",
    b"HTTP/1.1 404 a\rb\r\n\r\n",
    b"HTTP/1.1 404 No\r\nX: a\r\n folded\r\n\r\n",
    b"HTTP/1.1 404 No\r\nX : a\r\n\r\n",
    b"HTTP/1.1 404 No\r\nX\r\n\r\n",
    b"HTTP/1.1 404 No\r\nX: a\x00\r\n\r\n",
    b"HTTP/1.1 404 No\r\nX: a\nY: b\r\n\r\n",
    b"HTTP/1.1 404 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 404 No\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 404 No\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 404 No\r\nContent-Length: \r\n\r\n",
    b"HTTP/1.1 404 No\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\n",
    b"HTTP/1.1 404 No\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 404 No\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x46",
]


@pytest.mark.parametrize("raw", MALFORMED)
def test_malformed_answer_is_no_upstream(raw):
    assert "malformed" in failure(raw)


def test_malformed_answer_is_no_upstream_byte_by_byte_either():
    for raw in MALFORMED:
        reader = AnswerReader(KEY, offered=())
        with pytest.raises(UpstreamUnavailable):
            for place in range(len(raw)):
                reader.feed(raw[place : place + 1])


def limited(raw: bytes, **limits: int) -> UpstreamAnswer | None:
    return AnswerReader(KEY, offered=(), **limits).feed(raw)


def test_header_bytes_of_an_answer_at_the_limit_pass_and_over_it_fail():
    size = len(answer()) - len("HTTP/1.1 101 Switching Protocols\r\n") - 2
    assert limited(answer(), max_header_bytes=size)
    with pytest.raises(UpstreamUnavailable, match=f"longer than {size - 1} bytes"):
        limited(answer(), max_header_bytes=size - 1)


def test_headers_of_an_answer_at_the_limit_pass_and_one_more_fails():
    assert limited(answer(), max_headers=3)
    with pytest.raises(UpstreamUnavailable, match="more than 2 headers"):
        limited(answer(), max_headers=2)


def test_status_line_is_bounded():
    reader = AnswerReader(KEY, offered=())
    with pytest.raises(UpstreamUnavailable, match="longer than 8192"):
        while True:
            reader.feed(b"HTTP/1.1 404 " + b"a" * 100 if not reader.held else b"a" * 100)
            assert reader.held < 9000
    assert reader.held == 0


def test_end_before_any_answer():
    with pytest.raises(UpstreamUnavailable, match="without an answer"):
        AnswerReader(KEY, offered=()).eof()


def test_end_within_the_head():
    reader = AnswerReader(KEY, offered=())
    reader.feed(answer()[:-1])
    with pytest.raises(UpstreamUnavailable, match="within its answer"):
        reader.eof()


def test_end_after_an_interim_answer():
    reader = AnswerReader(KEY, offered=())
    assert reader.feed(INTERIM) is None
    with pytest.raises(UpstreamUnavailable, match="without an answer"):
        reader.eof()


def test_reader_is_done_with_its_answer_and_with_its_failure():
    whole, broken = AnswerReader(KEY, offered=()), AnswerReader(KEY, offered=())
    whole.feed(answer())
    with pytest.raises(UpstreamUnavailable):
        broken.feed(b"\0")
    for reader in (whole, broken):
        with pytest.raises(UsageError):
            reader.feed(b"a")
        with pytest.raises(UsageError):
            reader.eof()


def test_refusal_becomes_an_error_with_its_end_to_end_headers_and_body():
    raw = lines(
        "HTTP/1.1 401 Who are you",
        [
            ("Server", "up"),
            ("Connection", "close, X-Private"),
            ("X-Private", "a"),
            ("Keep-Alive", "timeout=5"),
            ("WWW-Authenticate", "Basic"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("Content-Type", "text/plain"),
            ("Content-Encoding", "gzip"),
            ("Content-Length", "3"),
            ("Trailer", "X"),
            ("Upgrade", "h2c"),
            ("Sec-WebSocket-Version", "13"),
            ("sec-websocket-accept", "x"),
        ],
    )
    refused = read_answer(raw + b"who").refused()
    assert isinstance(refused, HandshakeRefused)
    assert (refused.status, refused.reason, refused.body) == (401, "Who are you", b"who")
    assert refused.headers == (
        ("Server", "up"),
        ("WWW-Authenticate", "Basic"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Content-Type", "text/plain"),
        ("Content-Encoding", "gzip"),
    )


def test_reason_of_a_refusal_is_latin_1():
    assert read_answer(b"HTTP/1.1 404 caf\xe9\r\nContent-Length: 0\r\n\r\n").refused().reason == "caf\xe9"
