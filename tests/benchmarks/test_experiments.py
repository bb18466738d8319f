"""Each experiment, for a fraction of a second: it runs, and every way has a figure in every column."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.experiments import __main__ as program
from benchmarks.experiments import catalogue, masking
from benchmarks.experiments.figures import Figures
from benchmarks.experiments.plan import Plan
from benchmarks.experiments.shared_library import compiled
from tests.benchmarks.lab import SHORT, needs_a_compiler


def runnable(name: str) -> str:
    reason = catalogue.missing(name)
    if reason is not None:
        pytest.skip(f"{name}: {reason}")
    return name


@needs_a_compiler
@pytest.mark.parametrize("name", catalogue.NAMES)
def test_every_way_of_an_experiment_is_measured_in_every_column(name: str, tmp_path: Path) -> None:
    figures = catalogue.run(runnable(name), Plan(1, SHORT, tmp_path))
    assert figures.ways and figures.columns
    for way in figures.ways:
        for column in figures.columns:
            values = figures.values(way, column)
            # A few samples need not have fallen into every part of a program.
            least = 0 if name == "shares" else 1e-9
            assert len(values) == 1 and values[0] >= least, f"{way}, {column}: {values}"


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_an_experiment_says_in_one_line_what_it_compares(name: str) -> None:
    assert 20 < len(catalogue.about(name)) < 120


@needs_a_compiler
def test_ways_that_mask_wrongly_are_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runnable("masking")
    # Copies, and says that it masks.
    monkeypatch.setitem(masking.WAYS, masking.CHOSEN, (masking.WORDS, ["-O2"]))
    monkeypatch.setattr(masking, "compiled", lambda source, folder, name, flags: _copying(folder, name, flags))
    with pytest.raises(BenchmarkError, match="the result is wrong"):
        masking.run(Plan(1, SHORT, tmp_path))


def _copying(folder: Path, name: str, flags: list[str]) -> object:
    return compiled("masking.c", folder, name, [f"-DWAY={masking.COPY}", "-O2"])


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert program.main(["reading"]) == 1
    assert "reading cannot run here: aiofastnet is not installed: pip install aiofastnet" in capsys.readouterr().err


def test_who_is_first_in_one_round_is_last_in_the_next(tmp_path: Path) -> None:
    assert list(Plan(3, 1.0, tmp_path).turns("abc")) == list("abcbcacab")


def test_a_ratio_is_taken_within_a_round() -> None:
    figures = Figures("µs", "slow", digits=0)
    for slow, fast in ((10.0, 5.0), (40.0, 10.0), (20.0, 12.0)):
        figures.add("slow", "load", slow)
        figures.add("fast", "load", fast)
    ratio = figures.ratio("fast", "load")
    assert ratio is not None and tuple(ratio) == (0.5, 0.25, 0.6)
    assert figures.ratio("slow", "load") is None
    assert "10 [0.50, 0.25–0.60]" in figures.table()
    assert "| fast | 10 [0.50, 0.25–0.60] |" in figures.table(markdown=True)


def test_a_way_without_a_figure_is_shown_as_such() -> None:
    figures = Figures("µs")
    figures.add("one", "left", 1.0)
    figures.add("other", "right", 2.0)
    assert figures.table().splitlines()[-2:] == ["one    1.00  –", "other  –     2.00"]
