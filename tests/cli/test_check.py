"""``framegate check`` and ``framegate schema``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from framegate.cli._main import framegate
from framegate.cli.check import check
from framegate.cli.schema import schema
from tests.cli.program import complaint, finished

HEAD = '_format_version: "3.0"\n'
PLUGIN = "Schema = ({'greeting': {'type': 'string', 'default': 'hi'}},)\n\n\nclass Plugin:\n    %s\n"


def plugins(folder: Path, name: str = "mine", body: str = "def ws_close(self, kong): ...") -> Path:
    (folder / "plugins").mkdir(exist_ok=True)
    init = "def __init__(self, config): ...\n    "
    (folder / "plugins" / f"{name}.py").write_text(PLUGIN % (init + body))
    return folder / "plugins"


def gateway_file(folder: Path, text: str) -> Path:
    file = folder / "gateway.yaml"
    file.write_text(HEAD + text)
    return file


def checked(*words: str | Path) -> Result:
    return CliRunner().invoke(check, [str(word) for word in words], standalone_mode=False)


def printed(*words: str | Path) -> Result:
    return CliRunner().invoke(schema, [str(word) for word in words], standalone_mode=False)


def test_both_are_commands_of_the_program() -> None:
    assert framegate.commands["check"] is check
    assert framegate.commands["schema"] is schema


def test_a_good_file_is_one_line_and_status_0(tmp_path: Path) -> None:
    file = gateway_file(tmp_path, "services: [{url: 'ws://h/', routes: [{paths: [/a]}, {paths: [/b]}]}]\n")
    ended = finished("check", str(file))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{file}: ok (1 service, 2 routes)\n", "")


def test_a_bad_file_is_a_line_for_each_mistake_and_status_2(tmp_path: Path) -> None:
    file = gateway_file(tmp_path, "servces: []\ngateway: {workers: 0}\n")
    ended = finished("check", str(file))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [
        f"{file}:2: servces: there is no field 'servces', did you mean 'services'?",
        f"{file}:3: gateway.workers: must be from 1 to 1024, not 0",
    ]


def test_a_file_that_cannot_be_read_is_status_2(tmp_path: Path) -> None:
    assert complaint("check", str(tmp_path / "none.yaml")) == (
        f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"
    )


def test_what_a_file_holds_is_counted(tmp_path: Path) -> None:
    text = "upstreams: [{name: a}, {name: b}]\nconsumers: [{username: a}]\nplugins: [{name: correlation-id}]\n"
    file = gateway_file(tmp_path, text)
    result = checked(file)
    assert result.stdout == f"{file}: ok (0 services, 0 routes, 2 upstreams, 1 consumer, 1 plugin)\n"
    assert result.return_value == 0


def test_plugins_are_found_in_the_folders_of_the_file(tmp_path: Path) -> None:
    plugins(tmp_path)
    file = gateway_file(tmp_path, "gateway: {plugin_paths: [plugins]}\nplugins: [{name: mine}]\n")
    assert checked(file).return_value == 0


def test_plugins_are_found_in_a_folder_of_the_command_line(tmp_path: Path) -> None:
    folder = plugins(tmp_path)
    file = gateway_file(tmp_path, "plugins: [{name: mine}]\n")
    assert checked(file).return_value == 2
    assert checked(file, "--plugin-path", folder).return_value == 0


def test_a_broken_plugin_is_told_with_its_own_file(tmp_path: Path) -> None:
    folder = plugins(tmp_path, body="def ws_close(self, kong:")
    file = gateway_file(tmp_path, "gateway: {plugin_paths: [plugins]}\nplugins: [{name: mine}]\n")
    result = checked(file)
    assert result.return_value == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{folder / 'mine.py'}:")


def test_each_mistake_is_one_line_however_it_is_written(tmp_path: Path) -> None:
    result = checked(gateway_file(tmp_path, 'services: [{url: "ws://h/", name: "a\\nb"}]\n'))
    assert len(result.stderr.splitlines()) == 1


# schema


def test_the_schema_is_printed_for_editors() -> None:
    ended = finished("schema")
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(ended.stdout)
    Draft202012Validator.check_schema(found)
    assert "config of key-auth" in found["$defs"]


def test_with_a_file_the_schema_has_its_plugins_whatever_else_is_wrong(tmp_path: Path) -> None:
    plugins(tmp_path)
    file = gateway_file(tmp_path, "gateway: {plugin_paths: [plugins], workers: 0}\nservces: []\n")
    found = json.loads(printed(file).stdout)
    assert found["$defs"]["config of mine"]["properties"]["greeting"]["default"] == "hi"


def test_without_a_file_a_folder_may_be_named(tmp_path: Path) -> None:
    found = json.loads(printed("--plugin-path", plugins(tmp_path)).stdout)
    assert "config of mine" in found["$defs"]


def test_a_schema_of_a_file_that_cannot_be_read_is_status_2(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in complaint("schema", str(tmp_path / "none.yaml"))


def test_a_broken_plugin_is_told_instead_of_a_schema_without_it(tmp_path: Path) -> None:
    result = printed("--plugin-path", plugins(tmp_path, body="def ws_close(self, kong:"))
    assert (result.return_value, result.stdout) == (2, "")
    assert "mine.py:" in result.stderr


@pytest.mark.parametrize("command", ["check", "schema"])
def test_help_is_there(command: str) -> None:
    result = CliRunner().invoke(framegate, [command, "--help"])
    assert result.exit_code == 0 and "FILE" in result.stdout
