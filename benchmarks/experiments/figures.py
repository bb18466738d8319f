"""The figures of an experiment: a value for each way, column and round, and ratios between neighbours in time."""

from __future__ import annotations

from benchmarks.results import Spread


class Figures:
    """What was measured.

    Args:
        title: what a figure is.
        base: the way with which the others are compared; None where there is nothing to compare.
        digits: behind the point.
    """

    def __init__(self, title: str, base: str | None = None, digits: int = 2) -> None:
        self.title = title
        self.base = base
        self.digits = digits
        self.notes: list[str] = []
        self._values: dict[str, dict[str, list[float]]] = {}

    def add(self, way: str, column: str, value: float) -> None:
        """One value, of the next round."""
        self._values.setdefault(way, {}).setdefault(column, []).append(value)

    @property
    def ways(self) -> list[str]:
        return list(self._values)

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for columns in self._values.values() for column in columns))

    def values(self, way: str, column: str) -> list[float]:
        """Of all rounds; none where the way was not measured so."""
        return self._values.get(way, {}).get(column, [])

    def ratio(self, way: str, column: str) -> Spread | None:
        """The way's value over the base's of the same round."""
        if self.base is None or way == self.base:
            return None
        pairs = zip(self.values(way, column), self.values(self.base, column), strict=False)
        ratios = [value / base for value, base in pairs if base]
        return Spread.of(ratios) if ratios else None

    def table(self, markdown: bool = False) -> str:
        """Medians, with the median and the range of the ratios."""
        against = f"; in brackets against {self.base}: median of the rounds' ratios, least, most" if self.base else ""
        rows = [["", *self.columns], *([way, *(self._cell(way, one) for one in self.columns)] for way in self.ways)]
        if markdown:
            rows.insert(1, ["---", *("--:" for _ in self.columns)])
            lines = ["| " + " | ".join(row) + " |" for row in rows]
        else:
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([f"{self.title}{against}", "", *(line.rstrip() for line in lines), *self.notes])

    def _cell(self, way: str, column: str) -> str:
        values = self.values(way, column)
        if not values:
            return "–"
        said = f"{Spread.of(values).median:,.{self.digits}f}"
        ratio = self.ratio(way, column)
        return said if ratio is None else f"{said} [{ratio.median:.2f}, {ratio.low:.2f}–{ratio.high:.2f}]"
