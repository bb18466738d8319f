"""The processes of a run: each with its log, the port that it announces, and its end."""

from __future__ import annotations

import base64
import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.processes import Server

from .errors import ConformanceError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
STALL_SECONDS = 180.0
PROBE_SECONDS = 10.0
FRAMEGATE = [sys.executable, "-m", "framegate"]


class Process(Server):
    """A process whose log can be read whole."""

    error = ConformanceError
    start_seconds = 30.0

    def wait(self, watched: Process) -> None:
        """Wait for the end of the process, as long as `watched` goes on logging."""
        size, deadline = -1, 0.0
        while self._process.poll() is None:
            now, grown = time.monotonic(), watched._log.stat().st_size
            if grown != size:
                size, deadline = grown, now + STALL_SECONDS
            elif now > deadline:
                self.stop()
                raise ConformanceError(
                    f"{watched.name} made no progress for {STALL_SECONDS:.0f} s{watched._said()}"
                )
            time.sleep(0.05)
        if self._process.returncode != 0:
            raise ConformanceError(f"{self.name} ended with exit code {self._process.returncode}{self._said()}")

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def last_lines(self, count: int) -> str:
        return "\n".join(self.said().strip().splitlines()[-count:])

    def _said(self) -> str:
        lines = self.last_lines(8)
        return f"; it said:\n{lines}" if lines else ""


def wstest(python: Path, name: str, log: Path, *arguments: str) -> Process:
    """One of the test suite's programs, on Python 2.7."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return Process(name, [str(python), "-u", str(HERE / "wstest27.py"), *arguments], log, environment)


def strict_echo(python: Path, log: Path) -> Process:
    # The port in the URL is a formality: the server takes a free one.
    return wstest(python, "Autobahn's echo", log, "--mode", "testeeserver", "--wsuri", "ws://127.0.0.1:1")


def sloppy_echo(log: Path) -> Process:
    return Process("the sloppy echo", [sys.executable, str(HERE / "sloppy_echo.py")], log)


def proxy(upstream: int, flags: tuple[str, ...], log: Path) -> Process:
    """framegate in front of the upstream at that port."""
    argv = [
        *FRAMEGATE,
        "proxy",
        f"ws://127.0.0.1:{upstream}",
        "--listen",
        "127.0.0.1:0",
        "--log-level",
        "error",
        *flags,
    ]
    return Process("framegate", argv, log, framegate_environment())


def framegate_environment() -> dict[str, str]:
    """The environment that finds framegate: as it is installed, else in this source tree."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEGATE_LISTEN")}
    if importlib.util.find_spec("framegate") is None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "src"), environment.get("PYTHONPATH")]))
    return environment


def framegate_version() -> str:
    done = subprocess.run([*FRAMEGATE, "--version"], capture_output=True, text=True, env=framegate_environment())
    if done.returncode != 0:
        raise ConformanceError(f"`python -m framegate --version` failed: {done.stderr.strip()}")
    return " ".join(done.stdout.split())


def accepts_compression(port: int) -> bool:
    """Whether the server at that port answers an offer of permessage-deflate."""
    request = (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    answer = b""
    with socket.create_connection(("127.0.0.1", port), PROBE_SECONDS) as connection:
        connection.sendall(request.encode())
        while b"\r\n\r\n" not in answer:
            received = connection.recv(65536)
            if not received:
                break
            answer += received
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return re.search(rb"\r\nsec-websocket-extensions:[^\r]*permessage-deflate", head) is not None
