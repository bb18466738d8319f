"""What a chart consists of before it is drawn: bars and lines with their values, panels, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass

from ..results import Spread


@dataclass(frozen=True)
class Bar:
    """One bar of `spread.median`; `tail` is a second and longer value that shows behind it (the p99 of a p50)."""

    label: str
    spread: Spread
    note: str
    ours: bool = False
    tail: Spread | None = None

    @property
    def reach(self) -> float:
        return max(self.spread.high, self.tail.high if self.tail else 0.0)


@dataclass(frozen=True)
class BarPanel:
    """Bars on one axis of their own that begins at zero."""

    heading: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Line:
    label: str
    points: tuple[tuple[float, Spread], ...]
    ours: bool = False


@dataclass(frozen=True)
class LinePanel:
    """Lines over `stops`, which are the values on the x axis with what is written there. Both axes are logarithmic."""

    heading: str
    lines: tuple[Line, ...]
    stops: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Chart:
    """`unit` goes on the value axis, `across` on the other, `how` under the title, `source` at the foot.

    `says` is what the chart shows in words and figures, for the page and for those who do not see it.
    """

    title: str
    unit: str
    how: str
    says: str
    bars: tuple[BarPanel, ...] = ()
    lines: tuple[LinePanel, ...] = ()
    across: str = ""
    source: tuple[str, ...] = ()
