"""What a drawn chart shows is what was measured, and everybody can read it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.charts.__main__ import charts_of
from benchmarks.charts.catalogue import CATALOGUE
from benchmarks.charts.drawing import render
from benchmarks.charts.lines import APART, spread_out
from benchmarks.charts.scales import Linear, Log, figure
from benchmarks.charts.svg import WIDTH, width_of
from benchmarks.results import Spread
from tests.benchmarks.kept import FRAME, IDLE, SMALL, TRIPS, Row, run

MORE: list[Row] = [
    *[(TRIPS, f"64 B, {n} × 8{more}", "framegate", [1e6]) for n in (1, 1000) for more in ("", ", 2 workers")],
    (FRAME, "64 B, 16 × 8", "framegate-gateway", [0.8]),
    (FRAME, "16 MiB, 2 × 1", "framegate", [20000.0]),
    (FRAME, "64 B, 16 × 8", "framegate-1-plugin", [0.9]),
    ("cpu_us_per_fanned_frame", "64 B, 1000", "framegate", [0.9]),
]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(rows: list[Row], name: str) -> ET.Element:
    return ET.fromstring(render(charts_of(run(rows))[name]))


def panels(root: ET.Element) -> list[ET.Element]:
    return [group for group in root.iter(f"{SVG}g") if group.get("class") == "panel"]


def bars(panel: ET.Element, kind: str = "bar") -> dict[str, ET.Element]:
    rects = [rect for rect in panel.iter(f"{SVG}rect") if kind in rect.attrib["class"].split()]
    return {rect.attrib["data-peer"]: rect for rect in rects}


def number(element: ET.Element, name: str) -> float:
    return float(element.attrib[name])


def texts(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", ["cpu-16x8", "cpu-16x1", "latency", "setup", "idle"])
def test_the_bars_of_a_panel_are_as_long_as_their_values_are_great(name: str) -> None:
    for panel in panels(drawn(SMALL, name)):
        rects = [*bars(panel).values(), *bars(panel, "tail").values()]
        assert len(rects) >= 2
        scale = number(rects[0], "width") / number(rects[0], "data-value")
        for rect in rects:
            # Places are written with two digits.
            assert number(rect, "width") == pytest.approx(number(rect, "data-value") * scale, abs=0.02 + 0.01 * scale)


def test_all_bars_begin_at_the_zero_of_their_axis() -> None:
    for panel in panels(drawn(SMALL, "cpu-16x8")):
        [zero] = [line for line in panel.iter(f"{SVG}line") if line.get("class") == "axis"]
        assert {number(rect, "x") for rect in bars(panel).values()} == {number(zero, "x1")}


def test_a_bar_shows_the_median_and_its_whisker_the_range() -> None:
    [panel] = panels(drawn(SMALL, "cpu-16x1"))
    rect = bars(panel)["framegate"]
    assert number(rect, "data-value") == 5.6
    whiskers = [path.attrib["d"] for path in panel.iter(f"{SVG}path") if path.get("class") == "whisker"]
    ends = [tuple(map(float, re.findall(r"^M([\d.]+) .*H([\d.]+)M", path)[0])) for path in whiskers]
    start, scale = number(rect, "x"), number(rect, "width") / 5.6
    assert ends[1] == pytest.approx((start + 5.5 * scale, start + 5.7 * scale), abs=0.03)


def test_what_dwarfs_the_others_has_a_panel_of_its_own_with_framegate_and_nginx_beside_it() -> None:
    near, far = panels(drawn(SMALL, "cpu-16x8"))
    assert list(bars(near)) == ["nginx", "framegate", "framegate-edit"]
    assert list(bars(far)) == ["nginx", "framegate", "websockets"]


def test_framegate_and_nginx_stand_on_one_scale_however_far_apart_they_are() -> None:
    for costs in ({"nginx": 0.6, "framegate": 60.0}, {"framegate": 0.6, "nginx": 60.0}):
        rows: list[Row] = [(FRAME, "64 B, 16 × 8", peer, [cost]) for peer, cost in costs.items()]
        [panel] = panels(drawn(rows, "cpu-16x8"))
        assert list(bars(panel)) == list(costs)


def test_only_framegates_bars_have_the_accent() -> None:
    for panel in panels(drawn(SMALL, "cpu-16x8")):
        for peer, rect in bars(panel).items():
            assert ("ours" in rect.attrib["class"].split()) == peer.startswith("framegate")


def test_the_p99_lies_behind_the_p50() -> None:
    [panel] = panels(drawn(SMALL, "latency"))
    assert number(bars(panel, "tail")["framegate"], "data-value") == 51.0
    order = [rect.attrib["class"].split()[0] for rect in panel.iter(f"{SVG}rect")]
    assert order == ["tail", "bar", "tail", "bar"]


def test_memory_that_came_out_below_zero_has_no_bar_and_says_so() -> None:
    root = drawn([(IDLE, "200 connections", "nginx", [-0.5]), (IDLE, "200 connections", "framegate", [8.0])], "idle")
    assert number(bars(panels(root)[0])["nginx"], "width") == 0
    assert "-0.50" in texts(root)


def test_lines_rise_equally_for_equal_ratios() -> None:
    rows: list[Row] = [(FRAME, f"{size}, 16 × 8", "nginx", [cost]) for size, cost in (("64 B", 1.0), ("1 KiB", 10.0))]
    rows.append((FRAME, "16 KiB, 16 × 8", "nginx", [100.0]))
    [panel] = panels(drawn(rows, "cpu-over-size"))
    first, second, third = [number(circle, "cy") for circle in panel.iter(f"{SVG}circle")]
    assert first - second == pytest.approx(second - third, abs=0.03) and first > second
    first, second, third = [number(circle, "cx") for circle in panel.iter(f"{SVG}circle")]
    assert second - first == pytest.approx(third - second, abs=0.03) and second > first


def test_the_names_of_lines_that_end_together_are_apart() -> None:
    peers = ["nginx", "haproxy", "websockets", "aiohttp", "picows", "framegate", "framegate-hook", "framegate-edit"]
    rows: list[Row] = [(TRIPS, f"64 B, {n} × 8", peer, [1000.0 * n]) for n in (1, 16) for peer in peers]
    [panel] = panels(drawn(rows, "throughput"))
    named = {text.text: number(text, "y") for text in panel.iter(f"{SVG}text") if text.text in peers}
    heights = sorted(named.values())
    assert set(named) == set(peers)
    assert all(below - above >= APART - 0.01 for above, below in zip(heights, heights[1:], strict=False))


@given(st.lists(st.floats(0, 300), min_size=1, max_size=15).map(sorted))
def test_places_that_are_spread_out_stay_in_order_apart_and_inside(wanted: list[float]) -> None:
    places = spread_out(wanted, 0, 300)
    assert all(after - before >= APART - 1e-9 for before, after in zip(places, places[1:], strict=False))
    assert -1e-9 <= places[0] and places[-1] <= 300 + 1e-9


def test_no_text_leaves_the_card() -> None:
    long = [(metric, scenario, f"{peer}-with-quite-a-long-name", values) for metric, scenario, peer, values in SMALL]
    settings = [
        (metric, f"{scenario}, {more}", peer, values)
        for more in ("TLS", "deflate", "2 workers")
        for metric, scenario, peer, values in SMALL
    ]
    charts = charts_of(run([*SMALL, *long, *settings, *MORE]))
    assert list(charts) == [entry.name for entry in CATALOGUE]
    for chart in charts.values():
        root = ET.fromstring(render(chart))
        height = number(root, "height")
        for text in root.iter(f"{SVG}text"):
            # The estimate is for 13 px; titles have 17 in a heavier weight, the smaller text has 12.
            wide = width_of(text.text or "") * {"muted": 12 / 13, "title": 1.45}.get(text.get("class", ""), 1)
            left = number(text, "x") - {"end": wide, "middle": wide / 2}.get(text.get("text-anchor", "start"), 0)
            assert left >= 0 and left + wide <= WIDTH and 0 < number(text, "y") < height, text.text


def test_a_chart_is_named_and_described_for_those_who_do_not_see_it() -> None:
    root = drawn(SMALL, "cpu-16x8")
    assert root.get("role") == "img"
    named = [element for element in root if element.get("id") in root.attrib["aria-labelledby"].split()]
    assert [element.tag for element in named] == [f"{SVG}title", f"{SVG}desc"]
    assert "framegate 0.72 (1.17 × nginx, 1.03–1.25)" in (named[1].text or "")


def test_a_chart_tells_its_unit_its_machine_its_day_and_its_commit() -> None:
    shown = " ".join(texts(drawn(SMALL, "setup")))
    for part in ("µs of the proxy's CPU time", "Some CPU, 2 CPUs, Linux 6.1.2", "2026-01-02", "0123456789ab", "1 to 3"):
        assert part in shown


def test_a_chart_of_a_run_that_shared_the_cpu_says_so() -> None:
    assert "shared" not in render(charts_of(run(SMALL, elsewhere=0.05))["setup"])
    assert "The CPU was shared" in render(charts_of(run(SMALL, elsewhere=0.2))["setup"])


def test_charts_have_no_scripts_and_load_nothing() -> None:
    for chart in charts_of(run(SMALL)).values():
        root = ET.fromstring(render(chart))
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            *("svg", "title", "desc", "style", "rect", "text", "g", "line", "path", "circle")
        }
        assert not any(name.startswith("on") or "href" in name for element in root.iter() for name in element.attrib)
        style = "".join(element.text or "" for element in root.iter(f"{SVG}style"))
        assert "@import" not in style and "url(" not in style and "@font-face" not in style


def test_every_colour_of_the_light_theme_has_one_in_the_dark() -> None:
    [style] = drawn(SMALL, "setup").iter(f"{SVG}style")
    light, dark = (style.text or "").split("@media (prefers-color-scheme:dark){")
    coloured = re.findall(r"^([^{\n]+)\{[^}]*#", light, re.MULTILINE)
    assert (
        coloured and [name for name in coloured if not re.search(rf"^{re.escape(name)}\{{", dark, re.MULTILINE)] == []
    )


def test_the_same_result_makes_the_same_bytes() -> None:
    first, second = charts_of(run(SMALL)), charts_of(run(SMALL))
    assert first and {name: render(chart) for name, chart in first.items()} == {
        name: render(chart) for name, chart in second.items()
    }


def test_names_of_peers_cannot_break_the_drawing() -> None:
    root = drawn([(IDLE, "10 connections", '<script>&"', [1.0])], "idle")
    assert '<script>&"' in texts(root)


def test_scales_put_values_where_they_belong() -> None:
    assert [Linear(10, 100, 200)(value) for value in (0, 5, 10)] == [100, 150, 200]
    assert Log(1, 100, 0, 200)(10) == pytest.approx(100)
    assert Linear(1.4, 0, 1).ticks(7) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4])
    assert Log(0.6, 20, 0, 1).ticks() == pytest.approx([1, 2, 5, 10, 20])


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0123, "0.012"), (0.641, "0.64"), (9.994, "9.99"), (9.996, "10.0"), (99.96, "100"), (1115.6, "1,116")],
)
def test_figures_have_three_digits_that_count(value: float, written: str) -> None:
    assert figure(value) == written


def test_a_spread_of_one_round_has_no_range() -> None:
    assert Spread.of([2.0]) == (2.0, 2.0, 2.0)
