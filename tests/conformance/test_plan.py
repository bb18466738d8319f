"""Which cases run where: those of compression only where it is negotiated, and everything also without a proxy."""

from __future__ import annotations

import pytest

from conformance import cases
from conformance.modes import MODES, PAIRS, SERVER, SLOPPY, STRICT, flags
from conformance.plan import Plan

ALL = tuple(MODES.values())
PLAIN, TERMINATE, PASS = MODES["plain"], MODES["terminate"], MODES["pass"]


def test_a_group_and_a_case_are_written_out() -> None:
    assert cases.parse("core-sample, 9.1.1,1.*")[-3:] == ("7.3.*", "10.*", "9.1.1")


@pytest.mark.parametrize("text", ["1.1.x", "8.*", "11", "1*", "*.1", ",", "13.**"])
def test_what_is_no_case_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="case"):
        cases.parse(text)


def test_a_pattern_takes_its_own_section_only() -> None:
    assert cases.matches("1.1.1", "1.*")
    assert not cases.matches("10.1.1", "1.*")
    assert not cases.matches("2.10", "2.1")


def test_sections_of_compression_run_only_where_it_is_negotiated() -> None:
    plan = Plan((PLAIN, TERMINATE), cases.parse("1.1.1,12.*"))
    assert plan.cases(STRICT, PLAIN) == ("1.1.1",)
    assert plan.cases(STRICT, TERMINATE) == ("1.1.1", "12.*")


def test_the_direct_run_has_what_any_mode_has() -> None:
    assert Plan((PLAIN, TERMINATE), cases.parse("1.1.1,12.*")).direct(STRICT) == ("1.1.1", "12.*")
    assert Plan((PLAIN,), cases.parse("1.1.1,12.*")).direct(STRICT) == ("1.1.1",)


def test_a_choice_that_counts_nowhere_leaves_nothing_to_run() -> None:
    assert Plan((PLAIN,), cases.parse("sample")).pairs() == ()


def test_an_echo_without_compression_has_none_to_pass() -> None:
    assert Plan(ALL).cases(SLOPPY, PASS) == ()


def test_without_a_choice_every_section_runs_between_all_peers() -> None:
    plan = Plan(ALL)
    assert plan.pairs() == PAIRS
    assert {cases.section(pattern) for pattern in plan.direct(SERVER)} == set(cases.SECTIONS)


def test_the_quick_plan_has_the_core_and_samples_and_no_load() -> None:
    plan = Plan(ALL, quick=True)
    assert plan.cases(STRICT, PLAIN) == cases.GROUPS["core"]
    assert plan.cases(STRICT, PASS) == cases.GROUPS["sample"]
    assert plan.cases(SERVER, PLAIN) == cases.GROUPS["core-sample"]
    assert all(cases.section(pattern) != 9 for pair in PAIRS for pattern in plan.direct(pair))


def test_a_plain_relay_is_told_to_check_texts_where_its_upstream_does_not() -> None:
    assert "--validate-utf8" in flags(SLOPPY, PLAIN)
    assert "--validate-utf8" not in flags(STRICT, PLAIN)
