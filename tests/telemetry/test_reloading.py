"""Reloads and ends of a gateway that runs as a process: log rotation, and traces that go elsewhere from now on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import LISTENING, command, environment
from tests.kit import heads, raw
from tests.kit.raw import PATIENCE
from tests.operate.rig import Place, answer, ended, refused, reloaded, running, seen, talking, workers_of
from tests.telemetry.collector import Collector, collecting

pytestmark = pytest.mark.patience(90)

LOG = "  access_log: {path: access.log}\n"

one_and_two = pytest.mark.parametrize("workers", ["1", "2"])


def tracing(collector: Collector, **more: Any) -> str:
    return f"  tracing: {json.dumps({'endpoint': collector.url, 'export_interval': 20, **more})}\n"


async def lines(path: Path, count: int) -> list[dict[str, Any]]:
    """Wait for exactly so many lines."""
    async with asyncio.timeout(PATIENCE):
        while not path.exists() or len(path.read_text().splitlines()) < count:
            await asyncio.sleep(0.01)
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(found) == count
    return found


def open_in(pid: int, path: Path) -> bool:
    """Whether a process has a file open."""
    folder = Path(f"/proc/{pid}/fd")
    return any(os.path.islink(entry) and os.readlink(entry) == str(path) for entry in folder.iterdir())


# The access log


@one_and_two
async def test_after_a_rotation_and_a_hang_up_lines_go_to_the_new_file(place: Place, workers: str) -> None:
    log, old = place.folder / "access.log", place.folder / "access.log.1"
    with running(place.write(gateway=LOG), "--workers", workers) as program:
        for _ in range(4):
            await answer(program.urls[0])
        await lines(log, 4)
        log.rename(old)
        await reloaded(program)
        pids = workers_of(program) or [program._process.pid]
        async with asyncio.timeout(PATIENCE):
            while any(open_in(pid, old) for pid in pids):
                await asyncio.sleep(0.01)
        for _ in range(3):
            await answer(program.urls[0])
        assert {line["event"] for line in await lines(log, 3)} == {"session"}
    assert len(old.read_text().splitlines()) == 4


async def test_after_a_rotation_and_a_reload_that_fails_too(place: Place) -> None:
    log, old = place.folder / "access.log", place.folder / "access.log.1"
    with running(place.write(gateway=LOG)) as program:
        await answer(program.urls[0])
        await lines(log, 1)
        log.rename(old)
        place.put("nonsense: true\n")
        await refused(program)
        await answer(program.urls[0])
        await lines(log, 1)
    assert len(old.read_text().splitlines()) == 1


@one_and_two
async def test_a_reload_takes_the_log_elsewhere_and_away(place: Place, workers: str) -> None:
    first, second = place.folder / "first.log", place.folder / "second.log"
    with running(place.write(gateway="  access_log: {path: first.log}\n"), "--workers", workers) as program:
        async with talking(program.urls[0]) as peer:
            place.write(gateway="  access_log: {path: second.log, format: text}\n")
            await reloaded(program)
            await answer(program.urls[0])
            async with asyncio.timeout(PATIENCE):
                while not second.exists() or "event=session" not in second.read_text():
                    await asyncio.sleep(0.01)
            await peer.send("still there?")
            await peer.recv()
        # A session stays with the configuration that it began under.
        await lines(first, 1)
        place.write()
        await reloaded(program, 2)
        await answer(program.urls[0])
        await seen(program, "ended_by=client", 3)
        program.send(signal.SIGTERM)
        assert await ended(program) == 0
    assert (len(first.read_text().splitlines()), len(second.read_text().splitlines())) == (1, 1)


async def test_lines_of_several_workers_do_not_mix(place: Place) -> None:
    with running(place.write(gateway=LOG), "--workers", "2") as program:
        for _ in range(10):
            await asyncio.gather(*(answer(program.urls[0]) for _ in range(10)))
        await lines(place.folder / "access.log", 100)


@one_and_two
async def test_a_drain_writes_the_lines_of_what_it_ends(place: Place, workers: str) -> None:
    with running(place.write(gateway=LOG), "--workers", workers) as program:
        peers = [await talking(program.urls[0]) for _ in range(5)]
        program.send(signal.SIGTERM)
        assert await ended(program) == 0
        for peer in peers:
            await peer.close()
    assert [line["why"] for line in await lines(place.folder / "access.log", 5)] == ["drain"] * 5


@pytest.fixture
def silent(place: Place) -> Iterator[subprocess.Popen[str]]:
    """A gateway whose access log goes to its standard output."""
    words = command("run", place.write(gateway='  access_log: {path: "-"}\n'))
    with subprocess.Popen(
        words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_a_dash_is_standard_output(silent: subprocess.Popen[str]) -> None:
    assert silent.stderr is not None
    url = ""
    while not url.startswith(LISTENING):
        url = await asyncio.to_thread(silent.stderr.readline)
    await answer(url.removeprefix(LISTENING).strip())
    silent.send_signal(signal.SIGTERM)
    output, _ = await asyncio.to_thread(silent.communicate)
    assert [json.loads(line)["event"] for line in output.splitlines()] == ["session"]


# Traces


@one_and_two
async def test_a_reload_takes_traces_elsewhere(place: Place, workers: str) -> None:
    with collecting() as first, collecting() as second:
        with running(place.write(gateway=tracing(first)), "--workers", workers) as program:
            async with talking(program.urls[0]):
                await first.named("GET main")
                place.write(gateway=tracing(second))
                await reloaded(program)
                await answer(program.urls[0])
                await second.named("GET main", "session main")
                assert [span.name for span in first.spans].count("session main") == 0
            # It ends where it began.
            await first.named("session main")
            program.send(signal.SIGTERM)
            assert await ended(program) == 0
        assert [span.name for span in second.spans].count("session main") == 1


async def test_a_reload_that_changes_nothing_of_it_keeps_a_session_in_its_trace(place: Place) -> None:
    with collecting() as collector:
        with running(place.write(gateway=tracing(collector))) as program:
            async with talking(program.urls[0]):
                place.write(word="B:", gateway=tracing(collector))
                await reloaded(program)
            handshake, session = await collector.named("GET main", "session main")
        assert session.links == [handshake.place]


async def test_a_session_is_told_of_where_it_began_however_many_reloads_later(place: Place) -> None:
    with collecting() as collector:
        text = tracing(collector) + LOG
        with running(place.write(gateway=text)) as program:
            async with talking(program.urls[0]):
                place.write(word="B:", gateway=text)
                await reloaded(program, 1)
                place.write()
                await reloaded(program, 2)
                await answer(program.urls[0])
            await collector.named("session main")
            (line,) = await lines(place.folder / "access.log", 1)
        assert [span.name for span in collector.spans].count("GET main") == 1
    assert line["trace_id"] == next(span.trace_id for span in collector.spans if span.name == "GET main")


async def test_a_process_that_ends_has_sent_its_last_spans(place: Place) -> None:
    with collecting() as collector:
        text = tracing(collector, export_interval=600_000)
        with running(place.write(gateway=text)) as program:
            async with talking(program.urls[0]):
                program.send(signal.SIGTERM)
            assert await ended(program) == 0
        assert sorted(span.name for span in collector.spans) == ["GET main", "dial main", "session main"]


# Clients that no handler sees


async def refusal_of(url: str, request: bytes) -> int:
    """The status that a client's bytes are answered with."""
    async with raw.dialled(int(url.rpartition(":")[2])) as client:
        client.send_raw(request)
        return (await client.recv_head()).status


async def test_who_is_turned_away_before_there_is_a_request_to_serve_has_a_line(place: Place) -> None:
    limits = "  limits: {handshake_timeout: 200, max_connections: 1}\n"
    with running(place.write(gateway=LOG + limits)) as program:
        url = program.urls[0]
        assert await refusal_of(url, heads.upgrade_request(start="POST / HTTP/1.1")) == 405
        assert await refusal_of(url, b"nonsense\r\n\r\n") == 400
        assert await refusal_of(url, b"GET / HTTP/1.1\r\n") == 408
        async with talking(url):
            assert await refusal_of(url, heads.upgrade_request()) == 503
        found = await lines(place.folder / "access.log", 5)
    assert [line["status"] for line in found] == [405, 400, 408, 503, 101]
    assert {line["event"] for line in found[:4]} == {"refused"}
    assert {line["client_address"] for line in found} == {"127.0.0.1"}
    assert {line["path"] for line in found[:4]} == {None}


async def test_after_a_reload_they_are_in_the_new_log(place: Place) -> None:
    with running(place.write()) as program:
        url = program.urls[0]
        assert await refusal_of(url, b"nonsense\r\n\r\n") == 400
        place.write(gateway=LOG)
        await reloaded(program)
        assert await refusal_of(url, heads.upgrade_request(start="PUT / HTTP/1.1")) == 405
        (line,) = await lines(place.folder / "access.log", 1)
    assert line["status"] == 405
