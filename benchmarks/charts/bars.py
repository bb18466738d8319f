"""Draws panels of horizontal bars. Each panel's axis begins at zero, so that lengths compare as the values do."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from .scales import Linear, tick
from .shapes import Bar, BarPanel, Chart
from .svg import MARGIN, WIDTH, add, width_of, write

ROW = 23
THICK = 14
HEADING = 26
AXIS = 40


def height(panel: BarPanel) -> float:
    return (HEADING if panel.heading else 0) + ROW * len(panel.bars) + AXIS


def draw(root: ET.Element, chart: Chart, top: float) -> None:
    """Draw all panels, the first of them at the height `top`, with their bars beginning at the same place."""
    left = MARGIN + max(width_of(bar.label) for panel in chart.bars for bar in panel.bars) + 8
    for panel in chart.bars:
        group = add(root, "g", class_="panel")
        _panel(group, panel, chart.unit, left, top)
        top += height(panel)


def _panel(group: ET.Element, panel: BarPanel, unit: str, left: float, top: float) -> None:
    if panel.heading:
        write(group, MARGIN, top + HEADING / 2 - 3, panel.heading, "heading")
        top += HEADING
    bottom = top + ROW * len(panel.bars)
    scale = Linear(_longest(panel), left, _right(panel, left))
    _axis(group, scale, unit, top, bottom)
    for row, bar in enumerate(panel.bars):
        _bar(group, bar, scale, top + ROW * (row + 0.5))


def _right(panel: BarPanel, left: float) -> float:
    """The end of the axis, such that each bar has room for its note."""
    longest = _longest(panel)
    room = WIDTH - MARGIN - left
    # A bar of the share s of the axis ends at s * axis, and its note must end within the room.
    axes = [(room - width_of(bar.note) - 10) / (bar.reach / longest) for bar in panel.bars if bar.reach > 0]
    return left + min([room, *axes])


def _longest(panel: BarPanel) -> float:
    longest = max(bar.reach for bar in panel.bars)
    return longest if longest > 0 else 1.0


def _axis(group: ET.Element, scale: Linear, unit: str, top: float, bottom: float) -> None:
    for value in _ticks(scale):
        x = scale(value)
        add(group, "line", class_="axis" if value == 0 else "grid", x1=x, y1=top, x2=x, y2=bottom)
        write(group, x, bottom + 10, tick(value), "muted", "middle")
    write(group, scale.start, bottom + 25, unit, "muted")


def _ticks(scale: Linear) -> list[float]:
    """As many as have room for their labels."""
    values = [0.0]
    for most in range(7, 0, -1):
        values = scale.ticks(most)
        if all(scale(values[1]) - scale.start > width_of(tick(value)) + 10 for value in values[1:]):
            break
    return values


def _bar(group: ET.Element, bar: Bar, scale: Linear, middle: float) -> None:
    kind = " ours" if bar.ours else ""
    write(group, scale.start - 8, middle, bar.label, "ours-text" if bar.ours else "", "end")
    for name, spread in (("tail", bar.tail), ("bar", bar.spread)):
        if spread is None:
            continue
        # What a connection adds to the memory may come out below zero in a run that is too short.
        length = max(0.0, scale(spread.median) - scale.start)
        place = {"x": scale.start, "y": middle - THICK / 2, "width": length, "height": THICK}
        rect = add(group, "rect", class_=name + kind, data_peer=bar.label, data_value=repr(spread.median), **place)
        add(rect, "title", f"{bar.label}: {bar.note}")
    for spread in filter(None, (bar.spread, bar.tail)):
        _whisker(group, scale(spread.low), scale(spread.high), middle)
    write(group, scale(bar.reach) + 8, middle, bar.note, "ours-text" if bar.ours else "")


def _whisker(group: ET.Element, low: float, high: float, middle: float) -> None:
    low, high, top, bottom = round(low, 2), round(high, 2), middle - 3, middle + 3
    add(group, "path", class_="whisker", d=f"M{low} {top}V{bottom}M{low} {middle}H{high}M{high} {top}V{bottom}")
