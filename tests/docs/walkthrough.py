"""A page as a reader would follow it: files are written, commands are run, and what stands below them must come out.

What the blocks of a page mean:

- a block with a title that is the name of a file is that file;
- ``sh`` is run to its end in the page's folder; a ``text`` block that follows is its output, errors included. In it,
  ``…`` stands for anything within a line, and a line with nothing else for any lines;
- ``sh`` with the title ``… terminal`` goes on running beside the others; a ``text`` block that follows has lines that
  it shows when it is ready. Without such a block, framegate must say that it listens, and of others nothing is known:
  the page waits a moment. The same terminal again ends what ran there;
- ``text`` with the title ``… terminal`` holds lines that this terminal has shown, or is about to show;
- ``sh title="installation"`` is not run: what it would install is what the tests run with;
- all other blocks are for reading.

Ports of the page are exchanged for free ones, everywhere in it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.cli.program import LISTENING, PATIENCE, Lines, environment

DOCS = Path(__file__).parents[2] / "docs"
PORTS = re.compile(r"""\b(127\.0\.0\.1:|localhost:|127\.0\.0\.1", )(\d{4,5})\b""")
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.M | re.S)
NOT_RUN = "installation"
OTHERS = ("haproxy", "nginx", "openssl")


class Block(NamedTuple):
    """One code block: its language, its title (or empty), its text, and the line it stands in."""

    language: str
    title: str
    text: str
    line: int


class Step(NamedTuple):
    """What a reader does: write a file, run a command to its end, start one in a terminal, or look at a terminal."""

    does: str
    block: Block
    output: str | None


def blocks(page: str) -> list[Block]:
    """All code blocks of a page."""
    return [
        Block(found[1], found[2] or "", found[3], page.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(page)
    ]


def steps(page: str) -> Iterator[Step]:
    """What there is to do, in the page's order."""
    found = blocks(page)
    for block, after in zip(found, [*found[1:], None], strict=True):
        output = after.text if after is not None and after.language == "text" and not after.title else None
        if block.language == "text" and block.title.endswith("terminal"):
            yield Step("look", block, None)
        elif block.language != "sh" and block.title:
            yield Step("write", block, None)
        elif block.language == "sh" and block.title.endswith("terminal"):
            yield Step("start", block, output)
        elif block.language == "sh" and block.title != NOT_RUN:
            yield Step("run", block, output)


class Walk:
    """A folder in which a page is followed.

    Attributes:
        folder: where its files are.
        done: the steps so far.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        self.folder = folder
        self.done: list[Step] = []
        self._page = page
        self._terminals: dict[str, _Terminal] = {}
        self._programs = folder / ".programs"
        self._programs.mkdir(parents=True)
        for name, words in (("framegate", ["-m", "framegate"]), ("python", []), ("pytest", ["-m", "pytest"])):
            program = self._programs / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *words])} "$@"\n')
            program.chmod(0o755)

    def follow(self) -> None:
        """Do all that the page says."""
        text = with_free_ports(self._page.read_text())
        for step in steps(text):
            where = f"{self._page.relative_to(DOCS)}:{step.block.line}"
            {"write": self._write, "start": self._start, "run": self._run, "look": self._look}[step.does](step, where)
            self.done.append(step)

    def close(self) -> None:
        for terminal in self._terminals.values():
            terminal.close()

    def _write(self, step: Step, where: str) -> None:
        file = self.folder / step.block.title
        assert self.folder in file.resolve().parents, where
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(step.block.text)

    def _run(self, step: Step, where: str) -> None:
        ended = subprocess.run(
            ["bash", "-e", "-c", step.block.text],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        if step.output is None:
            assert ended.returncode == 0, f"{where}: status {ended.returncode}\n{ended.stdout}"
        else:
            assert fits(step.output, ended.stdout), f"{where}: not as promised:\n{ended.stdout}{self._logs()}"

    def _start(self, step: Step, where: str) -> None:
        if (old := self._terminals.pop(step.block.title, None)) is not None:
            old.close()
        terminal = _Terminal(step.block.text, self.folder, self._environment())
        self._terminals[step.block.title] = terminal
        if step.output is not None or "framegate" in step.block.text:
            self._see(terminal, step.output or LISTENING + "…", where)

    def _look(self, step: Step, where: str) -> None:
        self._see(self._terminals[step.block.title], step.block.text, where)

    def _see(self, terminal: _Terminal, lines: str, where: str) -> None:
        limit = time.monotonic() + PATIENCE
        for line in lines.splitlines():
            while not any(fits(line, seen) for seen in terminal.output.seen):
                shown = "\n".join(terminal.output.seen)
                assert time.monotonic() < limit, f"{where}: {line!r} is not among\n{shown}"
                time.sleep(0.02)

    def _logs(self) -> str:
        return "".join(f"\n{name}:\n" + "\n".join(t.output.seen) for name, t in self._terminals.items())

    def _environment(self) -> dict[str, str]:
        path = f"{self._programs}{os.pathsep}{os.environ['PATH']}"
        sources = os.pathsep.join(path for path in sys.path if path)
        return environment({"PATH": path, "PYTHONPATH": sources, "PYTHONDONTWRITEBYTECODE": "1"})


class _Terminal:
    """A shell that runs something until it is closed, with a process group of its own."""

    def __init__(self, commands: str, folder: Path, env: Mapping[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash", "-c", commands + "\nwait"],
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self._shell.stdout is not None
        self.output = Lines(self._shell.stdout)

    def close(self) -> None:
        self._signal(signal.SIGTERM)
        try:
            self._shell.wait(PATIENCE)
        finally:
            self._signal(signal.SIGKILL)
            self._shell.wait()
            self.output.close()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._shell.pid, number)
        except ProcessLookupError:
            pass


@contextmanager
def walked(page: Path, folder: Path) -> Iterator[Walk]:
    """A page that is followed in ``folder``; whatever still runs is ended."""
    walk = Walk(page, folder)
    try:
        yield walk
    finally:
        walk.close()


def missing(page: str) -> list[str]:
    """The programs that a page needs and this machine has not."""
    commands = "\n".join(block.text for block in blocks(page) if block.language == "sh")
    return [name for name in OTHERS if re.search(rf"^{name} ", commands, re.M) and shutil.which(name) is None]


def with_free_ports(page: str) -> str:
    """The page with a free port in the place of each of its own."""
    ports: dict[str, str] = {}
    for found in PORTS.finditer(page):
        ports.setdefault(found[2], "")
    held = []
    for port in ports:
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        held.append(one)
        ports[port] = str(one.getsockname()[1])
    for one in held:
        one.close()
    return PORTS.sub(lambda found: f"{found[1]}{ports[found[2]]}", page)


def fits(promised: str, came: str) -> bool:
    """Whether the output is what a page promises."""
    pattern = ""
    for line in promised.rstrip("\n").split("\n"):
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part.rstrip() if part == line else part) for part in line.split("…"))
            pattern += r"[ ]*\n"
    return re.fullmatch(pattern, came.rstrip("\n") + "\n") is not None
