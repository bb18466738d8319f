"""What a request's head may look like (RFC 9112): read at any cut, and refused where another reader could differ."""

from __future__ import annotations

import gc
import sys

import pytest

from framegate.errors import FramegateError, UsageError
from framegate.handshake import BadRequest, RequestHead, RequestReader
from tests.handshake.samples import BROWSER_REQUEST, KEY, read, request
from tests.kit.cuts import cuts


def refused(raw: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(raw)
    return caught.value


def test_browser_request_is_read():
    head = read(BROWSER_REQUEST)
    assert (head.method, head.target, head.http_version) == ("GET", "/chat?room=1", "1.1")
    assert (head.path, head.query) == ("/chat", "room=1")
    assert head.headers["ORIGIN"] == "http://example.com:8000"
    assert head.key == KEY
    assert head.subprotocols == ()


def test_every_cut_gives_the_same_head_and_rest():
    behind = b"\x81\x85abcd\r\n\r\n\x00"
    for pieces in cuts(BROWSER_REQUEST + behind):
        reader, head, late = RequestReader(), None, b""
        for piece in pieces:
            if head is None:
                head = reader.feed(piece)
            else:
                late += piece
        assert head is not None
        assert head.raw == BROWSER_REQUEST
        assert reader.rest + late == behind


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_like_object_is_taken(kind):
    reader = RequestReader()
    assert reader.feed(kind(BROWSER_REQUEST[:100])) is None
    head = reader.feed(kind(BROWSER_REQUEST[100:] + b"rest"))
    assert head is not None and head.raw == BROWSER_REQUEST
    assert reader.rest == b"rest" and type(reader.rest) is bytes


def test_nothing_fed_is_nothing_read():
    assert RequestReader().feed(b"") is None


def test_head_without_headers_is_read():
    assert list(read(b"GET / HTTP/1.1\r\n\r\n").headers.items()) == []


def test_target_without_a_query_and_with_an_empty_one():
    assert (read(b"GET /a HTTP/1.1\r\n\r\n").path, read(b"GET /a HTTP/1.1\r\n\r\n").query) == ("/a", "")
    assert (read(b"GET /a? HTTP/1.1\r\n\r\n").path, read(b"GET /a? HTTP/1.1\r\n\r\n").query) == ("/a", "")


def test_query_keeps_further_question_marks_and_percent_encoding():
    head = read(b"GET /a%2Fb?c=?&d=%20 HTTP/1.1\r\n\r\n")
    assert (head.path, head.query) == ("/a%2Fb", "c=?&d=%20")


def test_values_are_latin_1_and_lossless():
    every = bytes(byte for byte in range(256) if byte >= 0x20 and byte != 0x7F or byte == 9).strip()
    value = read(b"GET / HTTP/1.1\r\nX: " + every + b"\r\n\r\n").headers["x"]
    assert value.encode("latin-1") == every


def test_white_space_around_a_value_is_removed():
    assert read(b"GET / HTTP/1.1\r\nX:\t a \t b\t \r\n\r\n").headers["x"] == "a \t b"


def test_order_and_duplicates_of_headers_are_kept():
    head = read(b"GET / HTTP/1.1\r\nB: 1\r\nA: 2\r\nb: 3\r\nC:\r\n\r\n")
    assert list(head.headers.items()) == [("B", "1"), ("A", "2"), ("b", "3"), ("C", "")]
    assert head.headers.getall("B") == ["1", "3"]


def test_subprotocols_come_in_order_from_all_fields_each_once():
    head = read(
        request(
            ("Sec-WebSocket-Protocol", "chat.v2, , chat.v1"),
            ("sec-websocket-protocol", "chat.v2,Chat.v1 ,"),
        )
    )
    assert head.subprotocols == ("chat.v2", "chat.v1", "Chat.v1")


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b"POST * HTTP/1.1",
        b"get / HTTP/1.1",
        b"M-SEARCH * HTTP/1.1",
        b"!#$%&'*+-.^_`|~ / HTTP/1.1",
        b"GET http://example.com/ HTTP/1.1",
        b"CONNECT example.com:80 HTTP/1.1",
        b"GET / HTTP/1.0",
        b"GET / HTTP/1.2",
        b"GET / HTTP/2.0",
        b"PRI * HTTP/2.0",
        b'GET /a?q={"k":[1|2]}^`<> HTTP/1.1',
    ],
)
def test_well_formed_request_line_is_read_whatever_it_asks(line):
    head = read(line + b"\r\nHost: a\r\n\r\n")
    assert f"{head.method} {head.target} HTTP/{head.http_version}" == line.decode()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"GET",
        b"GET /",
        b"GET / ",
        b"GET / HTTP",
        b"GET / HTTP/1",
        b"GET / HTTP/2",
        b"GET / HTTP/1.",
        b"GET / HTTP/.1",
        b"GET / HTTP/11.1",
        b"GET / HTTP/1.10",
        b"GET / http/1.1",
        b"GET / HTTPS/1.1",
        b"GET / ICE/1.0",
        b"GET / RTSP/1.0",
        b"GET / HTTP/1.1 ",
        b"GET / HTTP/1.1\t",
        b" GET / HTTP/1.1",
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b"GET\t/\tHTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET  HTTP/1.1",
        b"GET /a\tb HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"GET /\xc3\xa9 HTTP/1.1",
        b"G\xc9T / HTTP/1.1",
        b"GE(T / HTTP/1.1",
        b"GET / HTTP/\xb9.1",
    ],
)
def test_malformed_request_line_is_400(line):
    assert refused(line + b"\r\nHost: a\r\n\r\n").status == 400


@pytest.mark.parametrize(
    "line",
    [
        b" folded: line",
        b"\tfolded",
        b"No-Colon",
        b": empty name",
        b"Space : before the colon",
        b"Tab\t: before the colon",
        b"In Name: a",
        b"Na\xefve: a",
        b"(Comment): a",
        b"\x00: a",
        b"Host\x00: a",
    ],
)
def test_malformed_header_line_is_400(line):
    first = b"GET / HTTP/1.1\r\nHost: a\r\n"
    assert refused(first + line + b"\r\nX: b\r\n\r\n").status == 400
    assert refused(first + b"X: b\r\n" + line + b"\r\n\r\n").status == 400


@pytest.mark.parametrize("byte", [*range(0x09), *range(0x0A, 0x20), 0x7F])
@pytest.mark.parametrize("place", [b"G%sT / HTTP/1.1\r\n", b"GET /%s HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX%s: a\r\n"])
def test_control_character_outside_a_value_is_400(byte, place):
    assert refused(place % bytes([byte]) + b"\r\n").status == 400


@pytest.mark.parametrize("byte", [*range(0x09), *range(0x0A, 0x20), 0x7F])
@pytest.mark.parametrize("value", [b"%sa", b"a%sb", b"a%s"])
def test_control_character_in_a_value_is_400(byte, value):
    assert refused(b"GET / HTTP/1.1\r\nX: " + value % bytes([byte]) + b"\r\nY: b\r\n\r\n").status == 400


def test_tab_in_a_value_is_allowed():
    assert read(b"GET / HTTP/1.1\r\nX: a\tb\r\n\r\n").headers["X"] == "a\tb"


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\rHost: a\r\r",
        b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_line_ends_other_than_crlf_and_empty_lines_are_400_at_every_cut(raw):
    for pieces in cuts(raw):
        with pytest.raises(BadRequest) as caught:
            reader = RequestReader()
            for piece in pieces:
                reader.feed(piece)
        assert caught.value.status == 400


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b" b", "folded"),
        (b"b", "no colon"),
        (b": b", "name is empty"),
        (b"X : b", "name is not a token"),
        (b"X: \x00", "a control character stands in the value of X"),
    ],
)
def test_refusal_tells_what_is_wrong(line, told):
    assert told in refused(b"GET / HTTP/1.1\r\nA: a\r\n" + line + b"\r\n\r\n").message


def test_tls_client_hello_on_a_plain_port_is_refused_at_its_first_byte():
    with pytest.raises(BadRequest) as caught:
        RequestReader().feed(b"\x16")
    assert caught.value.status == 400


def test_malformed_request_line_is_refused_before_the_headers_come():
    with pytest.raises(BadRequest):
        RequestReader().feed(b"SSH-2.0-OpenSSH_9.2\r\n")


def test_control_character_is_refused_before_its_line_ends():
    reader = RequestReader()
    assert reader.feed(b"GET / HTTP/1.1\r\nX: a") is None
    with pytest.raises(BadRequest):
        reader.feed(b"\x00")


def test_binary_data_behind_the_head_is_not_judged():
    reader = RequestReader()
    reader.feed(request() + b"\n\x00\r\r\x7f")
    assert reader.rest == b"\n\x00\r\r\x7f"


def test_reader_that_refused_refuses_whatever_follows_and_holds_nothing():
    reader = RequestReader()
    with pytest.raises(BadRequest) as first:
        reader.feed(b"GET /\r\n")
    with pytest.raises(BadRequest) as second:
        reader.feed(request())
    assert (second.value.status, second.value.message) == (first.value.status, first.value.message)
    assert reader.held == 0 and reader.rest == b""


def test_reader_is_done_with_its_head():
    reader = RequestReader()
    reader.feed(request())
    with pytest.raises(UsageError):
        reader.feed(b"")


def test_bad_request_is_a_framegate_error_with_its_answer():
    error = BadRequest(405, "no", (("Allow", "GET"),))
    assert isinstance(error, FramegateError)
    answer = error.response()
    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n")
    assert answer.endswith(b"Content-Length: 3\r\nConnection: close\r\n\r\nno\n")


def test_head_names_itself():
    assert repr(read(request())) == "<RequestHead GET /chat HTTP/1.1>"


def test_head_holds_its_bytes_and_little_else():
    head = RequestHead(BROWSER_REQUEST)
    head.headers, head.key, head.subprotocols  # noqa: B018
    gc.collect()
    held = [item for item in gc.get_referents(head) if item is not RequestHead and item is not head.raw]
    assert sum(map(sys.getsizeof, [head, *held])) < 400
    assert head._headers is not None and head._headers() is None


def test_headers_are_read_once_while_somebody_holds_them():
    head = read(request())
    headers = head.headers
    assert head.headers is headers
