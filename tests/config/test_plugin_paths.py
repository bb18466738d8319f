"""Relative paths in the configuration of a plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from framegate.config.load import load
from framegate.pdk import resolve_path
from framegate.pdk.catalog import Catalog

FILE = """
_format_version: "3.0"
gateway: {listen: ["127.0.0.1:0"], plugin_paths: [plugins]}
plugins:
- name: reader
  config: {file: %s}
"""

READER = """
from framegate.pdk import FieldError, resolve_path

Schema = ({"file": {"type": "string"}},)


class Plugin:
    def __init__(self, config):
        try:
            self.text = resolve_path(config["file"]).read_text()
        except OSError as error:
            raise FieldError("file", str(error.strerror))

    def ws_close(self, kong):
        pass
"""


def written(folder: Path, named: str) -> Path:
    (folder / "plugins").mkdir()
    (folder / "plugins" / "reader.py").write_text(READER)
    (folder / "gateway.yaml").write_text(FILE % named)
    return folder / "gateway.yaml"


def test_a_relative_path_counts_from_the_gateways_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "words.txt").write_text("hello")
    monkeypatch.chdir("/")
    loaded = load(written(tmp_path, "words.txt"), catalog=Catalog.find)
    assert loaded.config is not None, loaded.problems
    assert loaded.config.plugins[0].instance.handler.text == "hello"


def test_an_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    words = tmp_path / "elsewhere.txt"
    words.write_text("hello")
    loaded = load(written(tmp_path, str(words)), catalog=Catalog.find)
    assert loaded.config is not None, loaded.problems


def test_a_file_that_is_not_there_is_told_at_its_line(tmp_path: Path) -> None:
    (problem,) = load(written(tmp_path, "words.txt"), catalog=Catalog.find).problems
    assert (problem.line, "file: No such file or directory" in str(problem)) == (6, True)


def test_outside_of_a_plugins_making_a_path_counts_from_the_working_directory() -> None:
    assert resolve_path("words.txt") == Path("words.txt")
