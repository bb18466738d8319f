"""Lines to a file or to standard output, written by a thread: whatever happens there never touches a session.

Knows nothing of what stands in the lines.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final, Literal

from framegate.telemetry.shared import Shared
from framegate.telemetry.trouble import Trouble

_log = logging.getLogger("framegate.access_log")

FILE_MODE: Final = 0o640
"""Readable for the group: of a file that is made, before the process's umask."""

MOST_AT_ONCE: Final = 500
"""Lines in one write."""

_STDOUT: Final = 1
_BLOCKED: Final = 0.5

_Command = Literal["reopen", "stop"]


class LineFile(Shared):
    """Appends lines to a file, which is opened anew where another one has its name now.

    Args:
        path: the file, made where there is none; None for standard output.
        size: most lines that wait to be written; over it, new ones are lost.
        form: makes a line with its end, in the thread, of what was put.
    """

    def __init__(self, path: str | None, size: int, form: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._path = path
        self._size = size
        self._form = form
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._file: int | None = None
        self._torn = False
        self._stopping = False
        self._out_of_time = False
        self._trouble = Trouble(_log, "access log " + ("on standard output" if path is None else path), "lines")
        self._thread = threading.Thread(target=self._run, name="framegate access log", daemon=True)
        self._thread.start()

    def put(self, entry: object) -> None:
        """Have a line written; returns at once."""
        if self._queue.qsize() >= self._size:
            self._trouble.lost(1, f"{self._size} lines wait to be written")
        elif not self._stopping:
            self._queue.put(entry)

    def refresh(self) -> None:
        """Open the file anew."""
        self._queue.put("reopen")

    def stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._queue.put("stop")

    def _wait(self, limit: float) -> None:
        self._thread.join(limit)
        self._out_of_time = True
        if self._thread.is_alive():
            self._trouble.at_the_end(max(1, self._queue.qsize() - 1))

    def _run(self) -> None:
        command: _Command | None = None
        while command != "stop":
            lines, command = self._next()
            if lines:
                self._write_or_lose(lines)
            if command is not None:
                self._close()
        self._trouble.at_the_end(0)

    def _next(self) -> tuple[list[bytes], _Command | None]:
        """What waits, up to the next command."""
        lines: list[bytes] = []
        entry = self._queue.get()
        while True:
            if isinstance(entry, str):
                return lines, entry  # type: ignore[return-value]
            lines.append(self._form(entry))
            if len(lines) == MOST_AT_ONCE:
                return lines, None
            try:
                entry = self._queue.get_nowait()
            except Empty:
                return lines, None

    def _write_or_lose(self, lines: list[bytes]) -> None:
        # As a rule one write, so that the lines of several processes do not mix.
        data = b"".join([b"\n", *lines] if self._torn else lines)
        done = 0
        try:
            file = self._opened()
            while done < len(data):
                done += self._written(file, data[done:])
        except OSError as error:
            if done:
                self._torn = data[done - 1 : done] != b"\n"
            self._trouble.lost(min(len(lines), data.count(b"\n", done)), error.strerror or str(error))
            return
        self._torn = False
        if self._trouble.lasts and self._queue.empty():
            self._trouble.over()

    def _written(self, file: int, data: bytes) -> int:
        while True:
            try:
                return os.write(file, data)
            except BlockingIOError:
                # Standard output may be a pipe that its other users do not want to wait for.
                if self._out_of_time:
                    raise
                select.select((), (file,), (), _BLOCKED)

    def _opened(self) -> int:
        if self._path is None:
            return _STDOUT
        if self._file is not None and not _is_at(self._file, self._path):
            self._close()
        if self._file is None:
            # A pipe that nobody reads is an error, not a wait without end.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
            self._file = os.open(self._path, flags, FILE_MODE)
            self._torn = False
        return self._file

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def _is_at(file: int, path: str) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False
