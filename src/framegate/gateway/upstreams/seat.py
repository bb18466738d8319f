"""A place that sessions go to: a target's address, with its load, its health and its share.

Knows no choice and no network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from framegate.config.configuration import Target
from framegate.gateway.upstreams.health import Health

LEAST_SHARE = 0.01
"""The share at which a slow start begins: a hundredth still gets the sessions that tell whether the target works."""


class Place(NamedTuple):
    """Where a target is found.

    Attributes:
        host: an address; or a name, which whoever dials has to look up.
        port: its port.
        weight: what an SRV record says (RFC 2782), instead of the target's weight.
        name: the name in the SRV record.
    """

    host: str
    port: int
    weight: int | None = None
    name: str | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(slots=True)
class Load:
    """How many sessions run to a place; the same object before and after a reload."""

    live: int = 0


@dataclass(slots=True, eq=False)
class Seat:
    """A place of a target with what is remembered of it.

    Attributes:
        target: whose place it is.
        place: where it is.
        health: whether it may be picked.
        load: its live sessions.
        weight: its share of the connections by now, which is less than ``full_weight`` during a slow start.
        ramp_since: when its slow start began, by the balancer's clock; None where it has its full weight.
        credit: how much it is owed in the weighted turn.
        last_pick: when it was picked last, as a number that grows; 0 for never.
    """

    target: Target
    place: Place
    health: Health = field(default_factory=Health)
    load: Load = field(default_factory=Load)
    weight: float = 0
    ramp_since: float | None = None
    credit: float = 0
    last_pick: int = 0
    name: str = ""
    full_weight: int = 0
    _most: int | None = None

    def __post_init__(self) -> None:
        own = self.place.host == self.target.host and self.place.port == self.target.port
        self.name = self.target.target if own else f"{self.target.target} ({self.place})"
        self._most = self.target.max_connections
        self.full_weight = self.target.weight
        if self.place.weight is not None and self.target.weight:
            # As in Kong: the record's weight counts; of weight 0 it is served with "a very small chance" (RFC 2782).
            self.full_weight = max(self.place.weight, 1)
        self.weight = self.full_weight

    @property
    def live(self) -> int:
        """How many sessions run."""
        return self.load.live

    @property
    def full(self) -> bool:
        """Whether no further session may go there."""
        return self._most is not None and self.load.live >= self._most

    def ramp(self, now: float, duration: float) -> bool:
        """Bring the weight up to date in a slow start of ``duration`` seconds; whether it goes on."""
        if self.ramp_since is not None:
            share = (now - self.ramp_since) / duration
            if share < 1:
                self.weight = self.full_weight * max(share, LEAST_SHARE)
                return True
        self.ramp_since = None
        self.weight = self.full_weight
        return False
