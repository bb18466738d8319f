"""A case fails where framegate makes it worse, in messages or closing, unless that is allowed for a reason."""

from __future__ import annotations

import pytest

from conformance.compare import ALLOWED, compare, is_worse
from conformance.modes import MODES, SERVER, SLOPPY, STRICT
from conformance.suite import MISSING, Case
from tests.conformance.recorded_runs import recorded

PLAIN = MODES["plain"]
FINE = Case("OK", "OK", 1000)


def test_of_a_recorded_run_only_the_legal_races_are_worse() -> None:
    findings = compare(STRICT, PLAIN, recorded("strict-direct"), recorded("strict-plain"))
    assert [finding.case for finding in findings] == ["3.2", "5.15"]
    assert all(finding.reason == ALLOWED[0].reason for finding in findings)


def test_a_run_is_not_worse_than_itself() -> None:
    assert compare(STRICT, PLAIN, recorded("strict-direct"), recorded("strict-direct")) == []


BEHAVIORS = ["OK", "NON-STRICT", "UNIMPLEMENTED", "FAILED", MISSING, "A WORD NEVER SEEN"]
CLOSES = ["OK", "FAILED BY CLIENT", "WRONG CODE", "UNCLEAN", "FAILED", MISSING, "A WORD NEVER SEEN"]


@pytest.mark.parametrize("rank", range(1, len(BEHAVIORS)))
def test_behavior_gets_worse_in_this_order(rank: int) -> None:
    better, worse = Case(BEHAVIORS[rank - 1], "OK"), Case(BEHAVIORS[rank], "OK")
    assert is_worse(worse, than=better)
    assert not is_worse(better, than=worse)


@pytest.mark.parametrize("rank", range(1, len(CLOSES)))
def test_closing_gets_worse_in_this_order(rank: int) -> None:
    better, worse = Case("OK", CLOSES[rank - 1]), Case("OK", CLOSES[rank])
    assert is_worse(worse, than=better)
    assert not is_worse(better, than=worse)


def test_better_messages_do_not_make_up_for_a_worse_closing() -> None:
    assert is_worse(Case("OK", "UNCLEAN"), than=Case("NON-STRICT", "OK"))


def test_what_the_suite_does_not_judge_is_as_good_as_ok() -> None:
    assert not is_worse(Case("INFORMATIONAL", "INFORMATIONAL"), than=FINE)
    assert not is_worse(FINE, than=Case("INFORMATIONAL", "INFORMATIONAL"))


def test_another_close_code_is_not_worse_where_the_suite_takes_both() -> None:
    assert compare(STRICT, PLAIN, {"7.9.1": Case("OK", "OK", 1002)}, {"7.9.1": Case("OK", "OK", None)}) == []


@pytest.mark.parametrize("pair", [STRICT, SERVER], ids=lambda pair: pair.name)
def test_failing_as_the_direct_run_does_is_the_failure_of_the_peers(pair: object) -> None:
    failed = {"9.1.6": Case("FAILED", "OK")}
    assert compare(pair, PLAIN, failed, failed) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("case", [Case("FAILED", "OK"), Case("OK", "FAILED")], ids=["messages", "closing"])
def test_behind_an_echo_that_checks_nothing_a_failure_is_framegates_own(case: Case) -> None:
    (finding,) = compare(SLOPPY, PLAIN, {"6.3.1": case}, {"6.3.1": case})
    assert finding.reason is None


def test_a_legal_race_may_be_non_strict() -> None:
    (finding,) = compare(STRICT, PLAIN, {"4.1.3": FINE}, {"4.1.3": Case("NON-STRICT", "OK")})
    assert finding.reason


@pytest.mark.parametrize("case", ["3.1", "4.1.1", "4.2.1", "5.16", "6.4.1"])
def test_no_other_case_may_be_non_strict(case: str) -> None:
    (finding,) = compare(STRICT, PLAIN, {case: FINE}, {case: Case("NON-STRICT", "OK")})
    assert finding.reason is None


@pytest.mark.parametrize(
    "worse",
    [Case("FAILED", "OK"), Case("NON-STRICT", "WRONG CODE"), Case(MISSING, MISSING), Case("OK", "UNCLEAN")],
    ids=str,
)
def test_a_legal_race_may_be_no_worse_than_non_strict(worse: Case) -> None:
    (finding,) = compare(STRICT, PLAIN, {"4.1.3": FINE}, {"4.1.3": worse})
    assert finding.reason is None


def test_a_case_that_the_direct_run_has_not_must_be_ok() -> None:
    findings = compare(STRICT, PLAIN, {}, {"1.1.1": FINE, "1.1.2": Case("NON-STRICT", "OK")})
    assert [finding.case for finding in findings] == ["1.1.2"]


def test_findings_come_in_the_order_of_the_cases() -> None:
    cases = dict.fromkeys(["10.1.1", "2.10", "2.9"], Case("FAILED", "OK"))
    assert [finding.case for finding in compare(STRICT, PLAIN, {}, cases)] == ["2.9", "2.10", "10.1.1"]


def test_a_finding_says_where_what_and_next_to_what() -> None:
    (finding,) = compare(STRICT, PLAIN, {"1.1.1": FINE}, {"1.1.1": Case("FAILED", "WRONG CODE", 1006)})
    assert str(finding) == "strict, plain, 1.1.1: FAILED, closing WRONG CODE (1006); direct: OK, closing OK (1000)"
