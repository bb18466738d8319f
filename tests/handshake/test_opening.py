"""What makes a request an opening handshake (RFC 6455, section 4.2.1), and the order in which it is judged."""

from __future__ import annotations

import pytest

from framegate.handshake import BadRequest, check_opening_request
from tests.handshake.samples import BROWSER_REQUEST, KEY, changed, lines, read, request, verdict


def test_browser_request_opens_a_connection():
    assert verdict(BROWSER_REQUEST) == 101


def test_smallest_request_opens_a_connection():
    assert verdict(request()) == 101


@pytest.mark.parametrize("method", ["POST", "HEAD", "get", "Get", "PUT", "OPTIONS", "CONNECT", "PRI", "BREW", "GETT"])
def test_another_method_is_405_with_allow(method):
    with pytest.raises(BadRequest) as caught:
        check_opening_request(read(request(line=f"{method} /chat HTTP/1.1")))
    assert caught.value.status == 405
    assert b"\r\nAllow: GET\r\n" in caught.value.response()


@pytest.mark.parametrize("version", ["0.9", "1.0", "1.2", "2.0", "3.0", "9.9"])
def test_another_version_is_505(version):
    assert verdict(request(line=f"GET /chat HTTP/{version}")) == 505


UPGRADE_REQUIRED = [
    ("a plain HTTP request", lines("GET / HTTP/1.1", [("Host", "a")])),
    ("curl", lines("GET / HTTP/1.1", [("Host", "a"), ("User-Agent", "curl/8.5"), ("Accept", "*/*")])),
    ("no Upgrade", request(without="Upgrade")),
    ("an empty Upgrade", changed("Upgrade", "")),
    ("another Upgrade", changed("Upgrade", "h2c")),
    ("almost websocket", changed("Upgrade", "websockets")),
    ("a versioned websocket", changed("Upgrade", "websocket/13")),
    ("no version", request(without="Sec-WebSocket-Version")),
    ("an old version", changed("Sec-WebSocket-Version", "8")),
    ("a later version", changed("Sec-WebSocket-Version", "14")),
    ("an empty version", changed("Sec-WebSocket-Version", "")),
    ("a version list", changed("Sec-WebSocket-Version", "13, 8")),
    ("a padded version", changed("Sec-WebSocket-Version", "013")),
    ("two versions", request(("Sec-WebSocket-Version", "8"))),
    ("the version twice", request(("Sec-WebSocket-Version", "13"))),
]


@pytest.mark.parametrize("raw", [raw for _, raw in UPGRADE_REQUIRED], ids=[name for name, _ in UPGRADE_REQUIRED])
def test_no_websocket_of_version_13_is_426_and_says_what_is_required(raw):
    with pytest.raises(BadRequest) as caught:
        check_opening_request(read(raw))
    assert caught.value.status == 426
    answer = caught.value.response()
    for line in (b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Connection: Upgrade, close"):
        assert answer.count(b"\r\n" + line + b"\r\n") == 1


@pytest.mark.parametrize(
    "value", ["websocket", "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket,h2c", ",websocket"]
)
def test_upgrade_that_holds_websocket_is_accepted(value):
    assert verdict(changed("Upgrade", value)) == 101


def test_upgrade_in_several_fields_is_accepted():
    assert verdict(request(("Upgrade", "h2c"))) == 101


@pytest.mark.parametrize(
    "value",
    ["Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "keep-alive,upgrade", "Upgrade ,, close", "\tUpgrade"],
)
def test_connection_that_holds_upgrade_is_accepted(value):
    assert verdict(changed("Connection", value)) == 101


def test_connection_in_several_fields_is_accepted():
    assert verdict(request(("Connection", "keep-alive"), ("Connection", "Upgrade"), without="Connection")) == 101


@pytest.mark.parametrize("value", ["", "keep-alive", "close", "Upgraded", "Up grade", "Upgrade;", '"Upgrade"'])
def test_connection_that_does_not_hold_upgrade_is_400(value):
    assert verdict(changed("Connection", value)) == 400


def test_no_connection_header_is_400():
    assert verdict(request(without="Connection")) == 400


@pytest.mark.parametrize("value", [KEY, "AAAAAAAAAAAAAAAAAAAAAA==", "/+/+/+/+/+/+/+/+/+/+/w=="])
def test_key_of_16_bytes_is_accepted(value):
    assert verdict(changed("Sec-WebSocket-Key", value)) == 101


@pytest.mark.parametrize(
    "value",
    [
        "",
        "AAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAA===",
        "AAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA==A",
        "AAAAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAA AAAAAAAAAAA==",
        "AAAAAAAAAA-_AAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAA\xe9A==",
        f"{KEY},{KEY}",
    ],
)
def test_key_that_is_not_16_bytes_of_base64_is_400(value):
    assert verdict(changed("Sec-WebSocket-Key", value)) == 400


def test_no_key_and_a_second_key_are_400():
    assert verdict(request(without="Sec-WebSocket-Key")) == 400
    assert verdict(request(("Sec-WebSocket-Key", KEY))) == 400


@pytest.mark.parametrize("offer", ["chat", "chat, superchat", "key.s3cr3t,chat", "chat,chat", ","])
def test_offer_of_tokens_is_accepted(offer):
    assert verdict(request(("Sec-WebSocket-Protocol", offer))) == 101


@pytest.mark.parametrize("offer", ["a b", "a/b", "chat, a=b", '"chat"', "ch\xe4t"])
def test_offer_of_what_is_not_a_token_is_400(offer):
    assert verdict(request(("Sec-WebSocket-Protocol", offer))) == 400


@pytest.mark.parametrize(
    "host", ["a", "example.com", "example.com:8080", "127.0.0.1:1", "[::1]", "[::1]:80", "a_b-c", "a:"]
)
def test_host_with_or_without_a_port_is_accepted(host):
    assert verdict(changed("Host", host)) == 101


@pytest.mark.parametrize(
    "host",
    ["", ":80", "a b", "a,b", "a/b", "user@a", "a:b", "a:1:2", "[::1", "::1]", "[::1]x", "a?b", "a#b", "a;b", "\xe4"],
)
def test_host_that_is_no_host_is_400(host):
    assert verdict(changed("Host", host)) == 400


def test_second_origin_is_400():
    assert verdict(request(("Origin", "http://a"))) == 101
    assert verdict(request(("Origin", "http://a"), ("Origin", "http://b"))) == 400


ORDER = [
    (400, "syntax before the method", request(("X Y", "a"), line="POST / HTTP/1.0")),
    (405, "the method before the version", request(line="POST / HTTP/1.0")),
    (405, "the method before a body", request(("Content-Length", "5"), line="POST / HTTP/1.1")),
    (405, "the method before a missing host", request(line="POST / HTTP/1.1", without="Host")),
    (505, "the version before a body", request(("Content-Length", "5"), line="GET / HTTP/1.0")),
    (505, "the version before a missing host", request(line="GET / HTTP/1.0", without="Host")),
    (505, "the version before a missing upgrade", request(line="GET / HTTP/1.0", without="Upgrade")),
    (400, "a body before a missing upgrade", request(("Content-Length", "5"), without="Upgrade")),
    (400, "a coding before a missing upgrade", request(("Transfer-Encoding", "chunked"), without="Upgrade")),
    (400, "a second host before a missing upgrade", request(("Host", "b"), without="Upgrade")),
    (400, "an absolute target before a missing upgrade", request(line="GET http://a/ HTTP/1.1", without="Upgrade")),
    (426, "a missing upgrade before its connection token", lines("GET / HTTP/1.1", [("Host", "a")])),
    (426, "a missing version before a missing key", lines("GET / HTTP/1.1", [("Host", "a"), ("Upgrade", "websocket")])),
]


@pytest.mark.parametrize(("status", "raw"), [(row[0], row[2]) for row in ORDER], ids=[row[1] for row in ORDER])
def test_order_of_the_checks(status, raw):
    try:
        assert verdict(raw) == status
    except BadRequest as refused:
        assert refused.status == status
