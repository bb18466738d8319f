"""One started server process: its log, the port it announces, whether it still runs, how it ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import cpu
from .errors import BenchmarkError

ANNOUNCEMENT = re.compile(rb"listening on wss?://127\.0\.0\.1:(\d+)")
START_SECONDS = 15.0
STOP_SECONDS = 15.0
ENDING_SECONDS = 0.5
LOG_TAIL = 2000


class Server:
    """A server process whose stdout and stderr go to one log file.

    `pid` is the process that was started.
    """

    error: type[Exception] = BenchmarkError
    start_seconds = START_SECONDS

    def __init__(self, name: str, argv: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
        self.pid = self._process.pid

    def announced_port(self) -> int:
        """Wait until the log says "listening on ws://127.0.0.1:PORT"."""
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline:
            found = ANNOUNCEMENT.search(self._log.read_bytes())
            if found is not None:
                return int(found.group(1))
            self.check()
            time.sleep(0.02)
        raise self.error(f"{self.name} did not start to listen within {self.start_seconds:.0f} s{self._said()}")

    def await_port(self, port: int) -> None:
        """Wait until the port of 127.0.0.1 takes connections, for a server that announces none."""
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline:
            self.check()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise self.error(f"{self.name} did not listen on {port} within {self.start_seconds:.0f} s{self._said()}")

    def await_children(self, count: int) -> None:
        """Wait until the process has started so many."""
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline:
            self.check()
            if len(cpu.children(self.pid)) >= count:
                return
            time.sleep(0.02)
        raise self.error(f"{self.name} did not start {count} processes within {self.start_seconds:.0f} s{self._said()}")

    def family(self) -> list[int]:
        """The process with all that it started: those whose CPU time and memory count."""
        self.check()
        return cpu.family(self.pid)

    def check(self) -> None:
        """Raise if the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise self.error(f"{self.name} ended with exit code {code}{self._said()}")

    def check_soon(self) -> None:
        """The same for a process that may just be ending: its connections end before it does."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING_SECONDS)
        self.check()

    def said(self) -> str:
        """The end of the log."""
        return self._log.read_text(errors="replace")[-LOG_TAIL:].strip()

    def stop(self) -> None:
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # Whoever kills the first alone leaves its workers behind.
            for pid in cpu.family(self.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()

    def _said(self) -> str:
        said = self.said()
        return f"; it said:\n{said}" if said else ""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, for servers that do not tell which one they took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
