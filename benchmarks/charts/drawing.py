"""A chart as SVG text: the head, its panels, and at the foot where the figures come from."""

from __future__ import annotations

from . import bars, lines
from .shapes import Chart
from .svg import MARGIN, as_text, card, write

HEAD = 66
FOOT_LINE = 16


def render(chart: Chart) -> str:
    panels = sum(bars.height(panel) for panel in chart.bars) + sum(lines.height(chart, panel) for panel in chart.lines)
    foot = HEAD + panels + 8
    root = card(foot + FOOT_LINE * len(chart.source) + 8, chart.title, f"{chart.how} {chart.says}")
    write(root, MARGIN, 26, chart.title, "title")
    write(root, MARGIN, 48, chart.how, "muted")
    if chart.bars:
        bars.draw(root, chart, HEAD)
    else:
        lines.draw(root, chart, HEAD)
    for row, text in enumerate(chart.source):
        write(root, MARGIN, foot + FOOT_LINE * row, text, "muted")
    return as_text(root)
