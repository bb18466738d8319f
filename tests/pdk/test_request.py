"""``kong.request``: what the client sent."""

from __future__ import annotations

import pytest

from framegate.pdk import PDKError
from tests.pdk.stage import before_the_request, exchange, kong, on

QUERY = "GET /test?foo=hello%20world&bar=baz&zzz&blo=&bar=bla&bar HTTP/1.1"
PROXY = ("10.0.0.1", 5000)


# The parts of the target


def test_path_and_query_are_given_as_they_came() -> None:
    request = kong(line="GET /a%2f/../b?x=%41 HTTP/1.1", path="/b").request
    assert request.get_raw_path() == "/a%2f/../b"
    assert request.get_path_with_query() == "/a%2f/../b?x=%41"
    assert request.get_raw_query() == "x=%41"


def test_the_path_is_the_one_that_the_router_looks_at() -> None:
    assert kong(line="GET /a/../b HTTP/1.1", path="/b").request.get_path() == "/b"


def test_an_argument_is_decoded() -> None:
    assert kong(line=QUERY).request.get_query_arg("foo") == "hello world"
    assert kong(line="GET /?a+b=c+d HTTP/1.1").request.get_query_arg("a b") == "c d"


def test_of_several_arguments_the_first_is_given() -> None:
    assert kong(line=QUERY).request.get_query_arg("bar") == "baz"


def test_an_argument_without_a_value_is_true_and_an_empty_one_is_empty() -> None:
    request = kong(line=QUERY).request
    assert request.get_query_arg("zzz") is True
    assert request.get_query_arg("blo") == ""
    assert request.get_query_arg("none") is None


def test_all_arguments_are_given_by_name() -> None:
    assert kong(line=QUERY).request.get_query() == {
        "foo": "hello world",
        "bar": ["baz", "bla", True],
        "zzz": True,
        "blo": "",
    }


def test_an_argument_without_a_name_is_none() -> None:
    assert kong(line="GET /?=x&&a=1 HTTP/1.1").request.get_query() == {"a": "1"}


def test_bytes_that_are_not_utf8_do_not_break_the_query() -> None:
    assert kong(line="GET /?a=%ff HTTP/1.1").request.get_query() == {"a": "\N{REPLACEMENT CHARACTER}"}


def test_a_hundred_arguments_are_read_unless_told_otherwise() -> None:
    query = "&".join(f"a{number}=1" for number in range(101))
    request = kong(line=f"GET /?{query} HTTP/1.1").request
    assert len(request.get_query()) == 100
    assert len(request.get_query(max_args=101)) == 101
    assert list(request.get_query(1)) == ["a0"]


@pytest.mark.parametrize("wrong", [0, 1001, "10", True, None, 1.0])
def test_so_many_arguments_cannot_be_asked_for(wrong: object) -> None:
    with pytest.raises(PDKError, match=r"^kong\.request\.get_query: max_args is (an int|from 1 to 1000), not "):
        kong().request.get_query(wrong)  # type: ignore[arg-type]


def test_the_name_of_an_argument_is_a_str() -> None:
    with pytest.raises(PDKError, match=r"^kong\.request\.get_query_arg: name is a str, not int$"):
        kong().request.get_query_arg(1)  # type: ignore[arg-type]


# Header fields


def test_of_several_fields_the_first_is_given() -> None:
    request = kong(("X-Team", "red"), ("X-Team", "blue")).request
    assert request.get_header("x-team") == "red"
    assert request.get_header("x-none") is None


def test_dashes_may_be_written_as_underscores() -> None:
    assert kong(("X-Team", "red")).request.get_header("x_team") == "red"


def test_a_field_with_underscores_does_not_pass_for_one_with_dashes() -> None:
    assert kong(("X_Team", "red")).request.get_header("x-team") is None


def test_all_fields_are_given_by_their_names_in_lower_case() -> None:
    headers = kong(("X-Team", "red"), ("x-team", "blue"), ("X-TEAM", "green"), ("X-One", "1")).request.get_headers()
    assert headers["x-team"] == ["red", "blue", "green"]
    assert headers["x-one"] == "1"
    assert headers["upgrade"] == "websocket"


def test_a_hundred_fields_are_read_unless_told_otherwise() -> None:
    request = kong(*((f"X-{number}", "1") for number in range(100))).request
    assert len(request.get_headers()) == 100
    assert len(request.get_headers(1000)) == 105
    assert list(request.get_headers(max_headers=1)) == ["host"]


@pytest.mark.parametrize("wrong", [0, 1001, "10", True])
def test_so_many_fields_cannot_be_asked_for(wrong: object) -> None:
    with pytest.raises(PDKError, match=r"^kong\.request\.get_headers: max_headers "):
        kong().request.get_headers(wrong)  # type: ignore[arg-type]


def test_the_name_of_a_field_is_a_str() -> None:
    with pytest.raises(PDKError, match=r"^kong\.request\.get_header: name is a str, not bytes$"):
        kong().request.get_header(b"host")  # type: ignore[arg-type]


def test_edits_for_the_upstream_do_not_show() -> None:
    probe = kong(("X-Team", "red"))
    probe.service.request.set_header("X-Team", "blue")
    probe.service.request.set_raw_query("changed")
    assert probe.request.get_header("X-Team") == "red"
    assert probe.request.get_raw_query() == ""


def test_the_subprotocols_are_those_that_the_client_offers() -> None:
    assert kong(
        ("Sec-WebSocket-Protocol", "chat, json"), ("Sec-WebSocket-Protocol", "chat")
    ).request.get_subprotocols() == (
        "chat",
        "json",
    )


# The connection


def test_a_request_tells_its_method_and_version() -> None:
    assert kong().request.get_method() == "GET"
    assert kong().request.get_http_version() == 1.1


@pytest.mark.parametrize(
    ("host", "told"),
    [("Example.COM", "example.com"), ("example.com:8000", "example.com"), ("[::1]:8000", "[::1]"), ("[::1]", "[::1]")],
)
def test_the_host_has_no_port(host: str, told: str) -> None:
    assert kong(("Host", host), without="Host").request.get_host() == told


def test_scheme_and_port_are_those_of_the_connection() -> None:
    request = kong(scheme="wss", local_port=8443).request
    assert (request.get_scheme(), request.get_port()) == ("wss", 8443)


def test_the_start_is_told_in_milliseconds() -> None:
    assert kong(started_at=1649960273.25).request.get_start_time() == 1649960273250


def test_captures_are_told_by_number_and_by_name() -> None:
    captures = kong(captures=(("7",), {"room": "lobby"})).request.get_uri_captures()
    unnamed, named = captures
    assert (unnamed, dict(named)) == (("7",), {"room": "lobby"})
    assert captures.named["room"] == "lobby"
    with pytest.raises(TypeError):
        captures.named["room"] = "x"  # type: ignore[index]


# What a proxy before us says


FORWARDED = (
    ("X-Forwarded-Proto", "HTTPS"),
    ("X-Forwarded-Host", "Shop.example:444"),
    ("X-Forwarded-Path", "/outside"),
    ("X-Forwarded-Prefix", "/shop"),
)


def test_a_trusted_proxy_is_believed() -> None:
    request = kong(*FORWARDED, peer=PROXY, trusted=["10.0.0.0/8"]).request
    assert request.get_forwarded_scheme() == "wss"
    assert request.get_forwarded_host() == "shop.example"
    assert request.get_forwarded_port() == 444
    assert request.get_forwarded_path() == "/outside"
    assert request.get_forwarded_prefix() == "/shop"


def test_nobody_else_is_believed() -> None:
    request = kong(*FORWARDED, ("X-Forwarded-Port", "444"), peer=PROXY, trusted=["10.1.0.0/16"]).request
    assert request.get_forwarded_scheme() == "ws"
    assert request.get_forwarded_host() == "example.com"
    assert request.get_forwarded_port() == 8000
    assert request.get_forwarded_path() == "/chat"
    assert request.get_forwarded_prefix() is None


def test_a_client_on_a_unix_socket_is_not_believed() -> None:
    assert kong(*FORWARDED, peer=None, trusted=["0.0.0.0/0", "::/0"]).request.get_forwarded_host() == "example.com"


def test_the_forwarded_port_comes_before_that_of_the_forwarded_host() -> None:
    request = kong(*FORWARDED, ("X-Forwarded-Port", "443"), peer=PROXY, trusted=["10.0.0.1"]).request
    assert request.get_forwarded_port() == 443


@pytest.mark.parametrize("nonsense", ["0", "65536", "-1", "x", "", "\xb2", "000443000"])
def test_a_forwarded_port_that_is_none_does_not_count(nonsense: str) -> None:
    request = kong(("X-Forwarded-Port", nonsense), peer=PROXY, trusted=["10.0.0.1"]).request
    assert request.get_forwarded_port() == 8000


def test_a_forwarded_host_is_cleared_of_its_user() -> None:
    request = kong(("X-Forwarded-Host", "user:pw@Shop:81"), peer=PROXY, trusted=["10.0.0.1"]).request
    assert (request.get_forwarded_host(), request.get_forwarded_port()) == ("shop", 81)


def test_without_a_word_from_the_proxy_the_connection_counts() -> None:
    request = kong(peer=PROXY, trusted=["10.0.0.1"], scheme="wss").request
    assert request.get_forwarded_scheme() == "wss"
    assert request.get_forwarded_host() == "example.com"
    assert request.get_forwarded_path() == "/chat"


@pytest.mark.parametrize("prefix", ["/chat", None])
def test_the_forwarded_prefix_is_what_the_route_strips(prefix: str | None) -> None:
    assert kong(prefix=prefix).request.get_forwarded_prefix() == prefix


# Before the request has come


def test_there_is_little_to_tell_before_the_request_has_come() -> None:
    request = before_the_request(server_name="shop.example").request
    assert (request.get_scheme(), request.get_host(), request.get_port()) == ("wss", "shop.example", 8443)
    assert request.get_method() is None
    assert request.get_http_version() is None
    assert request.get_header("host") is None
    assert request.get_headers() == request.get_query() == {}
    assert request.get_query_arg("x") is None
    assert (
        request.get_path() == request.get_raw_path() == request.get_path_with_query() == request.get_raw_query() == ""
    )
    assert request.get_subprotocols() == ()
    assert request.get_forwarded_prefix() is None


def test_a_client_that_names_no_server_has_no_host_yet() -> None:
    assert before_the_request().request.get_host() is None


# What is kept


def test_the_fields_are_parsed_once_in_the_handshake() -> None:
    probe = kong()
    assert probe.request is probe.request


@pytest.mark.parametrize("phase", ["ws_client_frame", "ws_upstream_frame"])
def test_a_session_does_not_keep_the_parsed_fields(phase: str) -> None:
    connection = exchange(("X-Team", "red"))
    probe = on(connection, phase)
    assert probe.request.get_header("x-team") == "red"
    assert connection.head is not None and connection.head._headers is not None
    assert connection.head._headers() is None
