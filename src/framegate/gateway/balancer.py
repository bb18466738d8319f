"""The balancer of an upstream: which of its targets the next session goes to.

Owns the count of live sessions and the choice by algorithm. It dials nothing and knows no health: whoever dials says
which targets have failed already.
"""

from __future__ import annotations

from collections.abc import Collection

from framegate.config.configuration import Target, Upstream
from framegate.gateway.choices import HashChoice, Seat, in_turn, least_busy


class Balancer:
    """Picks targets of one upstream.

    Args:
        upstream: its ``algorithm`` is ``"round-robin"``, ``"least-connections"`` or ``"consistent-hashing"``; targets
            of weight 0 are never picked.

    Raises:
        ValueError: another algorithm.
    """

    def __init__(self, upstream: Upstream) -> None:
        if upstream.algorithm not in ("round-robin", "least-connections", "consistent-hashing"):
            raise ValueError(
                f"upstream {upstream.name}: algorithm {upstream.algorithm!r} is none of round-robin, "
                "least-connections, consistent-hashing"
            )
        self.upstream = upstream
        self._seats = {target: Seat(target) for target in upstream.targets}
        self._in_service = [seat for target, seat in self._seats.items() if target.weight > 0]
        self._hashed = HashChoice(upstream.slots) if upstream.algorithm == "consistent-hashing" else None
        self._picks = 0

    def pick(self, key: str | None = None, exclude: Collection[Target] = ()) -> Target | None:
        """The target for a new session, or None where none is left. Nothing is counted before :meth:`acquire`.

        Args:
            key: what consistent hashing goes by (:mod:`framegate.gateway.hash_input`); the other algorithms do not look
                at it. Without one, targets take turns.
            exclude: targets not to pick, such as those that failed already.
        """
        seats = self._in_service
        if exclude:
            seats = [seat for seat in seats if seat.target not in exclude]
        if not seats:
            return None
        seat = self._choice(key, seats)
        self._picks += 1
        seat.last_pick = self._picks
        return seat.target

    def _choice(self, key: str | None, seats: list[Seat]) -> Seat:
        if self._hashed is not None and key is not None:
            return self._hashed.owner(key, seats, everyone=seats is self._in_service)
        if self.upstream.algorithm == "least-connections":
            return least_busy(seats)
        return in_turn(seats)

    def live(self, target: Target) -> int:
        """How many sessions run to ``target``. Raises KeyError where it is none of this upstream's."""
        return self._seats[target].live

    def acquire(self, target: Target) -> None:
        """Count a session to ``target``. Raises KeyError where it is none of this upstream's."""
        self._seats[target].live += 1

    def release(self, target: Target) -> None:
        """Count a session to ``target`` no more.

        Raises:
            KeyError: the target is none of this upstream's.
            ValueError: no session to it was counted.
        """
        seat = self._seats[target]
        if seat.live == 0:
            raise ValueError(f"no session to {target.target} was acquired")
        seat.live -= 1
