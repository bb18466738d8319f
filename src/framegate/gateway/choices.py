"""How an upstream's target is chosen among those that may be: in turn, by live sessions, or by hash.

Each choice is handed the seats that are eligible. It knows no upstream entity and no connections.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from framegate.config.configuration import Target


@dataclass(slots=True, eq=False)
class Seat:
    """A target with what is remembered of it.

    Attributes:
        live: sessions that run.
        credit: how much the target is owed in the weighted turn.
        last_pick: when it was picked last, as a number that grows; 0 for never.
    """

    target: Target
    live: int = 0
    credit: int = 0
    last_pick: int = 0


def in_turn(seats: Sequence[Seat]) -> Seat:
    """Smooth weighted round-robin: by weight in the long run, and spread as evenly as that allows in the short."""
    total = 0
    for seat in seats:
        seat.credit += seat.target.weight
        total += seat.target.weight
    best = max(seats, key=lambda seat: seat.credit)
    best.credit -= total
    return best


def least_busy(seats: Sequence[Seat]) -> Seat:
    """The fewest live sessions for its weight, the new one counted in; of several, the one not picked for longest."""
    return min(seats, key=lambda seat: ((seat.live + 1) / seat.target.weight, seat.last_pick))


class HashChoice:
    """Consistent hashing: a key falls into one of ``slots`` slots, and a slot belongs to a target.

    A slot's owner is the winner of a weighted lottery among the targets whose tickets depend on slot and target alone
    (rendezvous hashing). So the order of targets does not matter, every process agrees, each target owns slots by its
    weight, and where a target leaves, only its own slots get a new owner.

    Args:
        slots: at least 1; the more, the closer to the weights.
    """

    __slots__ = ("_owners", "_slots")

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._owners: dict[int, Seat] = {}

    def owner(self, key: str, seats: Sequence[Seat], *, everyone: bool) -> Seat:
        """The seat that ``key`` belongs to.

        Args:
            seats: the eligible ones.
            everyone: whether these are all seats that can ever be eligible: only then is the owner remembered.
        """
        slot = _number(key.encode("utf-8", "surrogateescape")) % self._slots
        if not everyone:
            return _winner(slot, seats)
        seat = self._owners.get(slot)
        if seat is None:
            seat = self._owners[slot] = _winner(slot, seats)
        return seat


def _winner(slot: int, seats: Sequence[Seat]) -> Seat:
    return min(seats, key=lambda seat: (_ticket(slot, seat.target), seat.target.target))


def _ticket(slot: int, target: Target) -> float:
    # -ln(u)/weight with u in (0, 1) is smallest for a target with the probability of its share of the weights. 52 bits
    # and a half are exact in a float, and neither 0 nor 1.
    u = ((_number(f"{slot} {target.target}".encode()) >> 12) + 0.5) / 2**52
    return -math.log(u) / target.weight


def _number(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
