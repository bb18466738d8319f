"""``framegate plugins`` lists what is found, prints the fields of one plugin, and names what is broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import complaint, finished

SOUND = """Schema = (
    {"greeting": {"type": "string", "default": "hello", "description": "What to say", "len_max": 10}},
    {"limit": {"type": "integer", "required": True, "between": [1, 5]}},
    {"tags": {"type": "array", "elements": {"type": "string", "one_of": ["a", "b"]}, "default": ["a"]}},
    {"client": {"type": "record", "fields": [{"text": {"type": "boolean"}}]}},
    {"names": {"type": "map", "keys": {"type": "string"}, "values": {"type": "number"}}},
)
entity_checks = ({"at_least_one_of": ["tags", "client.text"]},)
version = "0.1.0"
priority = 12345678

class Plugin:
    def __init__(self, config):
        pass

    def ws_handshake(self, kong):
        pass

    def ws_close(self, kong):
        pass
"""
EMPTY = "class Plugin:\n    def __init__(self, config): pass\n    def certificate(self, kong): pass\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_plugin.py").write_text(SOUND)
    return tmp_path


def test_the_table_has_a_line_for_each_plugin_in_the_order_in_which_they_run(folder: Path) -> None:
    (folder / "other.py").write_text("priority = 99999999\n" + EMPTY)
    ended = finished("plugins", "--plugin-path", str(folder))
    assert (ended.returncode, ended.stderr) == (0, "")
    head, first, second = ended.stdout.splitlines()[:3]
    assert head.split() == ["name", "version", "priority", "phases", "source"]
    assert first.split() == ["other", "-", "99999999", "certificate", str(folder / "other.py")]
    phases = ["ws_handshake", "ws_close"]
    assert second.split() == ["my-plugin", "0.1.0", "12345678", *phases, str(folder / "my_plugin.py")]
    assert first.index("certificate") == head.index("phases") == second.index("ws_handshake")


def test_several_folders_can_be_given(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "other.py").write_text(EMPTY)
    listed = finished("plugins", "--plugin-path", str(folder), "--plugin-path", str(tmp_path / "two")).stdout
    assert "my-plugin " in listed and "other " in listed


def test_the_folders_of_a_gateways_file_are_searched(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(
        '_format_version: "3.0"\ngateway:\n  listen: ["127.0.0.1:0"]\n  plugin_paths: [./two]\n'
    )
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "other.py").write_text(EMPTY)
    listed = finished("plugins", str(tmp_path / "gateway.yaml"))
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "other " in listed.stdout and "my-plugin " not in listed.stdout
    both = finished("plugins", "--plugin-path", str(folder), "--schema", "my-plugin", str(tmp_path / "gateway.yaml"))
    assert both.stdout.startswith("my-plugin 0.1.0, ")


def test_a_gateways_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert complaint("plugins", str(tmp_path / "no.yaml")).startswith(f"framegate: {tmp_path / 'no.yaml'}: ")


def test_folders_can_come_from_the_environment(folder: Path) -> None:
    assert "my-plugin " in finished("plugins", env={"FRAMEGATE_PLUGIN_PATH": str(folder)}).stdout


@pytest.mark.parametrize("words", [("my-plugin",), ("my_plugin",), ("--schema", "my-plugin")])
def test_a_name_prints_the_fields(folder: Path, words: tuple[str, ...]) -> None:
    ended = finished("plugins", "--plugin-path", str(folder), *words)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == f"my-plugin 0.1.0, priority 12345678, ws_handshake, ws_close ({folder / 'my_plugin.py'})"
    assert [" ".join(line.split()) for line in lines[2:]] == [
        "field type default rule description",
        'greeting string "hello" len max 10 What to say',
        "limit integer required between 1|5",
        'tags array of string ["a"] each one of a|b',
        "client record -",
        "client.text boolean -",
        "names map of number -",
        "",
        "at least one of: tags, client.text",
    ]


def test_a_plugin_without_fields_says_so(folder: Path) -> None:
    (folder / "other.py").write_text(EMPTY)
    said = finished("plugins", "--plugin-path", str(folder), "other").stdout
    assert said.splitlines()[-1] == "It has no fields."


def test_json_is_what_kongs_plugin_servers_dump(folder: Path) -> None:
    (dumped,) = json.loads(finished("plugins", "--plugin-path", str(folder), "--json", "my-plugin").stdout)
    assert dumped["Name"] == "my-plugin"
    assert dumped["Phases"] == ["ws_handshake", "ws_close"]
    assert (dumped["Priority"], dumped["Version"]) == (12345678, "0.1.0")
    assert dumped["Source"] == str(folder / "my_plugin.py")
    ((only,),) = [dumped["Schema"]["fields"]]
    assert dumped["Schema"]["name"] == "my-plugin"
    assert only["config"]["type"] == "record"
    assert only["config"]["fields"][0]["greeting"]["default"] == "hello"
    assert only["config"]["entity_checks"] == [{"at_least_one_of": ["tags", "client.text"]}]


def test_json_without_a_name_has_every_plugin(folder: Path) -> None:
    dumped = json.loads(finished("plugins", "--plugin-path", str(folder), "--json").stdout)
    assert "my-plugin" in [plugin["Name"] for plugin in dumped]


def test_an_unknown_name_is_told_the_nearest(folder: Path) -> None:
    said = complaint("plugins", "--plugin-path", str(folder), "my-plugn")
    assert said == "framegate: there is no plugin 'my-plugn' (did you mean 'my-plugin'?)"


def test_two_names_are_one_too_many(folder: Path) -> None:
    assert "one plugin at a time" in complaint("plugins", "--schema", "a", "b")


def test_a_broken_plugin_is_named_the_others_are_listed_and_the_status_is_2(folder: Path) -> None:
    (folder / "bad.py").write_text("x = 1\n1/0\n")
    ended = finished("plugins", "--plugin-path", str(folder))
    assert ended.returncode == 2
    assert "my-plugin " in ended.stdout
    said = "plugin 'bad' cannot be imported: ZeroDivisionError: division by zero"
    assert ended.stderr == f"framegate: {folder / 'bad.py'}:2: {said}\n"


def test_the_name_of_a_broken_plugin_tells_what_is_wrong_with_it(folder: Path) -> None:
    (folder / "bad.py").write_text("1/0\n")
    ended = finished("plugins", "--plugin-path", str(folder), "bad")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "division by zero" in ended.stderr.splitlines()[0]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    ended = finished("plugins", "--plugin-path", str(tmp_path / "no"))
    assert ended.returncode == 2
    assert ended.stderr == f"framegate: {tmp_path / 'no'}: there is no such folder of plugins\n"
