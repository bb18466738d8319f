"""The URL of an upstream, and how a client's path and query are joined to it."""

from __future__ import annotations

import dataclasses

import pytest

from framegate.handshake import UpstreamURL, join_target, parse_upstream_url


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("ws://a", UpstreamURL(False, "a", 80, "/", "a")),
        ("wss://a", UpstreamURL(True, "a", 443, "/", "a")),
        ("WS://A.Example", UpstreamURL(False, "a.example", 80, "/", "a.example")),
        ("WsS://a:443/x", UpstreamURL(True, "a", 443, "/x", "a")),
        ("ws://a:80", UpstreamURL(False, "a", 80, "/", "a")),
        ("ws://a:443", UpstreamURL(False, "a", 443, "/", "a:443")),
        ("wss://a:80/", UpstreamURL(True, "a", 80, "/", "a:80")),
        ("ws://127.0.0.1:9001/chat?x=1", UpstreamURL(False, "127.0.0.1", 9001, "/chat?x=1", "127.0.0.1:9001")),
        ("ws://[::1]", UpstreamURL(False, "::1", 80, "/", "[::1]")),
        ("ws://[2001:DB8::1]:9001/a", UpstreamURL(False, "2001:db8::1", 9001, "/a", "[2001:db8::1]:9001")),
        ("ws://[::ffff:10.0.0.1]:1", UpstreamURL(False, "::ffff:10.0.0.1", 1, "/", "[::ffff:10.0.0.1]:1")),
        ("ws://a?x=1", UpstreamURL(False, "a", 80, "/?x=1", "a")),
        ("ws://a/?", UpstreamURL(False, "a", 80, "/?", "a")),
        ("ws://a//b/../%2F%zz?c=?/@:d", UpstreamURL(False, "a", 80, "//b/../%2F%zz?c=?/@:d", "a")),
        (
            "ws://my_container-1.local.:1/",
            UpstreamURL(False, "my_container-1.local.", 1, "/", "my_container-1.local.:1"),
        ),
        ("ws://xn--bcher-kva.example/", UpstreamURL(False, "xn--bcher-kva.example", 80, "/", "xn--bcher-kva.example")),
        ("ws://a:65535", UpstreamURL(False, "a", 65535, "/", "a:65535")),
        ("ws://a:1", UpstreamURL(False, "a", 1, "/", "a:1")),
        ("ws://a:00080", UpstreamURL(False, "a", 80, "/", "a")),
    ],
)
def test_url_is_read(url, read):
    assert parse_upstream_url(url) == read


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("", "ws:// or wss://"),
        ("a", "ws:// or wss://"),
        ("localhost:9001", "ws:// or wss://"),
        ("//a", "ws:// or wss://"),
        ("ws:a", "ws:// or wss://"),
        ("ws:/a", "ws:// or wss://"),
        ("ftp://a", "not ftp://"),
        ("http://a", "write ws:// for http://"),
        ("HTTPS://a", "write wss:// for https://"),
        ("ws://", "no host"),
        ("ws:///a", "no host"),
        ("ws://?a", "no host"),
        ("ws://:80", "no host"),
        ("ws://a:", "not a port"),
        ("ws://a:0", "not a port"),
        ("ws://a:65536", "not a port"),
        ("ws://a:99999", "not a port"),
        ("ws://a:000080", "not a port"),
        ("ws://a:x", "not a port"),
        ("ws://a:-1", "not a port"),
        ("ws://a:+1", "not a port"),
        ("ws://a:1_0", "not a port"),
        ("ws://[::1]:x", "not a port"),
        ("ws://[::1]:", "not a port"),
        ("ws://a#b", "fragment"),
        ("ws://a/#", "fragment"),
        ("ws://a?b#c", "fragment"),
        ("ws://u@a", "user information"),
        ("ws://u:p@a:1", "user information"),
        ("ws://@a", "user information"),
        ("ws://a b", "space"),
        ("ws://a/ b", "space"),
        (" ws://a", "space"),
        ("ws://a ", "space"),
        ("ws://a/\r\nX: b", "control character '\\\\r'"),
        ("ws://a/\n", "control character '\\\\n'"),
        ("ws://a\n", "control character '\\\\n'"),
        ("w\ns://a", "control character"),
        ("ws://a/\0", "control character"),
        ("ws://a/\t", "control character"),
        ("ws://a/\x7f", "control character"),
        ("ws://a\\b", "backslash"),
        ("ws:\\\\a", "backslash"),
        ("ws://a/?\\", "backslash"),
        ("ws://b\xfccher.example/", "write xn--bcher-kva.example"),
        ("ws://a/\xe9", "percent-encode"),
        ("ws://a/?\u20ac", "percent-encode"),
        ("ws://.\xfc/", "a host is ASCII"),
        ("ws://a:\u0661", "a host is ASCII"),
        ("ws://::1", "brackets"),
        ("ws://a:1:2", "brackets"),
        ("ws://[::1", "brackets"),
        ("ws://[::1]a", "brackets"),
        ("ws://[]", "not an IPv6 address"),
        ("ws://[a]", "not an IPv6 address"),
        ("ws://[127.0.0.1]", "not an IPv6 address"),
        ("ws://[fe80::1%25eth0]", "not an IPv6 address"),
        ("ws://a..b", "not a host name"),
        ("ws://.a", "not a host name"),
        ("ws://-a", "not a host name"),
        ("ws://a-", "not a host name"),
        ("ws://a%41", "not a host name"),
        ("ws://a,b", "not a host name"),
        ("ws://a*", "not a host name"),
        ("ws://::1]", "brackets"),
        ("ws://" + "a" * 64, "not a host name"),
        ("ws://" + "a." * 127, "not a host name"),
    ],
)
def test_url_that_breaks_a_rule_is_a_value_error_that_names_it(url, rule):
    with pytest.raises(ValueError, match=rule):
        parse_upstream_url(url)


def test_labels_and_names_at_their_limits():
    label, name = "a" * 63, ".".join(["a" * 49] * 5) + ".aaa"
    assert parse_upstream_url(f"ws://{label}").host == label
    assert len(name) == 253
    assert parse_upstream_url(f"ws://{name}").host == name
    with pytest.raises(ValueError, match="not a host name"):
        parse_upstream_url(f"ws://{name}b")


@pytest.mark.parametrize("wrong", [None, 5, b"ws://a"])
def test_url_of_another_type_is_a_type_error(wrong):
    with pytest.raises(TypeError, match="a URL is a str"):
        parse_upstream_url(wrong)


def test_url_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_upstream_url("ws://a").port = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("base", "path", "query", "joined"),
    [
        ("/", "/", "", "/"),
        ("/", "/chat", "", "/chat"),
        ("/api", "/chat", "", "/api/chat"),
        ("/api/", "/chat", "", "/api/chat"),
        ("/api", "chat", "", "/api/chat"),
        ("/api", "/", "", "/api/"),
        ("/api/", "/", "", "/api/"),
        ("/api", "", "", "/api"),
        ("/", "", "", "/"),
        ("/api", "/a%2Fb%20c", "", "/api/a%2Fb%20c"),
        ("/%41", "/%42", "%43=%zz", "/%41/%42?%43=%zz"),
        ("/", "//a//b", "", "//a//b"),
        ("/api//", "/a", "", "/api//a"),
        ("/?v=1", "/chat", "room=2", "/chat?v=1&room=2"),
        ("/api?v=1", "/chat", "", "/api/chat?v=1"),
        ("/api", "/chat", "room=2", "/api/chat?room=2"),
        ("/api?", "/chat", "room=2", "/api/chat?room=2"),
        ("/api?a?b", "/c", "d?e&f", "/api/c?a?b&d?e&f"),
    ],
)
def test_path_is_appended_with_one_slash_and_queries_are_joined(base, path, query, joined):
    assert join_target(base, path, query) == joined
