"""The entity ``plugins``. What stands in ``config`` is the plugin's own to say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from framegate.config.model.entity import ConsumerReference, Entity, RouteReference, ServiceReference
from framegate.config.model.fields import KONG, NotEmpty, Text, field


class Plugin(Entity):
    """One configuration of a plugin. It applies to what it stands in or refers to, or to everything."""

    name: Text = field()
    """Which plugin; ``_`` and ``-`` are alike."""
    instance_name: Text | None = field(None)
    """A name for this configuration; no effect."""
    config: dict[str, Any] = field({}, origin="the plugin's own defaults")
    """The plugin's own fields."""
    enabled: bool = field(True, origin=KONG)
    """Whether it runs."""
    protocols: Annotated[list[Literal["ws", "wss"]], NotEmpty()] = field(["ws", "wss"], origin="all that is served")
    """On which connections of clients it runs."""
    service: ServiceReference = field(None)
    """Only for this service."""
    route: RouteReference = field(None)
    """Only for this route."""
    consumer: ConsumerReference = field(None)
    """Only for this consumer."""
