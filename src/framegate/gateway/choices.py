"""How an upstream's place is chosen among those that may be: in turn, by live sessions, or by hash.

Each choice is handed the seats that are eligible. It knows no upstream entity and no connections.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from framegate.gateway.upstreams.seat import Seat


def in_turn(seats: Sequence[Seat]) -> Seat:
    """Smooth weighted round-robin: by weight in the long run, and spread as evenly as that allows in the short."""
    total = 0.0
    for seat in seats:
        seat.credit += seat.weight
        total += seat.weight
    best = max(seats, key=lambda seat: seat.credit)
    best.credit -= total
    return best


def least_busy(seats: Sequence[Seat]) -> Seat:
    """The fewest live sessions for its weight, the new one counted in; of several, the one not picked for longest."""
    return min(seats, key=lambda seat: ((seat.live + 1) / seat.weight, seat.last_pick))


class HashChoice:
    """Consistent hashing: a key falls into one of ``slots`` slots, and a slot belongs to a seat.

    A slot's owner is the winner of a weighted lottery among the seats whose tickets depend on slot and address alone
    (rendezvous hashing). So the order of targets does not matter, every process agrees, each target owns slots by its
    weight, and where a target leaves, only its own slots get a new owner.

    Args:
        slots: at least 1; the more, the closer to the weights.
    """

    __slots__ = ("_owners", "_slots")

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._owners: dict[int, Seat] = {}

    def forget(self) -> None:
        """The seats are others now."""
        self._owners.clear()

    def owner(self, key: str, seats: Sequence[Seat], everyone: Sequence[Seat]) -> Seat:
        """The seat that ``key`` belongs to.

        Args:
            seats: the eligible ones.
            everyone: all that can ever be; whoever wins among these and is eligible wins among the eligible ones too.
        """
        slot = _number(key.encode("utf-8", "surrogateescape")) % self._slots
        best = self._owners.get(slot)
        if best is None:
            best = self._owners[slot] = _winner(slot, everyone)
        return best if best in seats else _winner(slot, seats)


def _winner(slot: int, seats: Sequence[Seat]) -> Seat:
    return min(seats, key=lambda seat: (_ticket(slot, seat), seat.name))


def _ticket(slot: int, seat: Seat) -> float:
    # -ln(u)/weight with u in (0, 1) is smallest for a seat with the probability of its share of the weights. 52 bits
    # and a half are exact in a float, and neither 0 nor 1.
    u = ((_number(f"{slot} {seat.name}".encode()) >> 12) + 0.5) / 2**52
    return -math.log(u) / seat.full_weight


def _number(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
