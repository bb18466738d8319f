"""The guard on instruction counts: its maths, its margins, its file of figures, and what it tells."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.instructions import __main__ as tool
from benchmarks.instructions import figures, scenarios, valgrind, verdict
from benchmarks.instructions.figures import Entry
from benchmarks.instructions.valgrind import Runs
from benchmarks.instructions.verdict import Verdict


def judged(now: float, recorded: float | None = 1000.0, margin: float = 0.02) -> Verdict:
    return Verdict("relay", "a frame", now, recorded, margin)


# The maths


def test_what_both_runs_take_once_is_not_counted() -> None:
    once, each = 5_000, 37
    assert Runs(once + 100 * each, once + 200 * each).per_operation(100) == each


@pytest.mark.parametrize("longer", [1000, 999])
def test_a_longer_run_that_takes_no_more_is_no_measurement(longer: int) -> None:
    with pytest.raises(BenchmarkError, match="the longer run must take more"):
        Runs(1000, longer).per_operation(10)


# Margins


@pytest.mark.parametrize(
    ("now", "over", "below"),
    [(1000, False, False), (1020, False, False), (1020.1, True, False), (980, False, False), (979.9, False, True)],
)
def test_a_count_is_out_of_its_margin_only_past_it(now: float, over: bool, below: bool) -> None:
    one = judged(now)
    assert (one.over, one.below, one.fails) == (over, below, over)


def test_a_scenario_without_a_figure_fails_but_is_neither_dear_nor_cheap() -> None:
    one = judged(1000, recorded=None)
    assert (one.over, one.below, one.fails, one.change) == (False, False, True, 0.0)


def test_what_costs_too_much_is_told_with_both_figures_and_the_mend() -> None:
    assert verdict.told([judged(1100), judged(1000)], []) == [
        "relay costs 1,100 instructions, 1,000 were recorded: +10.0%, over the margin of 2%",
        "If that is meant, record it and say why in the commit: python -m benchmarks.instructions --record",
    ]


def test_a_gain_is_told_so_that_it_is_recorded() -> None:
    (line,) = verdict.told([judged(900), judged(1000)], [])
    assert line.startswith("Cheaper than recorded: relay (-10.0%). Record it")


def test_nothing_is_told_while_all_is_within_the_margins() -> None:
    assert verdict.told([judged(1001)], ["Cython 3.1.0, now 3.2.0"]) == []


def test_other_versions_are_told_beside_a_failure() -> None:
    before, now = {"Cython": "3.1.0", "glibc": "2.36"}, {"Cython": "3.2.0", "glibc": "2.36", "multidict": "7"}
    other = verdict.differences(before, now)
    assert other == ["Cython 3.1.0, now 3.2.0", "multidict unknown, now 7"]
    assert verdict.told([judged(1100)], other)[-1] == (
        "The figures were recorded with other versions: Cython 3.1.0, now 3.2.0, multidict unknown, now 7"
    )


def test_the_table_has_a_line_for_each_scenario() -> None:
    lines = verdict.table([judged(1100), judged(5, recorded=None)]).splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [["relay", "1,000", "1,100", "+10.0%"], ["relay", "-", "5", "-"]]


# The file


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    entries = {"cpython-3.11/gcc-12": Entry({"glibc": "2.36"}, {"relay": 667.3})}
    figures.save(file, entries)
    assert figures.load(file) == entries


def test_no_file_is_no_figures(tmp_path: Path) -> None:
    assert figures.load(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Expecting property name"),
        ("[]", "the document must be an object"),
        ('{"k": 1}', "k: must be an object"),
        ('{"k": {"instructions": {}}}', "k: must have the objects 'made_with' and 'instructions'"),
        ('{"k": {"made_with": {}, "instructions": {"relay": "1"}}}', "k: relay: must be a number above 0, not '1'"),
        ('{"k": {"made_with": {}, "instructions": {"relay": 0}}}', "k: relay: must be a number above 0, not 0"),
        ('{"k": {"made_with": {}, "instructions": {"relay": true}}}', "k: relay: must be a number above 0, not True"),
        ('{"k": {"made_with": {}, "instructions": {"relay": NaN}}}', "k: relay: must be a number above 0, not nan"),
    ],
)
def test_a_broken_file_is_told_with_its_place(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    file.write_text(text)
    assert tool.main(["--figures", str(file)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"instructions: {file}: ") and told in said
    assert tool.main(["--record", "--figures", str(file)]) == 1, "a broken file is not written over"
    assert file.read_text() == text


def test_the_recorded_figures_are_of_the_scenarios_that_there_are() -> None:
    names = [one.name for one in scenarios.SCENARIOS]
    assert len(set(names)) == len(names)
    recorded = figures.load(figures.FILE)
    assert recorded
    for key, entry in recorded.items():
        assert sorted(entry.instructions) == sorted(names), f"{key}: record it anew"


@pytest.mark.parametrize(
    ("comment", "compiler"),
    [
        (b"\0GCC: (Debian 12.2.0-14+deb12u1) 12.2.0\0", "gcc-12"),
        (b"\0Debian clang version 14.0.6\0", "clang-14"),
        (b"", "cc"),
    ],
)
def test_the_compiler_is_known_by_its_comment(comment: bytes, compiler: str) -> None:
    assert figures.compiler(b"\x7fELF" + comment) == compiler


# The tool, with counts of the test's own


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Instructions of one operation that callgrind shall have counted; 1000 of all scenarios at first."""
    chosen = {one.name: 1000.0 for one in scenarios.SCENARIOS}
    operations = {one.name: one.turns * one.each for one in scenarios.SCENARIOS}

    def count(program: str, names: list[str]) -> dict[str, Runs]:
        runs = {name: int(chosen[name] * operations[name]) for name in names}
        return {name: Runs(run + 77, 2 * run + 77) for name, run in runs.items()}

    monkeypatch.setattr(valgrind, "find", lambda install: "valgrind")
    monkeypatch.setattr(valgrind, "version", lambda path: "3.19.0")
    monkeypatch.setattr(valgrind, "count", count)
    return chosen


def test_what_was_recorded_passes_until_it_costs_more(
    counts: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "figures.json")
    assert tool.main(["--record", "--figures", file]) == 0
    assert tool.main(["--figures", file]) == 0
    capsys.readouterr()
    counts["relay-64"] = 1050
    assert tool.main(["--figures", file]) == 1
    assert "relay-64 costs 1,050 instructions, 1,000 were recorded: +5.0%" in capsys.readouterr().out
    counts["relay-64"] = 900
    assert tool.main(["--figures", file]) == 0
    assert "Cheaper than recorded: relay-64 (-10.0%)" in capsys.readouterr().out


def test_an_unknown_python_is_not_checked_and_that_is_said(
    counts: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    figures.save(file, {"cpython-2.7/gcc-4": Entry({}, {"relay-64": 1.0})})
    assert tool.main(["--figures", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"NOT CHECKED: no figures are recorded for {figures.key()}, only for cpython-2.7/gcc-4.")
    assert "--record" in said


def test_recording_leaves_other_pythons_and_other_scenarios_alone(counts: dict[str, float], tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    other, own = Entry({}, {"relay-64": 1.0}), Entry({}, {"relay-64": 2.0, "edit-64": 3.0})
    figures.save(file, {"cpython-2.7/gcc-4": other, figures.key(): own})
    assert tool.main(["--record", "--only", "edit-64", "--figures", str(file)]) == 0
    recorded = figures.load(file)
    assert recorded["cpython-2.7/gcc-4"] == other
    assert recorded[figures.key()].instructions == {"relay-64": 2.0, "edit-64": 1000.0}


def test_a_scenario_that_nobody_recorded_fails_the_check(
    counts: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    figures.save(file, {figures.key(): Entry({}, {"relay-64": 1000.0})})
    assert tool.main(["--only", "relay-64,edit-64", "--figures", str(file)]) == 1
    assert "edit-64 has no recorded figure" in capsys.readouterr().out


def test_showing_checks_and_writes_nothing(counts: dict[str, float], tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    assert tool.main(["--show", "--figures", str(file)]) == 0
    assert not file.exists()


def test_an_unknown_scenario_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tool.main(["--only", "relay-65"])
    assert "'relay-65' is none of relay-64, " in capsys.readouterr().err


# valgrind


def test_a_missing_valgrind_is_told_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BenchmarkError, match="apt-get install valgrind"):
        valgrind.find(install=True)


def test_a_run_that_wrote_no_count_is_no_measurement(tmp_path: Path) -> None:
    (tmp_path / "counted.7.2").write_text("events: Ir\ntotals: 12\n")
    with pytest.raises(BenchmarkError, match="callgrind wrote no count for relay"):
        valgrind._read(tmp_path, "relay", "7", "0")
    (tmp_path / "counted.7.3").write_text("events: Ir\ntotals: 24\n")
    assert valgrind._read(tmp_path, "relay", "7", "0") == Runs(12, 24)


def test_a_scenario_that_failed_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="scenario relay failed with 1"):
        valgrind._read(tmp_path, "relay", "7", "1")
