"""Runs of the test suite as it reported them, cut down to a handful of cases."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.suite import Case, read

RECORDED = Path(__file__).parent / "recorded"


def recorded_log(name: str) -> str:
    return (RECORDED / f"{name}.log").read_text()


def recorded(name: str) -> dict[str, Case]:
    return read(json.loads((RECORDED / f"{name}.json").read_text()), recorded_log(name))
