"""The page about the file is made of its models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from framegate.config.file_schema import json_schema
from framegate.pdk.catalog import Catalog
from tests.config.files import loaded
from tools.config_reference import MODELS, PAGE, WITHOUT_TABLE, page, type_of

TEXT = PAGE.read_text()


def test_its_tables_are_those_of_the_program() -> None:
    assert page(TEXT) == TEXT, "run `python tools/config_reference.py`"


def test_the_example_of_the_upstreams_page_is_a_file(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (PAGE.parent / "operations/upstreams.md").read_text(), re.S)
    assert loaded(tmp_path, '_format_version: "3.0"\n' + example).problems == []


def test_every_model_has_its_table() -> None:
    assert set(re.findall(r"<!-- fields of (\w+) -->", TEXT)) == set(MODELS) - WITHOUT_TABLE | {"common"}


def test_every_default_has_an_origin() -> None:
    bare = [
        f"{name}.{field}"
        for name, model in MODELS.items()
        if name not in WITHOUT_TABLE
        for field, inner in model["properties"].items()
        if inner.get("default") not in (None, [], {}) and not inner.get("x-origin")
    ]
    assert bare == []


def test_every_time_has_its_unit() -> None:
    bare = [
        f"{name}.{field}"
        for name, model in MODELS.items()
        if name not in WITHOUT_TABLE
        for field, inner in model["properties"].items()
        if re.search(r"_(timeout|interval|lifetime|window|limit)$", field) and not inner.get("x-unit")
    ]
    assert bare == []


def test_its_example_is_a_good_file(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)[0]
    (tmp_path / "plugins").mkdir()
    problems = loaded(tmp_path, example).problems
    assert all("there is no plugin 'websocket-size-limit'" in str(problem) for problem in problems)


def test_the_schema_of_the_example_has_its_plugin() -> None:
    assert "config of websocket-size-limit" in json_schema(Catalog.find([], entry_points=False))["$defs"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9}, "1 to 9"),
        ({"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "integer >= 1"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"type": "array", "items": {"enum": ["a", "b"], "type": "string"}}, "list of `a`, `b`"),
        ({"$ref": "#/$defs/Route"}, "[Route](#route)"),
        ({}, "anything"),
    ],
)
def test_types_are_words(schema: dict[str, object], words: str) -> None:
    assert type_of(schema) == words
