"""Routes between which only the file's order decides."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.gateway.router import ties
from tests.gateway.entities import route


def found(*fields: dict[str, Any]) -> list[tuple[str | None, str | None, str]]:
    routes = [route(name, **each) for name, each in zip("abcd", fields, strict=False)]
    return [(winner.name, hidden.name, on) for winner, hidden, on in ties(routes)]


@pytest.mark.parametrize(
    ("one", "other", "on"),
    [
        ({"paths": ("/chat",)}, {"paths": ("/chat",)}, "path /chat"),
        ({"paths": ("/chat",)}, {"paths": ("/ch%61t",)}, "path /chat"),
        ({"paths": ("/a", "/b")}, {"paths": ("/c", "/b")}, "path /b"),
        ({"paths": ("~/a$",)}, {"paths": ("~/a$",)}, "path ~/a$"),
        ({"hosts": ("A.x", "b.x:80")}, {"hosts": ("c.x", "b.x:80")}, "host b.x:80"),
        ({"hosts": ("*.x",), "paths": ("/a",)}, {"hosts": ("*.x",), "paths": ("/a",)}, "host *.x, path /a"),
        ({"headers": {"k": ("1", "2")}}, {"headers": {"K": ("2", "3")}}, "header k: 2"),
        ({"snis": ("a.x", "b.x")}, {"snis": ("B.x",)}, "server name b.x"),
        ({"methods": ("GET",)}, {"methods": ("GET",)}, "any request"),
    ],
)
def test_two_routes_tie_on_what_they_share(one: dict[str, Any], other: dict[str, Any], on: str) -> None:
    assert found(one, other) == [("a", "b", on)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"paths": ("/chat",)}, {"paths": ("/chat/room",)}),
        ({"paths": ("/chat",)}, {"paths": ("/talk",)}),
        ({"paths": ("/chat",)}, {"paths": ("~/chat",)}),
        ({"paths": ("/chat",)}, {"paths": ("/chat",), "hosts": ("a.x",)}),
        ({"paths": ("/a",), "hosts": ("a.x",)}, {"paths": ("/a",), "hosts": ("b.x",)}),
        ({"paths": ("/a",), "hosts": ("a.x",)}, {"paths": ("/a",), "hosts": ("a.x", "*.x")}),
        ({"headers": {"k": ("1",)}}, {"headers": {"k": ("2",)}}),
        ({"headers": {"k": ("1",)}}, {"headers": {"l": ("1",)}}),
        ({"snis": ("a.x",)}, {"snis": ("b.x",)}),
        ({"paths": ("/a",), "created_at": 1}, {"paths": ("/a",), "created_at": 2}),
        ({"paths": ("~/a",), "regex_priority": 1}, {"paths": ("~/a",)}),
    ],
)
def test_there_is_no_tie_where_something_decides_or_nothing_is_shared(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert found(one, other) == []


def test_a_route_does_not_tie_with_itself() -> None:
    assert found({"paths": ("/chat", "/chat"), "hosts": ("a.x", "a.x")}) == []


def test_each_hidden_route_is_told_once_with_the_one_that_hides_it() -> None:
    chat = {"paths": ("/chat",)}

    assert found(chat, chat, chat) == [("a", "b", "path /chat"), ("a", "c", "path /chat")]


def test_a_route_may_be_hidden_by_several_each_on_a_path_of_its_own() -> None:
    pairs = found({"paths": ("/a",)}, {"paths": ("/bb",)}, {"paths": ("/a", "/bb")})

    assert sorted(pairs) == [("a", "c", "path /a"), ("b", "c", "path /bb")]
