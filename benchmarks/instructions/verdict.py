"""What a count says beside its recorded figure, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

RECORD = "python -m benchmarks.instructions --record"


class Verdict(NamedTuple):
    """One scenario.

    Attributes:
        name: its name.
        operation: what one operation is.
        now: instructions of one operation.
        recorded: what they were, or None.
        margin: the share by which they may differ.
    """

    name: str
    operation: str
    now: float
    recorded: float | None
    margin: float

    @property
    def change(self) -> float:
        """The share by which the count has changed; 0 where nothing is recorded."""
        return 0.0 if self.recorded is None else self.now / self.recorded - 1

    @property
    def over(self) -> bool:
        """Whether it costs more than it may. Exactly the margin passes."""
        return self.recorded is not None and self.now > self.recorded * (1 + self.margin)

    @property
    def below(self) -> bool:
        """Whether it costs so much less that the recorded figure would let a loss pass."""
        return self.recorded is not None and self.now < self.recorded * (1 - self.margin)

    @property
    def fails(self) -> bool:
        """Whether the check fails: too much, or nothing to compare with."""
        return self.over or self.recorded is None


def table(verdicts: Iterable[Verdict]) -> str:
    """A line for each scenario."""
    lines = [f"{'scenario':20} {'recorded':>11} {'now':>11}  change  margin  one operation"]
    for one in verdicts:
        recorded = "-" if one.recorded is None else f"{one.recorded:,.0f}"
        change = "-" if one.recorded is None else f"{one.change:+.1%}"
        lines.append(
            f"{one.name:20} {recorded:>11} {one.now:>11,.0f} {change:>7} {one.margin:>6.0%}   {one.operation}"
        )
    return "\n".join(lines)


def told(verdicts: list[Verdict], differences: list[str]) -> list[str]:
    """Sentences about what is out of its margin, with the mend.

    Args:
        verdicts: of all scenarios.
        differences: what the figures were made with and what they are made with now, where that is not the same.
    """
    lines = [
        f"{one.name} costs {one.now:,.0f} instructions, {one.recorded:,.0f} were recorded: "
        f"{one.change:+.1%}, over the margin of {one.margin:.0%}"
        for one in verdicts
        if one.over
    ]
    lines += [f"{one.name} has no recorded figure" for one in verdicts if one.recorded is None]
    if lines:
        lines.append(f"If that is meant, record it and say why in the commit: {RECORD}")
    cheaper = [f"{one.name} ({one.change:+.1%})" for one in verdicts if one.below]
    if cheaper:
        lines.append(f"Cheaper than recorded: {', '.join(cheaper)}. Record it, or the gain is lost unseen: {RECORD}")
    if lines and differences:
        lines.append(f"The figures were recorded with other versions: {', '.join(differences)}")
    return lines


def differences(recorded: dict[str, str], now: dict[str, str]) -> list[str]:
    """What is not the same, as ``"Cython 3.1.0, now 3.2.0"``."""
    names = [*recorded, *(name for name in now if name not in recorded)]
    return [
        f"{name} {recorded.get(name, 'unknown')}, now {now.get(name, 'unknown')}"
        for name in names
        if recorded.get(name) != now.get(name)
    ]
