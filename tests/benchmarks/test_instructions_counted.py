"""Scenarios in a process of their own: what they are counted for, and two of them counted by a real valgrind."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.instructions import scenarios, valgrind

needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed (Debian: apt-get install valgrind)"
)


@needs_valgrind
def test_what_is_counted_is_the_work_and_nothing_but_the_work() -> None:
    binary, text = scenarios.named(["hook-binary-64", "hook-text-64"])
    counted = valgrind.count(valgrind.find(install=False), [binary.name, text.name])
    for runs in counted.values():
        assert runs.longer == pytest.approx(2 * runs.shorter, rel=0.02), "twice the turns, twice the work"
    without, with_utf8 = (counted[one.name].per_operation(one.turns * one.each) for one in (binary, text))
    # To validate 64 bytes is to look at eight words.
    assert with_utf8 > without + 8


@needs_valgrind
def test_a_guest_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valgrind, "GUEST", "benchmarks.instructions.no_such_guest")
    with pytest.raises(BenchmarkError, match="ended with 1"):
        valgrind.count(valgrind.find(install=False), [])


def test_each_scenario_does_what_it_is_counted_for() -> None:
    guest = [sys.executable, "-m", valgrind.GUEST]
    said = subprocess.run(guest, cwd=valgrind.ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert said.stderr == ""
    ended = [(name, status) for name, _, status in map(str.split, said.stdout.splitlines())]
    assert ended == [(one.name, "0") for one in scenarios.SCENARIOS]
