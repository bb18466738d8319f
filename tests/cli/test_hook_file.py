"""``--hook FILE.py:NAME``: what is found, and the one line that says why something is not a hook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framegate.cli._hook import MODULE_NAME, load_hook
from framegate.errors import ConfigError

HOOKS = """
def on_frame(origin, typ, payload, last, code):
    return payload

async def slow(origin, typ, payload, last, code):
    return payload

def few(payload):
    return payload

class Filter:
    def on_frame(self, origin, typ, payload, last, code):
        return payload

filter = Filter()
anything = lambda *frame: None
number = 3
"""


@pytest.fixture(autouse=True)
def import_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hook's file may be imported from its own folder; the next test starts afresh."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop(MODULE_NAME, None)


@pytest.fixture
def hooks(tmp_path: Path) -> str:
    return written(tmp_path, HOOKS)


def written(folder: Path, text: str | bytes, name: str = "hooks.py") -> str:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_hook(text)
    return str(caught.value)


@pytest.mark.parametrize("name", ["on_frame", "slow", "anything", "filter.on_frame"])
def test_a_callable_that_takes_a_frame_is_a_hook(hooks: str, name: str) -> None:
    hook = load_hook(f"{hooks}:{name}")
    assert callable(hook)
    assert hook.__module__ == MODULE_NAME


def test_a_hook_may_import_what_lies_beside_its_file(tmp_path: Path) -> None:
    written(tmp_path, "WORD = b'beside'\n", "beside_the_hook.py")
    file = written(tmp_path, "import beside_the_hook\ndef f(*frame):\n    return beside_the_hook.WORD\n")
    assert load_hook(f"{file}:f")("client", "text", b"", True, None) == b"beside"


def test_a_dataclass_with_postponed_annotations_works_in_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "from __future__ import annotations\nfrom dataclasses import dataclass, KW_ONLY\n"
        "@dataclass\nclass A:\n    x: int = 1\ndef f(*frame):\n    return A().x\n",
    )
    assert load_hook(f"{file}:f")("client", "text", b"", True, None) == 1


@pytest.mark.parametrize("text", ["hooks.py", "hooks.py:", ":on_frame", ""])
def test_both_file_and_name_are_needed(text: str) -> None:
    assert refusal(text) == f"--hook needs FILE.py:NAME, as in hooks.py:on_frame, not {text!r}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}/no.py:f") == f"{tmp_path}/no.py: the hook's file does not exist"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}:f") == f"{tmp_path}: the hook is not in a file"


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "x = 1\n\ndef f(:\n")
    assert refusal(f"{file}:f") == f"{file}:3: syntax error: invalid syntax"


def test_a_syntax_error_in_an_imported_file_names_that_file(tmp_path: Path) -> None:
    broken = written(tmp_path, "x = = 1\n", "broken_beside_the_hook.py")
    file = written(tmp_path, "import broken_beside_the_hook\n")
    assert refusal(f"{file}:f") == f"{broken}:1: syntax error: invalid syntax"


def test_a_file_that_is_not_text_is_a_syntax_error(tmp_path: Path) -> None:
    file = written(tmp_path, b"\xff\xfe")
    assert refusal(f"{file}:f").startswith(f"{file}:1: syntax error: ")


def test_a_failed_import_is_told_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "\nimport no_such_module_at_all\n")
    assert refusal(f"{file}:f") == f"{file}:2: ModuleNotFoundError: No module named 'no_such_module_at_all'"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("def g():\n    raise ValueError('no')\ng()\n", 2, "ValueError: no"),
        ("import json\njson.loads('{')\n", 2, "JSONDecodeError: "),
        ("raise SystemExit\n", 1, "SystemExit"),
        ("assert False\n", 1, "AssertionError"),
    ],
)
def test_an_exception_while_importing_is_told_with_the_line_in_the_file(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    file = written(tmp_path, text)
    assert refusal(f"{file}:f").startswith(f"{file}:{line}: {what}")


def test_a_missing_name_is_told_the_nearest(hooks: str) -> None:
    assert refusal(f"{hooks}:on_fram") == f"{hooks}: there is no 'on_fram' in it, did you mean 'on_frame'?"
    assert refusal(f"{hooks}:filter.onframe").endswith("there is no 'onframe' in it, did you mean 'on_frame'?")
    assert refusal(f"{hooks}:zzzzzz") == f"{hooks}: there is no 'zzzzzz' in it"


def test_a_value_is_no_hook(hooks: str) -> None:
    assert refusal(f"{hooks}:number") == f"{hooks}: 'number' is not callable: it is of type int"


def test_a_class_is_no_hook_and_the_mend_is_told(hooks: str) -> None:
    message = refusal(f"{hooks}:Filter")
    assert "'Filter' is a class, not a function" in message
    assert "x = Filter()" in message


@pytest.mark.parametrize(("name", "line"), [("few", 8), ("Filter.on_frame", 12)])
def test_other_parameters_than_a_hooks_are_told_with_their_line(hooks: str, name: str, line: int) -> None:
    assert refusal(f"{hooks}:{name}") == (
        f"{hooks}:{line}: {name!r} does not take the arguments of a hook, (origin, typ, payload, last, code)"
    )
