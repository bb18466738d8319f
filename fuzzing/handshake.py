"""Fuzzes the readers of the opening handshake: a client's request, an upstream's answer.

Allowed outcomes: nothing yet, one head or answer, ``BadRequest`` with 400, 405, 414, 426, 431 or 505, or
``UpstreamUnavailable``; the same at any cut, with no more held than the limits allow.
"""

from __future__ import annotations

from random import Random
from typing import Any

from framegate.errors import UpstreamUnavailable
from framegate.handshake import (
    AnswerReader,
    BadRequest,
    RequestReader,
    check_opening_request,
    request_headers_for_upstream,
    response_headers_for_client,
)
from framegate.handshake.extensions import OFFER, parse_extensions
from fuzzing.material import bytes_of, cut, mutated, noise, text_of
from tests.kit.heads import KEY, Head, lines, switching, upgrade_request

_LINE, _HEADERS, _COUNT, _BODY, _INTERIM = 64, 300, 10, 20, 2
_STATUS_LINE = 8192

_REQUESTS = [
    upgrade_request("/chat?x=1"),
    upgrade_request("/", replace={"Connection": ["keep-alive", "Upgrade"]}, extra=[("Sec-WebSocket-Protocol", "a, b")]),
    upgrade_request("/", extra=[("Cookie", "a=b"), ("Origin", "http://a.test"), ("Content-Length", "0")]),
    upgrade_request("/", extra=[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]),
]
_ASKED = Head.parse(_REQUESTS[0])
_OFFERED = parse_extensions([OFFER])
_ANSWERS = [
    switching(_ASKED),
    switching(_ASKED, protocol="a"),
    switching(_ASKED, extra=[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=12")]),
    lines("HTTP/1.1 100 Continue", []) + switching(_ASKED),
    lines("HTTP/1.1 103 Early Hints", [("Link", "</a>")]) * 3 + switching(_ASKED),
    lines("HTTP/1.1 403 No", [("Content-Length", "5")]) + b"hello",
    lines("HTTP/1.1 302 Found", [("Transfer-Encoding", "chunked")]) + b"5\r\nhello\r\n1;x=y\r\nu\r\n0\r\nA: b\r\n\r\n",
    lines("HTTP/1.0 500 No", [("X", "y")]) + b"hello " * 10,
    lines("HTTP/1.1 204 None", []),
]
_ODD = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"\x7f", b"\xe9", b"\xff", b"A" * 80,
        b"\r\nContent-Length: 5", b"\r\nTransfer-Encoding: chunked", b"\r\nHost: b", b"HTTP/1.0", b"HTTP/2.0", b"POST",
        b"\r\nUpgrade: h2c", b"\r\nA: b\r\n c", b"-1", b"99999999999999999999",
        b"\r\nSec-WebSocket-Extensions: permessage-deflate", b"=7", b"foo",
        b"\r\nSec-WebSocket-Key: x"]  # fmt: skip


def make(rng: Random) -> Any:
    kind = rng.choice(["request", "answer"])
    sample = rng.choice(_REQUESTS if kind == "request" else _ANSWERS)
    data = noise(rng, 300) if rng.random() < 0.05 else mutated(rng, sample, _ODD) + rng.choice([b"", noise(rng, 20)])
    return {"kind": kind, "pieces": [text_of(piece) for piece in cut(rng, data)], "small": rng.random() < 0.5}


def check(case: Any) -> None:
    pieces = [bytes_of(piece) for piece in case["pieces"]]
    data = b"".join(pieces)
    ways = [[data], pieces, [data[at : at + 1] for at in range(len(data))]]
    outcome_of = _request if case["kind"] == "request" else _answer
    outcomes = [outcome_of(way, case.get("small", False)) for way in ways]
    if case["kind"] == "answer" and b"chunked" in data.lower():
        # Of a refusal's chunked body that is malformed in its trailer, llhttp tells more or less before it gives up,
        # as the bytes were cut: the refusal is relayed, or counts as malformed.
        outcomes = [("refused or malformed",) if _is_refusal(one) else one for one in outcomes]
    assert outcomes[1:] == outcomes[:-1], f"the cuts matter: {outcomes}"


def _is_refusal(outcome: tuple[Any, ...]) -> bool:
    return outcome == ("unavailable",) or (outcome[0] != 101 and isinstance(outcome[0], int))


def _request(pieces: list[bytes], small: bool) -> tuple[Any, ...]:
    limits = {"max_request_line": _LINE, "max_header_bytes": _HEADERS, "max_headers": _COUNT} if small else {}
    most = _LINE + _HEADERS if small else 8192 + 65536
    reader = RequestReader(**limits)
    for number, piece in enumerate(pieces):
        try:
            head = reader.feed(piece)
        except BadRequest as refused:
            assert refused.status in (400, 414, 431) and reader.held == 0 and not reader.rest
            assert refused.response().startswith(b"HTTP/1.1 %d " % refused.status)
            return ("refused",)
        assert reader.held <= most + 4, "more is held than the limits allow"
        if head is not None:
            assert (head.raw + reader.rest) == b"".join(pieces[: number + 1]), "bytes were lost or invented"
            return "head", head.raw, _opened(head)
    return ("more",)


def _opened(head: Any) -> Any:
    try:
        check_opening_request(head)
    except BadRequest as refused:
        assert refused.status in (400, 405, 426, 505)
        return refused.status
    for name, value in request_headers_for_upstream(head, client_host="127.0.0.1", scheme="ws"):
        assert not {*name, *value} & {"\r", "\n", "\0"}
    return head.target, head.path, head.query, head.subprotocols, head.key


def _answer(pieces: list[bytes], small: bool) -> tuple[Any, ...]:
    limits: dict[str, Any] = {"max_refusal_body": _BODY, "max_interim": _INTERIM}
    if small:
        limits |= {"max_header_bytes": _HEADERS, "max_headers": _COUNT}
    most = _STATUS_LINE + (_HEADERS if small else 65536) + 4 + _BODY
    reader = AnswerReader(KEY, offered=("a",), extensions=_OFFERED, **limits)
    try:
        for piece in pieces:
            answer = reader.feed(piece)
            assert reader.held <= most, "more is held than the limits allow"
            if answer is not None:
                return _judged(answer)
        return _judged(reader.eof())
    except UpstreamUnavailable as error:
        assert "\n" not in str(error)
        return ("unavailable",)


def _judged(answer: Any) -> tuple[Any, ...]:
    assert answer.status == 101 or 300 <= answer.status <= 599
    assert len(answer.body) <= _BODY
    for name, value in response_headers_for_client(answer.headers):
        assert not {*name, *value} & {"\r", "\n", "\0"}
    assert answer.deflate is None or answer.deflate.client_max_window_bits in range(8, 16)
    return answer.status, answer.subprotocol, answer.deflate, answer.body
