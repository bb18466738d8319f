"""The opening handshake to the upstream (RFC 6455, section 4.1): framegate's own rules hold for its own request."""

from __future__ import annotations

import base64

import pytest

from framegate.handshake import build_upstream_request, check_opening_request
from tests.handshake.samples import KEY, read
from tests.handshake.test_response import BAD_FIELDS


def test_request_is_the_one_of_rfc_6455():
    wire, key = build_upstream_request(host="up:9001", target="/a?b", headers=[], key=KEY)
    assert key == KEY
    assert wire == (
        b"GET /a?b HTTP/1.1\r\nHost: up:9001\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )


def test_request_passes_our_own_checks():
    request = build_upstream_request(
        host="[::1]:9001", target="/", headers=[("Cookie", "a=\xe9")], subprotocols=["a", "b"]
    )
    head = read(request.wire)
    check_opening_request(head)
    assert head.key == request.key
    assert head.subprotocols == ("a", "b")
    assert head.headers["cookie"] == "a=\xe9"


def test_key_is_16_fresh_bytes():
    keys = {build_upstream_request(host="a", target="/", headers=[]).key for _ in range(50)}
    assert len(keys) == 50
    assert {len(base64.b64decode(key, validate=True)) for key in keys} == {16}


def test_no_subprotocol_and_no_extension_is_offered_unasked():
    head = read(build_upstream_request(host="a", target="/", headers=[]).wire)
    assert "Sec-WebSocket-Protocol" not in head.headers
    assert "Sec-WebSocket-Extensions" not in head.headers


@pytest.mark.parametrize(
    "name",
    ["Host", "Connection", "UPGRADE", "Sec-WebSocket-Version", "sec-websocket-key", "Sec-WebSocket-Extensions",
     "Sec-WebSocket-Protocol", "Content-Length", "Transfer-Encoding", "Keep-Alive", "Proxy-Authorization", "TE"],
)  # fmt: skip
def test_headers_of_the_handshake_cannot_be_doubled(name):
    plain = build_upstream_request(host="a", target="/", headers=[], key=KEY)
    assert build_upstream_request(host="a", target="/", headers=[(name, "evil")], key=KEY) == plain


def test_headers_keep_their_order_and_duplicates():
    wire, _ = build_upstream_request(host="a", target="/", headers=[("B", "1"), ("A", "2"), ("B", "3")])
    assert wire.endswith(b"\r\nB: 1\r\nA: 2\r\nB: 3\r\n\r\n")


@pytest.mark.parametrize(("name", "value"), BAD_FIELDS)
def test_no_field_can_hold_what_ends_a_line(name, value):
    with pytest.raises(ValueError, match="header"):
        build_upstream_request(host="a", target="/", headers=[(name, value)])


@pytest.mark.parametrize("host", ["", "a b", "a\r\nX: b", "a\0", "a/b", "http://a", "u@a", "\xe4"])
def test_host_that_is_none_is_refused(host):
    with pytest.raises(ValueError, match="host"):
        build_upstream_request(host=host, target="/", headers=[])


@pytest.mark.parametrize(
    "target", ["", "a", "*", "http://a/", "/a b", "/a\r\nX: b", "/a\n", "/\0", "/a#b", "/\xe9", "/ HTTP/1.1\r\nX: y"]
)
def test_target_that_is_none_is_refused(target):
    with pytest.raises(ValueError, match="target"):
        build_upstream_request(host="a", target=target, headers=[])


@pytest.mark.parametrize("offered", ["", "a b", "a,b", "a\r\nX: b"])
def test_subprotocol_that_is_no_token_is_refused(offered):
    with pytest.raises(ValueError, match="subprotocol"):
        build_upstream_request(host="a", target="/", headers=[], subprotocols=["ok", offered])


def test_key_cannot_end_its_line():
    with pytest.raises(ValueError, match="Sec-WebSocket-Key"):
        build_upstream_request(host="a", target="/", headers=[], key="a\r\nX: b")
