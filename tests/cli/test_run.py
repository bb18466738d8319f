"""``framegate run`` as a process: ready lines, signals, exit statuses, mistakes, and the documented example."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.cli.program import PATIENCE, Program, complaint, finished, open_silently, started
from tests.kit import frames, heads, raw, tls

SAMPLE = """\
_format_version: "3.0"
gateway:
  listen: ["127.0.0.1:8000"]        # strings HOST:PORT or unix:PATH, or mappings with address and tls
  plugin_paths: [./plugins]         # relative to this file; a plugin's name is its file's stem, '_' and '-' alike
  workers: 1
services:
- name: chat
  url: ws://127.0.0.1:9001/
  routes:
  - name: chat
    paths: [/chat]
    protocols: [ws, wss]
  plugins:
  - name: websocket-size-limit
    config: {client_max_payload: 65536}
  - name: my-plugin
    config: {greeting: hi}
"""

SAMPLE_PLUGIN = """\
Schema = ({"greeting": {"type": "string", "default": "hello"}},)
version = "0.1.0"
priority = 100

class Plugin:
    def __init__(self, config):
        self.config = config

    def ws_handshake(self, kong):
        if kong.request.get_header("x-api-version") is None:
            kong.response.exit(400, {"message": "x-api-version is required"})
        kong.service.request.set_header("x-greeting", self.config["greeting"])

    def ws_client_frame(self, kong):
        data, typ, status = kong.websocket.client.get_frame()
        if typ == "text" and "forbidden" in data:
            kong.websocket.client.close(1008, "forbidden word", 1001, "client left")

    def ws_upstream_frame(self, kong):
        data, typ, status = kong.websocket.upstream.get_frame()
        if typ == "text":
            kong.websocket.upstream.set_frame_data(data.upper())
        elif typ == "close":
            kong.websocket.upstream.set_frame_data("goodbye!")
            kong.websocket.upstream.set_status(1000)

    def ws_close(self, kong):
        kong.log.info("closed", kong.websocket.session())
"""

CLOSING_PLUGIN = """\
class Plugin:
    def __init__(self, config):
        pass

    def ws_close(self, kong):
        print("closed:", kong.websocket.session().why, flush=True)
"""

LINGERING = "  options: {lingering_timeout: 600000, lingering_time: 600000}\n  limits: {drain_timeout: 600000}\n"


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """The URL of an echo upstream that runs as a process of its own."""
    with started("echo", "--listen", "127.0.0.1:0") as program:
        yield program.urls[0]


def written(folder: Path, upstream: str, gateway: str = "", *, listen: str = '"127.0.0.1:0"', more: str = "") -> str:
    """A file with one route, whose service is ``upstream``."""
    path = folder / "gateway.yaml"
    path.write_text(
        f'_format_version: "3.0"\ngateway:\n  listen: [{listen}]\n{gateway}'
        f"services:\n- name: main\n  url: {upstream}\n  routes:\n  - paths: [/]\n{more}"
    )
    return str(path)


def with_plugin(folder: Path, upstream: str, gateway: str = "") -> str:
    """The same, with a plugin that prints how sessions have ended."""
    (folder / "plugins").mkdir()
    (folder / "plugins" / "closing.py").write_text(CLOSING_PLUGIN)
    gateway += "  plugin_paths: [plugins]\n"
    return written(folder, upstream, gateway, more="plugins: [{name: closing}]\n")


@contextmanager
def running(*words: str, listeners: int = 1, env: dict[str, str] | None = None) -> Iterator[Program]:
    with started("run", *words, listeners=listeners, env=env or {}) as program:
        yield program


def talking(url: str, **options: object) -> connect:
    return connect(url, proxy=None, open_timeout=PATIENCE, compression=None, **options)


async def answer(url: str, message: str, **options: object) -> str | bytes:
    async with talking(url, **options) as peer:
        await peer.send(message)
        return await peer.recv()


async def closed(peer: object) -> tuple[int, str]:
    """The code and reason with which the other side ends the session."""
    with pytest.raises(ConnectionClosed) as caught:
        await peer.recv()  # type: ignore[attr-defined]
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


# The example


def sample(folder: Path, echo: str) -> str:
    """The example, but for the ports."""
    text = SAMPLE.replace("127.0.0.1:8000", "127.0.0.1:0").replace("ws://127.0.0.1:9001", echo)
    (folder / "gateway.yaml").write_text(text)
    (folder / "plugins").mkdir()
    (folder / "plugins" / "my_plugin.py").write_text(SAMPLE_PLUGIN)
    return str(folder / "gateway.yaml")


async def test_the_example_does_what_it_says(tmp_path: Path, echo: str) -> None:
    file = sample(tmp_path, echo)
    checked = finished("check", file)
    assert (checked.returncode, checked.stderr) == (0, "")
    with running(file) as program:
        url = program.urls[0] + "/chat/room"
        version = {"additional_headers": {"X-Api-Version": "1"}}
        assert await answer(url, "hello", **version) == "HELLO"
        with pytest.raises(InvalidStatus) as refused:
            await answer(url, "hello")
        response = refused.value.response
        assert (response.status_code, response.body) == (400, b'{"message":"x-api-version is required"}')
        with pytest.raises(InvalidStatus) as refused:
            await answer(program.urls[0] + "/elsewhere", "hello", **version)
        assert refused.value.response.status_code == 404
        async with talking(url, **version) as peer:
            await peer.send("a forbidden word")
            assert await closed(peer) == (1008, "forbidden word")
        async with talking(url, **version) as peer:
            await peer.send("x" * 65536)
            assert await peer.recv() == "X" * 65536
            await peer.send("x" * 65537)
            assert await closed(peer) == (1009, "Payload Too Large")
        async with talking(url, **version) as peer:
            await peer.close(4000, "enough")
            assert (peer.close_code, peer.close_reason) == (1000, "goodbye!")
        await asyncio.to_thread(program.log.matching, "framegate.plugin.my-plugin", 4)
        program.send(signal.SIGTERM)
        assert await asyncio.to_thread(program.status) == 0


# Ready lines


async def test_each_listener_has_its_ready_line_with_the_real_port(tmp_path: Path, echo: str) -> None:
    path = tmp_path / "s"
    tls.authority().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    listen = f'"127.0.0.1:0", {{address: "127.0.0.1:0", tls: {{cert: server.pem}}}}, "unix:{path}", "[::1]:0"'
    with running(written(tmp_path, echo, listen=listen), listeners=4) as program:
        plain, secure, unix, six = program.urls
        assert plain.startswith("ws://127.0.0.1:") and not plain.endswith(":0")
        assert secure.startswith("wss://127.0.0.1:") and not secure.endswith(":0")
        assert unix == f"unix:{path}"
        assert six.startswith("ws://[::1]:")
        assert await answer(plain, "plain") == "plain"
        assert await answer(secure, "secure", ssl=tls.client_context()) == "secure"
        assert await answer(six, "six") == "six"
        async with unix_connect(str(path), "ws://localhost/") as peer:
            await peer.send("unix")
            assert await peer.recv() == "unix"
        assert program.output.seen == []
        program.send(signal.SIGTERM)
        assert await asyncio.to_thread(program.status) == 0
        assert not path.exists()


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_both_sides_and_runs_the_last_phase(tmp_path: Path, number: signal.Signals) -> None:
    async with raw.raw_upstream() as origin:
        with running(with_plugin(tmp_path, origin.url)) as program:
            async with raw.connected(int(program.urls[0].rpartition(":")[2])) as client:
                upstream = await origin.accepted()
                program.send(number)
                for peer in (client, upstream):
                    assert await peer.recv_close() == (1001, "")
                    peer.send(frames.close(1001))
                    peer.half_close()
                assert await asyncio.to_thread(program.status) == 0
            assert program.output.matching("closed:") == ["closed: drain"]


async def test_a_session_that_the_drain_cuts_off_runs_it_too(tmp_path: Path) -> None:
    limits = LINGERING.replace("drain_timeout: 600000", "drain_timeout: 200")
    async with raw.raw_upstream() as origin:
        with running(with_plugin(tmp_path, origin.url, limits)) as program:
            silent = await asyncio.to_thread(open_silently, program.urls[0])
            await origin.accepted()
            program.send(signal.SIGTERM)
            assert await asyncio.to_thread(program.status) == 0
            silent.close()
            assert program.output.matching("closed:") == ["closed: drain"]


def test_a_second_signal_stops_at_once_with_status_1(tmp_path: Path, echo: str) -> None:
    with running(written(tmp_path, echo, LINGERING)) as program, open_silently(program.urls[0]):
        program.send(signal.SIGTERM)
        program.log.matching("SIGTERM: draining")
        program.send(signal.SIGTERM)
        assert program.status() == 1
        program.log.matching("framegate: second signal, stopping at once")


async def test_a_hang_up_does_not_end_it(tmp_path: Path, echo: str) -> None:
    with running(written(tmp_path, echo)) as program:
        async with talking(program.urls[0]) as peer:
            program.send(signal.SIGHUP)
            await asyncio.to_thread(program.log.matching, "SIGHUP")
            await peer.send("still here")
            assert await peer.recv() == "still here"
        assert await answer(program.urls[0], "and new ones") == "and new ones"
        program.send(signal.SIGTERM)
        assert await asyncio.to_thread(program.status) == 0


# Mistakes


def test_a_bad_file_is_told_as_by_check(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text('_format_version: "3.0"\nservces: []\ngateway: {listen: ["9000"]}\n')
    run, check = finished("run", str(file)), finished("check", str(file))
    assert (run.returncode, run.stdout) == (check.returncode, check.stdout) == (2, "")
    assert run.stderr == check.stderr
    assert [line.split(": ")[0] for line in run.stderr.splitlines()] == [f"{file}:2", f"{file}:3"]


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    assert complaint("run", str(tmp_path / "no.yaml")).startswith(f"{tmp_path / 'no.yaml'}: ")


def test_without_a_file_it_is_one_line() -> None:
    assert complaint("run") == "framegate: Missing argument 'FILE'."


def test_a_port_in_use_is_a_failure_of_one_line(tmp_path: Path, echo: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = complaint("run", written(tmp_path, echo, listen=f'"127.0.0.1:0", "{address}"'), status=1)
    assert line == f"framegate: cannot listen on {address}: Address already in use"


def test_one_listener_without_its_folder_stops_all(tmp_path: Path, echo: str) -> None:
    line = complaint("run", written(tmp_path, echo, listen='"127.0.0.1:0", "unix:no/s"'), status=1)
    assert line == f"framegate: cannot listen on unix:{tmp_path}/no/s: No such file or directory"


def test_no_workers_are_a_mistake(tmp_path: Path, echo: str) -> None:
    assert "--workers" in complaint("run", written(tmp_path, echo), "--workers", "0")


# The environment, and what else there is


async def test_the_environment_is_as_good_as_flags(tmp_path: Path, echo: str) -> None:
    home = tmp_path / "elsewhere"
    home.mkdir()
    (home / "closing.py").write_text(CLOSING_PLUGIN)
    file = written(tmp_path, echo, "  workers: 7\n", more="plugins: [{name: closing}]\n")
    env = {"FRAMEGATE_PLUGIN_PATH": str(home), "FRAMEGATE_WORKERS": "1", "FRAMEGATE_LOG_LEVEL": "debug"}
    with running(file, env=env) as program:
        assert await answer(program.urls[0], "hello") == "hello"
        await asyncio.to_thread(program.output.matching, "closed: close")


async def test_the_log_level_of_the_file_holds_unless_a_flag_says_otherwise(tmp_path: Path, echo: str) -> None:
    file = written(tmp_path, echo, "  log_level: error\n")
    with running(file) as quiet, running(file, "--log-level", "info") as loud:
        for program in (quiet, loud):
            assert await answer(program.urls[0], "hello") == "hello"
        await asyncio.to_thread(loud.log.matching, "session ended_by=client")
        for program in (quiet, loud):
            program.send(signal.SIGTERM)
            assert await asyncio.to_thread(program.status) == 0
        assert len(quiet.log.seen) == 1, quiet.log.seen


async def test_secrets_may_come_from_the_environment(tmp_path: Path, echo: str) -> None:
    more = 'plugins: [{name: key-auth}]\nconsumers: [{username: ann, keyauth_credentials: [{key: "{vault://env/a-key}"}]}]\n'
    file = written(tmp_path, echo, more=more)
    assert "A_KEY" in complaint("run", file)
    with running(file, env={"A_KEY": "sesame"}) as program:
        sesame = {"additional_headers": {"apikey": "sesame"}}
        assert await answer(program.urls[0], "open", **sesame) == "open"


def test_help_lists_every_command() -> None:
    ended = finished("--help")
    listed = [line.split()[0] for line in ended.stdout.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    assert {"demo", "proxy", "run", "check", "schema", "plugins", "echo"} <= set(listed)
    ended = finished("run", "--help")
    assert ended.returncode == 0
    assert all(flag in ended.stdout for flag in ("--workers", "--plugin-path", "--log-level", "FILE"))


async def test_a_plain_request_is_told_what_is_served_here(tmp_path: Path, echo: str) -> None:
    with running(written(tmp_path, echo)) as program:
        async with raw.dialled(int(program.urls[0].rpartition(":")[2])) as client:
            client.send_raw(heads.lines("GET / HTTP/1.1", [("Host", "gateway.test")]))
            assert (await client.recv_head()).status == 426
