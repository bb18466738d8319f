"""An example as a reader would run it: processes in a folder of their own, on free ports, by the words of its page."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cli.program import LISTENING, PATIENCE, Lines, environment

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


class Example:
    """A copy of an example.

    Attributes:
        folder: the copy.
        env: what its page exports.
    """

    def __init__(self, name: str, parent: Path) -> None:
        self.folder = parent / name
        shutil.copytree(EXAMPLES / name, self.folder, ignore=shutil.ignore_patterns("__pycache__", "*.log"))
        self._page = (self.folder / "README.md").read_text()
        self.env = dict(
            part.split("=", 1)
            for code in self.blocks("sh")
            for line in code.splitlines()
            if line.startswith("export ")
            for part in shlex.split(line)[1:]
        )

    def blocks(self, language: str) -> list[str]:
        """The blocks of the page in this language."""
        return re.findall(rf"```{language}\n(.*?)```", self._page, re.DOTALL)

    def promises(self) -> list[tuple[list[str], str]]:
        """The commands of the page whose output stands below them: the words, and the output."""
        found = re.findall(r"```sh\n([^\n]*)\n```\s+```text\n(.*?)```", self._page, re.DOTALL)
        return [(shlex.split(command), output) for command, output in found]

    def move(self, addresses: Mapping[str, str]) -> None:
        """Write other addresses in the place of those in the gateway's file."""
        file = self.folder / "gateway.yaml"
        text = file.read_text()
        for old, new in addresses.items():
            assert old in text, f"{old} is not in {file.name}"
            text = text.replace(old, new)
        file.write_text(text)

    def finished(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program to its end."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=environment(self._environment()),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def check(self) -> subprocess.CompletedProcess[str]:
        """``framegate check`` of its file."""
        return self.finished("-m", "framegate", "check", "gateway.yaml")

    @contextmanager
    def running(self, *words: str) -> Iterator[Process]:
        """A Python program that says where it listens."""
        process = Process(words, self.folder, environment(self._environment()))
        try:
            yield process
        finally:
            process.close()

    @contextmanager
    def gateway(self) -> Iterator[Process]:
        """``framegate run`` of its file."""
        with self.running("-m", "framegate", "run", "gateway.yaml") as process:
            process.address = process.log.matching(LISTENING)[0].rpartition("//")[2]
            yield process

    @contextmanager
    def fake(self, *words: str) -> Iterator[Process]:
        """One of its fake upstreams, on a free port."""
        with self.running(*words, "--port", "0") as process:
            process.address = process.output.matching("listening on")[0].rpartition("//")[2]
            yield process

    def _environment(self) -> dict[str, str]:
        # The copies run with the packages of this process, wherever they come from.
        return {**self.env, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class Process:
    """A running program.

    Attributes:
        output, log: what it writes to standard output and to standard error.
        address: ``HOST:PORT`` where it listens.
    """

    address = ""

    def __init__(self, words: tuple[str, ...], folder: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self.output = Lines(self._process.stdout)
        self.log = Lines(self._process.stderr)

    def close(self) -> None:
        """End it; not with Ctrl-C, which a shell may have told its background jobs to ignore."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            self.output.close()
            self.log.close()

