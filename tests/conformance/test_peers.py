"""The processes of a run: what they announce, and how one that fails is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance import peers
from conformance.errors import ConformanceError
from conformance.peers import Process

Start = Callable[[str], Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def begin(program: str) -> Process:
        process = Process("the peer", [sys.executable, "-c", program], tmp_path / f"{len(started)}.log")
        started.append(process)
        return process

    yield begin
    for process in started:
        process.stop()


def test_the_sloppy_echo_announces_its_port_and_agrees_on_no_compression(tmp_path: Path) -> None:
    echo = peers.sloppy_echo(tmp_path / "log")
    try:
        assert not peers.accepts_compression(echo.announced_port())
    finally:
        echo.stop()


def test_a_server_that_ends_before_it_listens_is_told_with_its_last_words(start: Start) -> None:
    with pytest.raises(ConformanceError, match="(?s)the peer ended with exit code 4; it said:\nno port left"):
        start("print('no port left'); raise SystemExit(4)").announced_port()


def test_a_fuzzer_that_fails_is_told_with_its_exit_code(start: Start) -> None:
    fuzzer = start("raise SystemExit(5)")
    with pytest.raises(ConformanceError, match="the peer ended with exit code 5"):
        fuzzer.wait(watched=fuzzer)


def test_a_run_that_no_longer_makes_progress_is_ended(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "STALL_SECONDS", 0.0)
    fuzzer = start("import time; time.sleep(60)")
    with pytest.raises(ConformanceError, match="the peer made no progress for 0 s"):
        fuzzer.wait(watched=fuzzer)
    with pytest.raises(ConformanceError, match="ended with exit code"):
        fuzzer.check()
