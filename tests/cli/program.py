"""The program as a process of its own: what it prints, how it ends, and the signals sent to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Self

PATIENCE = 20.0
LISTENING = "framegate: listening on "


def environment(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """The environment of this process without the program's own variables, but for the choice of the build."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FRAMEGATE_") or k == "FRAMEGATE_PURE"}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "framegate", *words]


def finished(*words: str, env: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(command(*words), env=environment(env), capture_output=True, text=True, timeout=PATIENCE)


def complaint(*words: str, env: Mapping[str, str] = {}, status: int = 2) -> str:
    """The one line on standard error with which the program refuses to run."""
    ended = finished(*words, env=env)
    lines = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout, len(lines)) == (status, "", 1), ended
    return lines[0]


class Lines:
    """The lines of a stream, read as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self.seen: list[str] = []
        self._stream = stream
        self._more = threading.Condition()
        self._at_end = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._stream:
            with self._more:
                self.seen.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self._at_end = True
            self._more.notify_all()

    def matching(self, text: str, count: int = 1, patience: float = PATIENCE) -> list[str]:
        """Wait for ``count`` lines that hold ``text``."""
        with self._more:
            self._more.wait_for(lambda: self._at_end or len(self._with(text)) >= count, patience)
            found = self._with(text)
        assert len(found) >= count, f"no {text!r} in {self.seen}"
        return found

    def _with(self, text: str) -> list[str]:
        return [line for line in self.seen if text in line]

    def close(self) -> None:
        self._reader.join(PATIENCE)
        self._stream.close()


class Program:
    """A running command.

    Attributes:
        urls: the addresses of its ready lines.
        log: what it writes to standard error.
        output: what it writes to standard output.
    """

    def __init__(self, *words: str, env: Mapping[str, str] = {}) -> None:
        self._process = subprocess.Popen(
            command(*words), env=environment(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self.output = Lines(self._process.stdout)
        self.log = Lines(self._process.stderr)
        self.urls: list[str] = []

    def ready(self, listeners: int) -> Self:
        lines = self.log.matching(LISTENING, listeners)
        self.urls = [line.removeprefix(LISTENING) for line in lines]
        return self

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def status(self) -> int:
        """Wait for the end and return the exit status."""
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self.output.close()
        self.log.close()


@contextmanager
def started(*words: str, env: Mapping[str, str] = {}, listeners: int = 1) -> Iterator[Program]:
    """A command that is ready to serve; whatever is left of it is killed."""
    program = Program(*words, env=env)
    try:
        yield program.ready(listeners)
    finally:
        program.close()


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def open_silently(url: str) -> socket.socket:
    """A client that opens a session and answers nothing from then on."""
    peer = socket.create_connection(("127.0.0.1", port_of(url)), PATIENCE)
    peer.sendall(
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = peer.recv(4096)
        assert part, answer
        answer += part
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    return peer
