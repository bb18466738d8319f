"""The end of a running gateway: who is told what, in which order, and how long it takes."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from tests.cli.program import Program, port_of
from tests.kit import frames, raw
from tests.operate.rig import PLUGIN, Place, chattering, ended, running, seen, talking

pytestmark = pytest.mark.patience(120)

one_and_two = pytest.mark.parametrize("workers", ["1", "2"])


@one_and_two
async def test_clients_are_still_let_in_for_the_delay_before_the_drain(place: Place, workers: str) -> None:
    with running(place.write(gateway="  pre_drain_delay: 1500\n"), "--workers", workers) as program:
        async with talking(program.urls[0]) as early:
            begun = time.monotonic()
            program.send(signal.SIGTERM)
            await seen(program, "SIGTERM: draining")
            async with talking(program.urls[0]) as late:
                for peer in (early, late):
                    await peer.send("hello")
                    assert await peer.recv() == "A:hello"
                for peer in (early, late):
                    with pytest.raises(ConnectionClosed) as caught:
                        await peer.recv()
                    assert caught.value.rcvd is not None and caught.value.rcvd.code == 1001
                assert time.monotonic() - begun >= 1.5
        assert await ended(program) == 0


async def test_the_code_of_the_drain_is_the_file_s(place: Place) -> None:
    with running(place.write(gateway="  limits: {drain_code: 1012}\n"), "--workers", "2") as program:
        async with talking(program.urls[0]) as peer:
            program.send(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as caught:
                await peer.recv()
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1012


@one_and_two
async def test_what_a_client_said_before_the_drain_is_answered_before_its_close_frame(
    place: Place, workers: str
) -> None:
    window = "  limits: {drain_window: 1000}\n"
    with running(place.write(gateway=window), "--workers", workers) as program:
        peers = [await talking(program.urls[0]) for _ in range(20)]
        program.send(signal.SIGTERM)
        codes = await asyncio.gather(*(until_closed(peer) for peer in peers))
        assert codes == [1001] * 20
        assert await ended(program) == 0


async def until_closed(peer: object) -> int:
    # Whoever has not been told to go has every answer; nothing is said after the close frame.
    count = 0
    try:
        while True:
            await peer.send(str(count))  # type: ignore[attr-defined]
            assert await peer.recv() == f"A:{count}"  # type: ignore[attr-defined]
            count += 1
    except ConnectionClosed as error:
        assert error.rcvd is not None
        return error.rcvd.code


async def test_a_reload_asked_for_during_the_drain_changes_nothing(place: Place) -> None:
    with running(place.write(gateway="  pre_drain_delay: 700\n")) as program:
        async with chattering(program.urls[0], 2, "A:") as chatters:
            program.send(signal.SIGTERM)
            await seen(program, "SIGTERM: draining")
            place.write(word="B:")
            program.send(signal.SIGHUP)
            await asyncio.sleep(0.3)
            for chatter in chatters:
                chatter.stop()
        assert await ended(program) == 0
        assert not [line for line in program.log.seen if "reloaded" in line]


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Room for the connections of the test itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@one_and_two
async def test_a_thousand_clients_are_all_told_that_the_gateway_drains(
    place: Place, workers: str, many_descriptors: None
) -> None:
    with running(place.write(), "--workers", workers) as program:
        gate = asyncio.Semaphore(50)
        clients = [Told(port_of(program.urls[0]), gate) for _ in range(1000)]
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.stay())
            for client in clients:
                await client.in_session.wait()
            begun = time.monotonic()
            program.send(signal.SIGTERM)
        assert [client.close for client in clients] == [(1001, "")] * 1000
        assert await ended(program) == 0, program.log.seen[-30:]
        print(f"{workers} process(es): 1,000 sessions drained in {time.monotonic() - begun:.2f} seconds")


class Told:
    """A client that stays until it is told to go, and answers in order."""

    def __init__(self, port: int, gate: asyncio.Semaphore) -> None:
        self.close: tuple[int | None, str] | None = None
        self.in_session = asyncio.Event()
        self._port = port
        self._gate = gate

    async def stay(self) -> None:
        await self._gate.acquire()
        async with raw.connected(self._port) as peer:
            self._gate.release()
            self.in_session.set()
            self.close = await peer.recv_close(60)
            peer.send(frames.close(1001))
            await peer.ended(60)


@pytest.mark.parametrize(("number", "then"), [(signal.SIGTERM, "ends"), (signal.SIGHUP, "reloads")])
def test_a_signal_that_comes_while_the_file_is_read_is_not_lost(
    place: Place, number: signal.Signals, then: str
) -> None:
    slow = "import sys, time\nif not hasattr(sys, 'twice'): print('reading', flush=True); time.sleep(1)\n"
    slow += "sys.twice = True\n"
    place.plugin(slow + PLUGIN)
    program = Program("run", place.write())
    try:
        program.output.matching("reading")
        program.send(number)
        if then == "ends":
            assert program.status() == 0
            assert program.log.seen == []
        else:
            program.log.matching(": reloaded, generation 2")
    finally:
        program.close()
