"""Which of several routes that take a request gets it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from framegate.config.configuration import Route
from framegate.gateway.candidates import candidates
from framegate.gateway.paths import normalise
from framegate.gateway.router import Router
from tests.gateway.entities import asked, route

HEADERS = [("A", "1"), ("B", "2")]
ONE, TWO = {"a": ("1",)}, {"a": ("1",), "b": ("2",)}
HOST, WILD = ("gateway.example",), ("*.example",)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # More kinds of criteria, whatever they are.
        ({"paths": ("/",), "hosts": WILD}, {"paths": ("/chat/room",)}),
        ({"paths": ("/",), "methods": ("GET",)}, {"paths": ("~/chat/room",), "regex_priority": 9}),
        ({"paths": ("/",), "snis": ("a.example",)}, {"paths": ("/chat",)}),
        ({"paths": ("/",), "headers": ONE, "hosts": HOST}, {"paths": ("/chat",), "headers": TWO}),
        # Plain hosts, no hosts, wildcards.
        ({"hosts": HOST, "paths": ("/",)}, {"hosts": WILD, "paths": ("/chat/room",)}),
        ({"hosts": HOST, "paths": ("/",)}, {"hosts": (*HOST, "*.other"), "paths": ("/chat/room",)}),
        ({"hosts": HOST, "paths": ("/",)}, {"headers": TWO, "paths": ("/chat/room",)}),
        ({"snis": ("a.example",), "paths": ("/",)}, {"hosts": WILD, "paths": ("/chat",)}),
        # More headers.
        ({"paths": ("/",), "headers": TWO}, {"paths": ("/chat/room",), "headers": ONE}),
        ({"paths": ("/",), "headers": TWO}, {"paths": ("~/chat",), "headers": ONE, "regex_priority": 5}),
        # Regular expressions by their priority, then prefixes by their length.
        ({"paths": ("~/chat",), "regex_priority": 1}, {"paths": ("~/chat/room",)}),
        ({"paths": ("~/",)}, {"paths": ("/chat/room",)}),
        ({"paths": ("~/", "/x")}, {"paths": ("/chat/room",)}),
        ({"paths": ("/chat/room",)}, {"paths": ("/chat",), "regex_priority": 9}),
        ({"paths": ("/chat",)}, {"paths": ("/", "/a/path/that/is/long")}),
        # The older one; a route of unknown age last.
        ({"paths": ("/chat",), "created_at": 1}, {"paths": ("/chat",), "created_at": 2}),
        ({"paths": ("/chat",), "created_at": 1}, {"paths": ("/chat",)}),
        ({"paths": ("~/chat",), "created_at": 1}, {"paths": ("~/chat/room",), "created_at": 2}),
    ],
)
def test_the_first_goes_before_the_second_wherever_they_stand(first: dict[str, Any], second: dict[str, Any]) -> None:
    one, other = route("first", **first), route("second", **second)

    for routes in ([one, other], [other, one]):
        assert asked(routes, "/chat/room", headers=HEADERS) == "first"


def test_where_nothing_else_decides_the_file_does() -> None:
    one, other = route("one", paths=("/chat",)), route("other", paths=("/chat",))

    assert asked([one, other], "/chat") == "one"
    assert asked([other, one], "/chat") == "other"


def test_each_path_of_a_route_counts_on_its_own() -> None:
    router = Router([route("two", paths=("/", "/chat/room")), route("one", paths=("/chat",))])

    assert asked(router, "/chat/room") == "two"
    assert asked(router, "/chat/x") == "one"
    assert asked(router, "/x") == "two"


def test_a_route_that_comes_first_and_does_not_take_the_request_leaves_it_to_the_next() -> None:
    routes = [
        route("header", paths=("/chat",), headers={"a": ("no",)}),
        route("regex", paths=("~/chat/[0-9]",)),
        route("prefix", paths=("/chat",)),
    ]

    assert asked(routes, "/chat/room", headers=HEADERS) == "prefix"


# The index finds what trying one candidate after the other would find.

some_paths = st.sampled_from(["/", "/a", "/a/", "/a/b", "/ab", "~/a", "~/a(/b)?", "~/a|/b", "~.*b$", "~/ab?"])
some_hosts = st.sampled_from(["a.x", "b.x", "*.x", "a.*", "a.x:81", "*.x:81", "y"])
some_routes = st.lists(
    st.fixed_dictionaries(
        {
            "paths": st.lists(some_paths, max_size=2).map(tuple),
            "hosts": st.lists(some_hosts, max_size=2).map(tuple),
            "headers": st.sampled_from([{}, ONE, TWO]),
            "snis": st.sampled_from([(), ("a.x",), ("*.x", "y")]),
            "regex_priority": st.integers(0, 1),
            "created_at": st.sampled_from([None, 1, 2]),
        }
    ),
    max_size=8,
)


@given(
    some_routes,
    st.sampled_from(["/", "/a", "/a/b", "/ab", "/abc", "/b", "/c"]),
    st.sampled_from(["a.x", "b.x:81", "c.x", "a.y", "y", "x"]),
    st.sampled_from([[], HEADERS[:1], HEADERS]),
    st.sampled_from([None, "a.x", "y", "z"]),
    st.sampled_from(["ws", "wss"]),
)
def test_the_winner_is_the_first_candidate_that_takes_the_request(
    drawn: list[dict[str, Any]],
    path: str,
    host: str,
    headers: list[tuple[str, str]],
    sni: str | None,
    scheme: str,
) -> None:
    routes = [route(str(number), **fields) for number, fields in enumerate(drawn)]
    expected = next(
        (
            candidate.route.name
            for candidate in candidates(routes)
            if takes(candidate.route, candidate.path, path, host, CIMultiDict(headers), sni, scheme)
        ),
        None,
    )

    assert asked(routes, path, host=host, headers=headers, sni=sni, scheme=scheme) == expected


def takes(
    it: Route, own: str | None, path: str, host: str, headers: CIMultiDict[str], sni: str | None, scheme: str
) -> bool:
    """Whether the path ``own`` of the route takes the request, said as plainly as can be."""
    name, _, port = host.partition(":")
    port = port or {"ws": "80", "wss": "443"}[scheme]
    return (
        (own is None or (re.match(own[1:], path) is not None if own[0] == "~" else path.startswith(normalise(own))))
        and (not it.hosts or any(stands_for(each, name, port) for each in it.hosts))
        and all(set(headers.getall(key, ())) & set(values) for key, values in it.headers.items())
        and (not it.snis or scheme == "ws" or any(stands_for(each, sni or "", "") for each in it.snis))
    )


def stands_for(pattern: str, name: str, port: str) -> bool:
    wanted, _, wanted_port = pattern.partition(":")
    if wanted_port and wanted_port != port:
        return False
    if wanted.startswith("*"):
        return name.endswith(wanted[1:]) and len(name) >= len(wanted)
    if wanted.endswith("*"):
        return name.startswith(wanted[:-1]) and len(name) >= len(wanted)
    return name == wanted
