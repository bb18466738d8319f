"""Lines that a thread writes: what it does where the disk is full, the file has moved, or nobody reads."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from framegate.telemetry.line_file import MOST_AT_ONCE, LineFile

PATIENCE = 5.0


def numbered(entry: object) -> bytes:
    return b"%d\n" % entry  # type: ignore[operator]


@contextmanager
def writing(path: Path, size: int = 1000) -> Iterator[LineFile]:
    lines = LineFile(str(path), size, numbered)
    try:
        yield lines
    finally:
        lines.stop()
        lines.wait(PATIENCE)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.005)


def holds(path: Path, *numbers: int) -> None:
    """Wait until the file has exactly these lines."""
    wanted = b"".join(map(numbered, numbers))
    until(lambda: path.exists() and path.read_bytes() == wanted)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "framegate.access_log"]


def test_lines_are_appended_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"0\n")
    count = 2 * MOST_AT_ONCE + 1
    with writing(path, size=count) as lines:
        for number in range(1, count):
            lines.put(number)
    holds(path, *range(count))


def test_a_file_is_made_for_its_owner_and_group(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with writing(tmp_path / "log") as lines:
            lines.put(1)
            holds(tmp_path / "log", 1)
    finally:
        os.umask(old)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o640


def test_nothing_is_made_before_there_is_a_line(tmp_path: Path) -> None:
    with writing(tmp_path / "log"):
        pass
    assert not (tmp_path / "log").exists()


def test_a_file_that_was_moved_gets_no_further_line(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    with writing(path) as lines:
        lines.put(1)
        holds(path, 1)
        path.rename(old)
        lines.put(2)
        holds(path, 2)
    assert old.read_bytes() == b"1\n"


def test_a_file_that_was_cut_to_nothing_is_written_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with writing(path) as lines:
        lines.put(1)
        holds(path, 1)
        os.truncate(path, 0)
        lines.put(2)
        holds(path, 2)


def open_files(path: Path) -> int:
    """How often this process has the file open."""
    found = 0
    for entry in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{entry}") == str(path)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc which files are open")
def test_refreshed_it_lets_go_of_the_old_file_before_the_next_line(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    with writing(path) as lines:
        lines.put(1)
        holds(path, 1)
        path.rename(old)
        assert open_files(old) == 1
        lines.refresh()
        until(lambda: open_files(old) == 0)
        lines.put(2)
        holds(path, 2)
    assert open_files(path) == 0


# Trouble


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk that is always full")
def test_a_full_disk_is_told_once_and_again_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    with writing(path) as lines:
        for number in range(3):
            lines.put(number)
            until(lambda: lines._queue.empty())
        until(lambda: bool(told(caplog)))
        path.unlink()
        lines.put(3)
        holds(path, 3)
        until(lambda: len(told(caplog)) == 2)
    assert told(caplog) == [
        f"access log {path}: No space left on device; lines are lost until it works again",
        f"access log {path}: works again; lines lost: 3",
    ]
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_a_folder_that_is_gone_is_told_and_one_that_is_back_is_written_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "logs"
    with writing(folder / "log") as lines:
        lines.put(1)
        until(lambda: len(told(caplog)) == 1)
        folder.mkdir()
        lines.put(2)
        holds(folder / "log", 2)
    assert "No such file or directory" in told(caplog)[0]
    assert told(caplog)[1].endswith("lines lost: 1")


def test_over_the_limit_new_lines_are_dropped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        # More than the pipe holds, so that the first line is stuck in it until somebody reads.
        lines = LineFile(str(path), 10, lambda entry: b"%06d" % entry + b"x" * 200_000 + b"\n")
        lines.put(0)
        until(lines._queue.empty)
        for number in range(1, 16):
            lines.put(number)
        assert told(caplog) == [f"access log {path}: 10 lines wait to be written; lines are lost until it works again"]
        read = b""
        deadline = time.monotonic() + PATIENCE
        while len(told(caplog)) < 2 and time.monotonic() < deadline:
            try:
                read += os.read(reader, 1 << 16)
            except BlockingIOError:
                time.sleep(0.005)
        lines.stop()
        lines.wait(PATIENCE)
        while more := os.read(reader, 1 << 16):
            read += more
    finally:
        os.close(reader)
    assert [int(line.rstrip(b"x")) for line in read.splitlines()] == list(range(11))
    assert told(caplog)[1:] == [f"access log {path}: works again; lines lost: 5"]


def test_a_pipe_that_nobody_reads_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "pipe")
    with writing(tmp_path / "pipe") as lines:
        lines.put(1)
        until(lambda: bool(told(caplog)))
    assert "No such device or address" in told(caplog)[0] or "not configured" in told(caplog)[0]


def test_at_the_end_it_is_not_waited_for_longer_than_allowed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        lines = LineFile(str(path), 1000, lambda entry: b"x" * 100_000 + b"\n")
        for number in range(3):
            lines.put(number)
        lines.stop()
        lines.wait(0.05)
        assert [line for line in told(caplog) if "lines lost at the end" in line]
    finally:
        os.close(reader)
        lines._thread.join(PATIENCE)
    assert not lines._thread.is_alive()


def test_what_waits_is_written_before_the_end(tmp_path: Path) -> None:
    with writing(tmp_path / "log") as lines:
        for number in range(100):
            lines.put(number)
    assert (tmp_path / "log").read_bytes() == b"".join(map(numbered, range(100)))


def test_a_line_that_only_half_fitted_is_followed_by_a_new_line(tmp_path: Path) -> None:
    code = f"""if True:
        import logging, os, resource, time
        from framegate.telemetry.line_file import LineFile

        logging.basicConfig(format="%(message)s")
        path = {str(tmp_path / "log")!r}
        lines = LineFile(path, 100, lambda entry: entry)

        def put_and_wait(line, size):
            lines.put(line)
            while not os.path.exists(path) or os.path.getsize(path) < size:
                time.sleep(0.005)

        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        put_and_wait(b"first\\n", 6)
        put_and_wait(b"second\\n", 10)
        while not lines._trouble.lasts:
            time.sleep(0.005)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        put_and_wait(b"third\\n", 17)
        lines.stop()
        lines.wait(5)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert (tmp_path / "log").read_text() == "first\nseco\nthird\n", done.stderr
    assert "File too large" in done.stderr and "lines lost: 1" in done.stderr
