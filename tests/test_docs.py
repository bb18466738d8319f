"""The documents tell the truth where that can be checked."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import framegate
import framegate.pdk
from tools.options_table import PAGE, page

ROOT = Path(__file__).parent.parent
WHERE = ("*.md", "docs/**/*.md", "examples/*/*.md", "benchmarks/*.md")
PAGES = sorted(file for glob in WHERE for file in ROOT.glob(glob))


def test_the_option_tables_are_those_of_the_program() -> None:
    assert PAGE.read_text() == page(PAGE.read_text()), "run `python tools/options_table.py`"


def test_every_link_to_a_file_leads_somewhere() -> None:
    broken = [
        f"{source.relative_to(ROOT)}: {target}"
        for source in PAGES
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", source.read_text())
        if not (source.parent / target).exists()
    ]
    assert broken == []


def test_python_in_the_documents_compiles() -> None:
    for source in PAGES:
        for block in re.findall(r"```python\n(.*?)```", source.read_text(), re.S):
            ast.parse(block)


def test_every_exported_error_stands_in_the_tree_of_the_docstring() -> None:
    errors = [name for name in framegate.__all__ if isinstance(getattr(framegate, name), type)]
    errors = [name for name in errors if issubclass(getattr(framegate, name), Exception)]
    missing = [name for name in errors if name != "FramegateError" and name not in (framegate.errors.__doc__ or "")]
    assert errors and missing == []


def test_the_plugin_error_is_one_and_the_same_in_both_places() -> None:
    assert framegate.pdk.PDKError is framegate.PDKError
