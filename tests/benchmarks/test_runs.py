"""Short runs of real peers: whatever needs no installation beyond what the tests have, in all its settings."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import cpu, load, native, payloads, peers
from benchmarks.bench import Bench, running
from benchmarks.errors import BenchmarkError
from benchmarks.peers import KINDS
from benchmarks.peers.kinds import DEFLATE, PLAIN, TLS, Peer
from benchmarks.plans import QUICK
from benchmarks.results import FAN_OUT, IDLE, LOADED_P999, SETUP
from benchmarks.scenarios import Scenario
from benchmarks.sections import fan_out, idle, trips, workers
from tests.benchmarks.lab import needs_a_compiler, short_run

pytestmark = needs_a_compiler

# Packages of Debian, and an environment of its own: measured where they are there already.
INSTALLED = {"nginx": "nginx", "nginx-64k": "nginx", "haproxy": "haproxy"}
ROOT = Path(__file__).resolve().parent.parent.parent


def prepared(name: str) -> None:
    if name == "mitmproxy":
        pytest.skip("mitmproxy takes an installation of its own")
    try:
        peers.prepare([name], install=False, insist=True)
    except BenchmarkError as error:
        if name in INSTALLED:
            pytest.skip(str(error))
        raise


def provided(setting: str) -> None:
    try:
        native.provide({TLS: "load-tls", DEFLATE: "load-deflate"}.get(setting, "load"), install=False)
    except BenchmarkError as error:
        pytest.skip(str(error))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    plan = replace(QUICK, rounds=1, seconds=0.02, setup_count=5, setup_connections=2, fan_out_connections=20)
    plan = replace(plan, idle_rounds=1, idle_connections=60, idle_baseline=20, worker_seconds=0.05)
    return Bench(plan, ["framegate"], tmp_path, say=lambda line: None, cpus={0, 1}, install=False, insist=True)


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with running(peers.upstreams.start_echo(tmp_path_factory.mktemp("echo"))) as upstream:
        yield upstream


def test_the_upstream_answers_for_itself(echo: Peer) -> None:
    measured = short_run(Peer("direct", echo.port), echo)
    assert measured.proxy_cpu is None
    assert measured.count >= 50
    assert 0 < measured.p50_us <= measured.p99_us <= measured.p999_us


@pytest.mark.parametrize("name", [name for name in KINDS if name != peers.DIRECT])
def test_a_peer_forwards_what_the_load_generator_sends(name: str, echo: Peer, bench: Bench) -> None:
    prepared(name)
    with bench.all_up([name], echo) as (peer,):
        measured = short_run(peer, echo)
        large = short_run(peer, echo, size=100_000)
    assert measured.count >= 50 and large.count >= 50
    assert measured.proxy_cpu is not None and 0 < measured.proxy_cpu < measured.seconds * 4


@pytest.mark.parametrize("setting", [TLS, DEFLATE])
@pytest.mark.parametrize(
    "name", ["nginx", "haproxy", "websockets", "framegate", "framegate-edit", "framegate-1-plugin"]
)
def test_a_peer_forwards_in_the_settings_that_it_can(name: str, setting: str, bench: Bench) -> None:
    prepared(name)
    provided(setting)
    if not KINDS[name].can(setting):
        assert (name, setting) == ("websockets", TLS)
        return
    with bench.echo(setting) as upstream, bench.all_up([name], upstream, setting) as (peer,):
        for size in (64, 300_000):
            measured = short_run(peer, upstream, setting, size)
            assert measured.count >= 50


def test_a_message_beyond_the_default_limits_passes_where_the_plan_has_one(bench: Bench, echo: Peer) -> None:
    bench.plan = replace(bench.plan, sizes=(2 * 1024 * 1024,))
    with bench.all_up(["framegate-hook", "framegate-1-plugin"], echo) as running_peers:
        for peer in running_peers:
            assert short_run(peer, echo, size=2 * 1024 * 1024).count >= 8


def test_a_section_of_loads_keeps_a_row_for_each_figure(bench: Bench) -> None:
    trips.measure(bench, [Scenario(64, 2, 2), Scenario(64, 1, 1)], PLAIN, with_setup=True)
    kept = {(row["metric"], row["scenario"]) for row in bench.results.as_json(())}
    assert {("trips_per_second", "64 B, 2 × 2"), (LOADED_P999.key, "64 B, 2 × 2"), ("p99_us", "64 B, 1 × 1")} <= kept
    assert bench.results.spread(SETUP, "2 at a time", "framegate") is not None


def test_a_message_to_all_is_delivered_to_each(bench: Bench) -> None:
    fan_out.measure(bench)
    spread = bench.results.spread(FAN_OUT, "64 B to 20 connections", "framegate")
    assert spread is not None and spread.low > 0


def test_idle_connections_take_memory(bench: Bench) -> None:
    idle.measure(bench)
    assert bench.results.scenarios(IDLE) == ["60 connections"]


def test_several_generators_measure_the_same_time(bench: Bench, echo: Peer) -> None:
    with bench.all_up(["framegate-gateway"], echo) as (peer,):
        one, other = workers.measure_together(peer, echo, 0.1)
    assert one.count > 0 and other.count > 0
    assert abs(one.seconds - other.seconds) < 0.1


def test_one_cpu_is_too_few_for_several_workers(bench: Bench) -> None:
    bench.cpus = {0}
    workers.measure(bench)
    assert bench.left_out == {"workers": "several workers need at least two CPUs to run on"}


@pytest.mark.parametrize("size", [64, 1024, 16 * 1024])
def test_a_compressed_message_inflates_to_its_size(size: int, tmp_path: Path) -> None:
    packed = payloads.write(tmp_path, size).read_bytes()
    plain = zlib.decompressobj(wbits=-15).decompress(packed + b"\x00\x00\xff\xff")
    assert len(plain) == size
    assert plain.startswith(payloads.NUMBER) and plain.endswith(payloads.LAST.encode())
    # The number can be written over without touching the rest.
    assert packed[5:13] == payloads.NUMBER


def test_the_processes_of_a_peer_are_all_counted(tmp_path: Path) -> None:
    with subprocess.Popen(["sh", "-c", "sleep 30 & echo up; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None and shell.stdout.readline() == b"up\n"
        family = cpu.family(shell.pid)
        assert family[0] == shell.pid and len(family) == 2
        subprocess.run(["kill", *map(str, family)], check=True)


def test_the_program_measures_and_prints_its_report() -> None:
    argv = [sys.executable, "-m", "benchmarks", "--quick", "--only", "direct", "--sections", "latency,load"]
    argv += ["--sizes", "64", "--rounds", "1", "--no-save", "--no-install"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "64 B, 16 × 8" in done.stdout and "Unloaded round trip, p99.9, µs" in done.stdout


def test_an_earlier_result_that_is_not_there_is_told_in_a_sentence() -> None:
    argv = [sys.executable, "-m", "benchmarks", "--show", "nowhere.json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("benchmarks: --show nowhere.json: ") and "Traceback" not in done.stderr


def test_the_commands_of_the_load_generator_follow_the_peer() -> None:
    edited = load.argv_of(Peer("edits", 1, last="Z"), ["setup"])
    assert edited[1:] == ["setup", "--port", "1", "--last", "Z"]
    assert Path(edited[0]).name == "load"
