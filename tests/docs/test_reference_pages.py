"""What is made from the program is up to date, and the pages of the site know all that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import framegate
from framegate.cli._main import framegate as program
from framegate.cli.check import load_or_complain
from tests.docs.walkthrough import DOCS, Block, blocks
from tools.cli_reference import PAGE, page

SITE = (DOCS.parent / "mkdocs.yml").read_text()
FRAGMENTS = [
    (file, block)
    for folder in ("tutorial", "how-to", "migration")
    for file in sorted((DOCS / folder).glob("*.md"))
    for block in blocks(file.read_text())
    if block.language == "yaml" and not block.title
]


def test_the_commands_are_those_of_the_program() -> None:
    assert PAGE.read_text() == page(PAGE.read_text()), "run `python tools/cli_reference.py`"


def test_every_command_and_every_flag_stands_in_the_page() -> None:
    text = PAGE.read_text()
    for name, command in program.commands.items():
        part = text.partition(f"## framegate {name}\n")[2].partition("\n## ")[0]
        flags = [flag for option in command.params for flag in option.opts if flag.startswith("-")]
        assert part and [flag for flag in flags if f"`{flag}`" not in part] == [], name


def test_every_exported_class_and_function_stands_in_the_page_of_the_library() -> None:
    text = (DOCS / "reference" / "api.md").read_text()
    errors = [name for name in framegate.__all__ if hasattr(framegate.errors, name)]
    others = [name for name in framegate.__all__ if name not in errors and not name.startswith("_")]
    assert errors and "::: framegate.errors\n" in text
    assert [name for name in others if f"::: framegate.{name}\n" not in text] == []


@pytest.mark.parametrize("folder", ["tutorial", "how-to", "migration", "operations", "reference"])
def test_every_page_of_a_folder_is_in_the_menu(folder: str) -> None:
    pages = [f"{folder}/{file.name}" for file in (DOCS / folder).glob("*.md")]
    assert pages
    assert [name for name in pages if name not in SITE and f"- {folder}/*\n" not in SITE] == []


@pytest.mark.parametrize(("file", "block"), FRAGMENTS, ids=lambda each: getattr(each, "stem", None))
def test_a_fragment_of_a_file_is_right_within_a_file(file: Path, block: Block, tmp_path: Path) -> None:
    written = tmp_path / "gateway.yaml"
    written.write_text('_format_version: "3.0"\n' + re.sub(r"^_format_version.*\n", "", block.text))
    assert load_or_complain(str(written), ()) is not None, file


def test_there_are_fragments_to_check() -> None:
    assert FRAGMENTS
