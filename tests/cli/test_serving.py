"""Running commands: ready lines, the way of a frame through the program, signals and exit statuses."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.cli.program import PATIENCE, Program, open_silently, port_of, started
from tests.kit import tls

HOOKS = """
import time

def shout(origin, typ, payload, last, code):
    return payload.upper() if origin == "client" and typ == "text" else payload

def hang(origin, typ, payload, last, code):
    print("hanging", flush=True)
    while True:
        time.sleep(0.01)
"""
ANY = ("--listen", "127.0.0.1:0")


@pytest.fixture
def hooks(tmp_path: Path) -> str:
    (tmp_path / "hooks.py").write_text(HOOKS)
    return str(tmp_path / "hooks.py")


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """The URL of an echo upstream that runs as a process of its own."""
    with started("echo", *ANY) as program:
        yield program.urls[0]


def talking(url: str, **options: object) -> connect:
    return connect(url, proxy=None, open_timeout=PATIENCE, **options)


async def answer(url: str, message: str | bytes, **options: object) -> str | bytes:
    async with talking(url, **options) as peer:
        await peer.send(message)
        return await peer.recv()


# Ready lines


def test_the_ready_line_has_the_real_port() -> None:
    with started("echo", *ANY) as program:
        assert program.urls[0].startswith("ws://127.0.0.1:")
        with socket.create_connection(("127.0.0.1", port_of(program.urls[0])), PATIENCE):
            pass


def test_each_listener_has_its_ready_line(echo: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    words = ("--listen", "127.0.0.1:0", "--listen", "localhost:0", "--listen", f"unix:{path}")
    with started("proxy", echo, *words, listeners=3) as program:
        first, second, third = program.urls
        assert first.startswith("ws://127.0.0.1:") and second.startswith("ws://localhost:")
        assert third == f"unix:{path}"
        for url in (first, second):
            assert asyncio.run(answer(url, "over TCP")) == "over TCP"
        assert asyncio.run(over_unix(path)) == "over a Unix socket"


async def over_unix(path: Path) -> str | bytes:
    async with unix_connect(str(path), "ws://localhost/") as peer:
        await peer.send("over a Unix socket")
        return await peer.recv()


def test_an_ipv6_listener_is_shown_in_brackets(echo: str) -> None:
    with started("proxy", echo, "--listen", "[::1]:0") as program:
        assert program.urls[0].startswith("ws://[::1]:")
        assert asyncio.run(answer(program.urls[0], "six")) == "six"


# Frames through the program


@pytest.mark.parametrize("message", ["text", b"\x00\xffbinary", "", "x" * 300_000])
async def test_the_echo_upstream_sends_back_what_comes(echo: str, message: str | bytes) -> None:
    assert await answer(echo, message, compression=None) == message


async def test_the_echo_upstream_keeps_fragments_and_answers_pings_and_closes(echo: str) -> None:
    async with talking(echo) as peer:
        await (await peer.ping(b"there?"))
        await peer.send(["one", "two", "three"])
        assert [part async for part in peer.recv_streaming()] == ["one", "two", "three", ""]
        await peer.close(4321, "enough")
    assert (peer.protocol.close_rcvd.code, peer.protocol.close_rcvd.reason) == (4321, "enough")


async def test_a_hook_from_a_file_changes_what_passes(echo: str, hooks: str) -> None:
    with started("proxy", echo, *ANY, "--hook", f"{hooks}:shout") as program:
        assert await answer(program.urls[0], "loud") == "LOUD"
        assert await answer(program.urls[0], b"quiet") == b"quiet"


async def test_the_environment_is_as_good_as_flags(echo: str, hooks: str) -> None:
    env = {
        "FRAMEGATE_LISTEN": "127.0.0.1:0 [::1]:0",
        "FRAMEGATE_HOOK": f"{hooks}:shout",
        "FRAMEGATE_CLIENT_MAX_FRAME_SIZE": "1KiB",
    }
    with started("proxy", echo, env=env, listeners=2) as program:
        for url in program.urls:
            assert await answer(url, "x" * 1024) == "X" * 1024
            async with talking(url) as peer:
                await peer.send("x" * 1025)
                with pytest.raises(ConnectionClosed) as caught:
                    await peer.recv()
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1009


async def test_an_upstream_that_is_not_there_is_502() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        url = f"ws://127.0.0.1:{unused.getsockname()[1]}"
    with started("proxy", url, *ANY) as program:
        with pytest.raises(InvalidStatus) as caught:
            await answer(program.urls[0], "anyone?")
        assert caught.value.response.status_code == 502


# TLS


def issued(folder: Path, authority: trustme.CA) -> tuple[str, ...]:
    """The flags of a listener with a certificate for 127.0.0.1."""
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return ("--tls-cert", str(folder / "server.pem"))


async def test_a_listener_with_a_certificate_speaks_wss(echo: str, tmp_path: Path) -> None:
    with started("proxy", echo, *ANY, *issued(tmp_path, tls.authority())) as program:
        assert program.urls[0].startswith("wss://127.0.0.1:")
        assert await answer(program.urls[0], "secret", ssl=tls.client_context()) == "secret"


async def test_a_wss_upstream_is_verified_unless_said_otherwise(tmp_path: Path) -> None:
    tls.authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    with started("echo", *ANY, *issued(tmp_path, tls.authority())) as upstream:
        assert upstream.urls[0].startswith("wss://127.0.0.1:")
        trusting = ("--upstream-ca", str(tmp_path / "ca.pem"))
        for words, works in ((trusting, True), (("--upstream-insecure",), True), ((), False)):
            with started("proxy", upstream.urls[0], *ANY, *words) as program:
                if works:
                    assert await answer(program.urls[0], "passed") == "passed"
                else:
                    with pytest.raises(InvalidStatus) as caught:
                        await answer(program.urls[0], "passed")
                    assert caught.value.response.status_code == 502


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["echo", "proxy", "demo"])
def test_a_signal_ends_an_idle_program_with_status_0(command: str, number: signal.Signals, echo: str) -> None:
    with started(*((command, echo) if command == "proxy" else (command,)), *ANY) as program:
        program.send(number)
        assert program.status() == 0


async def test_a_signal_drains_live_sessions_with_1001(echo: str) -> None:
    with started("proxy", echo, *ANY) as program:
        async with talking(program.urls[0]) as peer:
            await peer.send("alive")
            assert await peer.recv() == "alive"
            program.send(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as caught:
                await peer.recv()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1001
        assert await asyncio.to_thread(program.status) == 0


async def test_the_code_of_a_drain_can_be_chosen(echo: str) -> None:
    with started("proxy", echo, *ANY, "--drain-code", "4004") as program:
        async with talking(program.urls[0]) as peer:
            program.send(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as caught:
                await peer.recv()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 4004


def test_a_drain_ends_at_its_timeout_with_status_0(echo: str) -> None:
    words = ("--drain-timeout", "0.3", "--lingering-timeout", "60", "--lingering-time", "60")
    with started("proxy", echo, *ANY, *words) as program, open_silently(program.urls[0]):
        program.send(signal.SIGTERM)
        assert program.status() == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once_with_status_1(echo: str, second: signal.Signals) -> None:
    words = ("--drain-timeout", "600", "--lingering-timeout", "600", "--lingering-time", "600")
    with started("proxy", echo, *ANY, *words) as program, open_silently(program.urls[0]):
        program.send(signal.SIGTERM)
        program.log.matching("SIGTERM: draining")
        program.send(second)
        assert program.status() == 1
        program.log.matching("framegate: second signal, stopping at once")


async def test_a_second_signal_stops_even_a_program_whose_hook_hangs(echo: str, hooks: str) -> None:
    with started("proxy", echo, *ANY, "--hook", f"{hooks}:hang") as program:
        peer = await talking(program.urls[0], close_timeout=0.1)
        await peer.send("hang")
        await asyncio.to_thread(program.output.matching, "hanging")
        program.send(signal.SIGTERM)
        assert await asyncio.to_thread(stops_at_the_next_signal, program) == 1
        with suppress(ConnectionClosed):
            await peer.recv()


def stops_at_the_next_signal(program: Program) -> int:
    # Two signals that are pending at the same time are one to the system: the next is sent when the first is taken.
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        program.send(signal.SIGTERM)
        with suppress(AssertionError):
            program.log.matching("framegate: second signal", patience=0.2)
            return program.status()
    raise AssertionError(program.log.seen)


@pytest.mark.parametrize("command", ["echo", "proxy"])
async def test_a_hang_up_is_logged_and_changes_nothing(command: str, echo: str) -> None:
    with started(*((command, echo) if command == "proxy" else (command,)), *ANY) as program:
        program.send(signal.SIGHUP)
        await asyncio.to_thread(program.log.matching, "SIGHUP: there is no configuration file to reload")
        assert await answer(program.urls[0], "still here") == "still here"


# The demo


async def test_the_demo_does_what_it_promises() -> None:
    with started("demo", *ANY) as program:
        (url,) = program.urls
        program.output.matching("Ctrl-C")
        page = program.output.seen
        assert any(url in line for line in page)
        (typed,) = [line.removeprefix("Type").strip() for line in page if line.startswith("Type")]
        (expected,) = [line.removeprefix("Expect").strip() for line in page if line.startswith("Expect")]
        assert "secret" in typed and "secret" not in expected
        assert await answer(url, typed) == expected


def test_the_demo_takes_a_free_port_where_its_own_is_in_use() -> None:
    with closing(socket.socket()) as taken:
        # Connections that ended a moment ago do not count, as they do not for the demo.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # Where somebody else has it, it is in use all the same.
            taken.bind(("127.0.0.1", 9000))
            taken.listen()
        with started("demo") as program:
            program.log.matching("framegate: 127.0.0.1:9000 is in use; taking a free port instead")
            assert port_of(program.urls[0]) != 9000


def test_closing_the_terminal_ends_the_demo() -> None:
    with started("demo", *ANY) as program:
        program.send(signal.SIGHUP)
        assert program.status() == 0
