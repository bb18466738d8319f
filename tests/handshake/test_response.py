"""The answers to the client: the 101 and the refusals, each of which closes the connection."""

from __future__ import annotations

import pytest

from framegate.handshake import accept_for, refusal, switching_protocols
from tests.handshake.samples import ACCEPT, KEY


def parts(answer: bytes) -> tuple[str, list[str], bytes]:
    """The status line, the fields and the body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    return line, fields, body


def test_accept_is_that_of_rfc_6455():
    assert accept_for(KEY) == ACCEPT


def test_switching_protocols_is_the_101_of_rfc_6455():
    line, fields, body = parts(switching_protocols(KEY))
    assert line == "HTTP/1.1 101 Switching Protocols"
    assert fields == ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {ACCEPT}"]
    assert body == b""


def test_switching_protocols_names_the_subprotocol():
    assert "Sec-WebSocket-Protocol: chat.v1" in parts(switching_protocols(KEY, subprotocol="chat.v1"))[1]


def test_switching_protocols_carries_headers_in_order_with_duplicates():
    cookies = [("Set-Cookie", "a=1"), ("X", ""), ("Set-Cookie", "b=2")]
    assert parts(switching_protocols(KEY, headers=cookies))[1][-3:] == ["Set-Cookie: a=1", "X: ", "Set-Cookie: b=2"]


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "upgrade",
        "Sec-WebSocket-Accept",
        "sec-websocket-extensions",
        "Content-Length",
        "Transfer-Encoding",
    ],
)
def test_headers_of_the_handshake_cannot_be_doubled_in_a_101(name):
    assert switching_protocols(KEY, headers=[(name, "5")]) == switching_protocols(KEY)


@pytest.mark.parametrize("bad", ["a b", "a,b", "", "a\r\nX: b", "\xe4"])
def test_switching_protocols_refuses_a_subprotocol_that_is_no_token(bad):
    with pytest.raises(ValueError, match="subprotocol"):
        switching_protocols(KEY, subprotocol=bad)


BAD_FIELDS = [
    ("X", "a\rb"),
    ("X", "a\nb"),
    ("X", "a\r\nY: b"),
    ("X", "a\0b"),
    ("X", "\x1f"),
    ("X", "\x7f"),
    ("X", "\u20ac"),
    ("X\r\nY", "a"),
    ("X\0", "a"),
    ("X Y", "a"),
    ("X:", "a"),
    ("", "a"),
    ("\xe4", "a"),
    ("Connection", "a\r\nY: b"),
    ("Sec-WebSocket-Accept", "a\nb"),
]


@pytest.mark.parametrize(("name", "value"), BAD_FIELDS)
def test_no_field_of_an_answer_can_hold_what_ends_a_line(name, value):
    with pytest.raises(ValueError, match="header"):
        switching_protocols(KEY, headers=[(name, value)])
    with pytest.raises(ValueError, match="header"):
        refusal(400, headers=[(name, value)])


def test_key_of_a_101_cannot_hold_what_ends_a_line():
    assert b"\r\nX" not in switching_protocols("a\r\nX: b")


def test_values_go_out_as_latin_1():
    assert b"\r\nX: caf\xe9\ta\r\n" in refusal(400, headers=[("X", "caf\xe9\ta")])


def test_refusal_is_a_whole_response_that_closes():
    line, fields, body = parts(refusal(404))
    assert line == "HTTP/1.1 404 Not Found"
    assert body == b"404 Not Found\n"
    assert fields == ["Content-Type: text/plain; charset=utf-8", "Content-Length: 14", "Connection: close"]


@pytest.mark.parametrize("status", [s for s in range(200, 600) if s != 426])
def test_refusal_with_any_status_says_close_and_frames_its_body(status):
    line, fields, body = parts(refusal(status))
    assert line.startswith(f"HTTP/1.1 {status} ")
    assert fields.count("Connection: close") == 1
    lengths = [field for field in fields if field.startswith("Content-Length")]
    assert lengths == ([] if status in (204, 304) else [f"Content-Length: {len(body)}"])


@pytest.mark.parametrize("status", [-1, 0, 99, 100, 101, 199, 600, 999])
def test_refusal_with_a_status_that_is_none_is_a_value_error(status):
    with pytest.raises(ValueError, match="200 to 599"):
        refusal(status)


@pytest.mark.parametrize("status", [204, 304])
def test_refusal_whose_status_has_no_body_refuses_one(status):
    with pytest.raises(ValueError, match="no body"):
        refusal(status, body=b"a")
    assert parts(refusal(status))[2] == parts(refusal(status, body=None))[2] == b""


def test_426_names_what_it_requires_and_closes():
    _, fields, _ = parts(refusal(426, headers=[("Upgrade", "h2c"), ("Sec-WebSocket-Version", "8")]))
    assert [field for field in fields if not field.startswith("Content-")] == [
        "Connection: Upgrade, close",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
    ]


def test_refusal_carries_its_body_untouched():
    line, fields, body = parts(refusal(403, headers=[("Content-Type", "application/json")], body=b'{"a": 1}\r\n\r\n'))
    assert body == b'{"a": 1}\r\n\r\n'
    assert fields == ["Content-Type: application/json", "Content-Length: 12", "Connection: close"]


def test_empty_body_that_is_described_stays_empty():
    _, fields, body = parts(refusal(403, headers=[("content-encoding", "gzip")]))
    assert body == b"" and "Content-Length: 0" in fields


def test_no_body_stays_empty():
    _, fields, body = parts(refusal(403, body=None))
    assert (fields, body) == (["Content-Length: 0", "Connection: close"], b"")


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "TE", "Trailer"])
def test_framing_and_hop_by_hop_headers_of_a_refusal_are_our_own(name):
    assert refusal(403, headers=[(name, "999")], body=b"abc") == refusal(403, body=b"abc")


def test_end_to_end_headers_of_a_refusal_are_kept():
    fields = parts(refusal(401, headers=[("WWW-Authenticate", "Basic"), ("Retry-After", "5")]))[1]
    assert fields[:2] == ["WWW-Authenticate: Basic", "Retry-After: 5"]


def test_reason_replaces_the_usual_one():
    assert refusal(403, reason="Caf\xe9 closed").startswith(b"HTTP/1.1 403 Caf\xe9 closed\r\n")
    assert refusal(403, reason="").startswith(b"HTTP/1.1 403 \r\n")
    assert refusal(599).startswith(b"HTTP/1.1 599 \r\n")


@pytest.mark.parametrize("reason", ["a\r\nX: b", "a\nb", "a\rb", "a\0", "\u20ac"])
def test_reason_cannot_end_its_line(reason):
    with pytest.raises(ValueError, match="reason"):
        refusal(403, reason=reason)
