"""The service manager's protocols, over real datagram sockets and real inherited descriptors."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from framegate.operate.systemd import Notifier
from tests.cli.program import LISTENING, PATIENCE, Lines, environment
from tests.operate.rig import ANY, Place, answer

pytestmark = pytest.mark.patience(60)


class Manager:
    """The other end of ``NOTIFY_SOCKET``.

    Args:
        address: in the kernel's form.
    """

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(PATIENCE)
        self.name = address.replace("\0", "@")
        self.heard: list[dict[str, str]] = []

    def hears(self, name: str) -> dict[str, str]:
        """Wait for the next message that has this variable."""
        while True:
            text = self.socket.recv(4096).decode()
            message = dict(line.split("=", 1) for line in text.split("\n"))
            self.heard.append(message)
            if name in message:
                return message


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A service manager, at a path and at a name of the abstract namespace."""
    path = str(tmp_path / "notify") if request.param == "path" else f"\0framegate-test-{secrets.token_hex(8)}"
    manager = Manager(path)
    with closing(manager.socket):
        yield manager


PASS_ON = """
import os, sys
passed = {passed!r}
# Out of the way of the places that they are to have, and then to these.
kept = [os.dup(number) for number in passed]
high = [__import__("fcntl").fcntl(number, 0, 100) for number in kept]
for index, number in enumerate(high):
    os.dup2(number, 3 + index, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(passed))
os.execv(sys.executable, [sys.executable, "-m", "framegate", *sys.argv[1:]])
"""


class Service:
    """``framegate run`` as a service manager starts it.

    Args:
        words: behind ``run``.
        passed: listening sockets to pass.
        env: further environment.
    """

    def __init__(self, *words: str, passed: Sequence[socket.socket] = (), env: Mapping[str, str] = {}) -> None:
        numbers = [sock.fileno() for sock in passed]
        code = PASS_ON.format(passed=numbers)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "run", *words],
            env=environment(env),
            pass_fds=numbers,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.log = Lines(self.process.stderr)

    def ready(self, listeners: int = 1) -> list[str]:
        return [line.removeprefix(LISTENING) for line in self.log.matching(LISTENING, listeners)]

    def ends(self) -> int:
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


@contextmanager
def service(*words: str, passed: Sequence[socket.socket] = (), env: Mapping[str, str] = {}) -> Iterator[Service]:
    started = Service(*words, passed=passed, env=env)
    try:
        yield started
    finally:
        started.close()


# Telling it


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_is_told_of_every_step_of_a_life(place: Place, manager: Manager, workers: str) -> None:
    with service(place.write(), "--workers", workers, env={"NOTIFY_SOCKET": manager.name}) as running:
        ready = manager.hears("READY")
        assert ready == {"READY": "1", "STATUS": f"serving {place.file}"}
        assert running.log.matching(LISTENING)
        place.write(word="B:")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        running.process.send_signal(signal.SIGHUP)
        reloading = manager.hears("RELOADING")
        assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert manager.hears("READY")["STATUS"] == f"serving {place.file}"
        place.put("broken")
        running.process.send_signal(signal.SIGHUP)
        manager.hears("RELOADING")
        assert "as before: " in manager.hears("READY")["STATUS"]
        running.process.send_signal(signal.SIGTERM)
        assert manager.hears("STOPPING")["STOPPING"] == "1"
        assert running.ends() == 0


def test_the_watchdog_gets_a_sign_of_life_in_half_of_its_time(place: Place, manager: Manager) -> None:
    env = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000"}
    with service(place.write(), env=env):
        manager.hears("READY")
        for _ in range(4):
            begun = time.monotonic()
            assert manager.hears("WATCHDOG")["WATCHDOG"] == "1"
        assert time.monotonic() - begun < PATIENCE


def test_a_watchdog_that_is_for_another_process_is_not_answered(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_another = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000", "WATCHDOG_PID": "1"}
    ours = {**of_another, "WATCHDOG_PID": str(os.getpid())}
    assert Notifier.of(dict(of_another)).watchdog is None
    assert Notifier.of(dict(ours)).watchdog == 0.4


def test_children_of_the_process_do_not_inherit_the_protocol(manager: Manager) -> None:
    env = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}
    Notifier.of(env)
    assert env == {"PATH": "/bin"}


def test_a_manager_that_has_gone_is_logged_once_and_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier.of({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    notifier.ready("fine")
    notifier.stopping()
    notifier.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_without_a_manager_nobody_is_told() -> None:
    notifier = Notifier.of({})
    notifier.ready("fine")
    assert notifier.watchdog is None


# Its sockets


def bound(family: int = socket.AF_INET, address: object = ("127.0.0.1", 0)) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    return listener


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_passed_sockets_are_served_by_their_address_or_name(place: Place, workers: str) -> None:
    path = str(place.folder / "s")
    with closing(bound()) as first, closing(bound(socket.AF_UNIX, path)) as unix, closing(bound()) as named:
        port, other = first.getsockname()[1], named.getsockname()[1]
        listen = f'"127.0.0.1:{port}", "unix:{path}", "localhost:0"'
        passed = (named, unix, first)
        env = {"LISTEN_FDNAMES": "listen-2:framegate.socket:framegate.socket"}
        with service(place.write(listen=listen), "--workers", workers, passed=passed, env=env) as running:
            urls = await asyncio.to_thread(running.ready, 3)
            assert urls == [f"ws://127.0.0.1:{port}", f"unix:{path}", f"ws://localhost:{other}"]
            assert await answer(urls[0]) == "A:hello"
            assert await answer(f"ws://127.0.0.1:{other}") == "A:hello"
            place.write(word="B:", listen=listen)
            running.process.send_signal(signal.SIGHUP)
            await asyncio.to_thread(running.log.matching, ": reloaded, generation")
            assert await answer(urls[0]) == "B:hello"
            running.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(running.ends) == 0
        # They are the service manager's: they listen still, and the file is there.
        assert Path(path).is_socket()
        with socket.create_connection(("127.0.0.1", port), PATIENCE):
            pass


def test_a_passed_socket_that_fits_nothing_is_an_error_in_words(place: Place) -> None:
    with closing(bound()) as sock:
        with service(place.write(), passed=[sock], env={"LISTEN_FDNAMES": "web"}) as running:
            assert running.ends() == 1
            (line,) = running.log.seen
    port = sock_port(line)
    assert line.startswith(f"framegate: the service manager has passed a socket at 127.0.0.1:{port} (named web)")
    assert "FileDescriptorName=listen-N" in line and "127.0.0.1:0" in line


def sock_port(line: str) -> int:
    return int(line.partition("127.0.0.1:")[2].partition(" ")[0])


def test_a_passed_socket_that_does_not_listen_is_an_error_in_words(place: Place) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as datagrams:
        with service(place.write(), passed=[datagrams]) as running:
            assert running.ends() == 1
            (line,) = running.log.seen
    assert "descriptor 3 of LISTEN_FDS is no listening stream socket" in line


async def test_sockets_for_another_process_are_left_alone(place: Place) -> None:
    env = {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": "1"}
    with service(place.write(listen=ANY), env={"LISTEN_FDNAMES": "x"}) as running:
        assert await answer((await asyncio.to_thread(running.ready))[0]) == "A:hello"
    from framegate.operate.systemd import passed_sockets

    assert passed_sockets(env) == [] and "LISTEN_FDS" not in env
