"""Routes of which nothing but their order in the file decides which one a request takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from framegate.config.encoding import normalise_encoding


class Criteria(Protocol):
    """What a route matches by, whoever holds it."""

    @property
    def hosts(self) -> Sequence[str]: ...
    @property
    def paths(self) -> Sequence[str]: ...
    @property
    def headers(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def snis(self) -> Sequence[str]: ...
    @property
    def methods(self) -> Sequence[str]: ...
    @property
    def regex_priority(self) -> int: ...
    @property
    def created_at(self) -> float | None: ...


AnyRoute = TypeVar("AnyRoute", bound=Criteria)


def ties(routes: Sequence[AnyRoute]) -> list[tuple[AnyRoute, AnyRoute, str]]:
    """The routes that tie with an earlier one: the first of those, the later route, and what they share.

    Two routes tie where they have the same kinds of criteria, share an entry of each, name the same headers, and
    neither is given precedence by ``regex_priority`` or ``created_at``. Entries are compared as they are written, but
    for the case of names and the percent-encoding of paths.
    """
    found = []
    shelves: dict[tuple[Any, ...], list[AnyRoute]] = {}
    for route in routes:
        # Only routes that share a path and a host are compared: a file may have thousands of routes.
        paths = [_spelt(path) for path in route.paths or ("",)]
        places = [(_precedence(route), path, host) for path in paths for host in _hosts(route)]
        hidden_by = next(
            (
                (rival, shared)
                for place in places
                for rival in shelves.get(place, ())
                if (shared := _shared(rival, route)) is not None
            ),
            None,
        )
        if hidden_by is not None:
            found.append((hidden_by[0], route, hidden_by[1]))
        for place in places:
            shelves.setdefault(place, []).append(route)
    return found


def _hosts(route: Criteria) -> Sequence[str]:
    return _lower(route.hosts) or ("",)


def _precedence(route: Criteria) -> tuple[Any, ...]:
    """What gives one route precedence over another, but for the length of paths, which are the same in a tie."""
    kinds = tuple(bool(entries) for entries in (route.hosts, route.paths, route.headers, route.snis, route.methods))
    names = frozenset(name.lower() for name in route.headers)
    return kinds, any("*" in host for host in route.hosts), names, route.created_at


def _shared(one: Criteria, other: Criteria) -> str | None:
    parts = [
        _common("host", _lower(one.hosts), _lower(other.hosts)),
        _path(one, other),
        *_headers(one, other),
        _common("server name", _lower(one.snis), _lower(other.snis)),
    ]
    return None if None in parts else ", ".join(part for part in parts if part)


def _path(one: Criteria, other: Criteria) -> str | None:
    same_priority = one.regex_priority == other.regex_priority
    some = [path for path in map(_spelt, one.paths) if same_priority or not path.startswith("~")]
    return _common("path", some, [_spelt(path) for path in other.paths]) if one.paths else ""


def _spelt(path: str) -> str:
    return path if path.startswith("~") else normalise_encoding(path)


def _headers(one: Criteria, other: Criteria) -> Iterator[str | None]:
    others = {name.lower(): _lower(values) for name, values in other.headers.items()}
    for name, values in one.headers.items():
        yield _common(f"header {name}:", _lower(values), others[name.lower()])


def _common(what: str, some: Sequence[str], others: Sequence[str]) -> str | None:
    if not some and not others:
        return ""
    shared = next((entry for entry in some if entry in others), None)
    return None if shared is None else f"{what} {shared}"


def _lower(entries: Sequence[str]) -> list[str]:
    return [entry.lower() for entry in entries]
