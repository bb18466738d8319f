"""``kong.ctx``."""

from __future__ import annotations

from framegate.pdk.exchange import Exchange, Namespace


class Ctx:
    """Where plugins keep what belongs to one connection."""

    __slots__ = ("_exchange", "_id")

    def __init__(self, exchange: Exchange, id: str) -> None:
        self._exchange = exchange
        self._id = id

    @property
    def shared(self) -> Namespace:
        """Attributes that all plugins of this connection see; one that was not set is None.

        They live as long as the connection.

        Phases: every phase.
        Source: as ``kong.ctx.shared`` of Kong's PDK.
        """
        return self._exchange.shared

    @property
    def plugin(self) -> Namespace:
        """Attributes that only this configuration of this plugin sees; one that was not set is None.

        They live as long as the connection, across all phases.

        Phases: every phase.
        Source: as ``kong.ctx.plugin`` of Kong's PDK.
        """
        plugins = self._exchange.plugins
        own = plugins.get(self._id)
        if own is None:
            own = plugins[self._id] = Namespace()
        return own
