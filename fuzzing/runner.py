"""Runs a fuzzer for a while, keeps what fails, and replays what was kept."""

from __future__ import annotations

import json
import random
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzzing.shrink import shrunk

CORPUS = Path(__file__).parent / "corpus"

SHRINKING = 20.0
"""Most seconds spent on one failing case."""

MOST_FAILURES = 5
"""Different failures after which a run ends."""


@dataclass(frozen=True)
class Target:
    """A fuzzer.

    Attributes:
        name: under which it is called.
        make: a case, as plain JSON, from a source of randomness.
        check: raises whatever it likes where the case does not end as it must.
    """

    name: str
    make: Callable[[random.Random], Any]
    check: Callable[[Any], None]


@dataclass
class Outcome:
    """What a run has come to."""

    cases: int = 0
    seconds: float = 0.0
    failures: dict[tuple[Any, ...], Path] | None = None

    def __str__(self) -> str:
        found = f"{len(self.failures or ())} failures"
        return f"{self.cases} cases in {self.seconds:.1f} s ({self.cases / max(self.seconds, 1e-9):.0f}/s), {found}"


def case_of(target: Target, seed: int) -> Any:
    """The case that belongs to a seed."""
    return json.loads(json.dumps(target.make(random.Random(f"{target.name}:{seed}"))))


def run(target: Target, *, seed: int = 0, cases: int | None = None, seconds: float | None = None) -> Outcome:
    """Try cases, from ``seed`` on, until there were so many or so much time has gone; what fails is kept."""
    outcome = Outcome(failures={})
    began = time.monotonic()
    while (cases is None or outcome.cases < cases) and (seconds is None or time.monotonic() - began < seconds):
        case = case_of(target, seed + outcome.cases)
        failure = failure_of(target, case)
        if failure is not None and failure not in outcome.failures:
            outcome.failures[failure] = _keep(target, case, failure, seed + outcome.cases)
            if len(outcome.failures) == MOST_FAILURES:
                break
        outcome.cases += 1
    outcome.seconds = time.monotonic() - began
    return outcome


def failure_of(target: Target, case: Any) -> tuple[Any, ...] | None:
    """What a case fails with, so that the same failure is known again, or None."""
    try:
        target.check(case)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, place.filename, place.lineno
    return None


def kept(name: str) -> Iterator[Path]:
    """The files of the cases that once failed."""
    yield from sorted((CORPUS / name).glob("*.json"))


def replay(target: Target, file: Path) -> None:
    """Try a kept case again; raises what it fails with."""
    target.check(json.loads(file.read_text(encoding="utf-8"))["case"])


def _keep(target: Target, case: Any, failure: tuple[Any, ...], seed: int) -> Path:
    print(f"{target.name}: seed {seed} fails, {failure}; cutting it down", flush=True)
    case = shrunk(case, lambda smaller: failure_of(target, smaller) == failure, SHRINKING)
    try:
        target.check(case)
        found = "no failure when it was tried again"
    except Exception as error:
        found = "".join(traceback.format_exception_only(error)).strip()
        traceback.print_exc()
    file = CORPUS / target.name / f"seed-{seed}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"target": target.name, "seed": seed, "found": found[:2000], "case": case}
    file.write_text(json.dumps(content, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    print(f"{target.name}: kept as {file}", flush=True)
    return file
