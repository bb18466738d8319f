"""Draws panels of lines over logarithmic axes, each line named at its end."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from .scales import Log, figure, tick
from .shapes import Chart, Line, LinePanel
from .svg import MARGIN, WIDTH, add, width_of, write

HEADING = 26
PLOT = 300
SMALL_PLOT = 190
AXIS = 44
LEFT = MARGIN + 62
APART = 16
# From the end of the axis to the sample of a line, its length, and from the axis to the line's name.
SAMPLE, SAMPLE_LENGTH, NAME = 34, 24, 64
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 3")
GREYS = 7
BLUES = 3


def height(chart: Chart, panel: LinePanel) -> float:
    return (HEADING if panel.heading else 0) + _plot(chart) + AXIS + 18


def draw(root: ET.Element, chart: Chart, top: float) -> None:
    right = WIDTH - MARGIN - max(width_of(line.label) for panel in chart.lines for line in panel.lines) - NAME
    styles = _styles(chart)
    for panel in chart.lines:
        group = add(root, "g", class_="panel")
        _panel(group, chart, panel, styles, top, right)
        top += height(chart, panel)


def _plot(chart: Chart) -> int:
    """The height of each plot: room enough for the names of all its lines."""
    names = max(len(panel.lines) for panel in chart.lines)
    return max(PLOT if len(chart.lines) == 1 else SMALL_PLOT, APART * (names + 1))


def _styles(chart: Chart) -> dict[str, tuple[str, str]]:
    """Class and dashes of each line, the same in all panels."""
    styles: dict[str, tuple[str, str]] = {}
    for ours, letter, tones in ((True, "o", BLUES), (False, "s", GREYS)):
        labels = dict.fromkeys(line.label for panel in chart.lines for line in panel.lines if line.ours is ours)
        for number, label in enumerate(labels):
            kind = f"{letter}{number % tones}" + (" ours" if ours else "")
            styles[label] = (kind, DASHES[(number + number // tones) % len(DASHES)])
    return styles


def _panel(
    group: ET.Element, chart: Chart, panel: LinePanel, styles: dict[str, tuple[str, str]], top: float, right: float
) -> None:
    write(group, MARGIN, top + 6, chart.unit, "muted")
    top += 18
    if panel.heading:
        write(group, MARGIN, top + HEADING / 2 - 1, panel.heading, "heading")
        top += HEADING
    bottom = top + _plot(chart)
    spreads = [spread for line in panel.lines for _, spread in line.points]
    stops = [value for value, _ in panel.stops]
    across = Log(min(stops), max(stops), LEFT + 16, right)
    low, high = min(spread.low for spread in spreads), max(spread.high for spread in spreads)
    upward = Log(low / 1.15, high * 1.15, bottom, top)
    _axes(group, chart, panel, across, upward)
    for line in panel.lines:
        _line(group, line, styles[line.label], across, upward)
    _names(group, panel, styles, across, upward)


def _axes(group: ET.Element, chart: Chart, panel: LinePanel, across: Log, upward: Log) -> None:
    bottom, top = upward.start, upward.end
    for value in upward.ticks():
        y = upward(value)
        add(group, "line", class_="grid", x1=LEFT, y1=y, x2=across.end + 6, y2=y)
        write(group, LEFT - 6, y, tick(value), "muted", "end")
    for value, label in panel.stops:
        x = across(value)
        add(group, "line", class_="grid", x1=x, y1=top, x2=x, y2=bottom)
        for row, part in enumerate(label.split("\n")):
            write(group, x, bottom + 11 + 14 * row, part, "muted", "middle")
    add(group, "line", class_="axis", x1=LEFT, y1=bottom, x2=across.end + 6, y2=bottom)
    write(group, across.end + SAMPLE, bottom + 11, chart.across, "muted")


def _line(group: ET.Element, line: Line, style: tuple[str, str], across: Log, upward: Log) -> None:
    kind, dashes = style
    places = [(across(x), upward(spread.median)) for x, spread in line.points]
    path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places)
    add(group, "path", class_=f"line {kind}", data_peer=line.label, d=path, **_dashed(dashes))
    for (x, y), (_, spread) in zip(places, line.points, strict=True):
        low, high = round(upward(spread.low), 2), round(upward(spread.high), 2)
        add(group, "path", class_=f"leader {kind}", d=f"M{x:.2f} {low}V{high}")
        point = add(group, "circle", class_=f"point {kind}", cx=x, cy=y, r=3, data_value=repr(spread.median))
        add(point, "title", f"{line.label}: {figure(spread.median)}")


def _dashed(dashes: str) -> dict[str, object]:
    return {"stroke_dasharray": dashes} if dashes else {}


def _names(group: ET.Element, panel: LinePanel, styles: dict[str, tuple[str, str]], across: Log, upward: Log) -> None:
    ends = sorted(panel.lines, key=lambda line: upward(line.points[-1][1].median))
    wanted = [upward(line.points[-1][1].median) for line in ends]
    for line, was, y in zip(ends, wanted, spread_out(wanted, upward.end, upward.start), strict=True):
        kind, dashes = styles[line.label]
        leader = f"M{across(line.points[-1][0]) + 4:.2f} {was:.2f}L{across.end + SAMPLE - 3:.2f} {y:.2f}"
        add(group, "path", class_=f"leader {kind}", d=leader)
        sample = f"M{across.end + SAMPLE:.2f} {y:.2f}h{SAMPLE_LENGTH}"
        add(group, "path", class_=f"line {kind}", d=sample, **_dashed(dashes))
        write(group, across.end + NAME, y, line.label, "ours-text" if line.ours else "")


def spread_out(wanted: list[float], top: float, bottom: float) -> list[float]:
    """Places near the wanted ones (ascending), none nearer to the next than a line of text, if there is room within."""
    places: list[float] = []
    for y in wanted:
        places.append(max(y, places[-1] + APART if places else top))
    limit = bottom
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], limit)
        limit = places[number] - APART
    return places
