"""One started server process: its log, the port it announces, whether it still runs, how it ends."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

from .errors import BenchmarkError

ANNOUNCEMENT = re.compile(rb"listening on ws://127\.0\.0\.1:(\d+)")
START_SECONDS = 15.0
STOP_SECONDS = 15.0
LOG_TAIL = 2000


class Server:
    """A server process whose stdout and stderr go to one log file.

    `pid` is the process whose CPU and memory count: the one started, unless the starter names another (nginx's worker).
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

    def check(self) -> None:
        """Raise if the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise self.error(f"{self.name} ended with exit code {code}{self._said()}")

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
            self._process.kill()
            self._process.wait()

    def _said(self) -> str:
        said = self.said()
        return f"; it said:\n{said}" if said else ""
