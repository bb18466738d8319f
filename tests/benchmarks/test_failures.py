"""A run that cannot be trusted ends with a sentence: who did what."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import load, native, peers
from benchmarks.bench import Bench, running
from benchmarks.certificates import make
from benchmarks.errors import BenchmarkError
from benchmarks.peers.kinds import TLS, Peer
from benchmarks.plans import QUICK
from benchmarks.processes import Server
from tests.benchmarks.lab import misbehaving, needs_a_compiler, short_run


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Peer]:
    with running(peers.upstreams.start_echo(tmp_path)) as upstream:
        yield upstream


@needs_a_compiler
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("shortens", "an echo has 63 bytes instead of 64"),
        ("renumbers", "an echo begins with 'ffffffff' instead of '00000000'"),
        ("edits", "an echo ends with 'Z' instead of 'l'"),
        ("retypes", "an echo has opcode 1 instead of 2"),
        ("closes", "a close frame came in the middle of the measurement"),
        ("refuses", "the answer to the opening handshake is 'HTTP/1.1 403 Forbidden'"),
        ("dies", "the liar ended with exit code 3"),
    ],
)
def test_a_peer_that_lies_ends_the_run(how: str, said: str, echo: Peer, tmp_path: Path) -> None:
    with running(misbehaving(how, tmp_path)) as liar, pytest.raises(BenchmarkError) as error:
        short_run(liar, echo)
    assert str(error.value).startswith("the liar")
    assert said in str(error.value)


@needs_a_compiler
def test_a_ping_is_answered_and_harms_nothing(echo: Peer, tmp_path: Path) -> None:
    with running(misbehaving("pings", tmp_path)) as peer:
        assert short_run(peer, echo).count >= 50


@needs_a_compiler
def test_an_edit_that_is_expected_has_to_be_made(echo: Peer) -> None:
    unedited = Peer("hook", echo.port, last="Z")
    with pytest.raises(BenchmarkError, match="hook: load: an echo ends with 'l' instead of 'Z'"):
        short_run(unedited, echo)


@needs_a_compiler
def test_a_peer_that_ends_between_two_windows_is_noticed(echo: Peer, tmp_path: Path) -> None:
    server = Server("short-lived", [sys.executable, "-c", "print('farewell')"], tmp_path / "log")
    server._process.wait()
    with pytest.raises(BenchmarkError, match="short-lived ended with exit code 0; it said:\nfarewell"):
        short_run(Peer("short-lived", echo.port, server), echo)


@needs_a_compiler
def test_an_upstream_that_is_gone_ends_the_run(echo: Peer) -> None:
    port = echo.port
    echo.stop()
    with pytest.raises(BenchmarkError, match="echo upstream ended with exit code"):
        short_run(Peer("direct", port), echo)


@needs_a_compiler
def test_a_process_that_used_no_cpu_is_not_the_one_that_forwards(echo: Peer, tmp_path: Path) -> None:
    idler = Server("idler", ["sleep", "30"], tmp_path / "log")
    with running(Peer("idler", echo.port, idler)) as peer:
        with pytest.raises(BenchmarkError, match="idler: echoes came, but its process used no CPU"):
            short_run(peer, echo)


@needs_a_compiler
def test_a_certificate_of_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    try:
        native.provide("load-tls", install=False)
    except BenchmarkError as error:
        pytest.skip(str(error))
    bench = Bench(QUICK, [], tmp_path, say=lambda line: None, cpus={0}, install=False, insist=True)
    with bench.echo() as upstream, bench.all_up(["framegate"], upstream, TLS) as (peer,):
        other = tmp_path / "other"
        other.mkdir()
        stranger = Peer(peer.name, peer.port, peer.server, certificate=make(other))
        with pytest.raises(BenchmarkError, match="framegate: load-tls: TLS: certificate verify failed"):
            short_run(stranger, upstream)


@needs_a_compiler
def test_compression_that_is_not_agreed_to_ends_the_run(echo: Peer) -> None:
    try:
        native.provide("load-deflate", install=False)
    except BenchmarkError as error:
        pytest.skip(str(error))
    with pytest.raises(BenchmarkError, match="does not agree to permessage-deflate"):
        short_run(Peer("direct", echo.port), echo, "deflate")


@needs_a_compiler
def test_the_plain_load_generator_refuses_what_it_was_not_built_for() -> None:
    for flag in ("--tls", "--deflated"):
        argv = [str(native.program("load")), "trips", "--port", "1", flag, "FILE"]
        done = subprocess.run(argv, capture_output=True, text=True)
        assert done.returncode == 1
        assert f"{flag} needs the program that is built with" in done.stderr


def test_a_result_without_a_round_trip_is_none() -> None:
    nothing = {"count": 0, "seconds": 1.0, "cpu_seconds": [0.0]}
    with pytest.raises(BenchmarkError, match="direct: no round trip in 1.00 s"):
        load._parsed(Peer("direct", 1), nothing, upstreams=1)


def test_no_compiler_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(native, "BUILD", tmp_path)
    with pytest.raises(BenchmarkError, match="'no-such-compiler' was not found .*apt-get install gcc"):
        native.program("echo")


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)


@pytest.mark.usefixtures("bare_machine")
def test_a_peer_that_is_missing_is_left_out_with_what_to_do() -> None:
    versions, left_out = peers.prepare(["direct", "haproxy"], install=False, insist=False)
    assert versions == {}
    assert list(left_out) == ["haproxy"] and "apt-get install haproxy" in left_out["haproxy"]


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize(("name", "insist"), [("haproxy", True), ("nginx", False)])
def test_a_peer_that_was_asked_for_or_is_the_base_is_not_left_out(name: str, insist: bool) -> None:
    with pytest.raises(BenchmarkError, match=f"{name} was not found: install it"):
        peers.prepare([name], install=False, insist=insist)


@pytest.mark.parametrize("insist", [False, True])
def test_a_setting_whose_library_is_missing_is_left_out_unless_asked_for(
    insist: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(native, "_has_header", lambda header: False)
    said: list[str] = []
    bench = Bench(QUICK, [], tmp_path, say=said.append, cpus={0}, install=False, insist=insist)
    if insist:
        with pytest.raises(BenchmarkError, match="OpenSSL's header openssl/ssl.h was not found"):
            bench.provides(TLS)
        return
    assert bench.provides(TLS) is False
    assert "apt-get install libssl-dev" in bench.left_out[TLS]
    assert said[0].startswith("without TLS: OpenSSL's header")
