"""Which headers cross the proxy, and what the upstream is told about the client."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from framegate.handshake import (
    forwardable,
    request_headers_for_upstream,
    response_headers_for_client,
)
from tests.handshake.samples import BROWSER_REQUEST, changed, read, request

NEVER = [
    "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
    "Transfer-Encoding", "Upgrade", "Host", "Content-Length", "Sec-WebSocket-Key", "Sec-WebSocket-Accept",
    "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Whatever",
]  # fmt: skip


@pytest.mark.parametrize("name", NEVER)
@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_hop_by_hop_and_handshake_headers_stay_behind_both_ways(name, case):
    headers = [("A", "1"), (case(name), "2"), ("B", "3")]
    assert forwardable(headers) == [("A", "1"), ("B", "3")]
    assert response_headers_for_client(headers) == [("A", "1"), ("B", "3")]


@pytest.mark.parametrize("name", ["Origin", "Cookie", "Authorization", "Set-Cookie", "Via", "Accept", "X-Upgrade"])
def test_end_to_end_headers_cross_both_ways(name):
    assert forwardable([(name, "a")]) == response_headers_for_client([(name, "a")]) == [(name, "a")]


def test_order_and_duplicates_are_kept():
    headers = [("B", "1"), ("A", "2"), ("b", "3"), ("B", "1")]
    assert forwardable(headers) == headers


@pytest.mark.parametrize("kind", [list, iter, CIMultiDict, lambda h: CIMultiDictProxy(CIMultiDict(h))])
def test_headers_come_as_pairs_or_as_a_mapping(kind):
    assert forwardable(kind([("A", "1"), ("a", "2"), ("Upgrade", "x")])) == [("A", "1"), ("a", "2")]


def test_nominated_headers_stay_behind_whatever_their_case_and_field():
    headers = [("Connection", "X-a, ,Close"), ("x-A", "1"), ("X-B", "2"), ("X-C", "3"), ("connection", "x-b")]
    assert forwardable(headers) == [("X-C", "3")]


def forwarded(raw: bytes = BROWSER_REQUEST, **options) -> CIMultiDict[str]:
    facts = {"client_host": "192.0.2.7", "client_port": None, "scheme": "ws", "server_port": 8000} | options
    return CIMultiDict(request_headers_for_upstream(read(raw), **facts))


def test_upstream_is_told_who_came_and_how():
    headers = forwarded()
    assert headers["X-Forwarded-For"] == "192.0.2.7"
    assert headers["X-Forwarded-Host"] == "example.com:8000"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Port"] == "8000"
    assert headers["Forwarded"] == 'for=192.0.2.7;host="example.com:8000";proto=http'


def test_origin_and_cookies_pass_and_the_handshake_does_not():
    headers = forwarded()
    assert headers["Origin"] == "http://example.com:8000"
    assert headers["Cookie"] == "sid=0123456789abcdef"
    assert not [name for name in headers if name.lower().startswith("sec-websocket")]
    assert not {"Host", "Connection", "Upgrade"} & {*headers}


@pytest.mark.parametrize(("scheme", "proto"), [("ws", "http"), ("wss", "https"), ("http", "http"), ("https", "https")])
def test_proto_is_the_scheme_of_the_http_request(scheme, proto):
    headers = forwarded(scheme=scheme)
    assert headers["X-Forwarded-Proto"] == proto
    assert headers["Forwarded"].endswith(f";proto={proto}")


def test_another_scheme_is_a_value_error():
    with pytest.raises(ValueError, match="scheme"):
        forwarded(scheme="ftp")


@pytest.mark.parametrize(
    ("client_host", "client_port", "in_for", "in_forwarded"),
    [
        ("192.0.2.7", None, "192.0.2.7", "for=192.0.2.7;"),
        ("192.0.2.7", 4711, "192.0.2.7", 'for="192.0.2.7:4711";'),
        ("2001:db8::1", None, "2001:db8::1", 'for="[2001:db8::1]";'),
        ("2001:db8::1", 4711, "2001:db8::1", 'for="[2001:db8::1]:4711";'),
        ("fe80::1%eth0", None, "fe80::1", 'for="[fe80::1]";'),
        (None, None, "unknown", "for=unknown;"),
        (None, 4711, "unknown", "for=unknown;"),
    ],
)
def test_address_of_the_client(client_host, client_port, in_for, in_forwarded):
    headers = forwarded(client_host=client_host, client_port=client_port)
    assert headers["X-Forwarded-For"] == in_for
    assert headers["Forwarded"].startswith(in_forwarded)


def test_plain_host_is_not_quoted_and_a_missing_port_is_left_out():
    headers = forwarded(request(), server_port=None)
    assert headers["Forwarded"] == "for=192.0.2.7;host=example.com;proto=http"
    assert "X-Forwarded-Port" not in headers


CLAIMS = (
    ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "443"),
    ("Forwarded", "for=10.0.0.1"),
)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim[0])
@pytest.mark.parametrize("spelling", [str, str.lower, str.upper, lambda name: name.replace("-", "_")])
def test_claim_of_a_peer_that_is_not_trusted_is_replaced(claim, spelling):
    name, value = claim
    assert list(forwarded(request((spelling(name), value))).items()) == list(forwarded(request()).items())


def test_trusted_peer_is_appended_to_or_kept():
    headers = forwarded(request(*CLAIMS), trusted=True)
    assert headers.getall("X-Forwarded-For") == ["10.0.0.1, 192.0.2.7"]
    assert headers.getall("Forwarded") == ["for=10.0.0.1, for=192.0.2.7;host=example.com;proto=http"]
    assert headers.getall("X-Forwarded-Host") == ["evil.example"]
    assert headers.getall("X-Forwarded-Proto") == ["https"]
    assert headers.getall("X-Forwarded-Port") == ["443"]


def test_trusted_peer_that_says_nothing_is_spoken_for():
    assert list(forwarded(request(), trusted=True).items()) == list(forwarded(request()).items())


def test_lists_of_a_trusted_peer_are_joined_in_order():
    raw = request(("X-Forwarded-For", "a, b"), ("X-Forwarded-For", ""), ("x-forwarded-for", "c"))
    assert forwarded(raw, trusted=True).getall("X-Forwarded-For") == ["a, b, c, 192.0.2.7"]


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("name", [claim[0] for claim in CLAIMS])
def test_nominating_a_forwarding_header_does_not_strip_it(name, trusted):
    plain = request(*CLAIMS)
    nominating = request(*CLAIMS, ("Connection", f"Upgrade, {name}"), without="Connection")
    assert list(forwarded(nominating, trusted=trusted).items()) == list(forwarded(plain, trusted=trusted).items())


@pytest.mark.parametrize("name", ["Origin", "Cookie", "Authorization"])
def test_nominating_a_header_of_its_own_only_costs_the_client_that_header(name):
    raw = request((name, "mine"), ("Connection", f"Upgrade, {name}"), without="Connection")
    assert list(forwarded(raw).items()) == list(forwarded(request()).items())


def test_nominating_host_changes_nothing():
    assert list(forwarded(changed("Connection", "Upgrade, Host")).items()) == list(forwarded(request()).items())


def test_nominating_what_the_proxy_vouches_for_does_not_strip_it():
    raw = changed("Connection", "Upgrade, X-Consumer-ID")
    assert forwarded(raw, extra=[("X-Consumer-ID", "7")])["X-Consumer-ID"] == "7"


@pytest.mark.parametrize("claimed", ["X-Consumer-ID", "x-consumer-id", "X_Consumer_ID", "X-Consumer_Id"])
def test_extra_headers_replace_what_the_client_sent_by_that_name(claimed):
    headers = forwarded(request((claimed, "1"), (claimed, "2")), extra=[("X-Consumer-ID", "7")])
    assert [value for name, value in headers.items() if "consumer" in name.lower()] == ["7"]


def test_extra_headers_replace_ours_and_keep_their_duplicates():
    headers = forwarded(extra=[("x-forwarded-for", "a"), ("X-Forwarded-For", "b"), ("Origin", "http://up")])
    assert headers.getall("X-Forwarded-For") == ["a", "b"]
    assert headers.getall("Origin") == ["http://up"]
    assert headers["X-Forwarded-Host"] == "example.com:8000"


def test_names_with_underscores_pass_where_nobody_vouches_for_them():
    assert forwarded(request(("X_Custom", "a")))["X_Custom"] == "a"


def test_request_without_a_host_is_described_without_one():
    headers = forwarded(request(without="Host"))
    assert headers["Forwarded"] == "for=192.0.2.7;proto=http"
    assert "X-Forwarded-Host" not in headers


def test_odd_characters_of_a_host_stay_within_their_quotes():
    headers = forwarded(changed("Host", 'a";for=10.0.0.1;x="\\'))
    assert headers["Forwarded"] == r'for=192.0.2.7;host="a\";for=10.0.0.1;x=\"\\";proto=http'
