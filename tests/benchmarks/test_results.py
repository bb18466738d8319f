"""Medians, ranges and ratios of a run, and the report that is made of them."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import report
from benchmarks.results import CPU_PER_FRAME, IDLE, TRIPS, Results, Spread

LOAD = "64 B, 16 × 8"


def results_of(**values: list[float]) -> Results:
    results = Results()
    for peer, series in values.items():
        for value in series:
            results.add(CPU_PER_FRAME, LOAD, peer.replace("_", "-"), value)
    return results


def document(results: Results, **more: Any) -> dict[str, Any]:
    machine = {"cpu_model": "a CPU", "cpus": 2, "pinned_to_cpu": 1, "kernel": "Linux"}
    return {
        "started_at": "2026-01-02T03:04:05+00:00",
        "command": "python -m benchmarks",
        "commit": "none",
        "machine": machine,
        "versions": {"nginx": "nginx/1"},
        "plan": {"rounds": 3, "seconds": 0.3},
        "elsewhere": Spread(0.01, 0, 0.02)._asdict(),
        "rows": results.as_json(report.BASES),
        **more,
    }


def test_a_spread_is_the_median_between_the_least_and_the_greatest() -> None:
    assert Spread.of([3.0, 1.0, 2.0, 10.0]) == Spread(2.5, 1.0, 10.0)


def test_a_ratio_is_taken_within_each_round() -> None:
    results = results_of(nginx=[1.0, 2.0, 4.0], framegate=[2.0, 3.0, 4.0])
    # The median of 2, 1.5 and 1, not the ratio of the medians.
    assert results.ratio(CPU_PER_FRAME, LOAD, "framegate", "nginx") == Spread(1.5, 1.0, 2.0)


def test_a_round_in_which_the_base_is_nothing_tells_nothing() -> None:
    results = results_of(nginx=[0.0, 2.0], framegate=[2.0, 3.0])
    assert results.ratio(CPU_PER_FRAME, LOAD, "framegate", "nginx") == Spread(1.5, 1.5, 1.5)


def test_there_is_no_ratio_to_who_was_not_measured() -> None:
    assert results_of(framegate=[2.0]).ratio(CPU_PER_FRAME, LOAD, "framegate", "nginx") is None


def test_a_peer_is_compared_with_itself_in_another_load_of_the_same_round() -> None:
    results = Results()
    for one, two in ((100.0, 200.0), (100.0, 150.0)):
        results.add(TRIPS, "1 worker", "nginx", one)
        results.add(TRIPS, "2 workers", "nginx", two)
    assert results.between(TRIPS, "nginx", "2 workers", "1 worker") == Spread(1.75, 1.5, 2.0)


def test_a_kept_row_has_the_ratios_to_each_base_but_itself() -> None:
    rows = results_of(nginx=[1.0], nginx_64k=[2.0], framegate=[3.0]).as_json(report.BASES)
    by_peer = {row["peer"]: row for row in rows}
    assert by_peer["framegate"] == {
        "metric": "cpu_us_per_frame",
        "scenario": LOAD,
        "peer": "framegate",
        "values": [3.0],
        **Spread(3.0, 3.0, 3.0)._asdict(),
        "ratio_to_nginx": Spread(3.0, 3.0, 3.0)._asdict(),
        "ratio_to_nginx-64k": Spread(1.5, 1.5, 1.5)._asdict(),
    }
    assert "ratio_to_nginx" not in by_peer["nginx"]


def test_what_is_kept_can_be_read_again() -> None:
    results = results_of(nginx=[1.0, 2.0], framegate=[3.0, 4.0])
    results.add(IDLE, "2000 connections", "nginx", 17.7)
    assert Results.from_json(results.as_json(report.BASES)).series == results.series


@pytest.mark.parametrize("markdown", [False, True])
def test_a_report_shows_the_ratios_to_both_nginxes_side_by_side(markdown: bool) -> None:
    results = results_of(nginx=[1.0, 1.0], nginx_64k=[2.0, 2.0], framegate=[3.0, 5.0])
    lines = report.render(document(results), markdown).splitlines()
    row = next(line for line in lines if LOAD in line and " framegate " in line)
    assert row.replace("|", " ").split()[5:] == [
        "framegate",
        "4.00",
        "3.00–5.00",
        "4.00",
        "3.00–5.00",
        "2.00",
        "1.50–2.50",
    ]


def test_a_report_says_what_was_left_out_and_whether_the_cpu_was_shared() -> None:
    text = report.render(
        document(results_of(nginx=[1.0]), left_out={"haproxy": "not there"}, elsewhere=Spread(0.5, 0, 1)._asdict()),
        markdown=False,
    )
    assert "without haproxy: not there" in text
    assert "THE CPU WAS SHARED" in text


def test_a_report_of_a_run_with_workers_says_how_they_scale() -> None:
    results = Results()
    results.add(TRIPS, "64 B, 32 × 8, 1 worker", "nginx", 100.0)
    results.add(TRIPS, "64 B, 32 × 8, 2 workers", "nginx", 190.0)
    lines = report.render(document(results), markdown=False).splitlines()
    scaling = lines[lines.index("More workers, beside the fewest") :]
    assert scaling[3].split()[-4:] == ["1.90", "1.90–1.90", "–", "–"]
