"""Whatever bytes come, in whatever pieces: a closed list of outcomes, the same for every cut, and bounded memory."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from framegate.errors import UpstreamUnavailable
from framegate.handshake import (
    AnswerReader,
    BadRequest,
    RequestReader,
    build_upstream_request,
    check_opening_request,
    parse_upstream_url,
    refusal,
    switching_protocols,
)
from tests.handshake.samples import BROWSER_REQUEST, KEY, answer, read, request

MAX_HELD = 64 + 256 + 4


def near(*samples: bytes) -> st.SearchStrategy[bytes]:
    """Random bytes, pieces of the samples in another order, and samples in which a few bytes were changed."""
    part = st.sampled_from([line + b"\r\n" for sample in samples for line in sample.split(b"\r\n")])
    odd = st.sampled_from(
        [b"\r", b"\n", b"\0", b" ", b"\t", b":", b",", b"\x7f", b"\xe9", b"Content-Length: 5\r\n", b""]
    )
    changed = st.tuples(st.sampled_from(samples), st.integers(0, 600), odd, st.integers(0, 3)).map(
        lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] + drawn[3] :]
    )
    return st.one_of(st.binary(max_size=400), st.lists(st.one_of(part, odd), max_size=20).map(b"".join), changed)


def pieces(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def outcome_of_request(parts: list[bytes]) -> tuple[object, ...]:
    """What a reader made of ``parts``; anything but these three outcomes is raised."""
    reader = RequestReader(max_request_line=64, max_header_bytes=256, max_headers=8)
    for number, part in enumerate(parts):
        try:
            head = reader.feed(part)
        except BadRequest as refused:
            assert refused.status in (400, 414, 431) and reader.held == 0 and reader.rest == b""
            assert refused.response().startswith(b"HTTP/1.1 %d " % refused.status)
            return ("refused",)
        assert reader.held <= MAX_HELD
        if head is not None:
            return "head", head.raw, reader.rest + b"".join(parts[number + 1 :])
    return ("more",)


SMALL = request(("Connection", "keep-alive"))


@given(near(SMALL, BROWSER_REQUEST, b"GET / HTTP/1.1\r\n\r\n"), st.lists(st.integers(0, 1000), max_size=4))
@example(b"GET / HTTP/1.1\r\n\r\n", [])
@example(SMALL, [3, 70])
def test_bytes_of_a_client_give_nothing_or_a_head_or_a_bad_request_at_any_cut(data, places):
    whole = outcome_of_request([data])
    assert outcome_of_request(pieces(data, places)) == whole
    assert outcome_of_request([data[place : place + 1] for place in range(len(data))]) == whole


@given(near(SMALL, BROWSER_REQUEST))
def test_head_that_was_read_can_be_asked_everything(data):
    reader = RequestReader()
    try:
        head = reader.feed(data)
        if head is None:
            return
        assert head.raw + reader.rest == data
        check_opening_request(head)
    except BadRequest as refused:
        assert refused.status in (400, 405, 414, 426, 431, 505)
        return
    assert (head.method, head.http_version, len(head.key)) == ("GET", "1.1", 24)
    assert head.target == head.path + ("?" + head.query if "?" in head.target else "")
    text = "".join(name + value for name, value in head.headers.items())
    assert not {*text} & {"\r", "\n", "\0"}


def outcome_of_answer(parts: list[bytes]) -> tuple[object, ...]:
    reader = AnswerReader(KEY, offered=("a",), max_refusal_body=20, max_header_bytes=256, max_headers=8, max_interim=2)
    try:
        for part in parts:
            read = reader.feed(part)
            assert reader.held <= 8192 + 256 + 4 + 20
            if read is not None:
                return "answer", read.status, read.body
        read = reader.eof()
    except UpstreamUnavailable as error:
        assert "\n" not in str(error)
        return ("unavailable",)
    return "answer", read.status, read.body


ANSWERS = (
    answer(),
    answer(("Sec-WebSocket-Protocol", "a")),
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.0 500 No\r\n\r\nhello",
)


@given(near(*ANSWERS), st.lists(st.integers(0, 1000), max_size=4))
def test_bytes_of_an_upstream_give_an_answer_or_no_upstream_at_any_cut(data, places):
    assert outcome_of_answer(pieces(data, places))[0] == outcome_of_answer([data])[0]


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_text_gets_out_of_its_header(name, value):
    for write in (
        lambda headers: build_upstream_request(host="a", target="/", headers=headers, key=KEY).wire,
        lambda headers: switching_protocols(KEY, headers=headers),
        lambda headers: refusal(400, headers=headers, body=None),
    ):
        try:
            wire = write([(name, value)])
        except ValueError:
            continue
        assert wire.count(b"\r\n") - write([]).count(b"\r\n") in (0, 1)
        assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n") and b"\0" not in wire


@given(st.text(max_size=40).map(lambda text: "ws://" + text))
def test_url_is_read_or_a_value_error_and_what_was_read_can_be_sent(url):
    try:
        read_url = parse_upstream_url(url)
    except ValueError:
        return
    wire, _ = build_upstream_request(host=read_url.host_header, target=read_url.target, headers=[])
    head = read(wire)
    check_opening_request(head)
    assert head.target == read_url.target and head.headers["Host"] == read_url.host_header
