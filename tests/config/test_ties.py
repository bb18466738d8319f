"""Routes of which only their order decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framegate.config.configuration import Route, Service
from framegate.config.ties import ties
from tests.config.files import complaint, complaints, config

SERVICE = Service(id="s", name="s", protocol="ws", host="h", port=80)


def found(*fields: dict[str, Any]) -> list[tuple[str | None, str | None, str]]:
    routes = [Route(id=name, name=name, service=SERVICE, **each) for name, each in zip("abcd", fields, strict=False)]
    return [(first.name, second.name, shared) for first, second, shared in ties(routes)]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ({"paths": ("/chat",)}, {"paths": ("/chat",)}, "path /chat"),
        ({"paths": ("/chat",)}, {"paths": ("/ch%61t",)}, "path /chat"),
        ({"paths": ("/a", "/b")}, {"paths": ("/c", "/b")}, "path /b"),
        ({"paths": ("~/a$",)}, {"paths": ("~/a$",)}, "path ~/a$"),
        ({"paths": ("/a",), "regex_priority": 1}, {"paths": ("/a",)}, "path /a"),
        ({"hosts": ("A.x",)}, {"hosts": ("b.x", "a.x")}, "host a.x"),
        ({"hosts": ("*.x",), "paths": ("/a",)}, {"hosts": ("*.x",), "paths": ("/a",)}, "host *.x, path /a"),
        ({"headers": {"k": ("1", "2")}}, {"headers": {"K": ("2", "3")}}, "header k: 2"),
        ({"snis": ("a.x", "b.x")}, {"snis": ("B.x",)}, "server name b.x"),
        ({"paths": ("/a",), "created_at": 1}, {"paths": ("/a",), "created_at": 1}, "path /a"),
    ],
)
def test_two_routes_tie_on_what_they_share(one: dict[str, Any], other: dict[str, Any], shared: str) -> None:
    assert found(one, other) == [("a", "b", shared)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"paths": ("/chat",)}, {"paths": ("/chat/room",)}),
        ({"paths": ("/chat",)}, {"paths": ("~/chat",)}),
        ({"paths": ("/a",)}, {"paths": ("/a",), "hosts": ("a.x",)}),
        ({"paths": ("/a",)}, {"paths": ("/a",), "methods": ("GET",)}),
        ({"paths": ("/a",), "hosts": ("a.x",)}, {"paths": ("/a",), "hosts": ("b.x",)}),
        ({"paths": ("/a",), "hosts": ("a.x",)}, {"paths": ("/a",), "hosts": ("a.x", "*.x")}),
        ({"headers": {"k": ("1",)}}, {"headers": {"k": ("2",)}}),
        ({"headers": {"k": ("1",)}}, {"headers": {"l": ("1",)}}),
        ({"headers": {"k": ("1",)}}, {"headers": {"k": ("1",), "l": ("1",)}}),
        ({"snis": ("a.x",)}, {"snis": ("b.x",)}),
        ({"paths": ("/a",), "created_at": 1}, {"paths": ("/a",), "created_at": 2}),
        ({"paths": ("/a",), "created_at": 1}, {"paths": ("/a",)}),
        ({"paths": ("~/a",), "regex_priority": 1}, {"paths": ("~/a",)}),
    ],
)
def test_there_is_no_tie_where_something_decides_or_nothing_is_shared(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert found(one, other) == found(other, one) == []


def test_each_route_that_ties_is_told_once_with_the_first_of_its_rivals() -> None:
    assert [pair[:2] for pair in found(*[{"paths": ("/a",)}] * 3)] == [("a", "b"), ("a", "c")]


SERVICES = "services:\n- {name: one, url: 'ws://h/'}\n- {name: two, url: 'ws://h/', enabled: false}\n"


def test_a_tie_is_told_at_the_second_route(tmp_path: Path) -> None:
    text = SERVICES + "routes:\n- {name: a, service: one, paths: [/x]}\n- {service: one, paths: [/y, /x]}\n"
    assert complaint(tmp_path, text) == (
        "7: routes[1]: takes the same requests as 'a' (line 6), and nothing says which comes first: path /x "
        "(tell them apart by their criteria, or remove one)"
    )


def test_a_route_of_a_disabled_service_ties_with_none(tmp_path: Path) -> None:
    text = SERVICES + "routes:\n- {service: two, paths: [/x]}\n- {service: one, paths: [/x]}\n"
    assert len(config(tmp_path, text).routes) == 2


def test_a_tie_is_told_beside_other_mistakes(tmp_path: Path) -> None:
    text = "routes:\n- {service: x, paths: [/x]}\n- {service: x, paths: [/x], retry: 1}\n"
    assert [line.split(": ")[1] for line in complaints(tmp_path, text)] == [
        "routes[0].service",
        "routes[1].retry",
        "routes[1].service",
        "routes[1]",
    ]


def test_two_routes_that_match_nothing_in_particular_do_not_tie_too(tmp_path: Path) -> None:
    text = SERVICES + "routes:\n- {service: one}\n- {service: one}\n"
    assert all("matches nothing in particular" in line for line in complaints(tmp_path, text))
