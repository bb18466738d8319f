"""From values to places on an axis, the ticks of the axis, and how figures are written."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Linear:
    """Zero lies at `start`, `top` at `end`: lengths are proportional to values."""

    top: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * value / self.top

    def ticks(self, most: int) -> list[float]:
        """Round values from zero to at most `top`, about `most` of them and not more than one above that."""
        rough = self.top / most
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
        return [step * number for number in range(int(self.top / step * (1 + 1e-9)) + 1)]


@dataclass(frozen=True)
class Log:
    """Equal ratios are equal lengths; there is no zero, so lengths from the edge mean nothing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        whole = math.log(self.high / self.low)
        return self.start + (self.end - self.start) * (math.log(value / self.low) / whole if whole else 0.5)

    def ticks(self) -> list[float]:
        """Powers of ten between the ends; over less than two of them also their double and fivefold."""
        factors = (1, 2, 5) if self.high / self.low < 100 else (1,)
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        values = [factor * 10.0**exponent for exponent in exponents for factor in factors]
        return [value for value in values if self.low <= value <= self.high]


def figure(value: float) -> str:
    """Three digits that count, and no more after the point than two: 0.74, 13.4, 434, 1,116."""
    if 0 < abs(value) < 0.0995:
        return f"{value:.3f}"
    return f"{value:,.{2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0}f}"


def tick(value: float) -> str:
    """As short as the value allows: 0, 0.25, 10, 1,000."""
    return f"{value:,.6f}".rstrip("0").rstrip(".")
