"""What the test suite leaves behind is read with distrust: a case counts if it was planned, opened and reported."""

from __future__ import annotations

import json

import pytest

from conformance.errors import ConformanceError
from conformance.suite import MISSING, Case, read
from tests.conformance.recorded_runs import RECORDED, recorded, recorded_log

INDEX = json.loads((RECORDED / "strict-direct.json").read_text())
LOG = recorded_log("strict-direct")


def test_every_planned_case_is_read_with_both_judgements() -> None:
    cases = recorded("strict-direct")
    assert list(cases) == ["1.1.1", "2.10", "3.2", "5.15", "6.4.1", "7.1.6"]
    assert cases["3.2"] == Case("OK", "OK", 1002)


def test_a_planned_case_that_is_not_reported_is_missing() -> None:
    index = {"framegate": {name: case for name, case in INDEX["framegate"].items() if name != "2.10"}}
    assert read(index, LOG)["2.10"] == Case(MISSING, MISSING)


def test_an_informational_case_whose_handshake_was_refused_is_missing() -> None:
    log = "\n".join(line for line in LOG.splitlines() if "test case ID 7.1.6 " not in line)
    assert INDEX["framegate"]["7.1.6"]["behavior"] == "INFORMATIONAL"
    assert read(INDEX, log)["7.1.6"] == Case(MISSING, MISSING)


def test_a_report_on_another_agent_is_none() -> None:
    assert {case.behavior for case in read({"another": INDEX["framegate"]}, LOG).values()} == {MISSING}


@pytest.mark.parametrize("log", ["", "Cases = []\n"], ids=["no plan", "an empty plan"])
def test_a_run_without_a_plan_is_no_run(log: str) -> None:
    with pytest.raises(ConformanceError, match="did not say which cases"):
        read(INDEX, log)
