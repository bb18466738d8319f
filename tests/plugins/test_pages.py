"""Each bundled plugin has a page; the page names every field, and its example is a configuration that works."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import framegate.plugins
from tests.plugins.stage import faults, plugin_type

PAGES = Path(__file__).parents[2] / "docs" / "plugins"
NAMES = sorted(
    found.name.replace("_", "-")
    for found in pkgutil.iter_modules(framegate.plugins.__path__)
    if not found.name.startswith("_")
)


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text()


def fields(schema: Any) -> Iterator[str]:
    """The names of all fields, at every level."""
    for entry in schema:
        for name, field in entry.items():
            yield name
            yield from fields(field.get("fields", ()))


def configured(node: Any) -> Iterator[Mapping[str, Any]]:
    """The plugins in an example, wherever they stand; a list is one of plugins."""
    if isinstance(node, Mapping):
        if "config" in node or set(node) == {"name"}:
            yield node
        for inner in node.values():
            yield from configured(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from configured(inner)


def examples(name: str) -> list[Any]:
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page(name), re.S)]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_every_field(name: str) -> None:
    where = page("pre-function" if name == "post-function" else name)
    missing = [field for field in fields(plugin_type(name).schema) if not re.search(rf"`[^`]*\b{field}\b[^`]*`", where)]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_tells_phase_and_priority(name: str) -> None:
    assert str(plugin_type(name).priority) in page(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_work(name: str) -> None:
    shown = list(configured(examples(name)))
    assert [each for each in shown if each["name"] == name]
    for each in shown:
        config = {key: value for key, value in each.get("config", {}).items() if "vault://" not in str(value)}
        # A file that an example names need not be there.
        assert [fault for fault in faults(each["name"], **config) if "No such file" not in fault] == [], each


def test_every_page_is_about_a_plugin() -> None:
    assert sorted(file.stem for file in PAGES.glob("*.md") if file.stem not in ("index", "README")) == NAMES
