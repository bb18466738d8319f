"""``kong.service`` and ``kong.service.request``: what the upstream is sent, and which upstream it is."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.pdk import PDKError
from framegate.pdk.exchange import Exchange
from tests.pdk.stage import exchange, kong, on

OURS = ["Connection", "upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Content-Length", "Transfer-Encoding"]


# Where to connect


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("chat.internal", "chat.internal"),
        ("Chat.Internal", "chat.internal"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
    ],
)
def test_a_target_is_a_host_and_a_port(host: str, kept: str) -> None:
    probe = kong()
    probe.service.set_target(host, 9001)
    assert probe._exchange.upstream.target == (kept, 9001)


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a:80", "user@a", "a?x", "ex\xe4mple", "a\r\n", "[::1]:80", "x::y"])
def test_a_target_that_is_no_host_is_refused(host: str) -> None:
    probe = kong()
    with pytest.raises(PDKError, match=r"^kong\.service\.set_target: host .* is neither a host name nor an IPv4 or"):
        probe.service.set_target(host, 80)
    assert probe._exchange.upstream.target is None


@pytest.mark.parametrize("port", [0, -1, 65536, "80", 80.0, True, None])
def test_a_target_that_has_no_port_is_refused(port: Any) -> None:
    with pytest.raises(PDKError, match=r"^kong\.service\.set_target: port is (an int|from 1 to 65535), not "):
        kong().service.set_target("a", port)


def test_ports_go_up_to_65535() -> None:
    probe = kong()
    probe.service.set_target("a", 65535)
    assert probe._exchange.upstream.target == ("a", 65535)


def test_an_upstream_is_one_of_the_configuration() -> None:
    probe = kong()
    probe.service.set_upstream("chat.upstream")
    assert probe._exchange.upstream.upstream == "chat.upstream"


def test_an_upstream_that_is_not_there_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(PDKError) as error:
        kong().service.set_upstream("chat-upstream")
    assert str(error.value) == (
        "kong.service.set_upstream: there is no upstream named 'chat-upstream', did you mean 'chat.upstream'?"
    )


def test_the_later_of_target_and_upstream_stands() -> None:
    probe = kong()
    probe.service.set_target("a", 80)
    probe.service.set_upstream("chat.upstream")
    assert probe._exchange.upstream.target is None
    probe.service.set_target("a", 80)
    assert probe._exchange.upstream.upstream is None


def test_timeouts_are_in_milliseconds() -> None:
    probe = kong()
    probe.service.set_timeouts(1, 2_147_483_646, 300)
    plan = probe._exchange.upstream
    assert (plan.connect_timeout, plan.write_timeout, plan.read_timeout) == (1, 2_147_483_646, 300)


@pytest.mark.parametrize("wrong", [0, 2_147_483_647, 1.5, "1", None, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_timeout_out_of_range_sets_none_of_them(place: int, wrong: Any) -> None:
    timeouts: list[Any] = [1, 1, 1]
    timeouts[place] = wrong
    name = ("connect_timeout", "write_timeout", "read_timeout")[place]
    probe = kong()
    with pytest.raises(PDKError, match=rf"^kong\.service\.set_timeouts: {name} is "):
        probe.service.set_timeouts(*timeouts)
    plan = probe._exchange.upstream
    assert plan.connect_timeout is plan.write_timeout is plan.read_timeout is None


@pytest.mark.parametrize("retries", [0, 32767])
def test_retries_are_counted(retries: int) -> None:
    probe = kong()
    probe.service.set_retries(retries)
    assert probe._exchange.upstream.retries == retries


@pytest.mark.parametrize("wrong", [-1, 32768, "1", None])
def test_so_many_retries_are_refused(wrong: Any) -> None:
    with pytest.raises(PDKError, match=r"^kong\.service\.set_retries: retries is "):
        kong().service.set_retries(wrong)


def test_the_scheme_is_ws_or_wss() -> None:
    probe = kong()
    probe.service.request.set_scheme("wss")
    assert probe._exchange.upstream.scheme == "wss"
    with pytest.raises(PDKError) as error:
        probe.service.request.set_scheme("https")
    assert str(error.value) == "kong.service.request.set_scheme: scheme is 'ws' or 'wss', not 'https'"


# The path


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v2/chat", "/v2/chat"),
        ("/a b", "/a%20b"),
        ("/foo/\N{GRINNING FACE}", "/foo/%F0%9F%98%80"),
        ("/%2f%E4", "/%2f%E4"),
        ("/100%", "/100%25"),
        ("/100%zz", "/100%25zz"),
        ("/a;b=1,2:@!$&'()*+~[x]", "/a;b=1,2:@!$&'()*+~[x]"),
        ('/<">\\^`{|}', "/%3C%22%3E%5C%5E%60%7B%7C%7D"),
    ],
)
def test_what_may_not_stand_in_a_path_is_encoded(path: str, sent: str) -> None:
    probe = kong()
    probe.service.request.set_path(path)
    assert probe._exchange.upstream.path == sent


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("", "path begins with '/': '' does not"),
        ("chat", "path begins with '/': 'chat' does not"),
        ("/a?b", "path may not hold '?': the query is set by kong.service.request.set_raw_query"),
        ("/a#b", "path may not hold '#'"),
        ("/a\r\nX: 1", "path may not hold '\\r'"),
        ("/a\0", "path may not hold '\\x00'"),
        (None, "path is a str, not None"),
    ],
)
def test_a_path_that_is_none_is_refused(path: Any, rule: str) -> None:
    probe = kong()
    with pytest.raises(PDKError) as error:
        probe.service.request.set_path(path)
    assert str(error.value) == f"kong.service.request.set_path: {rule}"
    assert probe._exchange.upstream.path is None


def test_a_path_that_has_no_utf8_is_refused() -> None:
    with pytest.raises(PDKError, match=r"^kong\.service\.request\.set_path: .*surrogates not allowed"):
        kong().service.request.set_path("/\ud800")


# The query


def test_a_raw_query_is_sent_as_it_is() -> None:
    probe = kong()
    probe.service.request.set_raw_query("zzz&bar=baz&foo=hello%20world?/")
    assert probe._exchange.upstream.query == "zzz&bar=baz&foo=hello%20world?/"


@pytest.mark.parametrize("query", ["a b", "a#b", "a\r\n", "\xe4", "\x7f"])
def test_a_raw_query_that_cannot_be_sent_is_refused(query: str) -> None:
    with pytest.raises(PDKError, match=r"^kong\.service\.request\.set_raw_query: query is visible ASCII without '#'"):
        kong().service.request.set_raw_query(query)


def test_an_empty_query_removes_it() -> None:
    probe = kong(line="GET /chat?a=1 HTTP/1.1")
    probe.service.request.set_raw_query("")
    assert probe._exchange.upstream.query == ""


def test_a_query_is_written_from_arguments_in_order_of_their_names() -> None:
    probe = kong()
    probe.service.request.set_query({"foo": "hello world", "bar": ["baz", "bla", True], "zzz": True, "blo": ""})
    assert probe._exchange.upstream.query == "bar=baz&bar=bla&bar&blo=&foo=hello%20world&zzz"


def test_arguments_are_encoded_and_false_ones_left_out() -> None:
    probe = kong()
    probe.service.request.set_query({"a&b": "c=d#\xe4", "no": False, "none": [], "some": (False, "x")})
    assert probe._exchange.upstream.query == "a%26b=c%3Dd%23%C3%A4&some=x"


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        ("a=1", "args is a mapping, not str"),
        ({1: "a"}, "an argument's name is a str, not int"),
        ({"a": 1}, "the value of 'a' is a str, a bool or a list of them, not int"),
        ({"a": ["x", None]}, "the value of 'a' is a str, a bool or a list of them, not None"),
        ({"a": b"x"}, "the value of 'a' is a str, a bool or a list of them, not bytes"),
    ],
)
def test_arguments_of_another_type_are_refused(args: Any, rule: str) -> None:
    probe = kong()
    with pytest.raises(PDKError) as error:
        probe.service.request.set_query(args)
    assert str(error.value) == f"kong.service.request.set_query: {rule}"
    assert probe._exchange.upstream.query is None


def test_an_argument_is_removed_wherever_it_stands() -> None:
    probe = kong(line="GET /?a=1&k%65y=x&b=%41+&key&&a=2 HTTP/1.1")
    probe.service.request.clear_query_arg("key")
    assert probe._exchange.upstream.query == "a=1&b=%41+&&a=2"
    probe.service.request.clear_query_arg("a")
    assert probe.service.request.get_raw_query() == "b=%41+&"


def test_the_query_is_the_clients_until_it_is_changed() -> None:
    probe = kong(line="GET /?a=1 HTTP/1.1")
    assert probe.service.request.get_raw_query() == "a=1"
    assert probe._exchange.upstream.query is None


# Header fields


def test_a_field_is_set_in_the_place_of_all_others() -> None:
    probe = kong(("X-Team", "red"), ("X-Team", "blue"))
    probe.service.request.set_header("x-team", "green")
    assert probe.service.request.get_headers()["x-team"] == ["green"]


def test_a_field_is_added_to_those_of_the_client() -> None:
    probe = kong(("X-Team", "red"), ("x-team", "blue"))
    probe.service.request.add_header("X-Team", "green")
    probe.service.request.add_header("X-Team", ["black", "white"])
    assert probe.service.request.get_headers()["x-team"] == ["red", "blue", "green", "black", "white"]


def test_a_field_is_added_after_what_was_set_or_cleared() -> None:
    probe = kong(("X-Team", "red"))
    probe.service.request.clear_header("X-Team")
    probe.service.request.add_header("X-Team", "green")
    assert probe.service.request.get_headers()["x-team"] == ["green"]


def test_a_field_is_added_to_what_we_say_of_the_client_and_not_to_its_claims() -> None:
    probe = kong(("X-Forwarded-For", "1.1.1.1"))
    probe.service.request.add_header("X-Forwarded-For", "us")
    assert probe.service.request.get_headers()["x-forwarded-for"] == ["192.0.2.7", "us"]


def test_a_field_that_the_client_nominated_for_removal_is_not_there() -> None:
    probe = kong(("Connection", "Upgrade, X-Team"), ("X-Team", "red"), without="Connection")
    assert probe.service.request.get_header("X-Team") is None


def test_a_field_is_cleared_whether_it_is_there_or_not() -> None:
    probe = kong(("X-Team", "red"))
    probe.service.request.clear_header("X-TEAM")
    probe.service.request.clear_header("X-None")
    assert probe.service.request.get_header("X-Team") is None


@pytest.mark.parametrize(
    ("value", "sent"),
    [("a", ["a"]), (7, ["7"]), (1.5, ["1.5"]), (True, ["true"]), (False, ["false"]), (["a", 2], ["a", "2"]), ([], [])],
)
def test_a_value_is_a_str_a_number_a_bool_or_several(value: Any, sent: list[str]) -> None:
    probe = kong(("X-Team", "red"))
    probe.service.request.set_header("X-Team", value)
    assert probe._exchange.upstream.headers.values("X-Team") == sent


@pytest.mark.parametrize("value", [None, b"a", {"a": 1}, ["a", None], [["a"]]])
@pytest.mark.parametrize("function", ["set_header", "add_header"])
def test_a_value_of_another_type_changes_nothing(function: str, value: Any) -> None:
    probe = kong(("X-Team", "red"))
    with pytest.raises(PDKError) as error:
        getattr(probe.service.request, function)("X-Team", value)
    assert str(error.value).startswith(
        f"kong.service.request.{function}: the value of X-Team is a str, a number, a bool or a list of them, not "
    )
    assert probe.service.request.get_headers()["x-team"] == ["red"]


@pytest.mark.parametrize(
    ("value", "culprit"), [("a\r\nX: 1", "CR"), ("a\nb", "LF"), ("a\0", "NUL"), ("\N{EURO SIGN}", "latin-1")]
)
def test_a_value_cannot_break_out_of_its_field(value: str, culprit: str) -> None:
    for given in (value, ["fine", value]):
        probe = kong()
        with pytest.raises(PDKError, match=rf"^kong\.service\.request\.set_header: header X-A: .*{culprit}"):
            probe.service.request.set_header("X-A", given)
        assert probe.service.request.get_header("X-A") is None


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n", "\xe4"])
@pytest.mark.parametrize("function", ["set_header", "add_header", "clear_header"])
def test_a_name_is_a_token(function: str, name: str) -> None:
    arguments = (name,) if function == "clear_header" else (name, "x")
    with pytest.raises(PDKError, match=rf"^kong\.service\.request\.{function}: header name .* is not a token"):
        getattr(kong().service.request, function)(*arguments)


def test_a_name_is_a_str() -> None:
    with pytest.raises(PDKError, match=r"^kong\.service\.request\.set_header: a header's name is a str, not None$"):
        kong().service.request.set_header(None, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("function", ["set_header", "add_header", "clear_header", "set_headers"])
def test_what_is_framegates_own_cannot_be_touched(function: str, name: str) -> None:
    arguments: Any = {"clear_header": (name,), "set_headers": ({"X-A": "1", name: "x"},)}.get(function, (name, "x"))
    probe = kong()
    with pytest.raises(PDKError) as error:
        getattr(probe.service.request, function)(*arguments)
    assert str(error.value) == f"kong.service.request.{function}: {name} is framegate's own and cannot be set"
    assert not probe._exchange.upstream.headers


@pytest.mark.parametrize("function", ["set_header", "add_header", "clear_header", "set_headers"])
def test_the_subprotocols_have_a_function_of_their_own(function: str) -> None:
    name = "Sec-WebSocket-Protocol"
    arguments: Any = {"clear_header": (name,), "set_headers": ({name: "x"},)}.get(function, (name, "x"))
    with pytest.raises(PDKError, match=r"use kong\.service\.request\.set_protocols$"):
        getattr(kong().service.request, function)(*arguments)


def test_several_fields_are_set_in_the_order_of_their_names() -> None:
    probe = kong()
    probe.service.request.set_headers({"X-Foo": "foo", "Cache-Control": ["no-store", "no-cache"], "bla": "boo"})
    assert probe._exchange.upstream.headers.pairs() == [
        ("bla", "boo"),
        ("Cache-Control", "no-store"),
        ("Cache-Control", "no-cache"),
        ("X-Foo", "foo"),
    ]


def test_of_several_fields_none_is_set_where_one_is_wrong() -> None:
    probe = kong()
    with pytest.raises(PDKError):
        probe.service.request.set_headers({"Host": "a", "X-A": "1", "X-B": "\n"})
    assert not probe._exchange.upstream.headers
    assert probe._exchange.upstream.host is None


def test_several_fields_are_a_mapping() -> None:
    with pytest.raises(PDKError, match=r"^kong\.service\.request\.set_headers: headers is a mapping, not list$"):
        kong().service.request.set_headers([("X-A", "1")])  # type: ignore[arg-type]


# Host


@pytest.mark.parametrize("name", ["Host", "host", "HOST"])
@pytest.mark.parametrize("function", ["set_header", "add_header", "set_headers"])
def test_there_is_one_host(function: str, name: str) -> None:
    probe = kong()
    getattr(probe.service.request, function)(
        *([{name: "b.example:81"}] if function == "set_headers" else [name, "b.example:81"])
    )
    assert probe._exchange.upstream.host == "b.example:81"
    assert not probe._exchange.upstream.headers


def test_a_host_that_is_cleared_is_again_what_the_service_says() -> None:
    probe = kong()
    probe.service.request.set_header("Host", ["b.example"])
    probe.service.request.clear_header("host")
    assert probe._exchange.upstream.host is None


@pytest.mark.parametrize("value", ["a b", "http://a", "", "a\r\n", ["a", "b"], [], None])
def test_a_host_that_is_none_is_refused(value: Any) -> None:
    probe = kong()
    with pytest.raises(PDKError, match=r"^kong\.service\.request\.set_header: "):
        probe.service.request.set_header("Host", value)
    assert probe._exchange.upstream.host is None


# Subprotocols


def test_the_offer_is_the_clients_until_it_is_changed() -> None:
    probe = kong(("Sec-WebSocket-Protocol", "apikey.s3cret, chat"))
    assert probe.service.request.get_protocols() == ("apikey.s3cret", "chat")
    probe.service.request.set_protocols(["chat"])
    assert probe.service.request.get_protocols() == probe._exchange.upstream.protocols == ("chat",)


def test_no_subprotocol_may_be_offered() -> None:
    probe = kong(("Sec-WebSocket-Protocol", "chat"))
    probe.service.request.set_protocols([])
    assert probe._exchange.upstream.protocols == ()


@pytest.mark.parametrize("protocols", ["chat", ["a b"], ["a", "a"], [1], None, ["a\r\n"]])
def test_an_offer_that_cannot_be_made_is_refused(protocols: Any) -> None:
    probe = kong()
    with pytest.raises(PDKError, match=r"^kong\.service\.request\.set_protocols: "):
        probe.service.request.set_protocols(protocols)
    assert probe._exchange.upstream.protocols is None


# Later plugins


def test_a_later_plugin_sees_what_an_earlier_one_changed() -> None:
    connection = exchange(("X-Team", "red"))
    on(connection, "rewrite").service.request.set_header("X-Team", "blue")
    assert on(connection, "ws_handshake").service.request.get_header("x-team") == "blue"


def test_without_a_request_there_is_only_what_plugins_said() -> None:
    probe = on(Exchange(), "rewrite")
    probe.service.request.add_header("X-Team", "red")
    assert probe.service.request.get_headers() == {"x-team": ["red"]}
    assert probe.service.request.get_header("Host") is None
    assert probe.service.request.get_raw_query() == ""
    assert probe.service.request.get_protocols() == ()
