"""What the threat model names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "THREAT_MODEL.md").read_text(encoding="utf-8")

NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)


@cache
def named_in(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def test_every_test_that_the_threat_model_names_exists() -> None:
    assert [f"{file}::{name}" for file, name in NAMED if name not in named_in(file)] == []


def test_every_claim_names_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and line.count("|") == 4]
    claims = [row for row in rows if "shown by" not in row and "---" not in row]
    assert len(claims) > 40
    assert [row for row in claims if not re.search(r"`tests/[\w/]+\.py::\w+`", row)] == []


def test_nothing_else_looks_like_the_name_of_a_test() -> None:
    assert len(re.findall(r"::\s*test_", TEXT)) == len(NAMED)


def test_every_hostile_test_is_named() -> None:
    files = sorted((ROOT / "tests" / "hostile").glob("test_*.py"))
    unnamed = [file.name for file in files if file != Path(__file__) and f"tests/hostile/{file.name}::" not in TEXT]
    assert unnamed == []
