"""Flags and variables become the library's arguments; what was not given keeps the library's default."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import Any

import pytest

import framegate
from framegate.cli import main
from framegate.cli._flags import read_size, show_size
from framegate.options import ProxyOptions, ServerLimits

URL = "ws://127.0.0.1:9001/base"
GIVEN_BY_DEFAULT = {"ssl": None, "preserve_host": False, "upstream_options": None}


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the command asks of the library, without listening anywhere."""
    asked: list[dict[str, Any]] = []
    command = importlib.import_module("framegate.cli.proxy")

    def reverse_proxy(upstream: str, **arguments: Any) -> contextlib.nullcontext[None]:
        asked.append({"upstream": upstream, **arguments})
        return contextlib.nullcontext()

    def serve(listeners: Any) -> int:
        for listener in listeners:
            listener.open()
        return 0

    monkeypatch.setattr(framegate, "reverse_proxy", reverse_proxy)
    monkeypatch.setattr(command, "serve", serve)
    monkeypatch.setattr(command, "run", lambda status: status)
    monkeypatch.setattr(command, "start_log", lambda level: asked.append({"log": level}))
    return asked


def proxied(calls: list[dict[str, Any]], *words: str) -> dict[str, Any]:
    """The options that ``framegate proxy`` with these flags hands to the library."""
    assert main(["proxy", URL, "--listen", "127.0.0.1:0", *words]) == 0
    _, call = calls
    assert (call.pop("upstream"), call.pop("host"), call.pop("port")) == (URL, "127.0.0.1", 0)
    assert {name: call.pop(name) for name in GIVEN_BY_DEFAULT} == GIVEN_BY_DEFAULT
    return call


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["proxy", URL, "--listen", "127.0.0.1:0", *words]) == 2
    return capsys.readouterr().err.removeprefix("framegate: ").rstrip("\n")


def test_what_is_not_given_is_left_to_the_library(calls: list[dict[str, Any]]) -> None:
    assert proxied(calls) == {}


@pytest.mark.parametrize("table", [ProxyOptions, ServerLimits])
def test_each_option_but_the_hook_has_a_flag(table: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proxy", "--help"]) == 0
    text = capsys.readouterr().out
    missing = [name for name in table.rules() if f"--{name.replace('_', '-')}" not in text]
    assert missing == (["on_frame"] if table is ProxyOptions else [])


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--aggregate", {"aggregate_fragments": True}),
        ("--aggregate-fragments", {"aggregate_fragments": True}),
        ("--no-aggregate-fragments", {"aggregate_fragments": False}),
        ("--client-max-frame-size 64KiB", {"client_max_frame_size": 65536}),
        ("--client-max-frame-size auto", {"client_max_frame_size": "auto"}),
        ("--client-max-frame-size NONE", {"client_max_frame_size": None}),
        ("--upstream-max-fragments 3", {"upstream_max_fragments": 3}),
        ("--upstream-max-fragments none", {"upstream_max_fragments": None}),
        ("--recv-timeout 0.25", {"recv_timeout": 0.25}),
        ("--ping-timeout none", {"ping_timeout": None}),
        ("--compression off", {"compression": "off"}),
        ("--validate-utf8", {"validate_utf8": True}),
        ("--no-validate-utf8", {"validate_utf8": False}),
        ("--debug", {"debug": True}),
        ("--drain-code 4000", {"drain_code": 4000}),
        ("--max-headers 5 --drain-window 2", {"max_headers": 5, "drain_window": 2.0}),
    ],
)
def test_a_flag_becomes_an_option(calls: list[dict[str, Any]], words: str, options: dict[str, Any]) -> None:
    assert proxied(calls, *words.split()) == options


@pytest.mark.parametrize(
    ("variable", "value", "options"),
    [
        ("FRAMEGATE_CLIENT_MAX_FRAME_SIZE", "1MiB", {"client_max_frame_size": 1024**2}),
        ("FRAMEGATE_MAX_BUFFERED", "none", {"max_buffered": None}),
        ("FRAMEGATE_AGGREGATE_FRAGMENTS", "true", {"aggregate_fragments": True}),
        ("FRAMEGATE_AGGREGATE_FRAGMENTS", "0", {"aggregate_fragments": False}),
        ("FRAMEGATE_VALIDATE_UTF8", "no", {"validate_utf8": False}),
        ("FRAMEGATE_VALIDATE_UTF8", "none", {"validate_utf8": None}),
        ("FRAMEGATE_COMPRESSION", "terminate", {"compression": "terminate"}),
        ("FRAMEGATE_DRAIN_TIMEOUT", "1.5", {"drain_timeout": 1.5}),
        ("FRAMEGATE_RECV_TIMEOUT", "", {}),
    ],
)
def test_a_variable_becomes_an_option(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, options: dict[str, Any]
) -> None:
    monkeypatch.setenv(variable, value)
    assert proxied(calls) == options


def test_a_flag_wins_over_its_variable(calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEGATE_MAX_HEADERS", "7")
    assert proxied(calls, "--max-headers", "8") == {"max_headers": 8}


def test_the_hook_becomes_on_frame(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hooks.py").write_text("def f(*frame): return b'from the file'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    on_frame = proxied(calls, "--hook", f"{tmp_path}/hooks.py:f")["on_frame"]
    assert on_frame("client", "text", b"", True, None) == b"from the file"


def test_each_listener_gets_the_same_options(calls: list[dict[str, Any]]) -> None:
    words = ["--listen", "127.0.0.1:1", "--listen", "[::1]:2", "--listen", "unix:/tmp/x", "--preserve-host"]
    assert main(["proxy", URL, *words, "--max-headers", "9"]) == 0
    _, first, second, third = calls
    assert (first.pop("host"), first.pop("port")) == ("127.0.0.1", 1)
    assert (second.pop("host"), second.pop("port")) == ("::1", 2)
    assert third.pop("unix_path") == "/tmp/x"
    assert first == second == third == {**GIVEN_BY_DEFAULT, "upstream": URL, "preserve_host": True, "max_headers": 9}


@pytest.mark.parametrize(
    ("words", "level"),
    [("", "info"), ("--debug", "debug"), ("--log-level error", "error"), ("--debug --log-level INFO", "info")],
)
def test_the_log_level(calls: list[dict[str, Any]], words: str, level: str) -> None:
    assert main(["proxy", URL, "--listen", "127.0.0.1:0", *words.split()]) == 0
    assert calls[0] == {"log": level}


# What is refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "--client-max-frame-size 0",
            "--client-max-frame-size must be auto, none or a size >= 1 (as 65536, 64KiB, 1MiB), not '0'",
        ),
        (
            "--upstream-max-frame-size atuo",
            "--upstream-max-frame-size must be auto, none or a size >= 1 (as 65536, 64KiB, 1MiB), "
            "not 'atuo', did you mean 'auto'?",
        ),
        ("--max-buffered 64KB", "--max-buffered must be none or a size >= 1 (as 65536, 64KiB, 1MiB), not '64KB'"),
        ("--recv-timeout nan", "--recv-timeout must be none or seconds > 0, not 'nan'"),
        ("--drain-window -1", "--drain-window must be seconds >= 0, not '-1'"),
        ("--lingering-timeout none", "--lingering-timeout must be seconds > 0, not 'none'"),
        ("--max-headers 1.5", "--max-headers must be a whole number >= 1, not '1.5'"),
        (
            "--drain-code 1005",
            "--drain-code must be a close code that may be sent (1000-1003, 1007-1014, 3000-4999), not '1005'",
        ),
        ("--compression of", "--compression must be auto, terminate, pass or off, not 'of', did you mean 'off'?"),
        (
            "--lingering-time 4",
            "--lingering-time must be >= --lingering-timeout: it is 4, and --lingering-timeout is 5",
        ),
    ],
)
def test_a_wrong_value_is_told_with_the_flag_and_the_rule(
    capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    assert complaint(capsys, *words.split()) == message


def test_a_wrong_variable_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEGATE_MAX_HEADERS", "many")
    assert complaint(capsys) == "--max-headers must be a whole number >= 1, not 'many' (from FRAMEGATE_MAX_HEADERS)"


def test_compressed_frames_cannot_pass_what_reads_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert "together with --aggregate-fragments" in complaint(capsys, "--compression", "pass", "--aggregate")


@pytest.mark.parametrize("url", ["http://a", "a:80", "ws://a b", "ws://user@a", "ws://a#x", "ws://:80"])
def test_what_is_no_url_of_an_upstream_is_refused(capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert main(["proxy", url, "--listen", "127.0.0.1:0"]) == 2
    assert capsys.readouterr().err.startswith(f"framegate: URL {url!r}: ")


# Sizes


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("65536", 65536), ("64KiB", 65536), ("64 kib", 65536), ("1MiB", 1024**2), ("2gib", 2**31), ("5B", 5)],
)
def test_a_size_is_a_number_with_or_without_a_unit(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "KiB", "1.5KiB", "-1", "1K", "1KB", "1_000", "0x10", "1KiBs", "١"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        read_size(text)


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 65536, 65537, 1024**2, 3 * 1024**3])
def test_a_size_is_shown_as_it_is_read(size: int) -> None:
    assert read_size(show_size(size)) == size
