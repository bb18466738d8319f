"""How long an experiment takes, and where it may write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Plan(NamedTuple):
    """How an experiment is measured.

    Attributes:
        rounds: in each round all ways take their turn.
        seconds: of each measurement under load; calls that are timed by themselves take a tenth of it.
        folder: for logs and compiled programs.
        beside: other source trees, for ``setup``.
    """

    rounds: int
    seconds: float
    folder: Path
    beside: tuple[Path, ...] = ()

    def turns(self, ways: Sequence[T]) -> Iterator[T]:
        """All ways, round after round; who is first in one round is last in the next."""
        for number in range(self.rounds):
            first = number % len(ways)
            yield from ways[first:]
            yield from ways[:first]
