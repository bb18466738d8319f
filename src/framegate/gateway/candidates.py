"""What the router chooses among: each path of each route, with its criteria and its precedence.

Owns the order in which routes are tried. It knows no requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from framegate.config.configuration import Route
from framegate.config.patterns import header_pattern, literal_prefix, path_pattern
from framegate.gateway.host_keys import HostKey, host_key
from framegate.gateway.paths import normalise

Precedence: TypeAlias = tuple[int, ...]

ANY_HOST: HostKey = ("", None)


@dataclass(frozen=True, slots=True, eq=False)
class HeaderCriterion:
    """One header that a request must have, with one of ``values`` (lower case) or one that ``pattern`` is found in."""

    name: str
    values: frozenset[str]
    pattern: re.Pattern[str] | None


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One path of a route, or a route without paths.

    Attributes:
        path: as the file writes it, or None.
        prefix: what the request's path begins with: the whole criterion where there is no ``pattern``.
        pattern: what matches the beginning of the path.
        hosts: the keys of which one must be the request's; :data:`ANY_HOST` alone where the route has none.
        snis: server names, likewise; None where the route has none.
        precedence: the lower is tried first. Two that have the same are tried in order of age, then as in the file.
    """

    route: Route
    path: str | None
    prefix: str
    pattern: re.Pattern[str] | None
    hosts: tuple[HostKey, ...]
    headers: tuple[HeaderCriterion, ...]
    snis: frozenset[str] | None
    precedence: Precedence


def candidates(routes: Iterable[Route]) -> list[Candidate]:
    """The candidates of ``routes``, in the order in which they are tried; those of disabled services are left out.

    Routes with more kinds of criteria (hosts, headers, paths, snis, methods) come first; then those with plain hosts
    only, then those without hosts, then those with wildcards; then those with more headers; then regular expressions,
    by their ``regex_priority``, high first, before prefixes, the longest first; then the oldest; then as in the file.

    Raises:
        ValueError: a host or regular expression is none; the message names the route.
    """
    found = [candidate for route in routes if route.service.enabled for candidate in _candidates_of(route)]
    found.sort(key=lambda candidate: (candidate.precedence, _age(candidate.route)))
    return found


def _age(route: Route) -> tuple[bool, int]:
    return route.created_at is None, route.created_at or 0


def _candidates_of(route: Route) -> Iterator[Candidate]:
    try:
        hosts = tuple(host_key(host) for host in route.hosts)
        headers = tuple(_header(name, values) for name, values in route.headers.items())
        for path in route.paths or (None,):
            yield _candidate(route, path, hosts, headers)
    except ValueError as error:
        raise ValueError(f"route {route.name or route.id}: {error}") from error


def _candidate(
    route: Route, path: str | None, hosts: tuple[HostKey, ...], headers: tuple[HeaderCriterion, ...]
) -> Candidate:
    pattern = path_pattern(path[1:]) if path is not None and path.startswith("~") else None
    if pattern is not None:
        prefix = literal_prefix(pattern)
    else:
        prefix = "" if path is None else normalise(path)
    by_path = (0, -route.regex_priority) if pattern is not None else (1, -len(prefix))
    return Candidate(
        route=route,
        path=path,
        prefix=prefix,
        pattern=pattern,
        hosts=hosts or (ANY_HOST,),
        headers=headers,
        snis=frozenset(sni.lower().removesuffix(".") for sni in route.snis) or None,
        precedence=(-_kinds(route), _by_hosts(hosts), -len(headers), *by_path),
    )


def _kinds(route: Route) -> int:
    return sum(1 for criteria in (route.hosts, route.headers, route.paths, route.snis, route.methods) if criteria)


def _by_hosts(hosts: tuple[HostKey, ...]) -> int:
    if not hosts:
        return 1
    return 2 if any("*" in name for name, _ in hosts) else 0


def _header(name: str, values: tuple[str, ...]) -> HeaderCriterion:
    pattern = header_pattern(values[0][2:]) if len(values) == 1 and values[0].startswith("~*") else None
    return HeaderCriterion(name, frozenset(value.lower() for value in values), pattern)
