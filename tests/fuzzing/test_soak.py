"""The soak test's verdict."""

from __future__ import annotations

import pytest

from soak.__main__ import RSS_BOUND, _report
from soak.load import Load
from soak.meter import Reading

BEFORE = Reading(descriptors=15, threads=5, tasks=2, rss=60 << 20)


def verdict(after: Reading, *lines: str) -> int:
    load = Load([], 1.0, 1)
    return _report(1.0, load, {"gateway": BEFORE}, {"gateway": after}, {"gateway": list(lines)})


def test_what_returned_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(Reading(15, 7, 2, (60 << 20) + RSS_BOUND), "2026 ERROR a plugin failed") == 0
    assert "everything returned" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("after", "complaint"),
    [
        (Reading(16, 5, 2, 60 << 20), "gateway: descriptors did not return"),
        (Reading(15, 5, 3, 60 << 20), "gateway: tasks did not return"),
        (Reading(15, 5, 2, (60 << 20) + RSS_BOUND + 1), "gateway: RSS grew by more than"),
    ],
)
def test_what_was_kept_is_told(after: Reading, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(after) == 1
    assert complaint in capsys.readouterr().out


def test_a_traceback_in_the_log_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(BEFORE, "Traceback (most recent call last):") == 1
    assert "gateway: Traceback" in capsys.readouterr().out
