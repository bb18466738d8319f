"""Routes between which only their age or their order in the file decides.

A warning for who writes the file; no request is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from framegate.config.configuration import Route
from framegate.gateway.candidates import ANY_HOST, Candidate, HeaderCriterion, candidates
from framegate.gateway.host_keys import HostKey

_Group: TypeAlias = tuple[object, ...]


def ties(routes: Sequence[Route]) -> list[tuple[Route, Route, str]]:
    """Routes that can match the same request and of which neither comes before the other but by its place in the file.

    That is: they have the same path, the same header names and kinds of criteria, and share a host, a server name and
    a value of each header. Regular expressions are compared as they are written. Where both have a ``created_at`` that
    differs, the older one wins, and there is no tie.

    Returns:
        the route that wins, the one that it hides, and what they share, in words; for each pair the first thing found.

    Raises:
        ValueError: a host or regular expression of a route is none; the message names the route.
    """
    found: dict[tuple[int, int], tuple[Route, Route, str]] = {}
    earlier: dict[_Group, list[Candidate]] = {}
    for candidate in candidates(routes):
        group = _group(candidate)
        for host in candidate.hosts:
            rivals = earlier.setdefault((*group, host), [])
            rival, shared = _first_rival(rivals, candidate, host)
            if rival is not None:
                pair = id(rival.route), id(candidate.route)
                found.setdefault(pair, (rival.route, candidate.route, shared))
            rivals.append(candidate)
    return list(found.values())


def _group(candidate: Candidate) -> _Group:
    criterion = candidate.prefix if candidate.pattern is None else candidate.pattern.pattern
    names = tuple(sorted(header.name.lower() for header in candidate.headers))
    return candidate.precedence, candidate.route.created_at, candidate.pattern is None, criterion, names


def _first_rival(rivals: Iterable[Candidate], candidate: Candidate, host: HostKey) -> tuple[Candidate | None, str]:
    for rival in rivals:
        if rival.route is not candidate.route:
            shares = (_host(host), _path(rival), _headers(rival, candidate), _server_name(rival, candidate))
            if None not in shares:
                return rival, ", ".join(filter(None, shares)) or "any request"
    return None, ""


def _host(key: HostKey) -> str:
    name, port = key
    if key == ANY_HOST:
        return ""
    return f"host {name}" if port is None else f"host {name}:{port}"


def _path(one: Candidate) -> str:
    return "" if one.path is None else f"path {one.path}"


def _headers(one: Candidate, other: Candidate) -> str | None:
    by_name = {header.name.lower(): header for header in other.headers}
    shares = [_header(header, by_name[header.name.lower()]) for header in one.headers]
    return None if None in shares else ", ".join(share for share in shares if share)


def _header(one: HeaderCriterion, other: HeaderCriterion) -> str | None:
    values = _smallest(one.values & other.values)
    return None if values is None else f"header {one.name}: {values}"


def _server_name(one: Candidate, other: Candidate) -> str | None:
    if one.snis is None or other.snis is None:
        return "" if one.snis is other.snis else None
    name = _smallest(one.snis & other.snis)
    return None if name is None else f"server name {name}"


def _smallest(values: Iterable[str]) -> str | None:
    return min(values, default=None)
