"""session-log: one record a session, to files, standard output and real HTTP servers, whatever happens to them."""

from __future__ import annotations

import base64
import errno
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from framegate.pdk.testing import Conversation, text
from framegate.plugins.session_log import outbox
from framegate.plugins.session_log.destinations import ToFile, ToHTTP, to_stdout
from framegate.plugins.session_log.outbox import Outbox, Undeliverable
from tests.plugins.stage import faults, plugin_type

PATIENCE = 5.0


def session(path: str = "/", headers: Any = None, **config: Any) -> None:
    """One session comes and goes."""
    with Conversation("session-log", config=config, path=path, headers=headers) as conversation:
        assert conversation.client_sends("hello").upstream == [text("hello")]
        conversation.ends(1000, "bye")


def eventually(holds: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < until, "it has not come true"
        time.sleep(0.005)
    return found


def lines(file: Path, count: int) -> list[Any]:
    """The records in a file, once there are as many."""
    eventually(lambda: file.exists() and file.read_text().count("\n") >= count)
    return [json.loads(line) for line in file.read_text().splitlines()]


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(line.levelno, line.getMessage()) for line in caplog.records if line.name == "framegate.plugin.session-log"]


class Collector:
    """An HTTP server that keeps what it is sent; it answers with each status in turn, with the last one for ever."""

    def __init__(self, server: ThreadingHTTPServer, statuses: tuple[int, ...]) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.statuses = list(statuses)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    def records(self, count: int) -> list[Any]:
        eventually(lambda: len(self.requests) >= count)
        return [json.loads(body) for *_, body in self.requests]

    def status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def collecting(*statuses: int, location: str = "") -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            collector.requests.append((self.command, self.path, dict(self.headers), body))
            self.send_response(collector.status())
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_PATCH = answer

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server, statuses or (200,))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


# Records


def test_a_session_is_one_record(tmp_path: Path) -> None:
    file = tmp_path / "sessions.log"
    session("/chat?a=1", file=str(file))
    (record,) = lines(file, 1)
    assert record["request"]["uri"] == "/chat?a=1"
    assert record["client_ip"] == "192.0.2.1"
    assert record["route"]["name"] == "test-route"
    assert (record["websocket"]["ended_by"], record["websocket"]["why"]) == ("client", "close")
    assert record["websocket"]["client"]["messages"] == 1
    assert record["websocket"]["client"]["close_received"] == {"code": 1000, "reason": "bye"}


def test_a_handshake_that_is_refused_is_none(tmp_path: Path) -> None:
    file = tmp_path / "sessions.log"
    with Conversation("request-termination", ("session-log", {"file": str(file)})) as conversation:
        assert conversation.handshake().status == 503
    session(file=str(file))
    assert len(lines(file, 1)) == 1


def test_a_record_has_the_fields_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "sessions.log"
    session(file=str(file), fields={"environment": "test", "empty": ""})
    (record,) = lines(file, 1)
    assert (record["environment"], record["empty"]) == ("test", "")


def test_what_is_secret_is_not_in_it(tmp_path: Path) -> None:
    file = tmp_path / "sessions.log"
    session("/?apikey=s3cret", {"Authorization": "Bearer s3cret", "Cookie": "s3cret"}, file=str(file))
    lines(file, 1)
    assert "s3cret" not in file.read_text()


def test_a_line_is_ascii_whatever_the_peers_have_sent(tmp_path: Path) -> None:
    file = tmp_path / "sessions.log"
    with Conversation("session-log", config={"file": str(file)}) as conversation:
        conversation.ends(1000, "tsch\u00fcss\u2028\u001b[31m")
    (record,) = lines(file, 1)
    assert record["websocket"]["client"]["close_received"]["reason"] == "tsch\u00fcss\u2028\u001b[31m"
    assert file.read_bytes().isascii()
    assert b"\x1b" not in file.read_bytes()


# Standard output


def test_records_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    session(stdout=True)
    printed = eventually(lambda: capsys.readouterr().out)
    assert printed.endswith("\n")
    assert json.loads(printed)["websocket"]["why"] == "close"


def test_a_process_without_standard_output_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(Undeliverable, match="there is no standard output"):
        to_stdout(b"{}")


# Files


def test_records_are_appended(tmp_path: Path) -> None:
    file = tmp_path / "sessions.log"
    file.write_text('"before"\n')
    session(file=str(file))
    session(file=str(file))
    assert lines(file, 3)[0] == "before"


def test_what_others_may_not_read_is_not_made_for_them(tmp_path: Path) -> None:
    file = tmp_path / "sessions.log"
    session(file=str(file))
    lines(file, 1)
    assert file.stat().st_mode & 0o007 == 0


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    file, old = tmp_path / "sessions.log", tmp_path / "sessions.log.1"
    write = ToFile(str(file))
    write(b"1")
    file.rename(old)
    write(b"2")
    write(b"3")
    write.close()
    assert (old.read_text(), file.read_text()) == ("1\n", "2\n3\n")


def test_a_file_that_was_put_in_its_place_is_written_to(tmp_path: Path) -> None:
    file, new = tmp_path / "sessions.log", tmp_path / "new"
    write = ToFile(str(file))
    write(b"1")
    new.write_text("new\n")
    new.rename(file)
    write(b"2")
    write.close()
    assert file.read_text() == "new\n2\n"


def test_a_record_of_which_only_a_part_was_written_does_not_spoil_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sessions.log"
    write = ToFile(str(file))
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    with pytest.raises(Undeliverable, match="only a part"):
        write(b"123456")
    monkeypatch.undo()
    write(b"789")
    write.close()
    assert file.read_text() == "123\n789\n"


def test_a_pipe_that_nobody_reads_is_an_error_and_no_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError) as caught:
        ToFile(str(tmp_path / "pipe"))(b"1")
    assert caught.value.errno == errno.ENXIO


def test_a_file_that_cannot_be_written_hurts_no_session_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = tmp_path / "missing" / "sessions.log"
    with Conversation("session-log", config={"file": str(missing)}) as conversation:
        conversation.ends()
        assert conversation.failures == []
    eventually(lambda: told(caplog))
    caplog.clear()
    attempts: list[bytes] = []

    def write(record: bytes) -> None:
        attempts.append(record)
        ToFile(str(missing))(record)

    box = Outbox(str(missing), write, size=10)
    for _ in range(3):
        box.put(b"1")
    eventually(lambda: len(attempts) == 3)
    assert told(caplog) == [(logging.ERROR, f"{missing}: No such file or directory; records lost so far: 1")]


# HTTP


def test_records_are_posted(tmp_path: Path) -> None:
    with collecting() as collector:
        session(http={"endpoint": f"{collector.url}/in?x=1", "headers": {"X-Team": "chat"}})
        (record,) = collector.records(1)
    method, path, headers, _ = collector.requests[0]
    assert (method, path) == ("POST", "/in?x=1")
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Team"] == "chat"
    assert record["websocket"]["why"] == "close"


def test_the_method_can_be_chosen() -> None:
    with collecting(204) as collector:
        session(http={"endpoint": collector.url, "method": "PUT"})
        collector.records(1)
    assert collector.requests[0][0] == "PUT"


def test_user_information_in_the_endpoint_becomes_basic_authentication() -> None:
    with collecting() as collector:
        session(http={"endpoint": collector.url.replace("//", "//me:p%40ss@")})
        collector.records(1)
    expected = base64.b64encode(b"me:p@ss").decode()
    assert collector.requests[0][2]["Authorization"] == f"Basic {expected}"


def test_a_record_that_is_not_taken_is_sent_again() -> None:
    with collecting(503, 500, 200) as collector:
        session(http={"endpoint": collector.url, "retry_delay": 1})
        first, second, third = collector.records(3)
        assert first == second == third


def test_a_record_is_not_sent_again_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    with collecting(503) as collector:
        box = Outbox("collector", ToHTTP(collector.url, "POST", {}, 5), size=10, retries=2, delay=0.001)
        box.put(b"1")
        box.put(b"2")
        eventually(lambda: len(collector.requests) == 6)
        assert [body for *_, body in collector.requests] == [b"1"] * 3 + [b"2"] * 3
    assert told(caplog) == [
        (logging.WARNING, "collector: answered 503; it is tried again"),
        (logging.ERROR, "collector: answered 503; records lost so far: 1"),
    ]


def test_a_redirect_is_not_followed() -> None:
    with collecting() as elsewhere, collecting(302, location=elsewhere.url) as collector:
        with pytest.raises(Undeliverable, match="answered 302"):
            ToHTTP(collector.url, "POST", {}, 5)(b"{}")
        assert elsewhere.requests == []


def test_a_server_that_is_not_there_is_an_error() -> None:
    with collecting() as collector:
        pass
    with pytest.raises((Undeliverable, OSError), match="refused"):
        ToHTTP(collector.url, "POST", {}, 5)(b"{}")


def test_an_answer_that_is_not_http_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"hello\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Undeliverable, match="no HTTP answer: BadStatusLine"):
            ToHTTP(f"http://127.0.0.1:{server.getsockname()[1]}", "POST", {}, 5)(b"{}")
        thread.join()


# The queue


class Gate:
    """A destination that takes nothing before it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.got: list[bytes] = []

    def __call__(self, record: bytes) -> None:
        assert self.opened.wait(PATIENCE)
        self.got.append(record)


def test_putting_waits_for_nothing_and_the_oldest_is_dropped_when_the_queue_is_full(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate()
    box = Outbox("gate", gate, size=2)
    box.put(b"0")
    eventually(lambda: not box._records)
    for record in (b"1", b"2", b"3", b"4"):
        box.put(record)
    gate.opened.set()
    eventually(lambda: len(gate.got) == 3)
    assert gate.got == [b"0", b"3", b"4"]
    eventually(lambda: len(told(caplog)) == 2)
    assert told(caplog) == [
        (logging.ERROR, "gate: 2 records wait already, the oldest is dropped; records lost so far: 1"),
        (logging.WARNING, "gate: works again; records lost: 2"),
    ]


def test_a_destination_that_comes_back_is_told(caplog: pytest.LogCaptureFixture) -> None:
    answers: Iterator[Exception | None] = iter([OSError(errno.ENOSPC, "No space left on device"), None])
    got: list[bytes] = []

    def deliver(record: bytes) -> None:
        error = next(answers)
        if error is not None:
            raise error
        got.append(record)

    box = Outbox("disk", deliver, size=10)
    box.put(b"1")
    box.put(b"2")
    eventually(lambda: len(told(caplog)) == 2)
    assert got == [b"2"]
    assert told(caplog) == [
        (logging.ERROR, "disk: No space left on device; records lost so far: 1"),
        (logging.WARNING, "disk: works again; records lost: 1"),
    ]


def test_a_destination_that_stays_away_is_told_again_after_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_TELL_AGAIN", 0.0)
    box = Outbox("nowhere", ToFile("/nonexistent/file"), size=10)
    for count in (1, 2, 3):
        box.put(b"1")
        eventually(lambda count=count: len(told(caplog)) == count)
    assert [line.rpartition(": ")[2] for _, line in told(caplog)] == ["1", "2", "3"]


def test_a_thread_that_cannot_be_started_hurts_no_session(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    gate = Gate()
    gate.opened.set()
    box = Outbox("gate", gate, size=2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        box.put(b"1")
    assert told(caplog) == [(logging.ERROR, "gate: can't start new thread; records lost so far: 1")]
    box.put(b"2")
    eventually(lambda: gate.got == [b"2"])


def test_an_idle_queue_keeps_no_thread_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_IDLE", 0.01)
    file = tmp_path / "sessions.log"
    write = ToFile(str(file))
    box = Outbox(str(file), write, size=10, rest=write.close)
    for count in (1, 2):
        box.put(b"1")
        lines(file, count)
        eventually(lambda: box._thread is None)
        assert write._file is None


def test_what_waits_is_delivered_at_the_end_of_the_process(tmp_path: Path) -> None:
    code = f"""
import time
from framegate.plugins.session_log.outbox import Outbox
def slowly(record):
    time.sleep(0.05)
    with open({str(tmp_path / "got")!r}, "ab") as file:
        file.write(record)
box = Outbox("slow", slowly, size=10)
for record in (b"1", b"2", b"3"):
    box.put(record)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    assert (tmp_path / "got").read_bytes() == b"123"


def test_a_destination_that_hangs_does_not_keep_the_process_for_long() -> None:
    code = """
import threading
from framegate.plugins.session_log import outbox
outbox.FLUSH_TIME = 0.1
box = outbox.Outbox("hanging", lambda record: threading.Event().wait(), size=10)
box.put(b"1")
box.put(b"2")
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=30, capture_output=True, text=True)
    assert "hanging: records not delivered before the end: 1" in done.stderr


# Configurations


def test_no_output_at_all_is_an_error() -> None:
    assert faults("session-log") == ["stdout: no output is given: set stdout, file or http"]
    assert faults("session-log", fields={"a": "b"}) == ["stdout: no output is given: set stdout, file or http"]


@pytest.mark.parametrize(
    ("http", "said"),
    [
        ({}, "http.endpoint: is required"),
        ({"endpoint": "ftp://x/"}, "http.endpoint: must be a string that matches ^https?://[^/]"),
        ({"endpoint": "http://x:70000/"}, "http.endpoint: is no URL: Port out of range"),
        ({"endpoint": "http://:80/"}, "http.endpoint: is no URL: there is no host in it"),
        ({"endpoint": "http://x/", "method": "GET"}, "http.method: must be one of"),
        ({"endpoint": "http://x/", "timeout": 0}, "http.timeout: must be between"),
        ({"endpoint": "http://x/", "headers": {"Host": "x"}}, "http.headers.Host: is set by the plugin"),
        ({"endpoint": "http://x/", "headers": {"X-A": "a\nb"}}, "http.headers.X-A: "),
        (
            {"endpoint": "http://a:b@x/", "headers": {"authorization": "x"}},
            "http.headers.authorization: the endpoint has user information already",
        ),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_an_error(http: dict[str, Any], said: str) -> None:
    (fault,) = faults("session-log", http=http)
    assert fault.startswith(said)


def test_an_error_does_not_repeat_the_password_of_the_endpoint() -> None:
    (fault,) = faults("session-log", http={"endpoint": "ftp://me:s3cret@x/"})
    assert "s3cret" not in fault


def test_it_has_the_priority_of_the_file_log() -> None:
    assert plugin_type("session-log").priority == 9
