"""Which cases run in which mode between which peers."""

from __future__ import annotations

from dataclasses import dataclass

from . import cases
from .modes import PAIRS, SERVER, STRICT, Mode, Pair, counts


@dataclass(frozen=True)
class Plan:
    """What is asked for.

    Args:
        modes: the modes to run.
        chosen: patterns of cases, or None: all of them, or a few minutes' worth of them if `quick`.
    """

    modes: tuple[Mode, ...]
    chosen: tuple[str, ...] | None = None
    quick: bool = False

    def cases(self, pair: Pair, mode: Mode) -> tuple[str, ...]:
        """The patterns for one run; empty: it says nothing, and is left out."""
        if not counts(pair, mode):
            return ()
        chosen = self.chosen or self._default(pair, mode)
        return chosen if mode.compressed else cases.without_compression(chosen)

    def _default(self, pair: Pair, mode: Mode) -> tuple[str, ...]:
        if not self.quick:
            return cases.GROUPS["*"]
        if mode.compressed:
            return () if pair not in (STRICT, SERVER) else cases.GROUPS["sample"]
        return cases.GROUPS["core-sample" if pair is SERVER else "core"]

    def direct(self, pair: Pair) -> tuple[str, ...]:
        """The patterns of the run without a proxy: all that any mode runs."""
        return cases.union(self.cases(pair, mode) for mode in self.modes)

    def pairs(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in PAIRS if self.direct(pair))
