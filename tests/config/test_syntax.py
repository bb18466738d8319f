"""Files that cannot be read as what they claim to be, and the lines of those that can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framegate.config.json_reader import read_json
from framegate.config.load import load
from framegate.config.problems import Problems
from tests.config.files import HEAD, catalog, complaint, complaints, config, whole_complaints


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    found = load(tmp_path / "none.yaml", catalog=catalog)
    assert found.config is None
    assert [str(problem) for problem in found.problems] == [
        f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"
    ]


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in str(load(tmp_path, catalog=catalog).problems[0])


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_told_how_to_begin(tmp_path: Path, text: str) -> None:
    assert whole_complaints(tmp_path, text) == ['1: the file is empty (begin with _format_version: "3.0")']


@pytest.mark.parametrize(
    ("text", "kind"), [("- a\n", "a list"), ("hello\n", "a single value"), ("7\n", "a single value")]
)
def test_the_top_of_a_file_is_a_mapping(tmp_path: Path, text: str, kind: str) -> None:
    (line,) = whole_complaints(tmp_path, text)
    assert line == f'1: the file must be a mapping at its top, not {kind} (begin with _format_version: "3.0")'


def test_a_file_that_is_not_utf8_is_told_the_line(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_bytes(b'_format_version: "3.0"\n_comment: caf\xe9\n')
    (problem,) = load(tmp_path / "gateway.yaml", catalog=catalog).problems
    assert str(problem).endswith("gateway.yaml:2: the file is not UTF-8: octet 0xe9 (save it as UTF-8)")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    config(tmp_path, "").path.write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert load(tmp_path / "gateway.yaml", catalog=catalog).problems == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("services: [\n", 2),
        ("services:\n- name: a\n  url: b: c\n", 4),
        ("services:\n\t- name: a\n", 3),
        ("services: *nothing\n", 2),
        ('services: "\\q"\n', 2),
    ],
)
def test_a_syntax_error_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    assert complaint(tmp_path, text).startswith(f"{line}: not YAML: ")


def test_a_character_that_may_not_be_printed_is_told_with_its_line(tmp_path: Path) -> None:
    assert complaint(tmp_path, "_comment: a\n# \x01\n").startswith("3: not YAML: ")


def test_a_second_document_is_an_error(tmp_path: Path) -> None:
    assert "not YAML: it holds a second document" in complaint(tmp_path, "---\nservices: []\n")


def test_a_key_that_comes_twice_is_told_at_the_second_with_the_line_of_the_first(tmp_path: Path) -> None:
    found = complaints(tmp_path, "consumers:\n- username: a\n  tags: []\n  username: b\nconsumers: []\n")
    assert found == [
        "5: consumers[0].username: is there already, in line 3 (merge or rename one)",
        "6: consumers: is there already, in line 2 (merge or rename one)",
    ]


def test_anchors_aliases_and_merge_keys_work(tmp_path: Path) -> None:
    text = """
_ignore:
- &common {protocol: ws, port: 9001, tags: [&tag blue]}
services:
- {<<: *common, name: a, host: one}
- {<<: [{port: 7}, *common], name: b, host: two, tags: [*tag, red]}
"""
    one, two = config(tmp_path, text).services
    assert (one.port, one.tags, two.port, two.tags) == (9001, ("blue",), 7, ("blue", "red"))


def test_an_alias_that_holds_itself_is_an_error(tmp_path: Path) -> None:
    assert "an alias holds itself" in complaints(tmp_path, "_ignore: &a [*a]\n")[0]


def test_aliases_that_stand_for_billions_are_an_error(tmp_path: Path) -> None:
    lines = ["_ignore:", "- &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"- &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases stand for more than" in complaint(tmp_path, "\n".join(lines) + "\n")


def test_tags_that_make_objects_are_an_error(tmp_path: Path) -> None:
    found = complaints(tmp_path, "_comment: !!python/name:os.system x\n_ignore: !!set {a, b}\n")
    assert found == [
        "2: the tag !!python/name:os.system is not understood here (take it out)",
        "3: the tag !!set is not understood (take it out)",
    ]


def test_dates_and_sexagesimal_numbers_are_texts(tmp_path: Path) -> None:
    read = config(tmp_path, "consumers:\n- {username: 2024-01-31, custom_id: 12:30:45}\n").consumers[0]
    assert (read.username, read.custom_id) == ("2024-01-31", "12:30:45")


@pytest.mark.parametrize(("word", "value"), [("no", "false"), ("on", "true"), ("Yes", "true"), ("OFF", "false")])
def test_a_word_that_yaml_takes_for_a_boolean_is_to_be_quoted(tmp_path: Path, word: str, value: str) -> None:
    assert complaint(tmp_path, f"consumers:\n- username: {word}\n") == (
        f"3: consumers[0].username: must be a text, not true or false "
        f'(YAML reads {word} as {value}: put it in quotes: "{word}")'
    )


@pytest.mark.parametrize("number", ["12", "3.5", "0x10", "1_000"])
def test_a_number_in_the_place_of_a_text_is_to_be_quoted_as_it_was_written(tmp_path: Path, number: str) -> None:
    line = complaint(tmp_path, f"consumers:\n- username: {number}\n")
    assert line == f'3: consumers[0].username: must be a text, not a number (put it in quotes: "{number}")'


def test_a_number_in_the_place_of_a_secret_is_not_shown(tmp_path: Path) -> None:
    line = complaint(tmp_path, "consumers:\n- username: a\n  keyauth_credentials:\n  - key: 314159\n")
    assert line == "5: consumers[0].keyauth_credentials[0].key: must be a text, not a number (put it in quotes)"


# JSON


def as_json(**sections: object) -> str:
    return json.dumps({"_format_version": "3.0", **sections}, indent=1)


def test_a_json_file_is_loaded_too(tmp_path: Path) -> None:
    service = {"name": "a\u00e9", "url": "ws://h:1/", "enabled": False, "retries": 3}
    (tmp_path / "gateway.json").write_text(as_json(services=[service]))
    found = load(tmp_path / "gateway.json", catalog=catalog)
    assert found.config is not None
    assert [(one.name, one.enabled, one.retries) for one in found.config.services] == [("a\u00e9", False, 3)]


def test_what_is_wrong_in_a_json_file_has_its_line(tmp_path: Path) -> None:
    text = as_json(services=[{"url": "ws://h:1/", "port": 99999}])
    (line,) = [line for line in whole_complaints(tmp_path, text, name="gateway.json") if "must be" in line]
    assert line == "6: services[0].port: must be from 1 to 65535, not 99999"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,}', "1: not JSON: a name in double quotes is missing, at column 9"),
        ('{\n"a" 1}', "2: not JSON: ':' is missing, at column 5"),
        ("{'a': 1}", "1: not JSON: a name in double quotes is missing, at column 2"),
        ('{"a": tru}', "1: not JSON: a value is missing, at column 7"),
        ('{"a": NaN}', "1: not JSON: a value is missing, at column 7"),
        ('{"a": [1 2]}', "1: not JSON: ',' is missing, at column 10"),
        ('{"a": 1} x', "1: not JSON: something stands behind the end, at column 10"),
        ('{"a": "\n"}', "1: not JSON: Invalid control character at, at column 8"),
        ("", '1: the file is empty (begin with _format_version: "3.0")'),
        ("[]", '1: the file must be a mapping at its top, not a list (begin with _format_version: "3.0")'),
        ("[" * 5000, "1: not JSON that can be read: it is nested too deeply"),
    ],
)
def test_a_syntax_error_in_json_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert whole_complaints(tmp_path, text, name="gateway.json") == [said]


def test_a_key_that_comes_twice_in_json_is_told_at_the_second(tmp_path: Path) -> None:
    text = '{"_format_version": "3.0",\n"services": [],\n"services": []}'
    assert whole_complaints(tmp_path, text, name="g.json") == [
        "3: services: is there already, in line 2 (merge or rename one)"
    ]


@pytest.mark.parametrize(
    "text",
    ["1", "-0", "1.5e3", '"a\\u0041\\n\\ud83d\\ude00"', "true", "null", '[1, [], {}, {"a": ["x"]}]', "\t[ ]\r\n"],
)
def test_json_means_what_it_means_to_python(text: str) -> None:
    problems = Problems("file")
    assert read_json(text, problems).data == json.loads(text)
    assert problems.errors == []


def test_yaml_nested_too_deeply_is_an_error(tmp_path: Path) -> None:
    (line,) = whole_complaints(tmp_path, "_ignore: " + "[" * 3000 + "]" * 3000)
    assert "nested too deeply" in line
