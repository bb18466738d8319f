"""What is known of an upstream at a moment, as plain data: for metrics, and for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from framegate.config.configuration import Target
from framegate.gateway.balancer import Balancer
from framegate.gateway.upstreams.seat import Seat


class TargetHealth(TypedDict):
    """What is known of one place of a target.

    ``target`` is what the file says; ``address`` is None where the name leads nowhere. ``weight`` is the full one, and
    ``share`` how much of it counts now. ``reason`` says why it is not healthy, or what has made it so.
    """

    target: str
    address: str | None
    weight: int
    share: float
    healthy: bool
    reason: str
    live: int
    max_connections: int | None


class UpstreamHealth(TypedDict):
    """What is known of one upstream. ``available`` tells whether sessions can get a place as far as health goes."""

    upstream: str
    algorithm: str
    available: bool
    targets: list[TargetHealth]


def upstream_health(balancer: Balancer, troubles: Mapping[Target, str]) -> UpstreamHealth:
    """What is known now.

    Args:
        balancer: the upstream's.
        troubles: of targets with a name, what is wrong with it.
    """
    targets = [_place(balancer, seat) for seat in balancer.seats()]
    targets += [_nowhere(target, trouble) for target, trouble in troubles.items() if not balancer.of(target)]
    upstream = balancer.upstream
    return {
        "upstream": upstream.name,
        "algorithm": upstream.algorithm,
        "available": balancer.available,
        "targets": targets,
    }


def _place(balancer: Balancer, seat: Seat) -> TargetHealth:
    return {
        "target": seat.target.target,
        "address": str(seat.place),
        "weight": seat.full_weight,
        "share": balancer.share(seat),
        "healthy": seat.health.healthy,
        "reason": seat.health.reason,
        "live": seat.live,
        "max_connections": seat.target.max_connections,
    }


def _nowhere(target: Target, trouble: str) -> TargetHealth:
    return {
        "target": target.target,
        "address": None,
        "weight": target.weight,
        "share": 0.0,
        "healthy": False,
        "reason": trouble or "not looked up yet",
        "live": 0,
        "max_connections": target.max_connections,
    }
