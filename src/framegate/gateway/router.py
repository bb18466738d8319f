"""The router: which route a client's request takes, and what path it has upstream.

Routes are those of the reference's traditional router, in its compatible flavour. It knows no connections and no
plugins, and does no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from multidict import CIMultiDict, CIMultiDictProxy

from framegate.config.configuration import Route, Service
from framegate.gateway.candidates import ANY_HOST, Candidate, candidates
from framegate.gateway.host_keys import HostKey, keys_of, names_of, split_port
from framegate.gateway.paths import upstream_path

__all__ = ["Captures", "Match", "Router"]

Headers = CIMultiDict[str] | CIMultiDictProxy[str]
Captures = tuple[tuple[str, ...], Mapping[str, str]]

_NO_CAPTURES: Captures = ((), {})
_DEFAULT_PORTS = {"ws": "80", "wss": "443"}
_REDIRECTS = (301, 302, 307, 308)


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request.

    Attributes:
        upstream_path: the path of the request to the service; the query is not in it.
        prefix: what the route's path matched; empty where the route has no path.
        captures: what its regular expression captured: every group in order, the named ones too, empty where a group
            took no part; and the named ones that did by name.
        status: what the request is answered with instead of being served; None lets it pass.
        location: where a status of 301, 302, 307 or 308 sends the client.
    """

    route: Route
    service: Service
    upstream_path: str
    prefix: str = ""
    captures: Captures = _NO_CAPTURES
    status: int | None = None
    location: str | None = None


class Router:
    """Finds the route of a request.

    Args:
        routes: all routes, in the order of the file.

    Raises:
        ValueError: a host or regular expression of a route is none; the message names the route.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        ranked = candidates(routes)
        by_host: dict[HostKey, list[tuple[int, Candidate]]] = {}
        for rank, candidate in enumerate(ranked):
            for host in candidate.hosts:
                by_host.setdefault(host, []).append((rank, candidate))
        self._anywhere = _Shelf(by_host.pop(ANY_HOST, ()))
        self._by_host = {host: _Shelf(entries) for host, entries in by_host.items()}
        self._wildcards = any("*" in name for name, _ in by_host)
        self._reads_sni = any(candidate.snis is not None for candidate in ranked)

    def match(
        self, *, path: str, host: str, headers: Headers, sni: str | None, scheme: str, query: str = ""
    ) -> Match | None:
        """The route that the request takes, or None.

        Args:
            path: normalised (:func:`framegate.gateway.paths.normalise`), without the query.
            host: the ``Host``, with its port if it has one.
            headers: the header fields.
            sni: the server name that the client's TLS asked for. Without TLS, a route's ``snis`` say nothing.
            scheme: how the client came, ``"ws"`` or ``"wss"``. A route that only has ``"wss"`` answers ``"ws"`` with
                its ``https_redirect_status_code``; one that only has ``"ws"`` takes both, as in the reference.
            query: what goes into the location of a redirect.
        """
        names = self._server_names(sni, scheme)
        best = self._anywhere.best(path, headers, names, None)
        if self._by_host:
            for key in keys_of(host, _DEFAULT_PORTS[scheme], wildcards=self._wildcards):
                shelf = self._by_host.get(key)
                if shelf is not None:
                    best = shelf.best(path, headers, names, best)
        if best is None:
            return None
        candidate = best[1]
        if scheme == "ws" and "ws" not in candidate.route.protocols:
            return _refused(candidate, path, host, query)
        return _matched(candidate, path)

    def _server_names(self, sni: str | None, scheme: str) -> list[str] | None:
        # None where they do not matter.
        if not self._reads_sni or scheme == "ws":
            return None
        return [] if sni is None else names_of(sni.lower().removesuffix("."))


class _Shelf:
    """The candidates of one host, by what their paths begin with."""

    __slots__ = ("_by_prefix", "_lengths")

    def __init__(self, entries: Iterable[tuple[int, Candidate]]) -> None:
        self._by_prefix: dict[str, list[tuple[int, Candidate]]] = {}
        for entry in entries:
            self._by_prefix.setdefault(entry[1].prefix, []).append(entry)
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)

    def best(
        self, path: str, headers: Headers, server_names: list[str] | None, best: tuple[int, Candidate] | None
    ) -> tuple[int, Candidate] | None:
        """The first candidate that takes the request, unless ``best``, another shelf's, comes before it."""
        longest = len(path)
        for length in self._lengths:
            if length > longest:
                continue
            for entry in self._by_prefix.get(path[:length], ()):
                if best is not None and entry[0] >= best[0]:
                    break
                if _takes(entry[1], path, headers, server_names):
                    best = entry
                    break
        return best


def _takes(candidate: Candidate, path: str, headers: Headers, server_names: list[str] | None) -> bool:
    if candidate.snis is not None and server_names is not None and candidate.snis.isdisjoint(server_names):
        return False
    if candidate.headers and not _has_headers(candidate, headers):
        return False
    return candidate.pattern is None or candidate.pattern.match(path) is not None


def _has_headers(candidate: Candidate, headers: Headers) -> bool:
    for wanted in candidate.headers:
        for value in headers.getall(wanted.name, ()):
            if value.lower() in wanted.values or (wanted.pattern is not None and wanted.pattern.search(value)):
                break
        else:
            return False
    return True


def _matched(candidate: Candidate, path: str) -> Match:
    route = candidate.route
    prefix, captures = _prefix_and_captures(candidate, path)
    upstream = upstream_path(
        route.service.path or "/", path, prefix, strip=route.strip_path, handling=route.path_handling
    )
    return Match(route, route.service, upstream, prefix, captures)


def _prefix_and_captures(candidate: Candidate, path: str) -> tuple[str, Captures]:
    if candidate.pattern is None:
        return candidate.prefix, _NO_CAPTURES
    found = candidate.pattern.match(path)
    if found is None:
        raise AssertionError("the pattern matched before")
    named = {name: value for name, value in found.groupdict().items() if value is not None}
    return found[0], (found.groups(""), named)


def _refused(candidate: Candidate, path: str, host: str, query: str) -> Match:
    route = candidate.route
    status, location = route.https_redirect_status_code, None
    if status in _REDIRECTS:
        name, _ = split_port(host)
        authority = f"[{name}]" if ":" in name else name
        location = f"wss://{authority}{path}" + (f"?{query}" if query else "")
    matched = _matched(candidate, path)
    return Match(route, route.service, matched.upstream_path, matched.prefix, matched.captures, status, location)
