"""The balancer of an upstream: which of its places the next session goes to.

Owns the count of live sessions, the choice by algorithm, limits of connections, the share of a slow start, and what
health has to say in all of it. It dials, checks and resolves nothing: whoever does tells it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from framegate.config.configuration import Target, Upstream
from framegate.gateway.choices import HashChoice, in_turn, least_busy
from framegate.gateway.upstreams.health import Health
from framegate.gateway.upstreams.seat import Place, Seat


class Balancer:
    """Picks places of one upstream.

    Args:
        upstream: its ``algorithm`` is ``"round-robin"``, ``"least-connections"`` or ``"consistent-hashing"``; targets
            of weight 0 are never picked.
        clock: seconds that only grow.

    Raises:
        ValueError: another algorithm.
    """

    def __init__(self, upstream: Upstream, *, clock: Callable[[], float] = time.monotonic) -> None:
        if upstream.algorithm not in ("round-robin", "least-connections", "consistent-hashing"):
            raise ValueError(
                f"upstream {upstream.name}: algorithm {upstream.algorithm!r} is none of round-robin, "
                "least-connections, consistent-hashing"
            )
        self.upstream = upstream
        self._clock = clock
        self._slow_start = upstream.slow_start / 1000
        self._hashed = HashChoice(upstream.slots) if upstream.algorithm == "consistent-hashing" else None
        self._picks = 0
        self._ramping: set[Seat] = set()
        self._in_service: list[Seat] = []
        self._seats: dict[Target, list[Seat]] = {}
        self._known: dict[str, Seat] = {}
        self._reloaded = False
        for target in upstream.targets:
            self._seats[target] = [self._new_seat(target, Place(target.host, target.port), later=False)]
        self._settle()

    def adopt(self, previous: Balancer) -> None:
        """Go on where the balancer of the same upstream was before a reload: load, health and slow starts of the places
        that stay go on, those that are new start slowly."""
        self._known = {**previous._known, **{seat.name: seat for seat in previous.seats()}}
        self._reloaded = True
        for target, seats in self._seats.items():
            self._seats[target] = [self._new_seat(target, seat.place, later=True) for seat in seats]
        self._settle()

    def seats(self) -> list[Seat]:
        """All places, those that are never picked too."""
        return [seat for seats in self._seats.values() for seat in seats]

    def of(self, target: Target) -> Sequence[Seat]:
        """The places of one target. Raises KeyError where it is none of this upstream's."""
        return self._seats[target]

    def move(self, target: Target, places: Sequence[Place], *, later: bool) -> bool:
        """``target`` is found at ``places`` from now on; whether that is a change. Places that stay keep all they have.

        Args:
            later: whether it was found elsewhere before, so that new places start slowly.
        """
        old = {seat.place: seat for seat in self._seats[target]}
        wanted = list(dict.fromkeys(places))
        if list(old) == wanted:
            return False
        self._ramping.difference_update(self._seats[target])
        later = later or self._reloaded
        self._seats[target] = [old.get(place) or self._new_seat(target, place, later=later) for place in wanted]
        # Sessions go on where no name leads any more; should one lead there again, they count.
        self._known.update({seat.name: seat for place, seat in old.items() if place not in wanted and seat.live})
        self._ramping.update(seat for seat in self._seats[target] if seat.ramp_since is not None)
        self._settle()
        return True

    def pick(self, key: str | None = None, exclude: Collection[Seat] = ()) -> Seat | None:
        """The place for a new session, or None where none is left. Nothing is counted before :meth:`acquire`.

        Args:
            key: what consistent hashing goes by (:mod:`framegate.gateway.hash_input`); the other algorithms do not look
                at it. Without one, places take turns.
            exclude: places not to pick, such as those that failed already.
        """
        if self._ramping:
            self._ramp()
        seats = [seat for seat in self._in_service if seat.health.healthy and not seat.full]
        if exclude:
            seats = [seat for seat in seats if seat not in exclude]
        if not seats or (self.upstream.healthchecks.threshold and not self.available):
            return None
        seat = self._choice(key, seats)
        self._picks += 1
        seat.last_pick = self._picks
        return seat

    @property
    def available(self) -> bool:
        """Whether enough of the weight is healthy: ``threshold`` per cent of it, and more than nothing."""
        total = healthy = 0
        for seat in self._in_service:
            total += seat.full_weight
            if seat.health.healthy:
                healthy += seat.full_weight
        return healthy > 0 and healthy * 100 >= total * self.upstream.healthchecks.threshold

    def shortage(self) -> tuple[str, bool]:
        """Why there is none to pick, in words; and whether connections that end will mend it."""
        if not self._in_service:
            return "has no target with an address and a weight", False
        if not self.available:
            sick = sum(not seat.health.healthy for seat in self._in_service)
            share = f", less than {self.upstream.healthchecks.threshold:g} % of the weight is left"
            less = share if sick < len(self._in_service) else ""
            return f"has {sick} of {len(self._in_service)} targets unhealthy{less}", False
        return "has as many connections as its healthy targets may have", True

    def live(self, target: Target) -> int:
        """How many sessions run to ``target``. Raises KeyError where it is none of this upstream's."""
        return sum(seat.live for seat in self._seats[target])

    def share(self, seat: Seat) -> float:
        """How much of its weight a place has: less than 1 during a slow start."""
        self._ramp()
        return seat.weight / seat.full_weight if seat.full_weight else 0.0

    def acquire(self, seat: Seat) -> None:
        """Count a session to this place."""
        seat.load.live += 1

    def release(self, seat: Seat) -> None:
        """Count a session to this place no more.

        Raises:
            ValueError: no session to it was counted.
        """
        if seat.load.live == 0:
            raise ValueError(f"no session to {seat.name} was acquired")
        seat.load.live -= 1

    def recovered(self, seat: Seat) -> None:
        """This place is healthy again: it starts slowly, and is owed nothing."""
        seat.credit = 0
        self._start_slowly(seat)

    def _choice(self, key: str | None, seats: list[Seat]) -> Seat:
        if self._hashed is not None and key is not None:
            return self._hashed.owner(key, seats, self._in_service)
        if self.upstream.algorithm == "least-connections":
            return least_busy(seats)
        return in_turn(seats)

    def _new_seat(self, target: Target, place: Place, *, later: bool) -> Seat:
        seat = Seat(target, place, Health(self.upstream.healthchecks))
        known = self._known.get(seat.name)
        if known is not None:
            seat.load = known.load
            seat.health.take_over(known.health)
            seat.ramp_since = known.ramp_since
        elif later:
            self._start_slowly(seat)
        if seat.ramp_since is not None:
            self._ramping.add(seat)
        return seat

    def _start_slowly(self, seat: Seat) -> None:
        if self._slow_start:
            seat.ramp_since = self._clock()
            self._ramping.add(seat)

    def _ramp(self) -> None:
        if self._ramping:
            now = self._clock()
            self._ramping = {seat for seat in self._ramping if seat.ramp(now, self._slow_start or 1e-9)}

    def _settle(self) -> None:
        self._in_service = [seat for seat in self.seats() if seat.full_weight > 0]
        if self._hashed is not None:
            self._hashed.forget()
