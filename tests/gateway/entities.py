"""Short ways to make the entities that routing and balancing need."""

from __future__ import annotations

from itertools import count
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from framegate.config.configuration import Route, Service, Target, Upstream
from framegate.gateway.paths import normalise
from framegate.gateway.router import Match, Router

_numbers = count(1)


def service(path: str | None = None, **fields: Any) -> Service:
    return Service("s", "s", "ws", "127.0.0.1", 80, path, **fields)


def route(name: str = "", /, *, to: Service | None = None, **fields: Any) -> Route:
    """A route; what is not given has its default."""
    return Route(id=f"route-{next(_numbers)}", name=name or None, service=to or service(), **fields)


def target(name: str, weight: int = 100) -> Target:
    host, _, port = name.partition(":")
    return Target(id=f"target-{name}", target=name, host=host, port=int(port or 8000), weight=weight)


def upstream(*targets: Target, **fields: Any) -> Upstream:
    return Upstream(id="u", name="backend", targets=targets, **fields)


def ask(
    routes: Router | list[Route],
    path: str = "/",
    *,
    host: str = "gateway.example",
    headers: list[tuple[str, str]] | None = None,
    sni: str | None = None,
    scheme: str = "ws",
    query: str = "",
) -> Match | None:
    """What the router says to a request for ``path``, as it came."""
    router = routes if isinstance(routes, Router) else Router(routes)
    fields = CIMultiDictProxy(CIMultiDict([("Host", host), *(headers or ())]))
    return router.match(path=normalise(path), host=host, headers=fields, sni=sni, scheme=scheme, query=query)


def asked(routes: Router | list[Route], path: str = "/", **request: Any) -> str | None:
    """The name of the route that a request for ``path`` takes."""
    match = ask(routes, path, **request)
    return None if match is None else match.route.name
