"""Runs the test suite between two peers, through framegate or without it, and reads what it reported."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import peers
from .errors import ConformanceError
from .modes import SLOPPY, Mode, Pair, flags

AGENT = "framegate"
MISSING = "MISSING"
"""What stands for a case that the suite did not report, or that did not get through the opening handshake."""

# A violation is answered with a close frame, as RFC 6455 asks, and not by dropping the connection.
OPTIONS = {"failByDrop": False}
_PLANNED = re.compile(r"^Cases = \[(.*)\]$", re.MULTILINE)
_OPENED = re.compile(r"^Running test case ID (\S+) for agent", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """The suite's judgement of one case: on the messages, and on how the connection was closed."""

    behavior: str
    close: str
    code: int | None = None

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code is not None else ""
        return f"{self.behavior}, closing {self.close}{code}"


Cases = Mapping[str, Case]


@dataclass(frozen=True)
class Run:
    """All cases of one run, and its seconds."""

    cases: Cases
    seconds: float


class Suite:
    """The installed test suite.

    Args:
        python: the Python 2.7 that has it.
        folder: where the runs leave their specifications, logs and reports.
    """

    def __init__(self, python: Path, folder: Path) -> None:
        self._python = python
        self._folder = folder

    def run(self, pair: Pair, mode: Mode | None, patterns: tuple[str, ...]) -> Run:
        """One run of the cases; without a mode, the peers talk directly.

        Raises:
            ConformanceError: a process failed, or framegate logged a traceback.
        """
        folder = self._folder / f"{pair.name}-{mode.name if mode else 'direct'}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        started = time.monotonic()
        with ExitStack() as stack:
            log = self._between(stack, pair, mode, patterns, folder)
        index = folder / "report" / "index.json"
        if not index.is_file():
            raise ConformanceError(f"{folder.name}: the test suite wrote no report; it said:\n{log[-800:]}")
        return Run(read(json.loads(index.read_text()), log), time.monotonic() - started)

    def negotiates(self, mode: Mode) -> bool:
        """Whether permessage-deflate is agreed upon through framegate in that mode."""
        folder = self._folder / "probe"
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            upstream = _stopped(stack, peers.strict_echo(self._python, folder / "upstream.log"))
            gate = _stopped(stack, peers.proxy(upstream.announced_port(), mode.flags, folder / "framegate.log"))
            return peers.accepts_compression(gate.announced_port())

    def _between(self, stack: ExitStack, pair: Pair, mode: Mode | None, patterns: tuple[str, ...], folder: Path) -> str:
        fuzzing_client = pair.fuzzer == "client"
        upstream = _stopped(stack, self._upstream(pair, patterns, folder))
        port, gate = upstream.announced_port(), None
        if mode is not None:
            gate = _stopped(stack, peers.proxy(port, flags(pair, mode), folder / "framegate.log"))
            port = gate.announced_port()
        url = f"ws://127.0.0.1:{port}"
        client = _stopped(
            stack, self._fuzzing_client(url, patterns, folder) if fuzzing_client else self._echo(url, folder)
        )
        fuzzer = client if fuzzing_client else upstream
        client.wait(watched=fuzzer)
        upstream.check()
        if gate is not None:
            gate.check()
            if "Traceback" in gate.said():
                raise ConformanceError(f"{folder.name}: framegate logged a traceback:\n{gate.last_lines(20)}")
        return fuzzer.said()

    def _upstream(self, pair: Pair, patterns: tuple[str, ...], folder: Path) -> peers.Process:
        log = folder / "upstream.log"
        if pair.fuzzer == "upstream":
            # The port in the URL is a formality: the server takes a free one.
            spec = _specification(folder, patterns, url="ws://127.0.0.1:1")
            return peers.wstest(
                self._python, "the fuzzing server", log, "--mode", "fuzzingserver", "--webport", "0", *spec
            )
        return peers.sloppy_echo(log) if pair is SLOPPY else peers.strict_echo(self._python, log)

    def _fuzzing_client(self, url: str, patterns: tuple[str, ...], folder: Path) -> peers.Process:
        # An explicit agent: else a case whose handshake failed would be filed under another name.
        spec = _specification(folder, patterns, servers=[{"agent": AGENT, "url": url}])
        return peers.wstest(self._python, "the fuzzing client", folder / "client.log", "--mode", "fuzzingclient", *spec)

    def _echo(self, url: str, folder: Path) -> peers.Process:
        arguments = ("--mode", "testeeclient", "--wsuri", url, "--ident", AGENT)
        return peers.wstest(self._python, "Autobahn's client", folder / "client.log", *arguments)


def read(index: Mapping[str, Any], log: str) -> dict[str, Case]:
    """The cases that the suite planned, as its index reports them.

    Some are filed as informational even when the opening handshake was refused; the log names those that were opened.
    """
    planned = _PLANNED.search(log)
    if planned is None or not planned.group(1):
        raise ConformanceError("the test suite did not say which cases it would run")
    reported, opened = index.get(AGENT, {}), set(_OPENED.findall(log))
    cases = {}
    for case in re.findall(r"'([\d.]+)'", planned.group(1)):
        found = reported.get(case) if case in opened else None
        cases[case] = (
            Case(found["behavior"], found["behaviorClose"], found["remoteCloseCode"])
            if found
            else Case(MISSING, MISSING)
        )
    return cases


def _specification(folder: Path, patterns: tuple[str, ...], **peer: Any) -> tuple[str, str]:
    path = folder / "spec.json"
    specification = {
        "outdir": str(folder / "report"),
        "options": OPTIONS,
        "cases": list(patterns),
        "exclude-cases": [],
        "exclude-agent-cases": {},
        **peer,
    }
    path.write_text(json.dumps(specification, indent=1))
    return "--spec", str(path)


def _stopped(stack: ExitStack, process: peers.Process) -> peers.Process:
    stack.callback(process.stop)
    return process
