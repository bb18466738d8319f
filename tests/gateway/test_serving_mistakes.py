"""A file with many mistakes: one run tells all of them, one line each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.program import finished

FILES = Path(__file__).parent / "files"
EXPECTED = (FILES / "ten_mistakes.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["check", "run"])
def test_all_mistakes_are_told_with_their_lines(command: str) -> None:
    file = FILES / "ten_mistakes.yaml"
    ended = finished(command, str(file))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.replace(str(file), file.name) == EXPECTED


def test_each_line_names_file_and_line_and_they_are_in_order() -> None:
    lines = EXPECTED.splitlines()
    numbers = [re.match(r"ten_mistakes\.yaml:(\d+): \S", line) for line in lines]
    assert len(lines) >= 10 and all(numbers)
    found = [int(number[1]) for number in numbers if number is not None]
    assert found == sorted(found)
