"""Silence, age and keepalive: what each timeout does, and what time does not count."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import Any

import pytest

from tests.kit import frames
from tests.kit.frames import Frame, binary, close, cont, frame, ping, pong, text
from tests.kit.gateway import proxied
from tests.kit.raw import RawPeer

pytestmark = pytest.mark.usefixtures("loop_kind")

UNLIMITED = {"client_max_frame_size": None, "upstream_max_frame_size": None}
sides = pytest.mark.parametrize("side", ["client", "upstream"])


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def timeouts_logged(caplog: pytest.LogCaptureFixture, side: str) -> list[str]:
    """Log lines that tell of a receive timeout of this side."""
    told = (record.getMessage() for record in caplog.records if record.name.startswith("framegate"))
    return [line for line in told if side in line and re.search(r"time[d ]?-?out|no frame|recv_timeout", line)]


@pytest.fixture(autouse=True)
def all_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "framegate")


@sides
async def test_a_recv_timeout_is_logged_and_waiting_goes_on(side: str, caplog: pytest.LogCaptureFixture) -> None:
    async with proxied(recv_timeout=0.08) as conv:
        source, target = conv.ends(side)
        await asyncio.sleep(0.3)
        assert timeouts_logged(caplog, side)
        source.send(text("late"))
        assert await target.recv() == text("late")


@sides
async def test_a_recv_timeout_in_the_middle_of_a_frame_loses_nothing(side: str) -> None:
    async with proxied(lambda origin, typ, payload, last, code: payload + b"!", recv_timeout=0.05) as conv:
        source, target = conv.ends(side)
        octets = source.encode(text("cut in three"))
        for part in (octets[:1], octets[1:7], octets[7:]):
            source.send_raw(part)
            await asyncio.sleep(0.15)
        assert await target.recv() == text("cut in three!")


@sides
async def test_a_recv_timeout_in_the_middle_of_a_message_loses_nothing(side: str) -> None:
    async with proxied(aggregate_fragments=True, recv_timeout=0.05) as conv:
        source, target = conv.ends(side)
        source.send(text("one ", fin=False))
        await asyncio.sleep(0.2)
        source.send(cont("message", fin=True))
        assert await target.recv() == text("one message")


async def test_an_idle_session_is_closed_with_1001_on_both_sides() -> None:
    async with proxied(idle_timeout=0.15) as conv:
        assert await conv.client.recv_close() == (1001, "")
        assert await conv.upstream.recv_close() == (1001, "")
        conv.client.send(close(1001))
        conv.upstream.send(close(1001))
        record = await conv.finished()
        assert (record.ended_by, record.why) == ("proxy", "timeout")


@sides
@pytest.mark.parametrize("value", [text("x"), ping("x"), pong("x")], ids=repr)
async def test_any_frame_of_either_side_keeps_a_session_from_being_idle(side: str, value: Frame) -> None:
    async with proxied(idle_timeout=0.3) as conv:
        source, target = conv.ends(side)
        for _ in range(6):
            source.send(value)
            assert await target.recv() == value
            await asyncio.sleep(0.07)
        assert await target.recv_close() == (1001, "")


async def test_framegates_own_pings_do_not_keep_a_session_from_being_idle() -> None:
    async with proxied(idle_timeout=0.3, ping_interval=0.05, ping_timeout=10) as conv:
        for peer in (conv.client, conv.upstream):
            while (value := await peer.recv()).opcode == frames.PING:
                pass
            assert value == close(1001)


async def test_nor_do_the_pongs_that_answer_them() -> None:
    async def answer(peer: RawPeer) -> frames.Frame:
        while (value := await peer.recv()).opcode == frames.PING:
            peer.send(pong(value.payload))
        return value

    async with proxied(idle_timeout=0.3, ping_interval=0.05, ping_timeout=10) as conv, asyncio.timeout(5):
        answers = await asyncio.gather(answer(conv.client), answer(conv.upstream))
        assert answers == [close(1001), close(1001)]


async def test_a_pong_that_nobody_asked_for_does_keep_it() -> None:
    async with proxied(idle_timeout=0.3) as conv:
        for _ in range(10):
            conv.client.send(pong("here"))
            assert await conv.upstream.recv() == pong("here")
            await asyncio.sleep(0.05)


async def test_a_busy_session_ends_with_1001_at_its_max_lifetime() -> None:
    async with proxied(max_lifetime=0.4) as conv:
        async with asyncio.timeout(5):
            while True:
                conv.client.send(text("busy"))
                if (value := await conv.upstream.recv()) != text("busy"):
                    break
                await asyncio.sleep(0.02)
        assert value == close(1001)
        assert await conv.client.recv_close() == (1001, "")
        conv.client.send(close(1001))
        conv.upstream.send(close(1001))
        record = await conv.finished()
        assert (record.ended_by, record.why) == ("proxy", "timeout")
        assert record.duration >= 0.4


@sides
async def test_each_side_is_pinged_and_its_pong_is_consumed(side: str) -> None:
    seen: list[str] = []

    def note(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        seen.append(typ)
        return payload

    async with proxied(note, ping_interval=0.08) as conv:
        source, target = conv.ends(side)
        payloads = set()
        for _ in range(3):
            value = await source.recv()
            assert value.opcode == frames.PING and value.payload
            payloads.add(value.payload)
            source.send(pong(value.payload))
        assert len(payloads) == 3
        source.send(text("after"))
        while (value := await target.recv()).opcode == frames.PING:
            target.send(pong(value.payload))
        assert value == text("after")
    assert seen == ["text"]


@sides
async def test_pings_and_pongs_of_the_peers_are_relayed_beside_the_keepalive(side: str) -> None:
    async with proxied(ping_interval=0.1, ping_timeout=5) as conv:
        source, target = conv.ends(side)
        own = await source.recv()
        source.send(ping("mine"), pong("unasked"), pong(own.payload), ping("mine too"))
        relayed: list[Frame] = []
        while len(relayed) < 3:
            value = await target.recv()
            if value.payload in (b"mine", b"unasked", b"mine too"):
                relayed.append(value)
            else:
                assert value.opcode == frames.PING
        assert relayed == [ping("mine"), pong("unasked"), ping("mine too")]


@sides
async def test_a_side_that_gives_no_sign_of_life_is_aborted_and_the_other_gets_1001(side: str) -> None:
    async with proxied(ping_interval=0.1, ping_timeout=0.2) as conv:
        dead, alive = conv.ends(side)

        async def answering() -> Frame:
            while (value := await alive.recv()).opcode == frames.PING:
                alive.send(pong(value.payload))
            return value

        assert await answering() == close(1001)
        alive.send(close(1001))
        await dead.gone()
        assert (await conv.finished()).why == "timeout"


@sides
async def test_any_frame_is_a_sign_of_life(side: str) -> None:
    async with proxied(ping_interval=0.1, ping_timeout=0.4) as conv:
        source, target = conv.ends(side)

        async def answering() -> None:
            while True:
                value = await target.recv()
                if value.opcode == frames.PING:
                    target.send(pong(value.payload))

        answerer = asyncio.create_task(answering())
        try:
            for _ in range(8):
                source.send(text("alive"))
                await asyncio.sleep(0.1)
        finally:
            await stopped(answerer)
        assert not conv.record.done()
        assert [value for value in target.received if value.opcode == frames.TEXT]
        assert frames.CLOSE not in {value.opcode for value in target.received}


class Gate:
    """A hook that holds one payload back until it is opened."""

    def __init__(self, held: bytes = b"held") -> None:
        self.held = held
        self.opened = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        if payload == self.held:
            self.entered.set()
            await self.opened.wait()
        return payload


@sides
async def test_the_time_of_a_pending_hook_is_no_recv_timeout(side: str, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    async with proxied(gate, recv_timeout=0.25) as conv:
        source, target = conv.ends(side)
        source.send(text("held"))
        await gate.entered.wait()
        caplog.clear()
        await asyncio.sleep(0.6)
        assert timeouts_logged(caplog, side) == []
        gate.opened.set()
        assert await target.recv() == text("held")


@sides
async def test_the_time_of_a_pending_hook_is_no_ping_timeout(side: str) -> None:
    gate = Gate()
    async with proxied(gate, ping_interval=0.1, ping_timeout=0.15) as conv:
        source, target = conv.ends(side)

        async def answering(peer: RawPeer) -> None:
            while (value := await peer.recv()).opcode == frames.PING:
                peer.send(pong(value.payload))

        source.send(text("held"))
        await gate.entered.wait()
        answerers = [asyncio.create_task(answering(peer)) for peer in (source, target)]
        await asyncio.sleep(0.6)
        assert not conv.record.done()
        gate.opened.set()
        await asyncio.wait_for(answerers[1], 5)
        assert target.received[-1] == text("held")
        await stopped(answerers[0])


@sides
async def test_paused_time_counts_toward_no_timeout_of_that_side(side: str, caplog: pytest.LogCaptureFixture) -> None:
    async with proxied(recv_timeout=0.1, ping_interval=0.1, ping_timeout=0.15) as conv:
        paused, other = conv.ends(side)

        async def answering(peer: RawPeer) -> None:
            while (value := await peer.recv()).opcode == frames.PING:
                peer.send(pong(value.payload))

        answerers = [asyncio.create_task(answering(peer)) for peer in (paused, other)]
        await asyncio.sleep(0.05)
        conv.proxy.pause(side)
        caplog.clear()
        await asyncio.sleep(0.6)
        assert timeouts_logged(caplog, side) == []
        assert not conv.record.done()
        conv.proxy.resume(side)
        paused.send(text("back"))
        await asyncio.wait_for(answerers[1], 5)
        assert other.received[-1] == text("back")
        await stopped(answerers[0])


async def test_a_session_is_not_idle_while_its_frames_wait_for_a_hook() -> None:
    gate = Gate()
    async with proxied(gate, idle_timeout=0.2) as conv:
        conv.client.send(text("held"))
        await gate.entered.wait()
        await asyncio.sleep(0.6)
        gate.opened.set()
        assert await conv.upstream.recv() == text("held")


async def test_the_idle_timeout_starts_again_with_resume() -> None:
    async with proxied(idle_timeout=0.3) as conv:
        conv.proxy.pause("client")
        conv.proxy.pause("upstream")
        await asyncio.sleep(0.7)
        assert not conv.record.done()
        conv.proxy.resume("client")
        conv.proxy.resume("upstream")
        conv.client.send(text("still there"))
        assert await conv.upstream.recv() == text("still there")
        assert await conv.client.recv_close() == (1001, "")


@sides
async def test_a_side_that_takes_nothing_is_aborted_and_the_other_gets_1001(side: str) -> None:
    async with proxied(write_timeout=0.3) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        for _ in range(192):
            source.send(binary(bytes(1 << 16)))
        async with asyncio.timeout(10):
            while (value := await source.recv(10)).opcode != frames.CLOSE:
                pass
        assert value == close(1001)
        record = await conv.finished(10)
        other = "upstream" if side == "client" else "client"
        assert (record.ended_by, record.why) == ("proxy", "timeout")
        assert record.detail == f"write_timeout: the {other} takes nothing"
        target.read_on()
        await target.gone()
        assert frames.CLOSE not in {value.opcode for value in target.received}


@sides
async def test_a_slow_reader_is_not_one_that_takes_nothing(side: str) -> None:
    payload = bytes(12 << 20)
    async with proxied(keep, write_timeout=0.3, **UNLIMITED) as conv:
        source, target = conv.ends(side)
        target.stop_reading()
        source.send(binary(payload))
        await asyncio.sleep(0.1)
        target.read_on()
        left = len(frame(frames.BINARY, payload, mask=source.is_client))
        while left:
            left -= len(await target.recv_octets(min(left, 1 << 18)))
            await asyncio.sleep(0.02)
        assert not conv.record.done()


async def test_without_timeouts_a_silent_session_stays_open() -> None:
    async with proxied() as conv:
        started = time.monotonic()
        await asyncio.gather(conv.client.silent(0.4), conv.upstream.silent(0.4))
        assert time.monotonic() - started >= 0.4
        conv.client.send_raw(frame(frames.TEXT, b"x", mask=True))
        assert await conv.upstream.recv() == text("x")
