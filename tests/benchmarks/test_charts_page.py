"""The page and the drawings in the documents are those of the result that the page names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.charts.__main__ import OUT, PAGE, charts_of, main
from benchmarks.charts.catalogue import CATALOGUE
from benchmarks.charts.drawing import render
from benchmarks.charts.page import CHART, page, path_from, result_of
from benchmarks.charts.run import load
from benchmarks.errors import BenchmarkError
from tests.benchmarks.kept import SMALL, document

THE_PAGE = OUT.parent / PAGE
AGAIN = "run `python -m benchmarks.charts`"
FRAME_OF_A_PAGE = """Before.
<!-- result -->
<!-- end of result -->
<!-- chart cpu-16x8 -->
old
<!-- end of chart -->
<!-- chart workers -->
<!-- end of chart -->
After.
"""


def test_the_page_is_that_of_its_result() -> None:
    result = result_of(THE_PAGE)
    run = load(result)
    text = THE_PAGE.read_text(encoding="utf-8")
    assert text == page(text, run, charts_of(run), path_from(THE_PAGE, result), path_from(THE_PAGE, OUT)), AGAIN


def test_the_drawings_are_those_of_the_pages_result() -> None:
    drawn = {name: render(chart) for name, chart in charts_of(load(result_of(THE_PAGE))).items()}
    assert {file.stem: file.read_text(encoding="utf-8") for file in OUT.glob("*.svg")} == drawn, AGAIN


def test_the_page_has_a_place_for_each_chart() -> None:
    places = [found["name"] for found in CHART.finditer(THE_PAGE.read_text(encoding="utf-8"))]
    assert sorted(places) == sorted(entry.name for entry in CATALOGUE)


def test_only_what_is_between_the_markers_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(FRAME_OF_A_PAGE)
    (tmp_path / "result.json").write_text(json.dumps(document(SMALL)))
    assert main([str(tmp_path / "result.json"), "--out", str(tmp_path / "pictures")]) == 0
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert text.startswith("Before.\n") and text.endswith("\nAfter.\n") and "old" not in text
    assert "![CPU time to forward a frame of 64 B, 16 × 8](pictures/cpu-16x8.svg)" in text
    assert "framegate 0.72 (1.17 × nginx, 1.03–1.25)" in text
    assert "This result has no rows for it: it needs round trips with a number of workers." in text
    assert "measured 2026-01-02 at commit `0123456789ab`" in text
    assert result_of(tmp_path / PAGE) == tmp_path / "result.json"


def test_making_it_twice_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(FRAME_OF_A_PAGE)
    (tmp_path / "result.json").write_text(json.dumps(document(SMALL)))
    states = []
    for _ in range(2):
        assert main([str(tmp_path / "result.json"), "--out", str(tmp_path / "charts")]) == 0
        states.append({file: file.read_bytes() for file in sorted(tmp_path.rglob("*")) if file.is_file()})
    assert states[0] == states[1]


def test_a_page_that_asks_for_an_unknown_chart_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / PAGE).write_text("<!-- chart warmth -->\n<!-- end of chart -->\n")
    (tmp_path / "result.json").write_text(json.dumps(document(SMALL)))
    assert main([str(tmp_path / "result.json"), "--out", str(tmp_path / "charts")]) == 1
    assert "asks for a chart 'warmth'; there are cpu-16x8" in capsys.readouterr().err


def test_a_page_that_names_no_result_is_told(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(FRAME_OF_A_PAGE)
    with pytest.raises(BenchmarkError, match="names no result"):
        result_of(tmp_path / PAGE)
