"""Tables as aligned text and as Markdown. Knows nothing of what is in them."""

from __future__ import annotations

from dataclasses import dataclass

TEXT_COLUMNS = ("load", "peer")


@dataclass(frozen=True)
class Table:
    """Columns headed `load` or `peer` are text, the others are figures."""

    title: str
    header: list[str]
    rows: list[list[str]]

    def as_text(self) -> str:
        widths = [max(len(line[column]) for line in [self.header, *self.rows]) for column in range(len(self.header))]
        lines = [self._aligned(line, widths) for line in [self.header, *self.rows]]
        return "\n".join([self.title, "-" * len(self.title), *lines])

    def as_markdown(self) -> str:
        ruler = ["---" if name in TEXT_COLUMNS else "--:" for name in self.header]
        lines = [f"| {' | '.join(line)} |" for line in [self.header, ruler, *self.rows]]
        return "\n".join([f"### {self.title}", "", *lines])

    def _aligned(self, line: list[str], widths: list[int]) -> str:
        cells = zip(self.header, line, widths, strict=True)
        return "  ".join(
            cell.ljust(width) if name in TEXT_COLUMNS else cell.rjust(width) for name, cell, width in cells
        ).rstrip()
