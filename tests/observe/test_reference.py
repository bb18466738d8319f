"""The pages about operation are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from framegate.observe.catalogue import METRICS
from tests.observe.test_dashboard import series
from tools.metrics_reference import PAGE, TABLES, page

PAGES = sorted(PAGE.parent.glob("*.md"))


def test_its_tables_are_those_of_the_program() -> None:
    assert page(PAGE.read_text()) == PAGE.read_text(), "run `python tools/metrics_reference.py`"


def test_every_metric_has_its_row_once() -> None:
    assert sorted(metric.name for table in TABLES.values() for metric in table) == sorted(one.name for one in METRICS)
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.M)
    assert {metric.name for metric in METRICS} <= set(rows)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_metric_that_a_page_names_is_one_that_there_is(file: Path) -> None:
    named = set(re.findall(r"`(framegate_[a-z_]+|process_[a-z_]+)\b", file.read_text())) - {"framegate_"}
    assert named - set(series()) - {metric.name for metric in METRICS} == set()


def test_every_metric_has_a_meaning_in_whole_sentences() -> None:
    assert [metric.name for metric in METRICS if not re.fullmatch(r"[A-Z0-9].*\.", metric.help)] == []


def test_names_end_as_their_types_want() -> None:
    assert [metric.name for metric in METRICS if (metric.kind == "counter") != metric.name.endswith("_total")] == []
