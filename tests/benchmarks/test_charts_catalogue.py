"""Which charts a result makes, and who is in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.charts.__main__ import charts_of, main
from benchmarks.charts.catalogue import CATALOGUE
from benchmarks.charts.drawing import render
from benchmarks.charts.shapes import Chart
from tests.benchmarks.kept import FRAME, SMALL, TRIPS, Row, document, run

ORDER = [entry.name for entry in CATALOGUE]


def chart(rows: list[Row], name: str) -> Chart:
    return charts_of(run(rows))[name]


def labels(of: Chart) -> set[str]:
    return {bar.label for panel in of.bars for bar in panel.bars} | {
        line.label for panel in of.lines for line in panel.lines
    }


def notes(of: Chart) -> dict[str, str]:
    return {bar.label: bar.note for panel in of.bars for bar in panel.bars}


def kept(folder: Path, rows: list[Row]) -> Path:
    file = folder / "result.json"
    file.write_text(json.dumps(document(rows)))
    return file


def test_every_peer_of_a_load_is_named_in_its_chart() -> None:
    rows = [*SMALL, (FRAME, "64 B, 16 × 8", "somebody-new", [2.0])]
    wanted = {peer for metric, scenario, peer, _ in rows if (metric, scenario) == (FRAME, "64 B, 16 × 8")}
    drawing = render(chart(rows, "cpu-16x8"))
    assert "somebody-new" in wanted and all(f">{peer}</text>" in drawing for peer in wanted)


def test_bars_stand_from_the_shortest_to_the_longest() -> None:
    [panel] = chart(SMALL, "idle").bars
    assert [bar.label for bar in panel.bars] == ["framegate", "nginx"]


def test_the_ratio_at_a_bar_is_taken_within_each_round() -> None:
    # The medians' own ratio would be 2.00.
    rows: list[Row] = [(FRAME, "64 B, 16 × 8", "nginx", [1, 2, 4]), (FRAME, "64 B, 16 × 8", "framegate", [4, 6, 4])]
    assert notes(chart(rows, "cpu-16x8")) == {"nginx": "2.00", "framegate": "4.00 · 3.00 × nginx"}


def test_without_nginx_there_are_no_ratios() -> None:
    rows = [row for row in SMALL if row[2] != "nginx"]
    assert notes(chart(rows, "cpu-16x8"))["framegate"] == "0.72"
    assert chart(rows, "cpu-over-size").says == "µs per frame at 64 B / 1 MiB: framegate 0.72 / 260."


def test_over_sizes_the_ratios_are_told_size_by_size() -> None:
    said = chart(SMALL, "cpu-over-size").says
    assert "framegate 0.72 / 260. framegate’s ratio to nginx: 1.17 at 64 B, 0.24 at 1 MiB." in said


def test_without_64_bytes_the_smallest_size_is_drawn() -> None:
    rows: list[Row] = [(FRAME, f"{size}, 16 × 8", "nginx", [1.0]) for size in ("16 KiB", "1 KiB")]
    assert "1 KiB, 16 × 8" in chart(rows, "cpu-16x8").title


def test_a_size_that_has_a_load_of_its_own_is_marked_with_it() -> None:
    rows: list[Row] = [*SMALL, *[(FRAME, "16 MiB, 2 × 1", peer, [9000.0]) for peer in ("nginx", "framegate")]]
    [panel] = chart(rows, "cpu-over-size").lines
    assert panel.stops == ((64, "64 B"), (1 << 20, "1 MiB"), (16 << 20, "16 MiB\n2 × 1"))


def test_the_usual_load_goes_before_those_with_more_in_flight() -> None:
    rows: list[Row] = [
        *SMALL,
        (FRAME, "1 MiB, 100 × 64", "nginx", [1.0]),
        (FRAME, "1 MiB, 100 × 64", "framegate", [1.0]),
    ]
    [panel] = chart(rows, "cpu-over-size").lines
    [line] = [line for line in panel.lines if line.label == "nginx"]
    assert [spread.median for _, spread in line.points] == [0.64, 1100.0]


def test_a_load_with_something_more_to_it_is_not_taken_for_the_plain_one() -> None:
    rows: list[Row] = [
        *SMALL,
        (FRAME, "64 B, 16 × 8, TLS", "nginx", [99.0]),
        (FRAME, "2 B, 16 × 8, TLS", "nginx", [98.0]),
    ]
    assert render(chart(rows, "cpu-16x8")) == render(chart(SMALL, "cpu-16x8"))
    assert len(chart(rows, "cpu-over-size").lines[0].stops) == 2


def test_a_setting_has_a_chart_of_its_own() -> None:
    rows: list[Row] = [(FRAME, f"{size}, 16 × 8, TLS", "framegate", [2.0]) for size in ("64 B", "16 KiB")]
    assert list(charts_of(run(rows))) == ["cpu-tls"]
    assert list(charts_of(run([*SMALL, *rows]))) == sorted([*charts_of(run(SMALL)), "cpu-tls"], key=ORDER.index)
    assert "with TLS" in chart(rows, "cpu-tls").title and "TLS" not in chart(SMALL, "cpu-over-size").title


def test_the_plugins_are_counted_up_from_none() -> None:
    peers = {"framegate-5-plugins": 1.4, "framegate-1-plugin": 1.0, "framegate-gateway": 0.8, "framegate-hook": 0.9}
    rows: list[Row] = [*SMALL, *[(FRAME, "64 B, 16 × 8", peer, [cost]) for peer, cost in peers.items()]]
    [panel] = chart(rows, "plugins").bars
    assert [bar.label for bar in panel.bars] == [
        "nginx",
        "framegate-gateway",
        "framegate-1-plugin",
        "framegate-5-plugins",
    ]


def test_round_trips_have_a_panel_for_each_window() -> None:
    loads = [(connections, window) for window in (8, 1) for connections in (128, 16, 1)]
    rows: list[Row] = [(TRIPS, f"64 B, {n} × {window}", "framegate", [1000.0 * n]) for n, window in loads]
    panels = chart([*rows, (TRIPS, "64 B, 16 × 64", "framegate", [1.0])], "throughput").lines
    assert [panel.heading for panel in panels] == ["1 in flight on each connection", "8 in flight on each connection"]
    assert panels[0].stops == ((1, "1"), (16, "16"), (128, "128"))


@pytest.mark.parametrize(
    ("scenario", "peer", "label"),
    [
        ("64 B, 16 × 8, 2 workers", "framegate", "framegate, 2 workers"),
        ("64 B, 16 × 8", "framegate-2-workers", "framegate-2-workers"),
    ],
)
def test_workers_are_found_in_the_load_and_in_the_peer(scenario: str, peer: str, label: str) -> None:
    rows: list[Row] = [(TRIPS, scenario, peer, [5.0]), (TRIPS, "64 B, 16 × 8", "framegate-hook", [4.0])]
    assert labels(chart(rows, "workers")) == {label}


def test_each_chart_is_left_out_when_its_rows_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in SMALL if row[0] != "p50_us"]
    assert main([str(kept(tmp_path, rows)), "--out", str(tmp_path / "charts")]) == 0
    written = {file.stem for file in (tmp_path / "charts").iterdir()}
    assert written == {"cpu-16x8", "cpu-16x1", "cpu-over-size", "setup", "idle"}
    told = capsys.readouterr().err.splitlines()
    assert "benchmarks.charts: no latency.svg: result.json lacks round trips at 1 × 1" in told
    assert len(told) == len(CATALOGUE) - len(written)


def test_a_drawing_of_an_earlier_result_does_not_stay_behind(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    old, other = tmp_path / "charts" / "workers.svg", tmp_path / "charts" / "logo.svg"
    for file in (old, other):
        file.write_text("<svg/>")
    assert main([str(kept(tmp_path, SMALL)), "--out", str(tmp_path / "charts")]) == 0
    assert not old.exists() and other.exists()


def test_one_row_is_enough_for_a_result(tmp_path: Path) -> None:
    for row in SMALL:
        for name, made in charts_of(run([row])).items():
            assert f">{row[2]}</text>" in render(made), name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Expecting property name"),
        ("[]", "not a result of `python -m benchmarks`"),
        ('{"rows": []}', "no started_at, commit"),
        (json.dumps(document([])), "nothing was measured"),
        (json.dumps(document([(FRAME, "64 B, 16 × 8", "nginx", [])])), "rows[0] is not a metric"),
    ],
)
def test_a_file_that_is_no_result_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    assert main([str(file), "--out", str(tmp_path / "charts")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"benchmarks.charts: {file}: ") and told in said
    assert not (tmp_path / "charts").exists()


def test_a_file_that_is_missing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.json"), "--out", str(tmp_path)]) == 1
    assert "No such file" in capsys.readouterr().err
