"""The report counts sections, modes and pairs, and names each exception with its reason."""

from __future__ import annotations

import pytest

from conformance.compare import compare
from conformance.modes import MODES, SLOPPY, STRICT
from conformance.report import Document, counted, render
from conformance.suite import Case, Run
from tests.conformance.recorded_runs import recorded

PLAIN = MODES["plain"]


def document(proxied: dict[str, Case], **more: object) -> Document:
    direct = recorded("strict-direct")
    runs = {"strict": {"direct": Run(direct, 9.8), "plain": Run(proxied, 12.2)}}
    fields = {
        "date": "2020-02-02 (UTC)",
        "command": "python -m conformance --cases core",
        "versions": ["framegate 1.2.3"],
    }
    return Document(runs=runs, findings=compare(STRICT, PLAIN, direct, proxied), **{**fields, **more})  # type: ignore[arg-type]


def test_every_section_has_its_counts_next_to_the_direct_run() -> None:
    page = render(document(recorded("strict-plain")))
    assert "| section | direct | plain |" in page
    assert "| 1 framing | 1 OK | 1 OK |" in page
    assert "| 3 reserved bits | 1 OK | 1 non-strict |" in page
    assert "| 7 closing | 1 informational | 1 informational |" in page
    assert "| **all, messages** | 5 OK, 1 informational | 3 OK, 2 non-strict, 1 informational |" in page
    assert "| **all, closing** | 5 OK, 1 informational | 5 OK, 1 informational |" in page
    assert "| seconds | 10 | 12 |" in page


def test_date_command_versions_and_what_was_not_run_are_told() -> None:
    page = render(document(recorded("strict-plain"), left_out=["section 12, 13"]))
    assert "Run on 2020-02-02 (UTC): 6 cases through framegate, none worse than direct, exceptions aside." in page
    assert "- Command: `python -m conformance --cases core`" in page
    assert "- framegate 1.2.3" in page
    assert "- Not run: section 12, 13" in page


def test_every_exception_used_is_named_with_its_reason() -> None:
    page = render(document(recorded("strict-plain")))
    assert "A legal race." in page
    assert f"| {STRICT.title} | plain | 3.2, 5.15 |" in page
    assert "## Worse than direct" not in page


def test_a_run_without_exceptions_says_so() -> None:
    assert "None was used in this run." in render(document(recorded("strict-direct")))


def test_a_failure_stands_in_the_verdict_and_in_a_list_of_its_own() -> None:
    proxied = {**recorded("strict-plain"), "6.4.1": Case("NON-STRICT", "OK", 1007)}
    page = render(document(proxied))
    assert "6 cases through framegate, **1 worse than direct**." in page
    assert "- strict, plain, 6.4.1: NON-STRICT, closing OK (1007); direct: OK" in page
    assert "| plain | 3.2, 5.15 |" in page


def test_a_section_that_a_mode_did_not_run_is_said_to_be_not_run() -> None:
    proxied = {case: judged for case, judged in recorded("strict-plain").items() if case != "2.10"}
    assert "| 2 pings and pongs | 1 OK | not run |" in render(document(proxied))


def test_only_peers_and_modes_that_ran_are_shown() -> None:
    page = render(document(recorded("strict-plain")))
    assert SLOPPY.title[1:] not in page
    assert "- **plain**:" in page
    assert "- **hook**:" not in page


def test_the_sloppy_echo_is_explained_where_it_was_used() -> None:
    page = document(recorded("strict-plain"))
    page.runs = {"sloppy": {"direct": Run(recorded("sloppy-direct"), 1), "plain": Run(recorded("strict-plain"), 1)}}
    assert "`plain` therefore runs with `--validate-utf8`" in render(page)


def test_no_line_of_prose_is_longer_than_the_house_allows() -> None:
    page = render(document(recorded("strict-plain"), left_out=["section 12, 13"]))
    assert [line for line in page.splitlines() if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["FAILED", "OK", "OK", "MISSING"], "2 OK, 1 failed, 1 missing"),
        (["UNHEARD OF", "WRONG CODE"], "1 wrong code, 1 unheard of"),
    ],
)
def test_counts_go_from_best_to_worst(words: list[str], text: str) -> None:
    assert counted(words) == text
