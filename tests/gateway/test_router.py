"""The router: which requests a route takes, what it makes of their paths, and how it answers where TLS is missing."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.gateway.router import Router
from tests.gateway.entities import ask, asked, route, service

# What a route takes


def test_without_routes_no_request_has_one() -> None:
    assert ask([], "/") is None


def test_a_plain_path_is_a_prefix_byte_for_byte() -> None:
    router = Router([route("chat", paths=("/chat",))])

    assert asked(router, "/chat") == asked(router, "/chat/room") == asked(router, "/chatx") == "chat"
    assert asked(router, "/cha") is asked(router, "/Chat") is asked(router, "/x/chat") is None


def test_any_of_a_routes_paths_will_do() -> None:
    routes = [route("both", paths=("/chat", "~/v[12]/chat$"))]

    assert asked(routes, "/chat/a") == asked(routes, "/v2/chat") == "both"
    assert asked(routes, "/v3/chat") is None


def test_paths_of_the_file_are_normalised_as_those_of_requests_are() -> None:
    routes = [route("chat", paths=("/fo%6f//%c3%b6",))]

    assert asked(routes, "/foo/ö/x") == asked(routes, "/f%6fo/%C3%B6") == "chat"


@pytest.mark.parametrize("path", ["/public/../admin", "/public/%2e%2e/admin", "//admin", "/%61dmin", "/./admin"])
def test_no_way_to_write_a_path_goes_round_its_route(path: str) -> None:
    assert asked([route("public", paths=("/public",)), route("admin", paths=("/admin",))], path) == "admin"


def test_a_regular_expression_begins_at_the_paths_first_character_and_may_end_before_its_last() -> None:
    router = Router([route("users", paths=(r"~/users/\d+",))])

    assert asked(router, "/users/42") == asked(router, "/users/42/more") == "users"
    assert asked(router, "/v1/users/42") is asked(router, "/users/me") is None


def test_every_alternative_of_a_regular_expression_begins_there() -> None:
    routes = [route("either", paths=("~/a$|/b$",))]

    assert asked(routes, "/a") == asked(routes, "/b") == "either"
    assert asked(routes, "/x/b") is None


def test_groups_are_captured_by_number_and_by_name() -> None:
    match = ask([route("users", paths=(r"~/v(\d)/users/(?<user>\w+)(/x)?(?<more>/y)?",))], "/v1/users/ada")

    assert match is not None
    assert match.captures == (("1", "ada", "", ""), {"user": "ada"})


def test_a_route_without_regular_expression_captures_nothing() -> None:
    match = ask([route("chat", paths=("/chat",))], "/chat")

    assert match is not None
    assert match.captures == ((), {})


@pytest.mark.parametrize(
    ("host", "request_host", "takes"),
    [
        ("example.com", "example.com", True),
        ("Example.COM", "eXAMPLE.com", True),
        ("example.com", "example.com:8000", True),
        ("example.com", "www.example.com", False),
        ("example.com:8000", "example.com:8000", True),
        ("example.com:8000", "example.com:8001", False),
        ("example.com:8000", "example.com", False),
        ("example.com:80", "example.com", True),
        ("example.com:443", "example.com", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com:99", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.example.com", "badexample.com", False),
        ("*.example.com", "a.example.com.evil.org", False),
        ("example.*", "example.org", True),
        ("example.*", "example.co.uk", True),
        ("example.*", "example", False),
        ("example.*", "myexample.org", False),
        ("*.example.com:8443", "a.example.com:8443", True),
        ("*.example.com:8443", "a.example.com", False),
        ("example.*:8443", "example.org:8443", True),
        ("example.*:8443", "example.org:8444", False),
        ("[::1]", "[::1]:8000", True),
        ("[::1]:8000", "[::1]", False),
        ("127.0.0.1", "127.0.0.1:9", True),
    ],
)
def test_a_host_is_compared_without_case_its_port_where_the_route_names_one(
    host: str, request_host: str, takes: bool
) -> None:
    assert (asked([route("it", hosts=(host,))], host=request_host) == "it") is takes


def test_with_tls_a_host_without_port_has_443() -> None:
    routes = [route("tls", hosts=("example.com:443",))]

    assert asked(routes, host="example.com", scheme="wss") == "tls"
    assert asked(routes, host="example.com", scheme="ws") is None


V1 = {"x-version": ("v1", "V2")}


@pytest.mark.parametrize(
    ("wanted", "sent", "takes"),
    [
        (V1, [("X-Version", "v1")], True),
        (V1, [("x-version", "v2")], True),
        (V1, [("X-Version", "v3")], False),
        (V1, [("X-Version", "v1, v2")], False),
        (V1, [("X-Version", "v3"), ("X-Version", "V1")], True),
        (V1, [], False),
        ({**V1, "x-region": ("north",)}, [("X-Version", "v1")], False),
        ({**V1, "x-region": ("north",)}, [("X-Version", "v1"), ("X-Region", "NORTH")], True),
        ({"x-version": ("~*^v[0-9]+$",)}, [("X-Version", "V12")], True),
        ({"x-version": ("~*V[0-9]",)}, [("X-Version", "rev1")], True),
        ({"x-version": ("~*^v[0-9]+$",)}, [("X-Version", "beta")], False),
        ({"x-version": ("~*^v[0-9]+$",)}, [("X-Version", "beta"), ("X-Version", "v1")], True),
        ({"x-version": ("~*^v[0-9]+$", "beta")}, [("X-Version", "v1")], False),
        ({"X-Version": ("v1",)}, [("x-version", "v1")], True),
    ],
)
def test_every_header_must_be_there_with_one_of_its_values(
    wanted: dict[str, tuple[str, ...]], sent: list[tuple[str, str]], takes: bool
) -> None:
    assert (asked([route("it", headers=wanted)], headers=sent) == "it") is takes


@pytest.mark.parametrize(
    ("sni", "scheme", "takes"),
    [
        ("chat.example", "wss", True),
        ("CHAT.example.", "wss", True),
        ("other.example", "wss", False),
        (None, "wss", False),
        (None, "ws", True),
        ("deep.wild.example", "wss", True),
    ],
)
def test_a_server_name_counts_where_there_is_tls(sni: str | None, scheme: str, takes: bool) -> None:
    routes = [route("it", snis=("Chat.example.", "*.wild.example"))]

    assert (asked(routes, sni=sni, scheme=scheme) == "it") is takes


def test_a_route_must_be_met_in_all_its_kinds_of_criteria() -> None:
    router = Router([route("it", hosts=("a.example", "b.example"), paths=("/x", "/y"), headers={"k": ("v",)})])

    assert asked(router, "/y", host="b.example", headers=[("K", "v")]) == "it"
    assert asked(router, "/y", host="c.example", headers=[("K", "v")]) is None
    assert asked(router, "/z", host="b.example", headers=[("K", "v")]) is None
    assert asked(router, "/y", host="b.example") is None


def test_the_routes_of_a_disabled_service_take_nothing() -> None:
    off = route("off", paths=("/chat",), to=service(enabled=False))

    assert asked([off, route("rest", paths=("/",))], "/chat") == "rest"


@pytest.mark.parametrize("fields", [{"paths": ("~/(",)}, {"hosts": ("a.*.b",)}, {"headers": {"x": ("~*(",)}}])
def test_a_route_that_cannot_be_read_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="route broken: "):
        Router([route("broken", **fields)])


# What becomes of the path


@pytest.mark.parametrize(
    ("fields", "path", "prefix", "upstream"),
    [
        ({"paths": ("/chat",)}, "/chat/room", "/chat", "/base/room"),
        ({"paths": ("/chat",)}, "/chatx", "/chat", "/base/x"),
        ({"paths": ("/chat",), "strip_path": False}, "/chat/room", "/chat", "/base/chat/room"),
        ({"paths": ("/chat",), "path_handling": "v1"}, "/chatx", "/chat", "/basex"),
        ({"paths": (r"~/v\d/chat",)}, "/v1/chat/room", "/v1/chat", "/base/room"),
        ({"paths": (r"~/v\d/chat.*",)}, "/v1/chat/room", "/v1/chat/room", "/base"),
        ({"hosts": ("gateway.example",)}, "/a/../b%7E", "", "/base/b~"),
    ],
)
def test_the_match_tells_what_the_path_matched_and_where_it_goes(
    fields: dict[str, Any], path: str, prefix: str, upstream: str
) -> None:
    match = ask([route("it", to=service("/base"), **fields)], path)

    assert match is not None
    assert (match.prefix, match.upstream_path) == (prefix, upstream)


def test_a_service_without_path_has_the_root() -> None:
    match = ask([route("it", paths=("/chat",))], "/chat")

    assert match is not None
    assert match.upstream_path == "/"


def test_the_match_names_route_and_service() -> None:
    chat = route("chat", paths=("/chat",))
    match = ask([chat], "/chat")

    assert match is not None
    assert match.route is chat
    assert match.service is chat.service


# Where TLS is missing


def test_a_wss_route_asks_a_plain_client_to_upgrade() -> None:
    match = ask([route("tls", paths=("/chat",), protocols=("wss",))], "/chat")

    assert match is not None
    assert (match.status, match.location) == (426, None)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_or_redirects_it_to_the_same_place_with_tls(status: int) -> None:
    routes = [route("tls", paths=("/chat",), protocols=("wss",), https_redirect_status_code=status)]
    match = ask(routes, "/chat/%61?", host="Gateway.example:8000", query="b=1&c")

    assert match is not None
    assert (match.status, match.location) == (status, "wss://gateway.example/chat/a%3F?b=1&c")


def test_an_address_keeps_its_brackets_in_the_redirect() -> None:
    match = ask([route("tls", protocols=("wss",), paths=("/",), https_redirect_status_code=308)], host="[::1]:8000")

    assert match is not None
    assert match.location == "wss://[::1]/"


@pytest.mark.parametrize(
    ("protocols", "scheme"), [(("wss",), "wss"), (("ws", "wss"), "ws"), (("ws", "wss"), "wss"), (("ws",), "wss")]
)
def test_every_other_pair_of_protocols_passes(protocols: tuple[str, ...], scheme: str) -> None:
    match = ask([route("it", paths=("/",), protocols=protocols)], scheme=scheme)

    assert match is not None
    assert (match.status, match.location) == (None, None)


def test_the_best_route_answers_even_where_a_lesser_one_would_not_need_tls() -> None:
    routes = [route("plain", paths=("/",)), route("tls", paths=("/chat",), protocols=("wss",))]
    match = ask(routes, "/chat")

    assert match is not None
    assert (match.route.name, match.status) == ("tls", 426)
