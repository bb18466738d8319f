"""``kong.router``."""

from __future__ import annotations

from framegate.pdk.entities import Entity
from framegate.pdk.exchange import Exchange


class Router:
    """What the router decided."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def get_route(self) -> Entity | None:
        """The route that the request matched, as a read-only mapping with the file's field names.

        None before the router has decided (``certificate``, ``rewrite``) and where no route matched.

        Phases: every phase.
        Source: as ``kong.router.get_route`` of Kong's PDK.
        """
        return self._exchange.route

    def get_service(self) -> Entity | None:
        """The service of the matched route, as a read-only mapping with the file's field names; None without a route.

        Phases: every phase.
        Source: as ``kong.router.get_service`` of Kong's PDK.
        """
        return self._exchange.service
